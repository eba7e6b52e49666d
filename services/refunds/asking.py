"""A resident asks for money back, or takes the request back. The case, its evidence and the audit row are one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services import audit
from services.crashpoints import crashpoint
from services.crypto import CannotDecrypt
from services.domain.errors import Refused, Unavailable
from services.domain.names import mask_name
from services.domain.orders import CAPTURED, OrderState
from services.domain.refunds import CaseState, Reason, Route, Verdict, case_number, judge
from services.durable import Lease
from services.payment.desk import Desk, find_locked, read_lines
from services.refunds import snapshot
from services.refunds.model import find_case_on, parts_of
from services.store.orders import OrderLineRow, OrderRow
from services.store.refunds import WHOLE, CaseMoved, CaseRow, move_case

log = structlog.get_logger("refunds")

CASE_JOB = "refund_case"
TRIES = 4


@dataclass(frozen=True, kw_only=True)
class Opened:
    """The case; `lease` when it is new and can be worked on at once."""

    case_no: str
    lease: Lease | None = None


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the payer wants back, and why."""

    payer_id: str
    conversation_id: str
    order_no: str
    line: int
    reason: Reason


def resident(payer_id: str) -> str:
    """How the audit names a resident: by pseudonym."""
    return f"resident:{payer_id}"


async def open_case(desk: Desk, wish: Wish) -> Opened:
    """The case of this payment: a new one, or the one that is there. `Refused` as in `Refunds.request`."""
    names = await _masked_names(desk, wish)
    for _ in range(TRIES):
        try:
            return await _open(desk, wish, names)
        except IntegrityError:
            continue  # asked for twice at once, or the number was taken: found, or another number
    raise Unavailable


async def _open(desk: Desk, wish: Wish, names: Mapping[str, str]) -> Opened:
    async with desk.database.begin() as session:
        order = await find_locked(session, wish.order_no)
        if order is None or order.payer_id != wish.payer_id:
            raise Refused("unknown_order")
        lines = await read_lines(session, order.order_no)
        line = line_of(order, lines, wish.line)
        case = await find_case_on(session, order.order_no, line)
        if case is not None:
            return Opened(case_no=case.case_no)
        if order.state is not OrderState.APPLIED:
            raise Refused("refund_under_way" if order.state in CAPTURED else "refund_not_paid")
        verdict = judge_all(desk, order, lines, line, wish.reason)
        if not verdict.ok:
            raise Refused(f"refund_{verdict.code}")
        case = await _new_case(desk, session, order, wish, names)
        case.line, case.route = line, verdict.route.value
        case.amount = sum((part.amount for part in parts_of(lines, line)), Decimal(0))
        session.add(case)
        await session.flush()
        lease = await _approve_by_itself(desk, session, case)
        await audit.record(
            session, at=desk.clock.now(), actor=resident(wish.payer_id), action="refund_requested",
            subject=case.case_no, reason=wish.reason.value, detail=f"{order.order_no} {case.evidence_hash}",
        )  # fmt: skip
        crashpoint("refund.request.before_commit")
    crashpoint("refund.request.after_commit")
    log.info("refund_requested", case_no=case.case_no, order_no=wish.order_no, route=case.route)
    return Opened(case_no=case.case_no, lease=lease)


def line_of(order: OrderRow, lines: Sequence[OrderLineRow], line: int) -> int:
    """What is not booked goes back as a whole; booked, each line by itself."""
    return WHOLE if order.booked_at is None or len(lines) == 1 else line


def judge_all(
    desk: Desk,
    order: OrderRow,
    lines: Sequence[OrderLineRow],
    line: int,
    reason: Reason,
    *,
    booked: bool | None = None,
) -> Verdict:
    """All bills of the case must be refundable. `Refused("unknown_order")` for a line that there is not.

    `booked`: what the bureau says, where the order does not know it yet.
    """
    today = desk.clock.now().date()
    booked = order.booked_at is not None if booked is None else booked
    verdicts = [
        judge(part.dues, reason, booked=booked, today=today, benefit_from=part.benefit_from)
        for part in parts_of(lines, line)
    ]
    if not verdicts:
        raise Refused("unknown_order")
    return next((verdict for verdict in verdicts if not verdict.ok), verdicts[0])


async def _new_case(
    desk: Desk, session: AsyncSession, order: OrderRow, wish: Wish, names: Mapping[str, str]
) -> CaseRow:
    """The new case with its frozen evidence, not added yet."""
    now = desk.clock.now()
    evidence, evidence_hash = await snapshot.assemble(session, order, names=names, at=now)
    return CaseRow(
        case_no=case_number(), order_no=order.order_no, payer_id=wish.payer_id,
        conversation_id=wish.conversation_id, reason=wish.reason.value, state=CaseState.REQUESTED.value,
        moves=0, evidence=evidence, evidence_hash=evidence_hash, requested_at=now,
    )  # fmt: skip


async def _approve_by_itself(desk: Desk, session: AsyncSession, case: CaseRow) -> Lease | None:
    """What is not booked goes back without anybody having to agree."""
    if case.route != Route.GATEWAY:
        return None
    await move_case(session, case, CaseState.APPROVED, by=audit.SERVICE, at=desk.clock.now())
    return await desk.durable.enqueue_leased(session, CASE_JOB, case.case_no)


async def _masked_names(desk: Desk, wish: Wish) -> dict[str, str]:
    """By pseudonym: who paid, and for whom."""
    people = {wish.payer_id, *(line.insured_id for line in await desk.lines(wish.order_no))}
    names = {}
    for person_id in sorted(people):
        try:
            names[person_id] = mask_name((await desk.get_person(person_id)).name)
        except CannotDecrypt:  # erased meanwhile: the payment stays, the name is gone
            names[person_id] = "*"
    return names


async def withdraw(desk: Desk, case_no: str, payer_id: str) -> None:
    """Take it back while nobody has agreed. `Refused`: `unknown_refund`, `refund_decided`."""
    for _ in range(TRIES):
        try:
            return await _withdraw(desk, case_no, payer_id)
        except CaseMoved:
            continue
    raise CaseMoved


async def _withdraw(desk: Desk, case_no: str, payer_id: str) -> None:
    async with desk.database.begin() as session:
        case = await session.get(CaseRow, case_no, with_for_update=True)
        if case is None or case.payer_id != payer_id:
            raise Refused("unknown_refund")
        if case.state == CaseState.WITHDRAWN:
            return
        if case.state != CaseState.REQUESTED:
            raise Refused("refund_decided")
        now = desk.clock.now()
        await move_case(session, case, CaseState.WITHDRAWN, by=resident(payer_id), at=now)
        await audit.record(
            session, at=now, actor=resident(payer_id), action="refund_withdrawn", subject=case_no,
            detail=case.order_no,
        )  # fmt: skip
        crashpoint("refund.withdraw.before_commit")
    log.info("refund_withdrawn", case_no=case_no)
