"""Tax certificates: first issued once, reissued in one chain, void after a refund, shared with who has paid."""

import asyncio
import os
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import func, select

from services.certificates import Verdict
from services.certificates.checking import Checked
from services.domain.errors import Refused
from services.store.certificates import CertificateRow
from tests.certificates.conftest import (
    CHAT,
    FOR_ANOTHER,
    NAME,
    NUMBER,
    ONESELF,
    PAYER_ID,
    PAYER_NUMBER,
    Office,
    months,
    record,
    text_of,
)

ROUNDS = 200 if os.environ.get("SHEBAO_TEST_FULL") else 2
AT_ONCE = 50
TICKET = "452015251190000001"


async def check(office: Office, document: object, number: str = TICKET) -> Checked:
    code = await office.code(document)  # type: ignore[arg-type]
    return await office.certificates.check(number, code, address="203.0.113.9")


@pytest.mark.timeout(1800)
async def test_many_first_issues_at_once_are_one(office: Office) -> None:
    office.bureau.books = [
        record(f"r{n}", fee_year=2000 + n, ticket_no=f"4520152511{n:08d}") for n in range(ROUNDS)
    ]
    handles = [ticket.handle for ticket in await office.tickets()]
    for handle in handles:
        made = await asyncio.gather(
            *(
                office.certificates.issue_tax_certificate(
                    ONESELF, conversation_id=f"{CHAT}-{n}", handle=handle, issue=0
                )
                for n in range(AT_ONCE)
            )
        )
        assert len({(paper.number, paper.sha256) for paper in made}) == 1
        assert len({paper.url for paper in made}) == AT_ONCE
    async with office.database.read() as session:
        issued = select(CertificateRow.number, func.count()).group_by(CertificateRow.number)
        assert {count for _, count in (await session.execute(issued)).all()} == {1}


async def test_a_first_issue_moves_the_ticket_to_the_reissues(office: Office) -> None:
    (ticket,) = await office.tickets()
    assert (ticket.number, ticket.next_issue, ticket.first_issued_on) == (TICKET, 0, None)
    first = await office.tax()
    (ticket,) = await office.tickets()
    assert (ticket.next_issue, ticket.first_issued_on) == (1, date(2026, 11, 23))
    assert ticket.issued_here
    before = await office.pdf(first)
    office.clock.advance(days=30)
    assert await office.pdf(await office.tax()) == before


async def test_reissues_bear_the_number_and_count(office: Office) -> None:
    await office.tax()
    office.clock.advance(days=3)
    await office.tax(1)
    office.clock.advance(days=3)
    third = await office.tax(2)
    first, second, doubled = await office.tax(0), await office.tax(1), await office.tax(1)
    assert {paper.number for paper in (first, second, third)} == {TICKET}
    assert second.sha256 == doubled.sha256
    assert len({first.sha256, second.sha256, third.sha256}) == 3
    text = text_of(await office.pdf(third))
    assert "补开（第2次），首次填发日期：2026年11月23日" in text
    assert "2026年11月29日" in text
    assert "补开" not in text_of(await office.pdf(first))
    found = [await check(office, paper) for paper in (first, second, third)]
    assert [(one.verdict, one.issue, one.latest_issue) for one in found] == [
        (Verdict.GENUINE, n, 2) for n in range(3)
    ]
    assert {one.first_issued_on for one in found} == {"2026年11月23日"}
    assert NUMBER not in str(found)
    assert NAME not in str([one.name for one in found])


async def test_many_reissues_at_once_are_one(office: Office) -> None:
    await office.tax()
    made = await asyncio.gather(*(office.tax(1) for _ in range(10)))
    assert len({paper.sha256 for paper in made}) == 1
    assert (await office.tickets())[0].reissues == 1


async def test_help_is_offered_to_who_reissues_again_and_again(office: Office) -> None:
    await office.tax()
    often = [(await office.tax(n)).often for n in range(1, 8)]
    assert often == [False] * 5 + [True] * 2
    office.clock.advance(minutes=61)
    assert not (await office.tax(8)).often


async def test_what_was_first_issued_elsewhere_is_reissued(office: Office) -> None:
    office.bureau.books = [record(first_issued_on=date(2025, 12, 1))]
    (ticket,) = await office.tickets()
    assert (ticket.next_issue, ticket.issued_here) == (1, False)
    with pytest.raises(Refused, match="already_issued"):
        await office.tax(0)
    paper = await office.tax(1)
    assert "首次填发日期：2025年12月1日" in text_of(await office.pdf(paper))


