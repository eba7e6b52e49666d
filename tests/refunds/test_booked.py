"""Booked: two members of staff agree, the tax office decides, and every step is told."""

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from services.domain.errors import Refused, ServiceError
from services.domain.refunds import Reason
from services.payment import Placed
from services.store.audit import AuditRow
from services.store.orders import PostingRow
from services.store.refunds import CaseRow, SignatureRow
from tests.refunds.conftest import ANNA, BERT, CARL, Office


async def approved(office: Office) -> tuple[str, str]:
    order = await office.booked()
    case = await office.ask(order.order_no)
    assert await office.refunds.approve(case.case_no, ANNA) == "requested"
    assert await office.refunds.approve(case.case_no, BERT) == "approved"
    await office.town.run()
    return order.order_no, case.case_no


async def test_the_office_pays_it_back_and_every_step_is_told(office: Office) -> None:
    order_no, case_no = await approved(office)
    assert await office.state(case_no) == "sent"
    assert await office.town.status(order_no) == "refunding"
    assert await office.town.told("rest:p1")
    for stage in ("confirmed", "released"):
        office.bureau.stage(case_no, stage)
        await office.town.run(days=1)
        case = await office.refunds.find(case_no)
        assert case is not None
        assert case.stage == stage
        assert await office.town.told("rest:p1") != []
    office.bureau.stage(case_no, "paid")
    await office.town.run(days=1)
    assert await office.state(case_no) == "done"
    assert await office.town.status(order_no) == "refunded"
    assert (await office.town.moves(order_no))[-2:] == ["office_refund", "office_refunded"]
    assert office.town.gateway.captured() == 400, "not through the gateway (R5)"
    assert office.bureau.table("refunds")[case_no]["times"] == 1
    await office.town.check_invariants()
    async with office.town.database.read() as session:
        total = select(func.sum(PostingRow.amount)).where(PostingRow.account == "refunded_by_office")
        assert await session.scalar(total) == -400


async def test_afterwards_the_bill_can_be_paid_anew_and_not_before(office: Office) -> None:
    _, case_no = await approved(office)
    draft = await office.town.draft(conversation="rest:p1")
    with pytest.raises(Refused, match="already_paid"):
        await office.town.payment.place(draft.draft_id, conversation_id="rest:p1")
    office.bureau.stage(case_no, "paid")
    await office.town.run(days=1)
    draft = await office.town.draft(conversation="rest:p1")
    assert isinstance(await office.town.payment.place(draft.draft_id, conversation_id="rest:p1"), Placed)


async def test_an_agent_proposes_and_a_supervisor_approves(office: Office) -> None:
    order = await office.booked()
    case = await office.ask(order.order_no)
    with pytest.raises(Refused, match="not_allowed"):
        await office.refunds.approve(case.case_no, CARL)
    assert await office.refunds.propose(case.case_no, CARL) == "requested"
    assert await office.refunds.approve(case.case_no, ANNA) == "approved"


async def test_two_proposals_are_no_approval(office: Office) -> None:
    order = await office.booked()
    case = await office.ask(order.order_no)
    await office.refunds.propose(case.case_no, CARL)
    assert await office.refunds.propose(case.case_no, BERT) == "requested"


async def test_one_person_does_not_count_twice(office: Office) -> None:
    order = await office.booked()
    case = await office.ask(order.order_no)
    await office.refunds.propose(case.case_no, ANNA)
    with pytest.raises(Refused, match="signed_already"):
        await office.refunds.approve(case.case_no, ANNA)
    assert await office.state(case.case_no) == "requested"


async def test_two_approve_at_the_same_moment(office: Office, another_process: Callable[[], Office]) -> None:
    other = another_process()
    order = await office.booked()
    case = await office.ask(order.order_no)
    states = await asyncio.gather(
        office.refunds.approve(case.case_no, ANNA), other.refunds.approve(case.case_no, BERT)
    )
    assert sorted(states) == ["approved", "requested"]
    await asyncio.gather(office.town.run(), other.town.run())
    assert office.bureau.table("refunds")[case.case_no]["times"] == 1
    async with office.town.database.read() as session:
        assert len((await session.scalars(select(SignatureRow))).all()) == 2
    await other.town.database.close()


async def test_one_approves_twice_at_the_same_moment(
    office: Office, another_process: Callable[[], Office]
) -> None:
    other = another_process()
    order = await office.booked()
    case = await office.ask(order.order_no)
    results = await asyncio.gather(
        office.refunds.approve(case.case_no, ANNA), other.refunds.approve(case.case_no, ANNA),
        return_exceptions=True,
    )  # fmt: skip
    assert len([result for result in results if isinstance(result, Refused)]) == 1
    assert await office.state(case.case_no) == "requested"
    await other.town.database.close()


async def test_taking_it_back_while_the_approval_commits(
    office: Office, another_process: Callable[[], Office]
) -> None:
    other = another_process()
    for n in range(3):
        person = f"q{n}"
        order = await office.booked(person=person)
        case = await office.ask(order.order_no, person=person)
        await office.refunds.approve(case.case_no, ANNA)
        results = await asyncio.gather(
            office.refunds.withdraw(case.case_no, payer_id=person),
            other.refunds.approve(case.case_no, BERT),
            return_exceptions=True,
        )
        refused = [result for result in results if isinstance(result, ServiceError)]
        assert len(refused) == 1, results
        state = await office.state(case.case_no)
        assert state == ("withdrawn" if refused[0] is results[1] else "approved")
        await office.town.run()
        assert (case.case_no in office.bureau.table("refunds")) == (state != "withdrawn")
    await other.town.database.close()


