"""What the gateway says, in every order and number: late, twice, wrong, forged, contradictory."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import select

from services.domain.errors import Refused
from services.payment.evidence import apply
from services.ports import TradeFacts, TradeStatus
from services.store.orders import EvidenceRow, RefundRow
from tests.payment.conftest import Town
from tests.payment.peers import AFTER, BEFORE, pension


def form(order_no: str, *, total: str = "400.00", status: str = "paid", **fields: str) -> dict[str, str]:
    return {"out_trade_no": order_no, "total_amount": total, "status": status, "sign": "right", **fields}


async def verdicts(town: Town, order_no: str) -> list[str]:
    async with town.database.read() as session:
        rows = await session.scalars(select(EvidenceRow.verdict).where(EvidenceRow.order_no == order_no))
        return sorted(rows.all())


async def refunds(town: Town, order_no: str) -> list[tuple[str, Decimal]]:
    async with town.database.read() as session:
        rows = await session.scalars(select(RefundRow).where(RefundRow.order_no == order_no))
        return [(row.state, row.amount) for row in rows]


async def test_a_notification_makes_it_paid_and_the_bureau_is_told(town: Town) -> None:
    order = await town.place()
    town.gateway.pay(order.order_no)
    assert await town.payment.on_notification(form(order.order_no))
    assert await town.status(order.order_no) == "paid"
    await town.run()
    assert town.bureau.table("payments")[order.order_no]["times"] == 1
    await town.check_invariants()


async def test_twenty_copies_at_once_are_one_payment(town: Town) -> None:
    order = await town.place()
    town.gateway.pay(order.order_no)
    copies = [town.payment.on_notification(form(order.order_no)) for _ in range(20)]
    assert all(await asyncio.gather(*copies))
    await town.run()
    assert await town.moves(order.order_no) == ["issued", "paid", "applied"]
    assert await verdicts(town, order.order_no) == ["taken"]
    assert town.bureau.table("payments")[order.order_no]["times"] == 1
    await town.check_invariants()


async def test_a_forged_notification_changes_nothing(town: Town) -> None:
    order = await town.place()
    with pytest.raises(Refused, match="forged_notification"):
        await town.payment.on_notification(form(order.order_no) | {"sign": "wrong"})
    assert await town.status(order.order_no) == "pending"
    assert await verdicts(town, order.order_no) == []


async def test_an_unknown_number_is_kept_and_not_acknowledged(town: Town) -> None:
    assert not await town.payment.on_notification(form("GZ1UNKNOWN"))
    assert not await town.payment.on_notification(form("GZ1UNKNOWN"))
    assert await verdicts(town, "GZ1UNKNOWN") == ["unknown_order"]


async def test_another_amount_in_a_notification_is_never_paid(town: Town) -> None:
    order = await town.place()
    await town.scan(order.order_no)
    assert not await town.payment.on_notification(form(order.order_no, total="4.00"))
    await town.run(seconds=1)
    assert await town.status(order.order_no) == "pending"
    assert await verdicts(town, order.order_no) == ["mismatch", "taken"]
    assert await refunds(town, order.order_no) == []
    await town.check_invariants()


async def test_another_amount_that_was_really_taken_is_given_back(town: Town) -> None:
    order = await town.place()
    town.gateway.pay(order.order_no, amount="4.00")
    assert not await town.payment.on_notification(form(order.order_no, total="4.00"))
    await town.run(seconds=1)
    assert await town.status(order.order_no) == "refunding"
    await town.run(seconds=11)
    assert await town.status(order.order_no) == "refunded"
    assert await refunds(town, order.order_no) == [("done", Decimal("4.00"))]
    assert town.bureau.table("payments") == {}
    assert town.gateway.captured() == 0
    await town.check_invariants()


async def test_a_notification_before_our_own_call_has_returned(town: Town) -> None:
    draft = await town.draft()
    placing = town.gateway.place

    async def place_and_pay(**wishes: object) -> object:
        cashier = await placing(**wishes)  # type: ignore[arg-type]
        town.gateway.pay(str(wishes["order_no"]))
        assert await town.payment.on_notification(form(str(wishes["order_no"])))
        return cashier

    town.gateway.place = place_and_pay  # type: ignore[method-assign, assignment]
    await town.payment.place(draft.draft_id, conversation_id="rest:a")
    order = await town.payment.find_latest("rest:a")
    assert order is not None
    assert order.status == "paid"
    await town.run()
    await town.check_invariants()


async def test_a_late_payment_of_a_closed_order_settles_the_bill(town: Town) -> None:
    order = await town.place()
    await town.run(minutes=18)
    assert await town.status(order.order_no) == "closed"
    town.gateway.pay(order.order_no)
    await town.run(minutes=10)
    assert await town.status(order.order_no) == "paid"
    with pytest.raises(Refused, match="already_paid"):
        await town.place()
    await town.check_invariants()


async def test_a_late_payment_is_found_when_the_resident_asks(town: Town) -> None:
    order = await town.place()
    await town.run(minutes=18)
    town.gateway.pay(order.order_no)
    town.clock.advance(seconds=4)
    assert (await town.payment.refresh(order.order_no)).status == "paid"


async def test_a_payment_without_an_amount_moves_nothing(town: Town) -> None:
    order = await town.place()
    facts = town.gateway.pay(order.order_no)
    for source in ("query", "notification"):
        await apply(town.payment._desk, replace(facts, total=None, source=source, evidence_id=source))
    assert await town.status(order.order_no) == "pending"


async def test_a_bill_that_is_paid_twice_is_refunded_once(town: Town) -> None:
    first = await town.place()
    await town.run(minutes=18)
    second = await town.place()
    town.gateway.pay(second.order_no)
    assert await town.payment.on_notification(form(second.order_no, notify_id="N2"))
    town.gateway.pay(first.order_no)
    assert await town.payment.on_notification(form(first.order_no))
    assert await town.status(first.order_no) == "refunding"
    await town.run(seconds=11)
    await town.run(seconds=11)
    assert await town.status(first.order_no) == "refunded"
    assert await town.status(second.order_no) == "paid"
    assert len(town.gateway.table("refunds")) == 1
    assert set(town.bureau.table("payments")) == {second.order_no}
    await town.check_invariants()


async def test_the_first_to_arrive_is_kept_and_the_open_one_is_closed(town: Town) -> None:
    first = await town.place()
    await town.run(minutes=18)
    second = await town.place()
    await town.scan(second.order_no)
    town.gateway.pay(first.order_no)
    assert await town.payment.on_notification(form(first.order_no))
    await town.run(seconds=1)
    assert await town.status(first.order_no) == "paid"
    assert await town.status(second.order_no) == "closed"
    await town.check_invariants()


async def test_two_orders_of_one_bill_paid_at_the_same_moment(
    town: Town, another_process: Callable[[], Town]
) -> None:
    other = another_process()
    for n in range(5):
        person = f"p{n}"
        first = await town.place(person=person, conversation=f"rest:{n}")
        await town.run(minutes=18)
        second = await town.place(person=person, conversation=f"rest:{n}")
        for order in (first, second):
            town.gateway.pay(order.order_no)
        await asyncio.gather(
            town.payment.on_notification(form(first.order_no, notify_id=f"A{n}")),
            other.payment.on_notification(form(second.order_no, notify_id=f"B{n}")),
        )
        states = sorted([await town.status(first.order_no), await town.status(second.order_no)])
        assert states == ["paid", "refunding"]
    await town.run(seconds=11)
    await town.run(seconds=11)
    await town.check_invariants()
    await other.database.close()


async def test_what_the_bureau_refuses_after_payment_goes_back_to_the_payer(town: Town) -> None:
    order = await town.place()
    town.gateway.pay(order.order_no)
    town.bureau.refuses["post_payment"] = "already_paid"
    assert await town.payment.on_notification(form(order.order_no))
    await town.run()
    assert await town.status(order.order_no) == "refunding"
    await town.run(seconds=11)
    assert await town.status(order.order_no) == "refunded"
    assert await town.entries(order.order_no) == ["captured", "refunded", "unapplied"]
    await town.check_invariants()
    town.bureau.refuses.clear()
    assert (await town.place()).order_no != order.order_no


@pytest.mark.parametrize("mode", [BEFORE, AFTER])
async def test_a_bureau_that_does_not_answer_gets_the_posting_once_in_the_end(town: Town, mode: str) -> None:
    order = await town.place()
    town.gateway.pay(order.order_no)
    town.bureau.fail("post_payment", mode, times=3)
    assert await town.payment.on_notification(form(order.order_no))
    for _ in range(60):
        await town.run(seconds=1)
    assert town.bureau.table("payments")[order.order_no]["times"] == 1
    assert await town.status(order.order_no) == "paid"
    await town.check_invariants()


@pytest.mark.parametrize("operation", ["refund", "find_refund"])
@pytest.mark.parametrize("mode", [BEFORE, AFTER])
async def test_a_refund_through_a_bad_line_is_one_refund(town: Town, operation: str, mode: str) -> None:
    order = await town.place()
    town.gateway.pay(order.order_no)
    town.bureau.refuses["post_payment"] = "already_paid"
    town.gateway.fail(operation, mode, times=2)
    assert await town.payment.on_notification(form(order.order_no))
    for _ in range(12):
        await town.run(seconds=5)
    assert await town.status(order.order_no) == "refunded"
    assert len(town.gateway.table("refunds")) == 1
    await town.check_invariants()


async def test_a_refund_that_is_refused_stays_in_suspense(town: Town) -> None:
    order = await town.place()
    town.gateway.pay(order.order_no)
    town.bureau.refuses["post_payment"] = "already_paid"
    town.gateway.books["refuses_refunds"] = True
    assert await town.payment.on_notification(form(order.order_no))
    await town.run()
    assert await town.status(order.order_no) == "refunding"
    assert (await town.moves(order.order_no))[-1] == "refund_stuck"
    assert await refunds(town, order.order_no) == [("stuck", Decimal("400.00"))]
    await town.check_invariants()


async def test_a_refund_made_outside_is_seen_and_frees_the_bill(town: Town) -> None:
    order = await town.place()
    facts = town.gateway.pay(order.order_no)
    town.bureau.fail("post_payment", BEFORE, times=1)
    assert await town.payment.on_notification(form(order.order_no))
    refunded = replace(facts, status=TradeStatus.REFUNDED, refunded=facts.total, evidence_id="N9")
    town.gateway.table("refunds")["by-hand"] = {"order_no": order.order_no, "amount": "400.00"}
    await apply(town.payment._desk, refunded)
    await town.run(seconds=30)
    assert await town.status(order.order_no) == "refunded"
    assert set(town.gateway.table("refunds")) == {"by-hand"}
    assert town.bureau.table("payments") == {}
    await town.check_invariants()


async def test_a_word_that_contradicts_a_payment_is_kept_and_moves_nothing(town: Town) -> None:
    order = await town.place()
    town.gateway.pay(order.order_no)
    assert await town.payment.on_notification(form(order.order_no))
    closed = TradeFacts(
        order_no=order.order_no, status=TradeStatus.CLOSED, source="notification", evidence_id="N8"
    )
    await apply(town.payment._desk, closed)
    assert await town.status(order.order_no) == "paid"
    assert await verdicts(town, order.order_no) == ["contradiction", "taken"]


async def test_absent_is_no_proof_before_expiry_and_grace(town: Town) -> None:
    order = await town.place()
    absent = TradeFacts(order_no=order.order_no, status=TradeStatus.ABSENT, source="query")
    town.clock.advance(minutes=16)
    await apply(town.payment._desk, absent)
    assert await town.status(order.order_no) == "pending"
    town.clock.advance(minutes=1, seconds=1)
    await apply(town.payment._desk, absent)
    assert await town.status(order.order_no) == "closed"


async def test_each_state_of_the_gateway_in_every_order_ends_in_a_consistent_way(town: Town) -> None:
    words = [TradeStatus.WAITING, TradeStatus.PAID, TradeStatus.PAID, TradeStatus.ABSENT]
    for turn in range(len(words)):
        order = await town.place(pension(), person=f"p{turn}", conversation=f"rest:{turn}")
        facts = town.gateway.pay(order.order_no)
        for n, status in enumerate(words[turn:] + words[:turn]):
            await apply(town.payment._desk, replace(facts, status=status, evidence_id=f"{turn}-{n}"))
        await town.run(minutes=1)
        assert await town.status(order.order_no) == "paid"
    await town.check_invariants()
