"""Killed between number and file: the next try ends with one number and the file of that number."""

import hashlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from services.certificates import service
from services.certificates.press import CannotPrint, Press
from services.certificates.signing import Signer
from services.store.certificates import AVAILABLE, NUMBERED, CertificateRow
from tests.certificates.conftest import NUMBER, Office, QuickPress, text_of
from tests.certificates.crash import issue
from tests.conftest import FixedClock
from tests.killed import assert_killed, killed_at


@pytest.mark.parametrize(
    ("point", "left"),
    [
        (killed_at("certificates.issue.before_number"), None),
        (killed_at("certificates.issue.after_number"), NUMBERED),
        (killed_at("certificates.issue.before_file"), NUMBERED),
        (killed_at("certificates.issue.after_file"), AVAILABLE),
    ],
)
async def test_a_kill_leaves_one_number_and_one_file(
    tmp_path: Path,
    press: Press,
    signer: Signer,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
    left: str | None,
) -> None:
    monkeypatch.setattr(service, "Press", lambda _signer: press)
    keys = signer.key_file.parent.parent
    died = subprocess.run(
        [sys.executable, "-m", "tests.certificates.crash", str(tmp_path), str(keys)],
        env={**os.environ, "SHEBAO_CRASHPOINT": point},
        capture_output=True,
        check=False,
    )
    assert_killed(died.returncode, point, died.stderr.decode())
    before = _papers(tmp_path)
    assert [state for _, state in before] == ([left] if left else [])
    clock = FixedClock()
    clock.advance(days=2)
    paper, pdf = await issue(tmp_path, clock, keys)
    assert _papers(tmp_path) == [(paper.number, AVAILABLE)]
    assert [number for number, _ in before] == ([paper.number] if left else [])
    assert hashlib.sha256(pdf).hexdigest() == paper.sha256
    assert ("2026年11月23日" if left else "2026年11月25日") in text_of(pdf)  # the day of the number
    assert NUMBER in text_of(pdf)


async def test_a_press_that_jams_keeps_the_number(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    async def jammed(*_: object) -> None:
        raise CannotPrint

    with monkeypatch.context() as patch:
        patch.setattr(QuickPress, "make", jammed)
        with pytest.raises(CannotPrint):
            await office.issue()
        async with office.database.read() as session:
            numbered = (await session.scalars(select(CertificateRow))).one()
    document = await office.issue()
    assert (document.number, numbered.state) == (numbered.number, NUMBERED)


def _papers(folder: Path) -> list[tuple[str, str]]:
    with sqlite3.connect(folder / "crash.db") as store:
        return store.execute("SELECT number, state FROM certificate").fetchall()
