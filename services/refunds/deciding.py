"""Members of staff decide on what is booked: two different people, one of them a supervisor (`reliability` 4.3)."""

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services import audit
from services.crashpoints import crashpoint
from services.domain.errors import Refused
from services.domain.orders import OrderState
from services.domain.refunds import CaseState
from services.domain.staff import Right
from services.payment.desk import Desk, known, read_lines
from services.refunds.asking import CASE_JOB
from services.refunds.model import covered
from services.staff import Agent
from services.store.orders import OrderRow
from services.store.refunds import WHOLE, ApplicationRow, CaseMoved, CaseRow, SignatureRow, move_case

log = structlog.get_logger("refunds")

NEEDED = 2
LONGEST_REASON = 200
TOLD = "refund_case"
ACTIONS = {Right.PROPOSE_REFUND: "refund_proposed", Right.APPROVE_REFUND: "refund_approved"}


async def sign(desk: Desk, case_no: str, agent: Agent, right: Right) -> CaseState:
    """Agree to a refund; the state of the case afterwards. With the second signature it is filed.

    `Refused`: `not_allowed`, `unknown_refund`, `refund_not_open`, `signed_already`.
    """
    agent.need(right)
    try:
        state = await _sign(desk, case_no, agent, right)
    except (IntegrityError, CaseMoved):  # two at the same moment: what the other one did is seen now
        state = await _sign(desk, case_no, agent, right)
    log.info("refund_signed", case_no=case_no, state=state.value)
    return state


async def _sign(desk: Desk, case_no: str, agent: Agent, right: Right) -> CaseState:
    async with desk.database.begin() as session:
        case = await _find_open(session, case_no)
        order = known(await session.get(OrderRow, case.order_no))
        if order.state is not OrderState.APPLIED:  # it went back another way meanwhile
            raise Refused("refund_not_open", state=order.state.value)
        if await session.get(SignatureRow, (case_no, agent.name)) is not None:
            raise Refused("signed_already")
        now = desk.clock.now()
        session.add(SignatureRow(case_no=case_no, agent=agent.name, right=right.value, at=now))
        await session.flush()
        rights = await _rights(session, case_no)
        if len(rights) >= NEEDED and Right.APPROVE_REFUND.value in rights:
            await move_case(session, case, CaseState.APPROVED, by=agent.name, at=now)
            await _intend_filing(session, case)
            await desk.durable.enqueue(session, CASE_JOB, case_no, at=now)
        await audit.record(
            session, at=now, actor=agent.name, action=ACTIONS[right], subject=case_no,
            detail=f"{case.order_no} {case.evidence_hash}",
        )  # fmt: skip
        crashpoint("refund.sign.before_commit")
        state = CaseState(case.state)
    crashpoint("refund.sign.after_commit")
    return state


async def reject(desk: Desk, case_no: str, agent: Agent, reason: str) -> None:
    """Say no, with a reason for the audit. `Refused`: as `sign`, `reason_missing`, `reason_too_long`."""
    agent.need(Right.APPROVE_REFUND)
    if not reason.strip():
        raise Refused("reason_missing")
    if len(reason) > LONGEST_REASON:
        raise Refused("reason_too_long")
    async with desk.database.begin() as session:
        case, now = await _find_open(session, case_no), desk.clock.now()
        await move_case(session, case, CaseState.REJECTED, by=agent.name, at=now, outcome="staff")
        await desk.notices.announce_in(session, case.conversation_id, TOLD, case_no=case_no)
        await audit.record(
            session, at=now, actor=agent.name, action="refund_rejected", subject=case_no,
            reason=reason.strip(), detail=case.order_no,
        )  # fmt: skip
        crashpoint("refund.reject.before_commit")
    log.info("refund_rejected", case_no=case_no)


async def _find_open(session: AsyncSession, case_no: str) -> CaseRow:
    """The case, locked, if it waits for the staff."""
    case = await session.get(CaseRow, case_no, with_for_update=True)
    if case is None:
        raise Refused("unknown_refund")
    if case.state != CaseState.REQUESTED:
        raise Refused("refund_not_open", state=case.state)
    return case


async def _rights(session: AsyncSession, case_no: str) -> list[str]:
    """The right that each of the signers, all different people, has used."""
    found = select(SignatureRow.right).where(SignatureRow.case_no == case_no)
    return list((await session.scalars(found)).all())


async def _intend_filing(session: AsyncSession, case: CaseRow) -> None:
    """What is going to be filed at the office, line by line, under keys that stay."""
    for line in covered(await read_lines(session, case.order_no), case.line):
        key = case.case_no if case.line != WHOLE or line.line == 1 else f"{case.case_no}-{line.line}"
        session.add(ApplicationRow(case_no=case.case_no, line=line.line, key=key, amount=line.amount))
