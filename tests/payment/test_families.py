"""Several people in one order: one payment, a bill each; what the bureau does not take goes back by itself."""

from datetime import timedelta
from decimal import Decimal

import pytest

from services.domain.errors import Refused
from services.payment import Changed, Placed
from tests.payment.conftest import Town
from tests.payment.peers import RESIDENT_MEDICAL, pension

FAMILY = ("p1", "p2", "p3")


async def pay_for(town: Town, *people: str) -> str:
    draft = await town.family(*people)
    placed = await town.payment.place(draft.draft_id, conversation_id="rest:a")
    assert isinstance(placed, Placed)
    order_no = placed.order.order_no
    await town.payment.open_cashier(order_no)
    town.gateway.pay(order_no)
    return order_no


async def settle(town: Town) -> None:
    for _ in range(6):
        await town.run(seconds=15)


async def test_one_payment_and_a_posting_for_each(town: Town) -> None:
    order_no = await pay_for(town, *FAMILY)
    await settle(town)
    view = await town.payment.find_order(order_no)
    assert view is not None
    assert (view.status, view.total) == ("paid", Decimal("1200.00"))
    assert [bill.insured_id for bill in view.bills] == list(FAMILY)
    assert len(town.gateway.table("trades")) == 1
    assert sorted(town.bureau.table("payments")) == sorted([order_no, f"{order_no}L2", f"{order_no}L3"])
    await town.check_invariants()


async def test_booked_when_the_last_of_them_is(town: Town) -> None:
    order_no = await pay_for(town, *FAMILY)
    await settle(town)
    for key in (order_no, f"{order_no}L2"):
        town.bureau.book(key)
    await town.run(days=2)
    view = await town.payment.find_order(order_no)
    assert view is not None
    assert not view.booked
    town.bureau.book(f"{order_no}L3")
    await town.run(hours=2)
    view = await town.payment.find_order(order_no)
    assert view is not None
    assert view.booked
    assert await town.entries(order_no) == ["booked", "captured"]


async def test_what_the_bureau_refuses_of_one_goes_back_and_the_others_stay_paid(town: Town) -> None:
    town.bureau.refuses_lines["2"] = "already_paid"
    order_no = await pay_for(town, *FAMILY)
    await settle(town)
    view = await town.payment.find_order(order_no)
    assert view is not None
    assert view.status == "paid"
    assert [bill.returned for bill in view.bills] == [False, True, False]
    assert [r["amount"] for r in town.gateway.table("refunds").values()] == ["400.00"]
    assert town.gateway.captured() == Decimal("800.00")
    await town.check_invariants()
    for key in (order_no, f"{order_no}L3"):
        town.bureau.book(key)
    await town.run(days=2)
    view = await town.payment.find_order(order_no)
    assert view is not None
    assert view.booked
    await town.check_invariants()
    # the bill of the second one is free again
    assert (await town.place(person="p2", conversation="rest:b")).status == "pending"


async def test_all_refused_one_after_the_other_the_whole_order_is_refunded(town: Town) -> None:
    town.bureau.refuses["post_payment"] = "window_closed"
    order_no = await pay_for(town, *FAMILY)
    await settle(town)
    assert await town.status(order_no) == "refunded"
    assert town.gateway.captured() == 0
    assert len(town.gateway.table("refunds")) == 3
    await town.check_invariants()


async def test_refused_later_when_everybody_else_is_booked(town: Town) -> None:
    town.bureau.fail("post_payment", "before", 40)
    order_no = await pay_for(town, "p1", "p2")
    await settle(town)
    town.bureau.heal()
    town.bureau.refuses_lines["2"] = "already_paid"
    await town.run(minutes=2)
    town.bureau.book(order_no)
    await settle(town)
    await town.run(days=2)
    view = await town.payment.find_order(order_no)
    assert view is not None
    assert view.booked
    assert [bill.returned for bill in view.bills] == [False, True]
    await town.check_invariants()


async def test_one_changed_figure_shows_all_anew_and_charges_nothing(town: Town) -> None:
    draft = await town.family(*FAMILY)
    town.bureau.dear = Decimal("12.00")
    changed = await town.payment.place(draft.draft_id, conversation_id="rest:a")
    assert isinstance(changed, Changed)
    assert (changed.old.total, changed.draft.total) == (Decimal("1200.00"), Decimal("1236.00"))
    assert town.gateway.table("trades") == {}


async def test_two_devices_with_the_same_family_get_the_same_order(town: Town) -> None:
    first = await town.family(*FAMILY)
    second = await town.family("p1", "p3", "p2", conversation="rest:b")
    one = await town.payment.place(first.draft_id, conversation_id="rest:a")
    other = await town.payment.place(second.draft_id, conversation_id="rest:b")
    assert isinstance(one, Placed)
    assert isinstance(other, Placed)
    assert one.order.order_no == other.order.order_no


async def test_an_unopened_order_of_one_gives_way_to_the_family(town: Town) -> None:
    alone = await town.place(person="p1")
    order_no = await pay_for(town, "p1", "p2")
    await settle(town)
    assert await town.status(alone.order_no) == "closed"
    assert await town.status(order_no) == "paid"
    await town.check_invariants()


async def test_only_an_order_whose_link_was_not_opened_is_taken_back(town: Town) -> None:
    first, second = await town.place(person="p1"), await town.place(person="p2", conversation="rest:b")
    await town.payment.open_cashier(second.order_no)
    assert await town.payment.take_back(first.order_no)
    assert not await town.payment.take_back(first.order_no)
    assert not await town.payment.take_back(second.order_no)
    assert await town.status(first.order_no) == "closed"
    assert await town.payment.open_cashier(first.order_no) is None
    assert await town.status(second.order_no) == "pending"


async def test_a_member_who_has_paid_is_named_to_the_caller(town: Town) -> None:
    await pay_for(town, "p2")
    await settle(town)
    draft = await town.family("p1", "p2")
    with pytest.raises(Refused) as refused:
        await town.payment.place(draft.draft_id, conversation_id="rest:a")
    assert refused.value.code == "already_paid"


async def test_the_same_bill_twice_is_refused_before_it_is_shown(town: Town) -> None:
    with pytest.raises(Refused, match="bill_twice"):
        await town.family("p1", "p1")


async def test_a_person_may_be_paid_for_twice_with_different_insurances(town: Town) -> None:
    medical, other = await town.draft(RESIDENT_MEDICAL), await town.draft(pension())
    draft = await town.payment.draft(
        conversation_id="rest:a", payer_id="p1", bills=[*medical.bills, *other.bills]
    )
    placed = await town.payment.place(draft.draft_id, conversation_id="rest:a")
    assert isinstance(placed, Placed)
    assert placed.order.total == medical.total + other.total


async def test_a_gateway_that_calls_a_part_refunded_does_not_refund_the_rest(town: Town) -> None:
    town.bureau.refuses_lines["2"] = "already_paid"
    order_no = await pay_for(town, "p1", "p2")
    await settle(town)
    town.clock.advance(seconds=timedelta(minutes=1).total_seconds())
    form = {"out_trade_no": order_no, "total_amount": "800.00", "status": "refunded", "sign": "right"}
    await town.payment.on_notification(form)
    await settle(town)
    assert await town.status(order_no) == "paid"
    assert town.gateway.captured() == Decimal("400.00")
    await town.check_invariants()
