"""Draft → place → pay → posted → booked, and the ways in which it can go another way."""

from decimal import Decimal

import pytest

from services.domain.errors import OutcomeUnknown, Refused, Unavailable
from services.payment import Changed, Placed
from tests.payment.conftest import Town
from tests.payment.peers import AFTER, BEFORE, pension


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
