"""Refunds that the gateway has refused: they wait in suspense until somebody of the staff has them tried again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import structlog
from sqlalchemy import select

from services import audit
from services.domain.errors import Refused
from services.domain.orders import OrderState, RefundState
from services.domain.staff import Right
from services.payment.desk import REFUND, Desk, get_locked
from services.staff import Agent
from services.store.orders import RefundRow, move_to

log = structlog.get_logger("refunds")


@dataclass(frozen=True, kw_only=True)
class StuckRefund:
    """`code` is what the gateway says against it."""

    request_no: str
    order_no: str
    amount: Decimal
    code: str
    sent_at: datetime | None


async def list_stuck(desk: Desk) -> Sequence[StuckRefund]:
    """The oldest first."""
    found = select(RefundRow).where(RefundRow.state == RefundState.STUCK.value)
    async with desk.database.read() as session:
        rows = (await session.scalars(found.order_by(RefundRow.requested_at, RefundRow.request_no))).all()
    return [
        StuckRefund(
            request_no=row.request_no, order_no=row.order_no, amount=row.amount, code=row.stuck_code or "",
            sent_at=row.sent_at,
        )
        for row in rows
    ]  # fmt: skip


async def retry(desk: Desk, request_no: str, agent: Agent) -> None:
    """Send it once more under its number: what the gateway has done already it does not do twice (I6).

    `Refused`: `not_allowed`, `unknown_refund`, `refund_not_stuck`.
    """
    agent.need(Right.SETTLE_FINDING)
    async with desk.database.begin() as session:
        row = await session.get(RefundRow, request_no)
        if row is None:
            raise Refused("unknown_refund")
        order = await get_locked(session, row.order_no)
        await session.refresh(row)
        if row.state != RefundState.STUCK:
            raise Refused("refund_not_stuck", state=row.state)
        now = desk.clock.now()
        detail = f"{row.order_no} {row.stuck_code}"
        row.state, row.stuck_code = RefundState.APPROVED, None
        if order.state is OrderState.REFUND_STUCK:
            move_to(session, order, OrderState.REFUNDING, reason="retried", at=now)
        await desk.durable.enqueue(session, REFUND, row.order_no, at=now)
        await audit.record(
            session, at=now, actor=agent.name, action="refund_retried", subject=request_no, detail=detail
        )
    log.info("refund_retried", order_no=order.order_no)
