"""Asking the gateway how it stands, and closing orders: the truth without a notification (P5, P14)."""

import asyncio
from datetime import datetime, timedelta

from sqlalchemy import or_, update

from services.crashpoints import crashpoint
from services.domain.errors import OutcomeUnknown, Refused, Unavailable
from services.domain.orders import GRACE, OPEN, OrderState
from services.durable import Lease
from services.payment.desk import Desk, get_locked, is_captured, known
from services.payment.evidence import apply, bill_is_settled, close
from services.ports import TradeFacts, TradeStatus
from services.store.orders import OrderRow, move_to

LOOKS = tuple(timedelta(seconds=s) for s in (5, 10, 20))
EVERY = timedelta(seconds=30)
LATE = timedelta(hours=24)
AFTER_CLOSING = tuple(timedelta(minutes=m) for m in (5, 30, 120, 360, 1440))
"""A closed order is asked for until its expiry and 24 hours: money that comes late must be seen (P3)."""
APART = timedelta(seconds=3)
"""At most one query per order in this time, whoever asks (P19)."""


async def watch(desk: Desk, lease: Lease) -> datetime | None:
    """The job `watch`: query, take in, and say when to look again."""
    order = await desk.get(lease.subject)
    if is_captured(order):
        return None
    facts = await query(desk, order.order_no)
    order = await desk.get(lease.subject)
    now = desk.clock.now()
    unwanted = order.state is OrderState.CLOSING and not order.wanted
    if facts.status is TradeStatus.WAITING and (now >= order.expires_at or unwanted):
        await close_at_gateway(desk, order.order_no, reason="expired")
        order = await desk.get(lease.subject)
    return next_look(order, now)


def next_look(order: OrderRow, now: datetime) -> datetime | None:
    """5, 10, 20 s after it was placed, then every 30 s to its end; after closing more and more rarely."""
    if is_captured(order):
        return None
    if order.state is OrderState.CLOSED:
        later = [order.expires_at + wait for wait in AFTER_CLOSING]
        return next((moment for moment in later if moment > now), None)
    start, end = order.sent_at or order.created_at, order.expires_at
    looks = [start + wait for wait in LOOKS] + [end, end + GRACE + timedelta(seconds=1)]
    nearest = min((moment for moment in looks if moment > now), default=now + EVERY)
    return min(nearest, now + EVERY) if now >= start + LOOKS[-1] else nearest


def may_still_be_paid(order: OrderRow, now: datetime) -> bool:
    """Closed, and in the time in which money that comes late is looked for."""
    return order.state is OrderState.CLOSED and order.sent_at is not None and now < order.expires_at + LATE


async def query(desk: Desk, order_no: str, *, telling: bool = False, permitted: bool = False) -> TradeFacts:
    """Ask the gateway and take in the answer; `permitted` if it is known to be this order's turn.

    `Unavailable` or `OutcomeUnknown` when there is no answer.
    """
    if not permitted:
        await _in_turn(desk, order_no)
    crashpoint("payment.query.before_call")
    try:
        facts = await desk.gateway_of(await desk.get(order_no)).query(order_no)
    except Refused as refused:  # our request or our keys are wrong: that says nothing about the money
        raise OutcomeUnknown(refused.code) from refused
    crashpoint("payment.query.after_call")
    await apply(desk, facts, telling=telling)
    return facts


async def _in_turn(desk: Desk, order_no: str) -> None:
    """Wait for the next permitted moment, in real time and once at most: clocks may stand still."""
    if not await _take_turn(desk, order_no):
        order = await desk.get(order_no)
        wait = (known(order.queried_at) + APART - desk.clock.now()).total_seconds()
        await asyncio.sleep(max(0.0, min(wait, APART.total_seconds())))
        await _take_turn(desk, order_no)


async def _take_turn(desk: Desk, order_no: str) -> bool:
    """Whether the gateway may be asked now; if so, that it is."""
    now = desk.clock.now()
    permitted = or_(
        OrderRow.queried_at.is_(None), OrderRow.queried_at <= now - APART, OrderRow.queried_at > now
    )
    async with desk.database.begin() as session:
        taken = await session.execute(
            update(OrderRow)
            .where(OrderRow.order_no == order_no, permitted)
            .values(queried_at=now)
            .execution_options(synchronize_session=False)
        )
    return bool(taken.rowcount)  # type: ignore[attr-defined]


async def close_order(desk: Desk, lease: Lease) -> datetime | None:
    """The job `close`: a rival was paid, or the resident has given it up and not changed his mind."""
    order = await desk.get(lease.subject)
    async with desk.database.read() as session:
        if order.wanted and not await bill_is_settled(session, order):
            return None
    if order.state is OrderState.NEW and order.sent_at is not None:
        raise Unavailable("order_in_work")
    if order.state in OPEN:
        await close_at_gateway(desk, order.order_no, reason="given_up", give_up=True)
    return None


async def close_at_gateway(
    desk: Desk, order_no: str, *, reason: str, give_up: bool = False, telling: bool = False
) -> OrderState:
    """Have the gateway close it; the state it is in afterwards. Only the gateway's word closes (P14), except
    for an order whose link never left us: nobody can pay that one.

    Raises `Unavailable` or `OutcomeUnknown`: then it stays `CLOSING`, and is looked at again.
    """
    state = await _intend_closing(desk, order_no, reason, give_up)
    if state is not OrderState.CLOSING:
        return state
    crashpoint("payment.close.before_call")
    try:
        status = await desk.gateway_of(await desk.get(order_no)).close(order_no)
    except Refused as refused:
        raise OutcomeUnknown(refused.code) from refused
    crashpoint("payment.close.after_call")
    if status is TradeStatus.PAID or status is TradeStatus.REFUNDED:
        await query(desk, order_no, telling=telling)
    else:
        facts = TradeFacts(order_no=order_no, status=status, source="query")
        await apply(desk, facts, telling=telling)
    return (await desk.get(order_no)).state


async def _intend_closing(desk: Desk, order_no: str, reason: str, give_up: bool) -> OrderState:
    async with desk.database.begin() as session:
        order = await get_locked(session, order_no)
        if give_up and order.state in OPEN:
            order.wanted = False
        now = desk.clock.now()
        if _never_left(order):
            await close(session, order, reason=reason, at=now)
        elif order.state in {OrderState.ISSUED, OrderState.WAIT} or (
            order.state is OrderState.NEW and now >= order.expires_at
        ):
            move_to(session, order, OrderState.CLOSING, reason=reason, at=now)
        crashpoint("payment.close.before_intent_commit")
        return order.state


async def take_back(desk: Desk, order_no: str) -> bool:
    """Close it if nobody can have begun to pay; whether it was."""
    async with desk.database.begin() as session:
        order = await get_locked(session, order_no)
        if not _never_left(order):
            return False
        order.wanted = False
        await close(session, order, reason="taken_back", at=desk.clock.now())
    return True


def _never_left(order: OrderRow) -> bool:
    """It has not been sent to the gateway, or its link has not been opened: nobody can pay it."""
    never_sent = order.state is OrderState.NEW and order.sent_at is None
    return never_sent or (order.state is OrderState.ISSUED and order.opened_at is None)


async def as_unknown(desk: Desk, order_no: str, *, patient: bool) -> None:
    """Query for a resident: whatever keeps the answer away, nobody may say that nothing was charged."""
    if not patient and not await _take_turn(desk, order_no):
        return
    try:
        await query(desk, order_no, telling=True, permitted=not patient)
    except Unavailable as error:
        raise OutcomeUnknown("outcome_unknown") from error
