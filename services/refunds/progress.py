"""The job of a case: from approved to the money being back, one step at a time, each safe to repeat."""

from datetime import datetime, time, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from services import audit
from services.crashpoints import crashpoint
from services.domain.errors import Refused
from services.domain.orders import OrderState
from services.domain.refunds import CaseState, Reason, Route
from services.domain.workdays import is_workday
from services.durable import Lease
from services.payment.desk import Desk, get_locked, known, read_lines
from services.payment.evidence import to_surplus
from services.refunds import office
from services.refunds.asking import judge_all
from services.refunds.deciding import TOLD
from services.refunds.model import covered
from services.store.orders import REQUESTED, OrderRow
from services.store.refunds import WHOLE, CaseRow, move_case

log = structlog.get_logger("refunds")

FIRST_LOOK = timedelta(seconds=11)
OFTEN, SELDOM = timedelta(minutes=10), timedelta(hours=1)


async def follow(desk: Desk, lease: Lease) -> datetime | None:
    """The job `refund_case`. Raises `Unavailable` or `OutcomeUnknown` to be tried again."""
    async with desk.database.read() as session:
        case = known(await session.get(CaseRow, lease.subject))
    state, at_gateway = CaseState(case.state), case.route == Route.GATEWAY
    if state is CaseState.APPROVED:
        await (_release(desk, lease, case) if at_gateway else office.file(desk, lease, case))
        return desk.clock.now() + FIRST_LOOK
    if state in {CaseState.SENT, CaseState.STUCK} and at_gateway:
        return await _look_at_order(desk, lease, case)
    if state is CaseState.SENT and not await office.look(desk, lease, case):
        return next_look(desk.clock.now())
    return None


def next_look(now: datetime) -> datetime:
    """Every ten minutes in the office's hours, else hourly."""
    open_ = is_workday(now.date()) and time(8) <= now.time() <= time(20)
    return now + (OFTEN if open_ else SELDOM)


async def _release(desk: Desk, lease: Lease, case: CaseRow) -> None:
    """Not booked: the bureau gives the payment up first, then the gateway pays back (`reliability` R1)."""
    order = await desk.get(case.order_no)
    if order.state is OrderState.APPLIED and order.booked_at is None:
        keys = [line.key for line in covered(await desk.lines(order.order_no), WHOLE)]
        crashpoint("refund.release.before_call")
        try:
            await desk.bureau.withdraw_payments(keys)
        except Refused as refused:
            log.info("refund_not_released", case_no=case.case_no, code=refused.code)
            await _to_office(desk, lease)
            return
        crashpoint("refund.release.after_call")
    async with desk.database.begin() as session:
        await lease.check(session)
        order = await get_locked(session, case.order_no)
        row = known(await session.get(CaseRow, case.case_no, with_for_update=True))
        booked = order.booked_at is not None and order.state is OrderState.APPLIED
        if row.state == CaseState.APPROVED and not booked:
            await _pay_back(desk, session, lease, order, row)
        crashpoint("refund.release.before_commit")
    crashpoint("refund.release.after_commit")
    if booked:
        await _to_office(desk, lease)


async def _pay_back(desk: Desk, session: AsyncSession, lease: Lease, order: OrderRow, case: CaseRow) -> None:
    """From here on the refund job of the payment does it, with one request number for ever."""
    now = desk.clock.now()
    if order.state is OrderState.APPLIED:
        await to_surplus(desk, session, order, reason=case.reason, kind=REQUESTED, by=case.case_no)
        await desk.tell(session, order.order_no, "payment_status", telling=lease.inline)
    await move_case(session, case, CaseState.SENT, by=audit.SERVICE, at=now)
    await audit.record(
        session, at=now, actor=audit.SERVICE, action="refund_released", subject=case.case_no,
        reason=case.reason, detail=order.order_no,
    )  # fmt: skip


async def _to_office(desk: Desk, lease: Lease) -> None:
    """It was booked meanwhile: a matter for the tax office, if it is one at all."""
    async with desk.database.begin() as session:
        await lease.check(session)
        case = known(await session.get(CaseRow, lease.subject, with_for_update=True))
        if case.state != CaseState.APPROVED or case.route != Route.GATEWAY:
            return
        order, now = await get_locked(session, case.order_no), desk.clock.now()
        lines = await read_lines(session, case.order_no)
        verdict = judge_all(desk, order, lines, case.line, Reason(case.reason), booked=True)
        case.route = Route.OFFICE.value
        await session.flush()
        if verdict.ok:
            await move_case(session, case, CaseState.REQUESTED, by=audit.SERVICE, at=now)
        else:
            await move_case(session, case, CaseState.REJECTED, by=audit.SERVICE, at=now, outcome=verdict.code)
        await desk.notices.announce_in(
            session, case.conversation_id, TOLD, telling=lease.inline, case_no=case.case_no
        )
        await audit.record(
            session, at=now, actor=audit.SERVICE, action="refund_to_office", subject=case.case_no,
            reason=case.state, detail=case.order_no,
        )  # fmt: skip
        crashpoint("refund.to_office.before_commit")


async def _look_at_order(desk: Desk, lease: Lease, case: CaseRow) -> datetime | None:
    """How far the gateway's refund is; the payment itself tells the resident that the money is back."""
    async with desk.database.begin() as session:
        await lease.check(session)
        order = await get_locked(session, case.order_no)
        row, now = known(await session.get(CaseRow, case.case_no, with_for_update=True)), desk.clock.now()
        if order.state is OrderState.REFUNDED:
            await move_case(session, row, CaseState.DONE, by=audit.SERVICE, at=now)
        elif order.state is OrderState.REFUND_STUCK and row.state == CaseState.SENT:
            await move_case(session, row, CaseState.STUCK, by=audit.SERVICE, at=now, outcome=order.reason)
            await desk.notices.announce_in(session, row.conversation_id, TOLD, case_no=row.case_no)
        crashpoint("refund.follow.before_commit")
    if order.state is OrderState.REFUNDED:
        return None
    return now + (SELDOM if order.state is OrderState.REFUND_STUCK else FIRST_LOOK)
