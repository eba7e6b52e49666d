"""Booked money: applications at the tax office, and what it says of them (受理 → 确认 → 退库 → 到账)."""

import structlog
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services import audit
from services.crashpoints import crashpoint
from services.domain.errors import Refused, Unavailable
from services.domain.orders import Account, OrderState
from services.domain.refunds import CaseState
from services.durable import Lease
from services.payment.desk import Desk, get_locked, known, read_lines
from services.ports import RefundApplication, RefundStage
from services.refunds.deciding import TOLD
from services.refunds.model import covered, read_applications
from services.store.orders import APPLIED, RELEASED, ClaimRow, OrderRow, move_to, record_entry
from services.store.refunds import WHOLE, ApplicationRow, CaseRow, move_case

log = structlog.get_logger("refunds")

ENDED = frozenset({RefundStage.PAID.value, RefundStage.REFUSED.value})
NOT_BOOKED = "not_booked"
FILED_FROM = frozenset({OrderState.APPLIED, OrderState.OFFICE_REFUND})


async def file(desk: Desk, lease: Lease, case: CaseRow) -> None:
    """Apply for each line; the same key at every try. Refused for all of them: the case is rejected."""
    async with desk.database.read() as session:
        wanted = await read_applications(session, case.case_no)
    if (await desk.get(case.order_no)).state not in FILED_FROM:
        await _give_up(desk, lease, case)
        return
    answers: dict[int, RefundApplication | Refused] = {}
    for row in wanted:
        if row.stage is None:
            answers[row.line] = await _apply(desk, case, row, asking=lease.repeated)
    async with desk.database.begin() as session:
        await lease.check(session)
        order, held = await _hold(session, case)
        if held.state != CaseState.APPROVED:
            return
        for row in await read_applications(session, case.case_no):
            if row.line in answers:
                _take(row, answers[row.line])
        await session.flush()
        await _settle(desk, session, order, held, filing=True)
        crashpoint("refund.file.before_commit")
    crashpoint("refund.file.after_commit")


async def _give_up(desk: Desk, lease: Lease, case: CaseRow) -> None:
    """The gateway has given it back meanwhile, without us: nothing is left to apply for."""
    log.error("refund_overtaken", case_no=case.case_no)
    async with desk.database.begin() as session:
        await lease.check(session)
        _, held = await _hold(session, case)
        now = desk.clock.now()
        await move_case(session, held, CaseState.REJECTED, by=audit.SERVICE, at=now, outcome="overtaken")
        await desk.notices.announce_in(session, case.conversation_id, TOLD, case_no=case.case_no)
        await audit.record(
            session, at=now, actor=audit.SERVICE, action="refund_overtaken", subject=case.case_no,
            reason=case.reason, detail=case.order_no,
        )  # fmt: skip


async def _apply(
    desk: Desk, case: CaseRow, row: ApplicationRow, *, asking: bool
) -> RefundApplication | Refused:
    found = await desk.bureau.find_refund(row.key) if asking else None
    if found is not None:
        return found
    [payment_key] = [line.key for line in await desk.lines(case.order_no) if line.line == row.line]
    crashpoint("refund.file.before_call")
    try:
        applied = await desk.bureau.file_refund(
            key=row.key, payment_key=payment_key, amount=row.amount, reason=case.reason
        )
    except Refused as refused:
        if refused.code == NOT_BOOKED:  # of several lines one may be booked a moment later
            raise Unavailable(NOT_BOOKED) from refused
        log.error("refund_refused", case_no=case.case_no, code=refused.code)
        return refused
    crashpoint("refund.file.after_call")
    return applied


async def look(desk: Desk, lease: Lease, case: CaseRow) -> bool:
    """Ask how the applications stand; whether it is all over."""
    async with desk.database.read() as session:
        waiting = [row for row in await read_applications(session, case.case_no) if row.stage not in ENDED]
    answers = {}
    for row in waiting:
        found = await desk.bureau.find_refund(row.key)
        answers[row.line] = found or await _apply(desk, case, row, asking=False)
    crashpoint("refund.look.after_call")
    if all(_stage(answers[row.line]) == row.stage for row in waiting):
        return not waiting
    async with desk.database.begin() as session:
        await lease.check(session)
        order, held = await _hold(session, case)
        for row in await read_applications(session, case.case_no):
            if row.line in answers and row.stage not in ENDED:
                before = row.stage
                _take(row, answers[row.line])
                if row.stage == RefundStage.PAID and before != row.stage:
                    await _paid_back(desk, session, order, row)
        await session.flush()
        await _settle(desk, session, order, held)
        crashpoint("refund.look.before_commit")
    crashpoint("refund.look.after_commit")
    return CaseState(held.state) is not CaseState.SENT


