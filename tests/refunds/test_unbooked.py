"""Not booked: the bureau gives the payment up, and the gateway pays it back the way it came."""

import asyncio
import json

import pytest
from sqlalchemy import select

from services import audit
from services.domain.errors import Refused
from services.domain.refunds import Reason
from services.payment import Placed
from services.store.audit import AuditRow
from services.store.orders import ClaimRow, RefundRow
from services.store.refunds import CaseRow
from tests.refunds.conftest import ANNA, CARL, Office


async def paid_back(office: Office) -> None:
    for _ in range(3):
        await office.town.run(seconds=12)


@pytest.mark.parametrize("posted", [True, False])
async def test_the_money_goes_back_the_way_it_came(office: Office, posted: bool) -> None:
    order = await office.paid(posted=posted)
    case = await office.ask(order.order_no, Reason.OTHER)
    assert (case.route, case.state) == ("gateway", "sent")
    assert await office.town.status(order.order_no) == "refunding"
    office.bureau.heal()
    await paid_back(office)
    assert await office.town.status(order.order_no) == "refunded"
    assert await office.state(case.case_no) == "done"
    assert office.town.gateway.captured() == 0
    assert office.bureau.table("payments") == {}
    await office.town.check_invariants()


async def test_what_was_not_posted_yet_is_never_posted_any_more(office: Office) -> None:
    order = await office.paid(posted=False)
    await office.ask(order.order_no)
    office.bureau.heal()
    await office.town.run(minutes=10)
    assert office.bureau.table("payments") == {}


async def test_the_bill_can_be_paid_anew(office: Office) -> None:
    order = await office.paid()
    await office.ask(order.order_no)
    await paid_back(office)
    draft = await office.town.draft(conversation="rest:p1")
    again = await office.town.payment.place(draft.draft_id, conversation_id="rest:p1")
    assert isinstance(again, Placed)
    assert again.order.order_no != order.order_no


async def test_asking_again_is_the_same_case(office: Office) -> None:
    order = await office.paid()
    first = await office.ask(order.order_no)
    assert (await office.ask(order.order_no, Reason.PAID_TWICE)).case_no == first.case_no
    await paid_back(office)
    assert (await office.ask(order.order_no)).case_no == first.case_no
    async with office.town.database.read() as session:
        assert len((await session.scalars(select(RefundRow))).all()) == 1


async def test_only_the_payer_asks(office: Office) -> None:
    order = await office.paid()
    with pytest.raises(Refused, match="unknown_order"):
        await office.refunds.request(
            payer_id="p2", conversation_id="rest:p2", order_no=order.order_no, line=0, reason=Reason.OTHER
        )
    assert await office.refunds.list_refundable("p2") == []


async def test_what_is_not_paid_is_nothing_to_refund(office: Office) -> None:
    order = await office.town.place(conversation="rest:p1")
    assert await office.refunds.list_refundable("p1") == []
    with pytest.raises(Refused, match="refund_not_paid"):
        await office.ask(order.order_no)


async def test_what_the_gateway_refuses_stays_for_people(office: Office) -> None:
    order = await office.paid()
    office.town.gateway.books["refuses_refunds"] = True
    case = await office.ask(order.order_no)
    await paid_back(office)
    assert await office.state(case.case_no) == "stuck"
    assert "refund_case" in await office.town.told("rest:p1")
    await office.town.check_invariants()


