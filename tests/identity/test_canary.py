"""The search for leaks finds leaks, and the books of identity have none."""

import base64
import gzip
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.personal_numbers import is_card
from services.domain.id_documents import check_id_number
from services.store.base import Base
from services.store.session import Database
from tests.canary import Canary, find_canaries, plant
from tests.identity.conftest import CHAT, Flow


def test_a_canary_is_plausible_and_nobody() -> None:
    canary = plant()
    assert check_id_number(canary.id_number).ok
    assert canary.id_number[14:17] == "000"
    assert is_card(canary.bank_card)


CODINGS: list[Callable[[Canary], bytes]] = [
    lambda c: f"number={c.id_number};".encode(),
    lambda c: f"姓名：{c.name}。".encode(),
    lambda c: c.name.encode("utf-16-le"),
    lambda c: c.id_number.encode("utf-16-be"),
    lambda c: c.name.encode("gb18030"),
    lambda c: c.id_number.encode().hex().encode(),
    lambda c: c.name.encode().hex().upper().encode(),
    lambda c: base64.b64encode(f"x{c.id_number}".encode()),
    lambda c: base64.b64encode(f"xy{c.id_number}y".encode()),
    lambda c: base64.b64encode(c.mobile.encode()),
    lambda c: " ".join(c.mobile).encode(),
    lambda c: c.bank_card.encode(),
    lambda c: c.email.encode(),
    lambda c: c.name.encode("unicode_escape"),
]


@pytest.mark.parametrize("leak", CODINGS, ids=range(len(CODINGS)))
def test_a_leak_is_found_in_whatever_coding(leak: Callable[[Canary], bytes], tmp_path: Path) -> None:
    canary = plant()
    (tmp_path / "clean.log").write_bytes(b"nothing here\n" * 1000)
    (tmp_path / "deep").mkdir()
    file = tmp_path / "deep" / "any.db-wal"
    file.write_bytes(b"\x00" * 5_000_000 + leak(canary) + b"\x00" * 100)
    found = find_canaries(tmp_path, [canary])
    assert {sighting.path for sighting in found} == {file}
    assert canary.id_number not in repr(found)


def test_a_leak_over_the_edge_of_a_chunk_is_found(tmp_path: Path) -> None:
    canary = plant()
    (tmp_path / "a.log").write_bytes(b" " * ((1 << 22) - 7) + canary.mobile.encode())
    assert len(find_canaries(tmp_path, [canary])) == 1


def test_compressed_logs_and_deleted_rows_are_read_too(tmp_path: Path) -> None:
    canary = plant()
    (tmp_path / "old.log.gz").write_bytes(gzip.compress(canary.mobile.encode()))
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("PRAGMA secure_delete=OFF")
        connection.execute("CREATE TABLE t (v TEXT)")
        connection.execute("INSERT INTO t VALUES (?)", (canary.id_number,))
        connection.commit()
        connection.execute("DELETE FROM t")
        connection.commit()
    connection.close()
    assert {s.path.name for s in find_canaries(tmp_path, [canary])} == {"old.log.gz", "x.db"}


def test_other_peoples_books_are_not_ours(tmp_path: Path) -> None:
    canary = plant()
    (tmp_path / "sandbox.db-wal").write_text(canary.id_number)
    assert find_canaries(tmp_path, [canary]) == []


async def test_the_books_of_identity_hold_no_canary(flow: Flow, database: Database, tmp_path: Path) -> None:
    canary, other = plant(), plant()
    await flow.log_in(name=canary.name, number=canary.id_number)
    await flow.type_in("rest:other", name=other.name, number=other.id_number)
    await flow.identity.unbind(CHAT)
    rows = 0
    with (tmp_path / "dump.txt").open("wb") as dump:
        for table in Base.metadata.sorted_tables:
            async with database.read() as session:
                for row in await session.execute(select(table)):
                    rows += 1
                    dump.write(b"|".join(v if isinstance(v, bytes) else str(v).encode() for v in row) + b"\n")
    assert rows > 8
    assert find_canaries(tmp_path, [canary, other]) == []
