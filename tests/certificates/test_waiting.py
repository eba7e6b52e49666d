"""Who asked too early is told once the paper can be had, once, and nobody else is."""

from datetime import date, datetime
from pathlib import Path

import pytest

from services.adapters.clock import SHANGHAI
from services.certificates import PAYMENT_RECORD, TAX_CERTIFICATE
from services.domain import workdays
from services.domain.errors import Unavailable
from tests.certificates.conftest import CHAT, ONESELF, PERSON_ID, Office, record

PAID = datetime(2026, 11, 23, 9, 0, tzinfo=SHANGHAI)


@pytest.fixture
def early(office: Office) -> Office:
    office.bureau.books = []
    office.pending.append(PAID)
    return office


async def wish(office: Office, kind: str = PAYMENT_RECORD) -> bool:
    return await office.certificates.tell_when_there(ONESELF, conversation_id=CHAT, kind=kind, fee_year=2026)


async def told(office: Office) -> list[dict[str, object]]:
    return [notice.facts for notice in await office.notices.find_open(CHAT)]


@pytest.mark.parametrize("kind", [PAYMENT_RECORD, TAX_CERTIFICATE])
async def test_told_once_it_is_there(early: Office, kind: str) -> None:
    assert await wish(early, kind)
    assert await wish(early, kind)
    await early.durable.run_due()
    assert await told(early) == []
    early.clock.advance(days=1)
    await early.durable.run_due()
    assert await told(early) == []
    early.bureau.books = [record()]
    early.clock.advance(minutes=61)
    await early.durable.run_due()
    assert await told(early) == [{"paper": kind, "fee_year": 2026, "person_id": PERSON_ID}]
    early.clock.advance(days=2)
    await early.durable.run_due()
    assert len(await told(early)) == 1


async def test_a_bureau_that_is_silent_is_asked_again(early: Office) -> None:
    await wish(early)
    early.bureau.error = Unavailable()
    early.clock.advance(days=1)
    await early.durable.run_due()
    early.bureau.error, early.bureau.books = None, [record()]
    early.clock.advance(minutes=10)
    await early.durable.run_due()
    assert len(await told(early)) == 1


async def test_who_was_unbound_is_told_nothing(early: Office) -> None:
    await wish(early)
    early.people.speaks = False
    early.bureau.books = [record()]
    early.clock.advance(days=2)
    await early.durable.run_due()
    assert await told(early) == []


async def test_nobody_waits_for_ever(early: Office) -> None:
    await wish(early)
    early.clock.advance(days=60)
    await early.durable.run_due()
    early.bureau.books = [record()]
    early.clock.advance(days=1)
    await early.durable.run_due()
    assert await told(early) == []


async def test_nothing_pending_is_nothing_to_wait_for(office: Office) -> None:
    assert not await wish(office)


async def test_who_waits_is_told_by_the_new_day_when_the_calendar_is_corrected(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workdays, "_of_the_operator", {})
    monkeypatch.setattr(workdays, "_watched", {})
    calendar = tmp_path / "calendar.yml"
    rule = "year: 2026\nprovisional: true\nsource: guessed\nholidays: [{}]\n"
    calendar.write_text(rule.format("2026-11-24, 2026-11-25, 2026-11-26, 2026-11-27"), encoding="utf-8")
    workdays.use_calendar(calendar)
    office.bureau.books = []
    office.pending.append(PAID)
    not_yet = await office.certificates.not_yet(ONESELF, 2026)
    assert not_yet is not None
    assert (not_yet.earliest, not_yet.provisional) == (date(2026, 11, 30), True)
    await wish(office)
    calendar.write_text(rule.format(""), encoding="utf-8")
    office.bureau.books = [record()]
    office.clock.advance(hours=6)
    await office.durable.run_due()
    assert await told(office) == [], "not before the first day on which it can be there"
    office.clock.advance(days=1)
    await office.durable.run_due()
    assert len(await told(office)) == 1


async def test_before_the_first_day_the_bureau_is_not_asked(early: Office) -> None:
    await wish(early)
    early.bureau.error = AssertionError("nothing can be there yet")
    early.clock.advance(hours=7)
    await early.durable.run_due()
    early.bureau.error, early.bureau.books = None, [record()]
    early.clock.advance(days=1)
    await early.durable.run_due()
    assert len(await told(early)) == 1