def _stage(answer: RefundApplication | Refused) -> str:
    return RefundStage.REFUSED.value if isinstance(answer, Refused) else answer.stage.value


def _take(row: ApplicationRow, answer: RefundApplication | Refused) -> None:
    row.stage = _stage(answer)
    if isinstance(answer, RefundApplication):
        row.application_no, row.expected_by = answer.application_no, answer.expected_by
        row.paid_on = answer.paid_on


async def _hold(session: AsyncSession, case: CaseRow) -> tuple[OrderRow, CaseRow]:
    order = await get_locked(session, case.order_no)
    return order, known(await session.get(CaseRow, case.case_no, with_for_update=True))


async def _paid_back(desk: Desk, session: AsyncSession, order: OrderRow, row: ApplicationRow) -> None:
    """The office has paid: the journal says so, and the bill can be paid anew."""
    await record_entry(
        session, order.order_no, "office_refund", ref=row.key, debit=Account.BOOKED,
        credit=Account.OFFICE, amount=row.amount, at=desk.clock.now(),
    )  # fmt: skip
    await session.execute(
        update(ClaimRow)
        .where(ClaimRow.order_no == order.order_no, ClaimRow.line == row.line, ClaimRow.state == APPLIED)
        .values(state=RELEASED)
        .execution_options(synchronize_session=False)
    )


async def _settle(
    desk: Desk, session: AsyncSession, order: OrderRow, case: CaseRow, *, filing: bool = False
) -> None:
    """Move the case and its order to where the applications are, and have the resident told."""
    now, applications = desk.clock.now(), await read_applications(session, case.case_no)
    stages = [row.stage for row in applications]
    refused = all(stage == RefundStage.REFUSED for stage in stages)
    action = "refund_filed" if filing and not refused else ""
    if refused:
        outcome = "office" if filing else "not_confirmed"
        await move_case(session, case, CaseState.REJECTED, by=audit.SERVICE, at=now, outcome=outcome)
        action = "refund_refused_by_office"
    elif filing:
        await move_case(session, case, CaseState.SENT, by=audit.SERVICE, at=now)
    if not refused and all(stage in ENDED for stage in stages):
        await move_case(session, case, CaseState.DONE, by=audit.SERVICE, at=now)
        action = "refund_paid_by_office"
    await _move_order(desk, session, order)
    await desk.notices.announce_in(session, case.conversation_id, TOLD, case_no=case.case_no)
    if action:
        numbers = " ".join(row.application_no or "" for row in applications).strip()
        await audit.record(
            session, at=now, actor=audit.SERVICE, action=action, subject=case.case_no, reason=case.reason,
            detail=f"{order.order_no} {numbers}"[:200],
        )  # fmt: skip
    log.info("refund_moved", case_no=case.case_no, state=case.state)


async def _move_order(desk: Desk, session: AsyncSession, order: OrderRow) -> None:
    """`paid` while a line of it stays, `refunding` when all are under way, `refunded` when all are back."""
    stages = await _stages_by_line(session, order.order_no)
    taken = covered(await read_lines(session, order.order_no), WHOLE)
    lines = [stages.get(line.line, set()) for line in taken]
    back = all(RefundStage.PAID.value in found for found in lines)
    under_way = all(found - {RefundStage.REFUSED.value} for found in lines)
    now = desk.clock.now()
    if order.state is OrderState.APPLIED and under_way:
        move_to(session, order, OrderState.OFFICE_REFUND, reason="refund_filed", at=now)
    if order.state is OrderState.OFFICE_REFUND and back:
        move_to(session, order, OrderState.OFFICE_REFUNDED, reason="office_paid", at=now)
    elif order.state is OrderState.OFFICE_REFUND and not under_way:
        move_to(session, order, OrderState.APPLIED, reason="office_refused", at=now)


async def _stages_by_line(session: AsyncSession, order_no: str) -> dict[int, set[str]]:
    """The stages of all applications for an order, also of other cases."""
    found = (
        select(ApplicationRow.line, ApplicationRow.stage)
        .join(CaseRow, CaseRow.case_no == ApplicationRow.case_no)
        .where(CaseRow.order_no == order_no, ApplicationRow.stage.is_not(None))
    )
    stages: dict[int, set[str]] = {}
    for line, stage in (await session.execute(found)).all():
        stages.setdefault(line, set()).add(str(stage))
    return stages