async def test_it_can_be_taken_back_until_it_is_decided_and_asked_for_again(office: Office) -> None:
    order = await office.booked()
    case = await office.ask(order.order_no)
    with pytest.raises(Refused, match="unknown_refund"):
        await office.refunds.withdraw(case.case_no, payer_id="p2")
    assert (await office.refunds.withdraw(case.case_no, payer_id="p1")).state == "withdrawn"
    with pytest.raises(Refused, match="refund_not_open"):
        await office.refunds.approve(case.case_no, ANNA)
    again = await office.ask(order.order_no)
    assert again.case_no != case.case_no
    await office.refunds.approve(again.case_no, ANNA)
    await office.refunds.approve(again.case_no, BERT)
    with pytest.raises(Refused, match="refund_decided"):
        await office.refunds.withdraw(again.case_no, payer_id="p1")


async def test_a_rejection_needs_a_reason_and_is_told(office: Office) -> None:
    order = await office.booked()
    case = await office.ask(order.order_no)
    with pytest.raises(Refused, match="reason_missing"):
        await office.refunds.reject(case.case_no, ANNA, "  ")
    with pytest.raises(Refused, match="not_allowed"):
        await office.refunds.reject(case.case_no, CARL, "no evidence")
    await office.refunds.reject(case.case_no, ANNA, "no evidence")
    assert await office.state(case.case_no) == "rejected"
    assert "refund_case" in await office.town.told("rest:p1")
    assert await office.town.status(order.order_no) == "paid"
    async with office.town.database.read() as session:
        row = (await session.scalars(select(AuditRow).where(AuditRow.action == "refund_rejected"))).one()
    assert (row.actor, row.reason) == ("anna", "no evidence")


@pytest.mark.parametrize("at", ["filing", "confirming"])
async def test_what_the_office_refuses_stays_paid(office: Office, at: str) -> None:
    if at == "filing":
        office.bureau.refuses["file_refund"] = "not_refundable"
    order_no, case_no = await approved(office)
    if at == "confirming":
        office.bureau.stage(case_no, "refused")
        await office.town.run(days=1)
    assert await office.state(case_no) == "rejected"
    assert await office.town.status(order_no) == "paid"
    assert "refund_case" in await office.town.told("rest:p1")
    await office.town.check_invariants()


@pytest.mark.parametrize("mode", ["before", "after"])
async def test_an_office_that_does_not_answer_is_asked_with_the_same_key(office: Office, mode: str) -> None:
    office.bureau.fail("file_refund", mode)
    _, case_no = await approved(office)
    await office.town.run(minutes=1)
    assert await office.state(case_no) == "sent"
    assert list(office.bureau.table("refunds")) == [case_no]


async def test_what_the_office_has_forgotten_is_filed_again(office: Office) -> None:
    _, case_no = await approved(office)
    office.bureau.table("refunds").clear()
    await office.town.run(days=1)
    assert list(office.bureau.table("refunds")) == [case_no]
    assert await office.state(case_no) == "sent"


@pytest.mark.parametrize("reason", [Reason.OTHER, Reason.DECEASED, Reason.INSURED_ELSEWHERE])
async def test_after_the_benefit_period_has_begun_it_is_refused(office: Office, reason: Reason) -> None:
    order = await office.booked()
    office.town.clock.advance(days=60)
    with pytest.raises(Refused, match="refund_benefit_began"):
        await office.ask(order.order_no, reason)


async def test_a_refund_that_was_made_outside_meanwhile_is_not_made_again(office: Office) -> None:
    order = await office.booked()
    case = await office.ask(order.order_no)
    await office.refunds.approve(case.case_no, ANNA)
    await office.town.payment.on_notification(
        {"out_trade_no": order.order_no, "total_amount": "400.00", "status": "refunded", "sign": "right"}
    )
    with pytest.raises(Refused, match="refund_not_open"):
        await office.refunds.approve(case.case_no, BERT)
    assert office.bureau.table("refunds") == {}


async def test_a_lost_job_is_found_again(office: Office) -> None:
    order = await office.booked()
    case = await office.ask(order.order_no)
    await office.refunds.approve(case.case_no, ANNA)
    await office.refunds.approve(case.case_no, BERT)
    from sqlalchemy import delete

    from services.store.durable import JobRow

    async with office.town.database.begin() as session:
        await session.execute(delete(JobRow).where(JobRow.kind == "refund_case"))
    await office.refunds.sweep()
    await office.town.run()
    assert await office.state(case.case_no) == "sent"


async def test_whoever_may_read_sees_the_case_with_its_evidence(office: Office) -> None:
    order_no, case_no = await approved(office)
    shown = await office.refunds.show(case_no, CARL)
    assert shown["evidence_intact"]
    assert [row["agent"] for row in shown["signatures"]] == ["anna", "bert"]
    assert [row["new"] for row in shown["moves"]] == ["approved", "sent"]
    assert shown["evidence"]["order"]["order_no"] == order_no
    async with office.town.database.begin() as session:
        row = await session.get(CaseRow, case_no)
        assert row is not None
        row.evidence = row.evidence.replace("400.00", "40.00")
    assert not (await office.refunds.show(case_no, CARL))["evidence_intact"]