@pytest.mark.parametrize(("issue", "code"), [(1, "not_issued_yet"), (7, "not_issued_yet")])
async def test_no_reissue_without_a_first_issue(office: Office, issue: int, code: str) -> None:
    with pytest.raises(Refused, match=code):
        await office.tax(issue)


async def test_no_issue_is_left_out(office: Office) -> None:
    await office.tax()
    with pytest.raises(Refused, match="unknown_ticket"):
        await office.tax(3)
    with pytest.raises(Refused, match="unknown_ticket"):
        await office.certificates.issue_tax_certificate(
            ONESELF, conversation_id=CHAT, handle="f" * 12, issue=0
        )


async def test_a_refund_voids_the_chain(office: Office) -> None:
    handle = (await office.tickets())[0].handle
    first, second = await office.tax(), await office.tax(1)
    codes = [(paper.number, await office.code(paper)) for paper in (first, second)]
    office.bureau.books = [record(refunded_on=date(2026, 11, 20))]
    assert await office.tickets() == []
    with pytest.raises(Refused, match="ticket_refunded"):
        await office.certificates.issue_tax_certificate(ONESELF, conversation_id=CHAT, handle=handle, issue=2)
    for number, code in codes:
        found = await office.certificates.check(number, code, address="203.0.113.9")
        assert found.verdict is Verdict.VOID


async def test_a_ticket_of_many_lines_that_was_refunded_in_part(office: Office) -> None:
    office.bureau.books = [replace(one, ticket_no=TICKET) for one in months(3)]
    (ticket,) = await office.tickets()
    assert str(ticket.amount) == "2636.82"
    first = await office.tax()
    office.bureau.books[2] = replace(office.bureau.books[2], refunded_on=date(2026, 11, 1))
    with pytest.raises(Refused, match="paper_void"):
        await office.tax(0)
    text = text_of(await office.pdf(await office.tax(1)))
    assert "-878.94" in text
    assert "¥1,757.88" in text
    assert await office.certificates.open_file(first.url.rpartition("/")[2]) is None


async def test_who_has_paid_and_who_is_insured_share_the_first_issue(office: Office) -> None:
    office.bureau.books.append(record("r2", fee_year=2025, ticket_no="452015251190000002"))
    office.bureau.paid_for = [(PAYER_NUMBER, "r1")]
    (ticket,) = await office.tickets(FOR_ANOTHER)
    assert ticket.number == TICKET
    theirs = await office.tax(holder=FOR_ANOTHER)
    mine = await office.tax(place=[t.number for t in await office.tickets()].index(TICKET))
    assert theirs.sha256 == mine.sha256
    other = next(t for t in await office.tickets() if t.number != TICKET)
    with pytest.raises(Refused, match="unknown_ticket"):
        await office.certificates.issue_tax_certificate(
            FOR_ANOTHER, conversation_id=CHAT, handle=other.handle, issue=0
        )


async def test_the_payment_record_of_somebody_one_has_paid_for(office: Office) -> None:
    office.bureau.paid_for = [(PAYER_NUMBER, "r1")]
    theirs = await office.certificates.issue_payment_record(FOR_ANOTHER, conversation_id=CHAT, fee_year=2026)
    mine = await office.issue()
    assert theirs.number != mine.number  # type: ignore[union-attr]
    text = text_of(await office.pdf(theirs))  # type: ignore[arg-type]
    assert "是（代缴人：**伟）" in text
    assert NUMBER in text
    assert (await check(office, theirs, theirs.number)).verdict is Verdict.GENUINE  # type: ignore[union-attr]


async def test_a_ticket_number_of_somebody_else_tells_nothing(office: Office) -> None:
    await office.tax()
    other = replace(ONESELF, person_id=PAYER_ID)
    assert (await office.tickets(other))[0].first_issued_on is None
    with pytest.raises(Refused, match="unknown_ticket"):
        await office.tax(holder=other)


@pytest.mark.parametrize(
    ("number", "name", "found"),
    [
        (NUMBER, NAME, True),
        (NUMBER, "王大芳", False),
        ("520103199901010003", NAME, False),
        ("123", NAME, False),
    ],
)
async def test_one_finds_whom_one_has_paid_for(office: Office, number: str, name: str, found: bool) -> None:
    office.bureau.paid_for = [(PAYER_NUMBER, "r1")]
    id_token, name_token = await office.vault.seal_all(CHAT, [("id_number", number), ("person_name", name)])
    holder = await office.certificates.find_paid_for(
        PAYER_ID, conversation_id=CHAT, id_token=id_token, name_token=name_token
    )
    assert holder == (FOR_ANOTHER if found else None)
