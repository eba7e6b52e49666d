"""Refunds, as the conversation and the staff use them: ask → decide → follow; the rest goes on by itself."""

import asyncio
import json
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import and_, or_, select

from services.domain.errors import Refused
from services.domain.money import wire
from services.domain.orders import CAPTURED, OrderState
from services.domain.refunds import CaseState, Reason, Route, Verdict
from services.domain.staff import Right
from services.payment.desk import REFUND, Desk, known, read_lines
from services.refunds import asking, deciding, progress, snapshot, stuck
from services.refunds.asking import CASE_JOB, Wish, judge_all, line_of
from services.refunds.model import (
    CaseView,
    Refundable,
    covered,
    find_case_on,
    parts_of,
    read_applications,
    view_of,
)
from services.refunds.stuck import StuckRefund
from services.staff import Agent
from services.store.durable import QUEUED, JobRow
from services.store.orders import OrderRow
from services.store.refunds import WHOLE, CaseMoveRow, CaseRow, SignatureRow

log = structlog.get_logger("refunds")

SWEEP_EVERY = timedelta(seconds=60)
PATIENCE = 3.0
"""Seconds that a resident waits at most for the bureau to give a payment up."""
MOST = 500
OFFERED = 8
NOT_FROM_HERE = frozenset({OrderState.PAID})
IN_WORK = or_(
    CaseRow.state.in_([CaseState.APPROVED.value, CaseState.SENT.value]),
    and_(CaseRow.state == CaseState.STUCK.value, CaseRow.route == Route.GATEWAY.value),
)


