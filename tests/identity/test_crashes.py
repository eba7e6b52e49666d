"""Killed at any point of logging in, and the resident goes on with at most one page more."""

from pathlib import Path

import pytest
from sqlalchemy import select

from services.store.people import BindingRow, PersonRow, VerificationRow
from tests.identity.conftest import CHAT, NAME
from tests.identity.crash import die, log_in, opened
from tests.killed import killed_at

POINTS = [
    killed_at("identity.consent.after_take"),
    killed_at("identity.consent.after_exchange"),
    killed_at("identity.consent.after_grant"),
    killed_at("identity.verification.after_call"),
    killed_at("identity.bind.before_commit"),
]
MEANT = killed_at("identity.verification.after_intent")


@pytest.mark.parametrize("point", POINTS)
async def test_logging_in_goes_on_after_a_kill(
    point: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.identity.consents.OTHERS_SETTLE_IN", 0.1)
    die("login", tmp_path, point)
    identity, provider, _, database = await opened(tmp_path)
    try:
        assert await log_in(identity, provider) <= 2
        bound = await identity.find_bound(CHAT)
        assert bound
        assert (await identity.get_person(bound.person_id)).name == NAME
        assert len(provider.used) == len(set(provider.used)) + (point == "identity.consent.after_exchange")
        async with database.read() as session:
            assert len((await session.scalars(select(PersonRow))).all()) == 1
            assert len((await session.scalars(select(BindingRow))).all()) == 1
            left = (await session.scalars(select(VerificationRow))).all()
        assert {row.facts for row in left} == {None}
        assert [row.status for row in left].count("passed") == 1
    finally:
        await database.close()


async def test_a_second_verification_that_was_only_meant_is_started_again(tmp_path: Path) -> None:
    die("again", tmp_path, MEANT)
    identity, provider, _, database = await opened(tmp_path)
    try:
        assert await identity.find_bound(CHAT)
        link = await identity.step_up(CHAT)
        back = provider.decide(link.url)
        await identity.on_verification_return(back.partition("ref=")[2])
        assert (await identity.progress(CHAT)).step == "verified"
        async with database.read() as session:
            tries = (await session.scalars(select(VerificationRow))).all()
        assert [row.status for row in tries].count("passed") == 2
        assert {row.facts for row in tries} == {None}
    finally:
        await database.close()
