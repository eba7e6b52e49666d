"""Surplus money goes back to the payer: one request number for ever, done when the gateway shows it (R1)."""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.crashpoints import crashpoint
from services.domain.errors import Refused
from services.domain.orders import OrderState, RefundState
from services.durable import Lease
from services.payment.desk import Desk, get_locked, known
from services.payment.evidence import finish_refund
from services.store.orders import LINE, RefundRow, move_to

log = structlog.get_logger("payment")

ASK_AFTER = timedelta(seconds=10)
REASON = "社会保险费退款"


async def refund(desk: Desk, lease: Lease) -> datetime | None:
    """The job `refund` of an order, one refund after the other: send, ask 10 s later, send the same again if
    it is not there."""
    async with desk.database.read() as session:
        row = await _open_refund(session, lease.subject)
    if row is None:
        return None
    if row.state == RefundState.SENT and await _is_done(desk, lease, row):
        return desk.clock.now()  # another bill of the order may have to go back as well
    await _intend(desk, lease, row.request_no)
    gateway = desk.gateway_of(await desk.get(row.order_no))
    crashpoint("payment.refund.before_call")
    try:
        await gateway.refund(
            order_no=row.order_no, request_no=row.request_no, amount=row.amount, reason=REASON
        )
    except Refused as refused:
        await _stuck(desk, lease, row.request_no, refused)
        return desk.clock.now()
    crashpoint("payment.refund.after_call")
    return desk.clock.now() + ASK_AFTER


async def _intend(desk: Desk, lease: Lease, request_no: str) -> None:
    async with desk.database.begin() as session:
        await lease.check(session)
        order = await get_locked(session, lease.subject)
        row = known(await session.get(RefundRow, request_no))
        if order.state is OrderState.SURPLUS:
            move_to(session, order, OrderState.REFUNDING, reason=row.reason, at=desk.clock.now())
        row.state, row.sent_at = RefundState.SENT, desk.clock.now()


async def _is_done(desk: Desk, lease: Lease, row: RefundRow) -> bool:
    gateway = desk.gateway_of(await desk.get(row.order_no))
    facts = await gateway.find_refund(order_no=row.order_no, request_no=row.request_no)
    if not facts.done or facts.amount != row.amount:
        return False
    async with desk.database.begin() as session:
        await lease.check(session)
        order = await get_locked(session, row.order_no)
        kept = known(await session.get(RefundRow, row.request_no))
        now = desk.clock.now()
        kept.state, kept.done_at = RefundState.DONE, facts.refunded_at or now
        await finish_refund(session, order, kept, at=now)
        await desk.tell(session, row.order_no, "payment_status")
        crashpoint("payment.refund.before_commit")
    log.info("payment_refunded", order_no=row.order_no)
    return True


async def _stuck(desk: Desk, lease: Lease, request_no: str, refused: Refused) -> None:
    """Refused for good: it stays in suspense, for people to settle (R4)."""
    log.error("refund_stuck", order_no=lease.subject, code=refused.code)
    async with desk.database.begin() as session:
        await lease.check(session)
        order = await get_locked(session, lease.subject)
        row = known(await session.get(RefundRow, request_no))
        row.state, row.stuck_code = RefundState.STUCK, refused.code[:64]
        if row.kind != LINE:
            move_to(session, order, OrderState.REFUND_STUCK, reason=refused.code[:40], at=desk.clock.now())


async def _open_refund(session: AsyncSession, order_no: str) -> RefundRow | None:
    found = (
        select(RefundRow)
        .where(
            RefundRow.order_no == order_no,
            RefundRow.state.in_([RefundState.APPROVED.value, RefundState.SENT.value]),
        )
        .order_by(RefundRow.requested_at)
    )
    row: RefundRow | None = (await session.scalars(found)).first()
    return row