class Refunds:
    """Registers its job with the desk's `durable`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._working: set[asyncio.Task[None]] = set()
        desk.durable.register(CASE_JOB, lambda lease: progress.follow(desk, lease), lane="refunds")
        desk.durable.repeat("refund_sweep", SWEEP_EVERY, self.sweep)

    # --- residents --------------------------------------------------------------------------------------

    async def list_refundable(self, payer_id: str) -> Sequence[Refundable]:
        """What this payer has paid here, the latest first; also what is refunded or under way."""
        found = (
            select(OrderRow)
            .where(OrderRow.payer_id == payer_id, OrderRow.state.in_(CAPTURED - NOT_FROM_HERE))
            .order_by(OrderRow.paid_at.desc(), OrderRow.order_no)
            .limit(OFFERED)
        )
        listed = []
        async with self._desk.database.read() as session:
            for order in (await session.scalars(found)).all():
                lines = await read_lines(session, order.order_no)
                whole = order.booked_at is None or len(lines) == 1
                for line in [WHOLE] if whole else [row.line for row in lines]:
                    case = await find_case_on(session, order.order_no, line)
                    if case is None and order.state is not OrderState.APPLIED:
                        continue  # it went back by itself
                    listed.append(
                        Refundable(
                            order_no=order.order_no,
                            line=line,
                            provider=order.provider,
                            parts=parts_of(lines, line),
                            paid_at=self._desk.local(known(order.paid_at)),
                            booked=order.booked_at is not None,
                            case_no=case.case_no if case else None,
                        )
                    )
        return listed

    async def judge(self, payer_id: str, order_no: str, line: int, reason: Reason) -> Verdict:
        """Whether it would be refunded and which way, before it is asked for. `Refused("unknown_order")`."""
        async with self._desk.database.read() as session:
            order = await session.get(OrderRow, order_no)
            if order is None or order.payer_id != payer_id:
                raise Refused("unknown_order")
            lines = await read_lines(session, order_no)
        return judge_all(self._desk, order, lines, line_of(order, lines, line), reason)

    async def request(
        self, *, payer_id: str, conversation_id: str, order_no: str, line: int, reason: Reason
    ) -> CaseView:
        """The case of this payment; asking again gives the same one.

        `Refused`: `unknown_order`, `refund_not_paid`, `refund_under_way` (it goes back by itself), and
        `refund_benefit_began`, `refund_not_refundable`, `refund_ask_agency` (`business-rules` 4).
        """
        wish = Wish(
            payer_id=payer_id, conversation_id=conversation_id, order_no=order_no, line=line, reason=reason
        )
        opened = await asking.open_case(self._desk, wish)
        if opened.lease is not None:
            await self._wait_for(self._desk.durable.run_quietly(opened.lease))
        return await self._get(opened.case_no)

    async def refresh(self, case: CaseView) -> CaseView:
        """The case by the gateway's word of now, where the money goes back through it."""
        if case.route is not Route.GATEWAY or case.state is not CaseState.SENT:
            return case
        await self._wait_for(self._look(case))
        return await self._get(case.case_no)

    async def _look(self, case: CaseView) -> None:
        """Have the jobs of the refund and of the case look now, whenever they are due."""
        for kind, subject in ((REFUND, case.order_no), (CASE_JOB, case.case_no)):
            lease = await self._desk.durable.lease(kind, subject)
            if lease is not None:
                await self._desk.durable.run_quietly(lease)

    async def _wait_for(self, work: Coroutine[Any, Any, None]) -> None:
        """As long as a resident waits; it is done to its end."""
        task = asyncio.create_task(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)
        await asyncio.wait({task}, timeout=PATIENCE)

    async def withdraw(self, case_no: str, *, payer_id: str) -> CaseView:
        """Take it back while nobody has agreed. `Refused`: `unknown_refund`, `refund_decided`."""
        await asking.withdraw(self._desk, case_no, payer_id)
        return await self._get(case_no)

    async def find(self, case_no: str) -> CaseView | None:
        async with self._desk.database.read() as session:
            case = await session.get(CaseRow, case_no)
            return await view_of(self._desk, session, case) if case else None

    async def list_of(self, payer_id: str) -> Sequence[CaseView]:
        """The cases of this payer, the latest first."""
        found = select(CaseRow).where(CaseRow.payer_id == payer_id).order_by(CaseRow.requested_at.desc())
        async with self._desk.database.read() as session:
            return [await view_of(self._desk, session, case) for case in await session.scalars(found)]

    # --- staff ------------------------------------------------------------------------------------------

    async def propose(self, case_no: str, agent: Agent) -> CaseState:
        """The first signature, by whoever may not approve; or the second one, after a supervisor's."""
        return await deciding.sign(self._desk, case_no, agent, Right.PROPOSE_REFUND)

    async def approve(self, case_no: str, agent: Agent) -> CaseState:
        return await deciding.sign(self._desk, case_no, agent, Right.APPROVE_REFUND)

    async def reject(self, case_no: str, agent: Agent, reason: str) -> None:
        await deciding.reject(self._desk, case_no, agent, reason)

    async def list_stuck(self, agent: Agent) -> Sequence[StuckRefund]:
        """What the gateway has refused to give back, with a case or without one."""
        agent.need(Right.READ_REFUNDS)
        return await stuck.list_stuck(self._desk)

    async def retry(self, request_no: str, agent: Agent) -> None:
        """Have a stuck refund sent again. `Refused`: as `stuck.retry`."""
        await stuck.retry(self._desk, request_no, agent)

    async def list_cases(self, agent: Agent, *, everything: bool = False) -> Sequence[CaseView]:
        """Those that wait for the staff, or all, oldest first."""
        agent.need(Right.READ_REFUNDS)
        found = select(CaseRow).order_by(CaseRow.requested_at, CaseRow.case_no)
        if not everything:
            found = found.where(CaseRow.state.in_([CaseState.REQUESTED.value, CaseState.STUCK.value]))
        async with self._desk.database.read() as session:
            return [await view_of(self._desk, session, case) for case in await session.scalars(found)]

    async def show(self, case_no: str, agent: Agent) -> dict[str, Any]:
        """The whole case with its evidence, as plain JSON. `Refused("unknown_refund")`."""
        agent.need(Right.READ_REFUNDS)
        async with self._desk.database.read() as session:
            case = await session.get(CaseRow, case_no)
            if case is None:
                raise Refused("unknown_refund")
            signed = select(SignatureRow).where(SignatureRow.case_no == case_no).order_by(SignatureRow.at)
            moved = select(CaseMoveRow).where(CaseMoveRow.case_no == case_no).order_by(CaseMoveRow.seq)
            return {
                "case_no": case_no,
                "order_no": case.order_no,
                "lines": [row.line for row in covered(await read_lines(session, case.order_no), case.line)],
                "reason": case.reason,
                "route": case.route,
                "state": case.state,
                "outcome": case.outcome,
                "amount": wire(case.amount),
                "requested_at": _moment(case.requested_at),
                "closed_at": _moment(case.closed_at) if case.closed_at else None,
                "signatures": [
                    {"agent": row.agent, "right": row.right, "at": _moment(row.at)}
                    for row in await session.scalars(signed)
                ],
                "moves": [
                    {"old": row.old, "new": row.new, "by": row.by, "at": _moment(row.at)}
                    for row in await session.scalars(moved)
                ],
                "applications": [
                    {"line": row.line, "key": row.key, "number": row.application_no, "stage": row.stage}
                    for row in await read_applications(session, case_no)
                ],
                "evidence": json.loads(case.evidence),
                "evidence_sha256": case.evidence_hash,
                "evidence_intact": snapshot.hash_of(case.evidence) == case.evidence_hash,
            }

    async def sweep(self) -> None:
        """Give every unfinished case its job again if it has lost it (a restored backup, a dead job)."""
        queued = select(JobRow.subject).where(JobRow.kind == CASE_JOB, JobRow.state == QUEUED)
        lost = select(CaseRow.case_no).where(IN_WORK, CaseRow.case_no.not_in(queued)).limit(MOST)
        async with self._desk.database.read() as session:
            case_nos = (await session.scalars(lost)).all()
        for case_no in case_nos:
            log.error("refund_job_lost", case_no=case_no)
            async with self._desk.database.begin() as session:
                await self._desk.durable.enqueue(session, CASE_JOB, case_no, at=self._desk.clock.now())

    async def _get(self, case_no: str) -> CaseView:
        view = await self.find(case_no)
        if view is None:
            raise Refused("unknown_refund")
        return view


def _moment(value: Any) -> str:
    return str(value.isoformat(timespec="seconds"))
