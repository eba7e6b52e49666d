"""Checks of single properties, for what no schedule over small peers can see: each raises if it does not hold."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from services.adapters.alipay.client import AlipayClient
from services.adapters.alipay.gateway import AlipayGateway
from services.adapters.alipay.signing import notification_text, read_private_key, sign
from services.domain.errors import OutcomeUnknown, Refused, Unavailable
from services.domain.orders import OPEN
from services.durable import Lease, LeaseLost
from services.payment import Changed
from services.store.orders import APPLIED, ClaimRow, OrderRow
from tests.conftest import FixedClock
from tests.payment.peers import AFTER, BEFORE, RESIDENT_MEDICAL, pension
from tests.proof.world import World

Check = Callable[[World], Awaitable[None]]
NUMBER = "GZ1ORDER"


def _pem_pair() -> tuple[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


OURS, THEIRS, STRANGER = _pem_pair(), _pem_pair(), _pem_pair()


def open_gateway(answer: dict[str, Any] | None = None) -> tuple[AlipayGateway, list[dict[str, Any]]]:
    """The real adapter; its calls are listed, and all have the same answer."""
    client = AlipayClient(
        gateway_url="http://gateway.test", app_id="app", private_key_pem=OURS[0], public_key_pem=THEIRS[1],
        clock=FixedClock(),
    )  # fmt: skip
    calls: list[dict[str, Any]] = []

    async def call(_method: str, biz: dict[str, Any], **_common: Any) -> dict[str, Any]:
        calls.append(biz)
        return answer or {}

    client.call = call  # type: ignore[method-assign,assignment]
    return AlipayGateway(client, "seller", "http://us.test/notify", "http://us.test/back"), calls


def notification(key: str = THEIRS[0], **changed: str) -> dict[str, str]:
    form = {
        "app_id": "app", "seller_id": "seller", "out_trade_no": NUMBER, "trade_status": "TRADE_SUCCESS",
        "total_amount": "400.00", "charset": "utf-8", "sign_type": "RSA2", "notify_id": "n1", **changed,
    }  # fmt: skip
    form["sign"] = sign(notification_text(form).encode(), read_private_key(key))
    return form


async def _refuses(form: dict[str, str], why: str) -> None:
    gateway, _ = open_gateway()
    try:
        gateway.read_notification(form)
    except Refused:
        return
    raise AssertionError(why)


async def only_the_gateways_signature_counts(_world: World) -> None:
    gateway, _ = open_gateway()
    assert gateway.read_notification(notification()).total == Decimal("400.00")
    await _refuses(notification(STRANGER[0]), "a stranger's signature was believed")
    await _refuses(notification() | {"total_amount": "1.00"}, "a changed amount was believed")


async def only_our_application_counts(_world: World) -> None:
    await _refuses(notification(app_id="another"), "a notification for another application was believed")


async def only_our_seller_counts(_world: World) -> None:
    await _refuses(notification(seller_id="another"), "a notification for another seller was believed")


async def the_expiry_is_absolute(world: World) -> None:
    gateway, calls = open_gateway({"out_trade_no": NUMBER, "qr_code": "https://qr.test"})
    await gateway.place(
        order_no=NUMBER, total=Decimal(1), subject="x", expires_at=world.clock.now() + timedelta(minutes=15)
    )
    assert calls[0].get("time_expire") == "2026-11-23 10:15:00", calls
    assert "timeout_express" not in calls[0]


async def an_answer_about_another_order_is_no_evidence(_world: World) -> None:
    other = {"out_trade_no": "GZ1OTHER", "trade_status": "TRADE_SUCCESS", "total_amount": "400.00"}
    gateway, _ = open_gateway(other)
    try:
        facts = await gateway.query(NUMBER)
    except OutcomeUnknown:
        return
    raise AssertionError(f"an answer about another order was believed: {facts.status}")


async def the_database_refuses_a_second_applied_order(world: World) -> None:
    first, second = await world.town.place(), await world.town.place(pension())
    async with world.database.begin() as session:
        held = await session.scalar(select(ClaimRow).where(ClaimRow.order_no == first.order_no))
        assert held is not None
        held.state = APPLIED
    try:
        async with world.database.begin() as session:
            session.add(
                ClaimRow(
                    order_no=second.order_no, line=1, unit=held.unit, insured_id=held.insured_id,
                    insured_group=held.insured_group, insurance=held.insurance, state=APPLIED,
                )
            )  # fmt: skip
    except IntegrityError:
        return
    raise AssertionError("two orders are applied to one bill")


async def a_lost_lease_commits_nothing(world: World) -> None:
    async with world.database.begin() as session:
        lease = await world.town.durable.enqueue_leased(session, "issue", "nobody")
    world.clock.advance(seconds=9)  # type: ignore[attr-defined]
    other = world._start().durable
    assert isinstance(await other.lease("issue", "nobody"), Lease)
    try:
        async with world.database.begin() as session:
            await lease.check(session)
    except LeaseLost:
        return
    raise AssertionError("a worker whose lease was lost could commit")


async def changed_figures_are_shown_before_anything_is_filed(world: World) -> None:
    draft = await world.town.draft(RESIDENT_MEDICAL)
    world.bureau.dear = Decimal(12)
    placed = await world.town.payment.place(draft.draft_id, conversation_id="rest:a")
    assert isinstance(placed, Changed)
    assert not world.bureau.table("declarations")


async def the_bureau_is_asked_before_it_is_told_again(world: World) -> None:
    """P17: a posting whose outcome is unknown is looked for; it is not simply made once more."""
    order = await world.town.place()
    world._pay(order.order_no)
    world.bureau.fail("post_payment", AFTER)
    await world.town.payment.on_notification(world.notices[0])
    for _ in range(3):
        world.clock.advance(seconds=10)  # type: ignore[attr-defined]
        await world.town.durable.run_due()
    assert world.bureau.table("payments")[order.order_no]["times"] == 1


async def a_refusal_after_an_unknown_outcome_closes_nothing(world: World) -> None:
    """The first call may have had its effect: the number has to run out, whatever the second call says."""
    world.gateway.fail("place", AFTER)
    draft = await world.town.draft()
    with suppress(Unavailable):
        await world.town.payment.place(draft.draft_id, conversation_id="rest:a")
    world.gateway.books["refuses_orders"] = True
    world.clock.advance(seconds=3)  # type: ignore[attr-defined]
    await world.town.durable.run_due()
    [order_no] = world.gateway.table("trades")
    async with world.database.read() as session:
        order = await session.get(OrderRow, order_no)
    assert order is not None
    assert world.gateway.calls["place"] > 1, "it was not called again"
    assert order.state in OPEN, "closed, while the gateway takes money for it"


async def what_is_filed_is_what_was_shown(world: World) -> None:
    """The price changes in the moment between the last look and the declaration: nothing is charged."""
    draft = await world.town.draft()
    quote = world.bureau.quote

    async def then_dearer(*asked: Any) -> Any:
        answer = await quote(*asked)
        world.bureau.dear = Decimal(12)
        return answer

    world.bureau.quote = then_dearer  # type: ignore[method-assign]
    await world.town.payment.place(draft.draft_id, conversation_id="rest:a")
    assert not world.gateway.table("trades"), "charged at another total than was filed"


async def _with_surplus(world: World, *faults: tuple[str, str]) -> str:
    """An order whose money goes back; on the way the faults happen."""
    order = await world.town.place()
    world.bureau.refuses["post_payment"] = "already_paid"
    world._pay(order.order_no)
    for call, mode in faults:
        world.gateway.fail(call, mode)
    await world.town.payment.on_notification(world.notices[0])
    for _ in range(3):
        world.clock.advance(seconds=11)  # type: ignore[attr-defined]
        await world.town.durable.run_due()
        if await world.town.status(order.order_no) == "refunded":
            assert world.gateway.kept(order.order_no) == 0, "refunded by our word only"
    return order.order_no


async def refunded_is_what_the_gateway_shows(world: World) -> None:
    order_no = await _with_surplus(world, ("refund", BEFORE))
    assert await world.town.status(order_no) == "refunded"


async def a_refund_without_an_answer_is_not_refused(world: World) -> None:
    order_no = await _with_surplus(world, ("refund", AFTER))
    assert await world.town.status(order_no) == "refunded", "stuck, and nobody had refused it"
    assert len(world.gateway.table("refunds")) == 1


async def the_gateway_is_asked_seldom(world: World) -> None:
    """P19: whoever asks, there are three seconds between two queries of one order."""
    order = await world.town.place()
    await world.town.scan(order.order_no)
    before = world.gateway.calls["query"]
    await asyncio.gather(
        *(world.town.payment.refresh(order.order_no, patient=False) for _ in range(10)),
        return_exceptions=True,
    )
    assert world.gateway.calls["query"] - before <= 1


CHECKS: tuple[Check, ...] = (
    only_the_gateways_signature_counts,
    only_our_application_counts,
    only_our_seller_counts,
    the_expiry_is_absolute,
    an_answer_about_another_order_is_no_evidence,
    the_database_refuses_a_second_applied_order,
    a_lost_lease_commits_nothing,
    changed_figures_are_shown_before_anything_is_filed,
    the_bureau_is_asked_before_it_is_told_again,
    a_refusal_after_an_unknown_outcome_closes_nothing,
    what_is_filed_is_what_was_shown,
    refunded_is_what_the_gateway_shows,
    a_refund_without_an_answer_is_not_refused,
    the_gateway_is_asked_seldom,
)
