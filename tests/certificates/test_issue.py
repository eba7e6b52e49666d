"""Issuing: once for the same books, never without booked money, and the same again after a crash."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from services.adapters.clock import SHANGHAI
from services.certificates import Document, NotYet, Verdict
from services.certificates.press import Press
from services.domain.errors import Unavailable
from services.store.certificates import CertificateFileRow, CertificateRow
from tests.certificates.conftest import NAME, NUMBER, ONESELF, Office, months, record, text_of


async def count(office: Office, table: type) -> int:
    async with office.database.read() as session:
        return int(await session.scalar(select(func.count()).select_from(table)) or 0)


async def test_the_paper_of_a_booked_year(
    office: Office, press: Press, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office.certificates._archive, "_press", press)
    document = await office.issue()
    assert isinstance(document, Document)
    assert document.title == "社会保险费缴费记录凭证"
    assert document.expires_at == office.clock.now() + timedelta(minutes=10)
    pdf = await office.pdf(document)
    assert hashlib.sha256(pdf).hexdigest() == document.sha256
    text = text_of(pdf)
    assert document.number in text
    assert NAME in text
    assert NUMBER in text


async def test_the_same_books_give_the_same_paper_and_another_link(office: Office) -> None:
    first = await office.issue()
    pdf = await office.pdf(first)
    office.clock.advance(days=30)
    again = await office.issue()
    assert (again.number, again.sha256) == (first.number, first.sha256)
    assert again.url != first.url
    assert await office.pdf(again) == pdf


async def test_a_new_record_gives_a_new_paper_and_the_old_one_stays_true(office: Office) -> None:
    first = await office.issue()
    code = await office.code(first)
    office.bureau.books.append(months(1)[0])
    second = await office.issue()
    assert second.number != first.number
    assert (await office.certificates.check(first.number, code, address="a")).verdict is Verdict.GENUINE


async def test_each_person_and_year_has_a_paper_of_its_own(office: Office) -> None:
    office.bureau.books.append(record("r0", fee_year=2025))
    numbers = {
        (await office.issue(2026)).number,
        (await office.issue(2025)).number,
        (await office.issue(2026, person_id="person-2")).number,
    }
    assert len(numbers) == 3


async def test_many_at_once_get_one_paper(office: Office) -> None:
    documents = await asyncio.gather(*(office.issue() for _ in range(8)))
    assert len({document.number for document in documents}) == 1
    assert len({document.sha256 for document in documents}) == 1
    assert await count(office, CertificateRow) == 1
    assert await count(office, CertificateFileRow) == 1


async def test_nothing_paid_gives_nothing(office: Office) -> None:
    office.bureau.books.clear()
    assert await office.issue() is None


@pytest.mark.parametrize(
    "paid_at, asked_at, earliest, latest",
    [
        ("2026-11-23T09:00", "2026-11-23T10:00", date(2026, 11, 24), date(2026, 11, 26)),
        ("2026-11-27T23:59", "2026-11-28T10:00", date(2026, 11, 30), date(2026, 12, 2)),
        ("2026-09-30T12:00", "2026-10-03T10:00", date(2026, 10, 8), date(2026, 10, 10)),
        ("2026-02-13T12:00", "2026-02-13T12:00", date(2026, 2, 14), date(2026, 2, 25)),
    ],
)
async def test_paid_and_not_booked_tells_the_days(
    office: Office, paid_at: str, asked_at: str, earliest: date, latest: date
) -> None:
    office.bureau.books.clear()
    office.pending.append(_moment(paid_at))
    office.clock.advance(seconds=(_moment(asked_at) - office.clock.now()).total_seconds())
    assert await office.issue() == NotYet(earliest=earliest, latest=latest, fee_year=2026)


async def test_a_day_that_has_passed_is_not_promised(office: Office) -> None:
    office.bureau.books.clear()
    office.pending.append(_moment("2026-11-02T09:00"))
    found = await office.issue()
    assert isinstance(found, NotYet)
    assert office.clock.now().date() <= found.earliest <= found.latest
    assert found.latest > office.clock.now().date()


async def test_what_is_booked_can_be_had_while_more_is_on_its_way(office: Office) -> None:
    office.pending.append(_moment("2026-11-23T09:00"))
    assert isinstance(await office.issue(), Document)


async def test_the_books_know_of_a_booking_before_we_have_looked(office: Office) -> None:
    office.pending.append(_moment("2026-11-23T09:00"))
    assert list(await office.certificates.pending(ONESELF)) == [2026]
    office.bureau.books.append(record("r2", order_no="key0"))
    assert await office.certificates.pending(ONESELF) == {}


async def test_a_record_that_is_not_booked_gives_no_paper(office: Office) -> None:
    office.bureau.books[:] = [record(booked_on=None)]
    assert await office.issue() is None


async def test_a_year_that_was_wholly_refunded_gives_no_paper(office: Office) -> None:
    office.bureau.books[:] = [record(refunded_on=date(2026, 3, 2))]
    assert await office.issue() is None


async def test_a_refund_voids_the_paper_and_its_links_and_gives_another(office: Office) -> None:
    office.bureau.books[:] = [record(), *months(1)]
    first = await office.issue()
    code = await office.code(first)
    office.bureau.books[:] = [record(refunded_on=date(2026, 3, 2)), *months(1)]
    second = await office.issue()
    assert second.number != first.number
    assert await office.certificates.open_file(first.url.rpartition("/")[2]) is None
    assert (await office.certificates.check(first.number, code, address="a")).verdict is Verdict.VOID
    assert "-400.00" in text_of(await office.pdf(second))


async def test_a_void_number_stays_void_when_the_books_come_back(office: Office) -> None:
    first = await office.issue()
    code = await office.code(first)
    right = office.bureau.books[0]
    office.bureau.books[:] = [replace(right, amount=Decimal("380.00"))]
    second = await office.issue()
    office.bureau.books[:] = [right]
    third = await office.issue()
    assert len({first.number, second.number, third.number}) == 3
    assert (await office.certificates.check(first.number, code, address="a")).verdict is Verdict.VOID
    assert (await office.issue()).number == third.number


async def test_a_bureau_that_can_not_be_asked_gives_no_paper(office: Office) -> None:
    office.bureau.error = Unavailable("bureau")
    with pytest.raises(Unavailable):
        await office.issue()


async def test_nothing_of_the_paper_is_stored_in_the_clear(office: Office) -> None:
    await office.issue()
    async with office.database.read() as session:
        rows = [*(await session.scalars(select(CertificateRow))).all()]
        files = [*(await session.scalars(select(CertificateFileRow))).all()]
    stored = b"".join([rows[0].facts, files[0].pdf, files[0].preview])
    for secret in (NAME.encode(), NUMBER.encode(), b"%PDF", b"PNG"):
        assert secret not in stored
    assert NUMBER not in repr(vars(rows[0]))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)
