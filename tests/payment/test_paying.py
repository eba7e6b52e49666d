"""Draft → place → pay → posted → booked, and the ways in which it can go another way."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from services.domain.errors import OutcomeUnknown, Refused, Unavailable
from services.payment import Changed, Placed
from services.store.base import Base
from tests.payment.conftest import Town
from tests.payment.peers import AFTER, BEFORE, HANG, pension


async def test_a_payment_from_the_draft_to_the_booking(town: Town) -> None:
    draft = await town.draft()
    placed = await town.payment.place(draft.draft_id, conversation_id="rest:a")
    assert isinstance(placed, Placed)
    order = placed.order
    assert (order.status, order.total, order.booked) == ("pending", Decimal("400.00"), False)
    assert order.cashier is not None
    assert order.cashier.cashier_url.endswith(order.order_no)
    assert order.expires_at == town.clock.now().replace(microsecond=0) + (order.expires_at - town.clock.now())
    assert await town.told() == ["payment_request"]

    town.gateway.pay(order.order_no)
    paid = await town.payment.refresh(order.order_no)
    assert (paid.status, paid.booked, paid.cashier) == ("paid", False, None)
    assert paid.paid_at == town.clock.now()
    assert str(paid.records_available_on) == "2026-11-26"

    await town.run()
    assert town.bureau.table("payments")[order.order_no]["amount"] == "400.00"
    town.bureau.book(order.order_no)
    await town.run(days=2)
    booked = await town.payment.find_order(order.order_no)
    assert booked is not None
    assert booked.booked
    assert await town.moves(order.order_no) == ["issued", "paid", "applied"]
    assert await town.entries(order.order_no) == ["booked", "captured"]
    await town.check_invariants()


async def test_a_second_tap_gives_the_same_order_and_no_second_call(town: Town) -> None:
    """Business R6: a second tap gives the same order and no second call."""
    draft = await town.draft()
    first = await town.payment.place(draft.draft_id, conversation_id="rest:a")
    second = await town.payment.place(draft.draft_id, conversation_id="rest:a")
    assert first == second
    assert town.gateway.calls["place"] == 1
    assert town.bureau.calls["declare"] == 1


async def test_a_second_device_gets_the_same_order(town: Town) -> None:
    first = await town.place()
    second = await town.place(conversation="rest:b")
    assert second.order_no == first.order_no
    latest = await town.payment.find_latest("rest:b")
    assert latest is not None
    assert latest.order_no == first.order_no
    town.gateway.pay(first.order_no)
    await town.run(seconds=6)
    assert "payment_status" in await town.told("rest:a")
    assert "payment_status" in await town.told("rest:b")


async def test_changed_figures_are_shown_again_and_nothing_is_charged(town: Town) -> None:
    draft = await town.draft()
    town.bureau.dear = Decimal("12.00")
    changed = await town.payment.place(draft.draft_id, conversation_id="rest:a")
    assert isinstance(changed, Changed)
    assert (changed.old.total, changed.draft.total) == (Decimal("400.00"), Decimal("412.00"))
    assert town.gateway.calls["place"] == 0
    placed = await town.payment.place(changed.draft.draft_id, conversation_id="rest:a")
    assert isinstance(placed, Placed)
    assert placed.order.total == Decimal("412.00")


async def test_figures_that_change_at_the_declaration_are_shown_again_too(town: Town) -> None:
    draft = await town.draft()
    town.bureau.refuses["declare"] = "figures_changed"
    changed = await town.payment.place(draft.draft_id, conversation_id="rest:a")
    assert isinstance(changed, Changed)
    assert town.gateway.calls["place"] == 0
    town.bureau.refuses.clear()
    placed = await town.payment.place(changed.draft.draft_id, conversation_id="rest:a")
    assert isinstance(placed, Placed)


async def test_a_draft_belongs_to_its_conversation_and_ends(town: Town) -> None:
    draft = await town.draft()
    with pytest.raises(Refused, match="unknown_draft"):
        await town.payment.place(draft.draft_id, conversation_id="rest:other")
    town.clock.advance(minutes=16)
    with pytest.raises(Refused, match="draft_expired"):
        await town.payment.place(draft.draft_id, conversation_id="rest:a")
    town.clock.advance(hours=13, minutes=40)
    late = await town.draft()
    assert late.valid_until.isoformat() == "2026-11-23T23:59:59+08:00"


@pytest.mark.parametrize("code", ["already_paid", "window_closed", "tier_not_allowed"])
async def test_what_the_bureau_refuses_is_not_charged_and_can_be_tried_again(town: Town, code: str) -> None:
    draft = await town.draft()
    town.bureau.refuses["declare"] = code
    with pytest.raises(Refused, match=code):
        await town.payment.place(draft.draft_id, conversation_id="rest:a")
    assert town.gateway.calls["place"] == 0
    town.bureau.refuses.clear()
    assert (await town.place()).cashier is not None


@pytest.mark.parametrize("mode", [BEFORE, AFTER])
async def test_a_bureau_that_does_not_answer_the_declaration_holds_up_only_for_a_while(
    town: Town, mode: str
) -> None:
    town.bureau.fail("declare", mode)
    order = await town.place()
    assert (order.status, order.cashier, order.preparing) == ("pending", None, True)
    await town.told()
    await town.run(seconds=2)
    ready = await town.payment.find_order(order.order_no)
    assert ready is not None
    assert ready.cashier is not None
    assert await town.told() == ["payment_request"]
    assert len(town.bureau.table("declarations")) == 1


@pytest.mark.parametrize("mode", [BEFORE, AFTER])
async def test_a_busy_gateway_is_said_and_the_order_goes_on_by_itself(town: Town, mode: str) -> None:
    draft = await town.draft()
    town.gateway.fail("place", mode)
    with pytest.raises(Unavailable, match="gateway_busy"):
        await town.payment.place(draft.draft_id, conversation_id="rest:a")
    await town.run(seconds=2)
    order = await town.payment.find_latest("rest:a")
    assert order is not None
    assert order.cashier is not None
    assert len(town.gateway.table("trades")) == 1
    assert await town.told() == ["payment_request"]
    again = await town.payment.place(draft.draft_id, conversation_id="rest:a")
    assert isinstance(again, Placed)
    assert again.order.order_no == order.order_no


async def test_after_an_unknown_outcome_the_gateway_is_asked_before_it_is_called_again(town: Town) -> None:
    draft = await town.draft()
    town.gateway.fail("place", AFTER)
    with pytest.raises(Unavailable):
        await town.payment.place(draft.draft_id, conversation_id="rest:a")
    [order_no] = town.gateway.table("trades")
    town.gateway.pay(order_no)
    await town.run(seconds=1)
    assert town.gateway.calls["place"] == 1
    assert await town.status(order_no) == "paid"
    await town.check_invariants()


async def test_a_gateway_that_hangs_is_left_after_its_time(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.payment.issuing.GATEWAY_SECONDS", 0.05)
    draft = await town.draft()
    town.gateway.fail("place", HANG)
    with pytest.raises(Unavailable, match="gateway_busy"):
        await town.payment.place(draft.draft_id, conversation_id="rest:a")
    await town.run(seconds=2)
    latest = await town.payment.find_latest("rest:a")
    assert latest is not None
    assert latest.cashier is not None


async def test_without_a_notification_the_payment_is_known_within_35_seconds(town: Town) -> None:
    for wait in (3, 17, 40):
        order = await town.place(pension(), person=f"p{wait}", conversation=f"rest:{wait}")
        for _ in range(wait):
            await town.run(seconds=1)
        town.gateway.pay(order.order_no)
        for _ in range(35):
            await town.run(seconds=1)
        assert await town.status(order.order_no) == "paid"
    await town.check_invariants()


async def test_refresh_with_a_silent_gateway_never_says_that_nothing_was_charged(town: Town) -> None:
    order = await town.place()
    town.gateway.pay(order.order_no)
    for mode in (BEFORE, AFTER):
        town.gateway.fail("query", mode)
        with pytest.raises(OutcomeUnknown, match="outcome_unknown"):
            await town.payment.refresh(order.order_no)
        town.clock.advance(seconds=4)
    assert (await town.payment.refresh(order.order_no)).status == "paid"


async def test_an_order_that_nobody_pays_is_closed_after_expiry_and_grace(town: Town) -> None:
    order = await town.place()
    await town.told()
    await town.run(minutes=15, seconds=10)
    assert await town.status(order.order_no) == "pending"
    view = await town.payment.find_order(order.order_no)
    assert view is not None
    assert view.cashier is None
    await town.run(minutes=2)
    assert await town.status(order.order_no) == "closed"
    assert "payment_status" in await town.told()
    assert (await town.place()).order_no != order.order_no
    assert await town.moves(order.order_no) == ["issued", "closed"]


async def test_a_jump_of_the_clock_closes_at_once(town: Town) -> None:
    order = await town.place()
    await town.run(days=1)
    assert await town.status(order.order_no) == "closed"


async def test_a_scanned_order_is_closed_at_the_gateway_when_it_expires(town: Town) -> None:
    order = await town.place()
    await town.scan(order.order_no)
    await town.run(minutes=16)
    assert await town.status(order.order_no) == "closed"
    assert town.gateway.trade(order.order_no)["status"] == "closed"


async def test_another_tier_waits_for_the_earlier_order_until_it_is_surely_closed(town: Town) -> None:
    first = await town.place(pension(tier="60%"))
    await town.payment.open_cashier(first.order_no)
    draft = await town.draft(pension(tier="100%"))
    with pytest.raises(Refused, match="earlier_order_open") as refused:
        await town.payment.place(draft.draft_id, conversation_id="rest:a")
    assert (refused.value.facts["until"] - first.expires_at).total_seconds() == 120
    assert refused.value.facts["order_no"] == first.order_no
    assert len(town.gateway.table("trades")) == 1
    still = await town.payment.find_order(first.order_no)
    assert still is not None
    assert still.cashier == first.cashier

    await town.scan(first.order_no)
    placed = await town.payment.place(draft.draft_id, conversation_id="rest:a")
    assert isinstance(placed, Placed)
    assert placed.order.order_no != first.order_no
    assert town.gateway.trade(first.order_no)["status"] == "closed"
    assert placed.order.total == Decimal("8789.40")


async def test_overlapping_months_are_one_bill(town: Town) -> None:
    first = await town.place(pension("2026-01/2026-06"))
    await town.payment.open_cashier(first.order_no)
    draft = await town.draft(pension("2026-06/2026-12"))
    with pytest.raises(Refused, match="earlier_order_open"):
        await town.payment.place(draft.draft_id, conversation_id="rest:a")
    apart = await town.place(pension("2026-07/2026-12"))
    assert apart.cashier is not None


async def test_another_tier_after_the_earlier_order_was_paid_shows_the_paid_one(town: Town) -> None:
    first = await town.place(pension(tier="60%"))
    await town.scan(first.order_no)
    town.gateway.pay(first.order_no)
    draft = await town.draft(pension(tier="100%"))
    placed = await town.payment.place(draft.draft_id, conversation_id="rest:a")
    assert isinstance(placed, Placed)
    assert (placed.order.order_no, placed.order.status) == (first.order_no, "paid")
    with pytest.raises(Refused, match="already_paid"):
        await town.place(pension(tier="100%"))
    await town.run()
    await town.check_invariants()


async def test_an_order_that_nobody_has_opened_can_be_given_up_at_once(town: Town) -> None:
    order = await town.place()
    assert (await town.payment.abandon(order.order_no)).status == "closed"
    assert await town.payment.open_cashier(order.order_no) is None
    dearer = await town.place(pension(tier="60%"))
    assert (await town.place(pension(tier="100%"))).order_no != dearer.order_no
    assert await town.status(dearer.order_no) == "closed"
    assert town.gateway.calls["close"] == 0


async def test_an_opened_order_that_is_given_up_stays_payable_until_it_expires(town: Town) -> None:
    order = await town.place()
    await town.payment.open_cashier(order.order_no)
    view = await town.payment.abandon(order.order_no)
    assert (view.status, view.cashier) == ("pending", None)
    again = await town.place()
    assert again.order_no == view.order_no
    assert again.cashier is not None
    await town.run(seconds=40)
    assert await town.status(again.order_no) == "pending"


async def test_a_scanned_order_that_is_given_up_is_closed(town: Town) -> None:
    order = await town.place()
    await town.scan(order.order_no)
    assert (await town.payment.abandon(order.order_no)).status == "closed"


async def test_giving_up_what_is_paid_says_that_it_is_paid(town: Town) -> None:
    order = await town.place()
    await town.scan(order.order_no)
    town.gateway.pay(order.order_no)
    assert (await town.payment.abandon(order.order_no)).status == "paid"


@pytest.mark.parametrize("mode", [BEFORE, AFTER])
async def test_giving_up_while_the_gateway_is_silent_is_done_later(town: Town, mode: str) -> None:
    order = await town.place()
    await town.scan(order.order_no)
    town.gateway.fail("close", mode)
    assert (await town.payment.abandon(order.order_no)).status == "pending"
    await town.run(seconds=3)
    assert await town.status(order.order_no) == "closed"


async def test_a_gateway_that_refuses_the_order_leaves_nothing_open(town: Town) -> None:
    draft = await town.draft()
    town.gateway.books["refuses_orders"] = True
    with pytest.raises(Refused, match="gateway_refused"):
        await town.payment.place(draft.draft_id, conversation_id="rest:a")
    town.gateway.books.clear()
    assert (await town.place()).cashier is not None


async def test_two_queries_are_three_seconds_apart(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    order = await town.place()
    monkeypatch.setattr("services.payment.watching.APART", timedelta(seconds=3))
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if seconds:
            town.clock.advance(seconds=seconds)

    monkeypatch.setattr("services.payment.watching.asyncio.sleep", sleep)
    await town.payment.refresh(order.order_no)
    await town.payment.refresh(order.order_no)
    assert town.gateway.calls["query"] == 1
    await town.payment.open_cashier(order.order_no)
    town.clock.advance(seconds=4)
    await town.payment.refresh(order.order_no)
    await town.payment.refresh(order.order_no)
    await town.payment.refresh(order.order_no, patient=False)
    assert town.gateway.calls["query"] == 3
    assert [wait for wait in waits if wait] == [3.0]


async def test_what_waits_for_booking_is_known_to_the_certificates(town: Town) -> None:
    order = await town.place()
    assert await town.payment.pending_payments("p1") == {}
    town.gateway.pay(order.order_no)
    await town.payment.refresh(order.order_no)
    pending = await town.payment.pending_payments("p1")
    (bill,) = pending[2027].values()
    assert (bill.paid_at, bill.fee_year) == (town.clock.now(), 2027)
    await town.run()
    town.bureau.book(order.order_no)
    assert (await town.payment.refresh(order.order_no)).booked
    assert await town.payment.pending_payments("p1") == {}
    assert "payment_booked" in await town.told()


async def test_what_is_known_of_people_is_no_personal_data(town: Town) -> None:
    order = await town.place()
    town.gateway.pay(order.order_no)
    await town.run(seconds=6)
    found = ""
    async with town.database.read() as session:
        for table in Base.metadata.sorted_tables:
            found += str((await session.execute(select(table))).all())
    assert order.order_no in found
    assert "number-of-p1" not in found
    assert "某某" not in found
