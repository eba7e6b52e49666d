"""What is promised in seconds, by the service's clock and without anybody asking; and fifty devices at once."""

import asyncio

import pytest

from services.domain.errors import Unavailable
from services.payment import Placed
from tests.payment.conftest import Town
from tests.payment.peers import pension

DEVICES = 50


async def seconds_until(town: Town, order_no: str, status: str, *, most: int) -> int:
    """Let the workers work second by second."""
    for second in range(1, most + 1):
        await town.run(seconds=1)
        if await town.status(order_no) == status:
            return second
    raise AssertionError(f"not {status} after {most} s")


@pytest.mark.parametrize("waited", [0, 1, 4, 9, 19, 25, 50, 300, 890])
async def test_a_payment_whose_notification_is_lost_is_known_within_35_seconds(
    town: Town, waited: int
) -> None:
    order = await town.place()
    await town.scan(order.order_no)
    for _ in range(0, waited, 5):
        await town.run(seconds=min(5, waited))
    town.gateway.pay(order.order_no)
    assert await seconds_until(town, order.order_no, "paid", most=35) <= 35
    assert "payment_status" in await town.told()


async def test_a_bill_that_is_paid_twice_is_refunded_within_60_seconds(town: Town) -> None:
    first = await town.place(pension(tier="60%"))
    await town.scan(first.order_no)
    await town.payment.abandon(first.order_no)
    town.gateway.trade(first.order_no)["status"] = "waiting"  # closed by our word, and paid all the same
    second = await town.place(pension(tier="100%"), conversation="rest:b")
    for order in (second, first):
        town.gateway.pay(order.order_no)
        form = {
            "out_trade_no": order.order_no, "total_amount": str(order.total), "status": "paid", "sign": "right",
            "notify_id": order.order_no,
        }  # fmt: skip
        assert await town.payment.on_notification(form)
    assert await town.status(first.order_no) == "refunding"
    assert await seconds_until(town, first.order_no, "refunded", most=60) <= 60
    assert await town.status(second.order_no) == "paid"
    await town.check_invariants()


async def test_what_the_bureau_refuses_is_refunded_within_60_seconds(town: Town) -> None:
    order = await town.place()
    town.bureau.refuses["post_payment"] = "already_paid"
    town.gateway.pay(order.order_no)
    await town.payment.refresh(order.order_no)
    assert await seconds_until(town, order.order_no, "refunded", most=60) <= 60
    assert town.gateway.captured() == 0


async def test_fifty_devices_that_pay_one_bill_at_once_pay_it_once(town: Town) -> None:
    drafts = [await town.draft(conversation=f"rest:{n}") for n in range(DEVICES)]

    async def confirm_and_pay(draft_id: str, conversation: str) -> str | None:
        try:
            placed = await town.payment.place(draft_id, conversation_id=conversation)
        except Unavailable:  # another device is at it
            return None
        assert isinstance(placed, Placed)
        order_no = placed.order.order_no
        if await town.payment.open_cashier(order_no) and "paid" not in town.gateway.trade(order_no):
            town.gateway.pay(order_no)  # the gateway takes the money of one
        await town.payment.refresh(order_no, patient=False)
        return order_no

    told = await asyncio.gather(*(confirm_and_pay(draft.draft_id, draft.conversation_id) for draft in drafts))
    numbers = {number for number in told if number}
    assert len(numbers) == len(town.gateway.table("trades")) == 1
    [order_no] = numbers
    assert town.gateway.trade(order_no)["payments"] == 1
    await town.run(seconds=6)
    for draft in drafts:  # whoever asks again hears the truth
        placed = await town.payment.place(draft.draft_id, conversation_id=draft.conversation_id)
        assert isinstance(placed, Placed)
        assert (placed.order.order_no, placed.order.status) == (order_no, "paid")
    assert [row["times"] for row in town.bureau.table("payments").values()] == [1]
    await town.check_invariants()