async def test_what_the_gateway_refuses_is_tried_again_by_the_staff(office: Office) -> None:
    order = await office.paid()
    office.town.gateway.books["refuses_refunds"] = True
    case = await office.ask(order.order_no)
    await paid_back(office)
    [stuck] = await office.refunds.list_stuck(CARL)
    assert (stuck.order_no, stuck.amount) == (order.order_no, order.total)
    with pytest.raises(Refused, match="not_allowed"):
        await office.refunds.retry(stuck.request_no, CARL)
    with pytest.raises(Refused, match="unknown_refund"):
        await office.refunds.retry("R0", ANNA)

    await office.refunds.retry(stuck.request_no, ANNA)
    await paid_back(office)
    [again] = await office.refunds.list_stuck(ANNA)
    assert again.request_no == stuck.request_no
    assert await office.state(case.case_no) == "stuck"

    office.town.gateway.books["refuses_refunds"] = False
    await asyncio.gather(
        *(office.refunds.retry(stuck.request_no, ANNA) for _ in range(3)), return_exceptions=True
    )
    await paid_back(office)
    assert await office.refunds.list_stuck(ANNA) == []
    assert await office.state(case.case_no) == "done"
    assert len(office.town.gateway.table("refunds")) == 1
    with pytest.raises(Refused, match="refund_not_stuck"):
        await office.refunds.retry(stuck.request_no, ANNA)
    trail = [entry.action async for entry in audit.read(office.town.database)]
    assert trail.count("refund_retried") == 2
    await office.town.check_invariants()


async def test_a_bureau_that_does_not_answer_is_asked_again(office: Office) -> None:
    order = await office.paid()
    office.bureau.fail("withdraw_payments", "before")
    office.bureau.fail("withdraw_payments", "after")
    case = await office.ask(order.order_no)
    assert case.state == "approved"
    for _ in range(4):
        await office.town.run(seconds=12)
    assert await office.state(case.case_no) == "done"
    await office.town.check_invariants()


async def test_a_posting_that_was_in_flight_is_given_back_all_the_same(office: Office) -> None:
    """The bureau gave it up, we died before we knew: the posting job hears `withdrawn`, and the money goes back."""
    order = await office.paid()
    await office.bureau.withdraw_payments([order.order_no])
    await office.town.run(minutes=2)
    await paid_back(office)
    assert await office.town.status(order.order_no) == "refunded"
    await office.town.check_invariants()


async def test_booked_in_the_meantime_it_becomes_a_matter_for_the_office(office: Office) -> None:
    order = await office.paid()
    office.bureau.book(order.order_no)
    case = await office.ask(order.order_no)
    assert (case.route, case.state) == ("office", "requested")
    assert await office.town.status(order.order_no) == "paid"
    await office.town.run(minutes=2)
    assert await office.state(case.case_no) == "requested"
    await office.town.check_invariants()


async def test_a_mere_change_of_mind_ends_when_it_is_booked_in_the_meantime(office: Office) -> None:
    order = await office.paid()
    office.bureau.book(order.order_no)
    case = await office.ask(order.order_no, Reason.OTHER)
    assert (case.state, case.outcome) == ("rejected", "not_refundable")
    assert await office.town.status(order.order_no) == "paid"


async def test_the_evidence_is_frozen_and_whole(office: Office) -> None:
    order = await office.paid()
    case = await office.ask(order.order_no)
    async with office.town.database.read() as session:
        row = await session.get(CaseRow, case.case_no)
        claims = (await session.scalars(select(ClaimRow.state))).all()
    assert row is not None
    assert set(claims) == {"released"}
    evidence = json.loads(row.evidence)
    [shown] = evidence["confirmations"]
    assert shown["confirmed_by"] == "*某"
    assert shown["lines"][0]["quote"]["total"] == "400.00"
    assert shown["lines"][0]["digest"] == evidence["bureau"][0]["digest"]
    assert [move["new"] for move in evidence["moves"]][-2:] == ["paid", "applied"]
    assert evidence["gateway"][-1]["status"] == "paid"
    assert evidence["bureau"][0]["payment_no"] == f"P-{order.order_no}"
    assert "number-of" not in row.evidence
    assert "某某" not in row.evidence


async def test_each_action_of_money_has_its_audit_row(office: Office) -> None:
    order = await office.paid()
    case = await office.ask(order.order_no)
    async with office.town.database.read() as session:
        rows = (await session.scalars(select(AuditRow).order_by(AuditRow.seq))).all()
    assert [(row.action, row.actor) for row in rows] == [
        ("refund_requested", "resident:p1"),
        ("refund_released", "service"),
    ]
    assert {row.subject for row in rows} == {case.case_no}
    assert [entry.seq async for entry in audit.read(office.town.database)] == [1, 2]
