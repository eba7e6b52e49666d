"""The net below the net: unfinished orders whose job is missing get it again."""

from datetime import datetime

import structlog
from sqlalchemy import ColumnElement, and_, select

from services.domain.orders import OrderState, RefundState
from services.payment import desk as jobs
from services.payment.desk import Desk
from services.store.durable import QUEUED, JobRow
from services.store.orders import OrderLineRow, OrderRow, RefundRow

log = structlog.get_logger("payment")

MOST = 500
OPEN_AT_GATEWAY = (OrderState.NEW, OrderState.ISSUED, OrderState.WAIT, OrderState.CLOSING)


async def sweep(desk: Desk) -> None:
    for kind, condition in _conditions(desk.clock.now()).items():
        queued = select(JobRow.subject).where(JobRow.kind == kind, JobRow.state == QUEUED)
        lost = select(OrderRow.order_no).where(condition, OrderRow.order_no.not_in(queued)).limit(MOST)
        async with desk.database.read() as session:
            order_nos = (await session.scalars(lost)).all()
        for order_no in order_nos:
            log.error("payment_job_lost", kind=kind, order_no=order_no)
            async with desk.database.begin() as session:
                await desk.durable.enqueue(session, kind, order_no, at=desk.clock.now())


def _conditions(now: datetime) -> dict[str, ColumnElement[bool]]:
    """Which orders need which job."""
    new = OrderRow.state == OrderState.NEW
    unbooked = and_(OrderRow.state == OrderState.APPLIED, OrderRow.booked_at.is_(None))
    unposted = select(OrderLineRow.order_no).where(
        OrderLineRow.payment_no.is_(None), OrderLineRow.returned_at.is_(None)
    )
    unsent = select(RefundRow.order_no).where(RefundRow.state.in_([RefundState.APPROVED, RefundState.SENT]))
    return {
        jobs.ISSUE: and_(new, (OrderRow.expires_at > now) | OrderRow.sent_at.is_(None)),
        jobs.WATCH: and_(_state_in(*OPEN_AT_GATEWAY), OrderRow.sent_at.is_not(None)),
        jobs.REFUND: OrderRow.order_no.in_(unsent),
        jobs.POST: and_(unbooked, OrderRow.order_no.in_(unposted)),
        jobs.BOOK: and_(unbooked, OrderRow.order_no.not_in(unposted)),
    }


def _state_in(*states: OrderState) -> ColumnElement[bool]:
    return OrderRow.state.in_(states)
