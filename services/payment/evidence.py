"""The one place where what the gateway says becomes state (`reliability` 2, pattern 2).

Notifications, queries and closings all come here as `TradeFacts`. One transaction holds the evidence, the
state, the journal, the next jobs and the notices.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.crashpoints import crashpoint
from services.domain.ids import new_id
from services.domain.orders import AT_OFFICE, GRACE, OPEN, Account, OrderState, RefundState
from services.payment import desk as jobs
from services.payment.desk import Desk, find_locked, is_captured, known
from services.ports import TradeFacts, TradeStatus
from services.store.orders import (
    APPLIED,
    LINE,
    LIVE,
    OUTSIDE,
    RELEASED,
    REQUESTED,
    SURPLUS,
    ClaimRow,
    EvidenceRow,
    OrderLineRow,
    OrderRow,
    RefundRow,
    move_to,
    record_entry,
)

log = structlog.get_logger("payment")

NOTIFICATION = "notification"
REFUSED_AT_ONCE = "gateway_refused"
SERVICE = "service"


class Verdict(StrEnum):
    TAKEN = "taken"  # known now, or known before
    UNKNOWN_ORDER = "unknown_order"
    MISMATCH = "mismatch"  # another amount than ours: not taken as paid on a notification's word
    CONTRADICTION = "contradiction"  # asks for a move that there is not: kept, and looked at by a person


@dataclass(frozen=True, kw_only=True)
class _Case:
    desk: Desk
    session: AsyncSession
    order: OrderRow
    facts: TradeFacts
    telling: bool


async def apply(desk: Desk, facts: TradeFacts, *, telling: bool = False) -> Verdict:
    """Take in `facts`. `telling`: the caller is a turn of the conversation and shows the order itself."""
    try:
        return await _apply(desk, facts, telling)
    except IntegrityError:
        # Two orders of one bill were paid at the same moment, or the same notification came twice: the other
        # one is committed now, and is seen this time.
        return await _apply(desk, facts, telling)


async def _apply(desk: Desk, facts: TradeFacts, telling: bool) -> Verdict:
    async with desk.database.begin() as session:
        order = await find_locked(session, facts.order_no)
        if order is None:
            await _keep(desk, session, facts, Verdict.UNKNOWN_ORDER)
            verdict, before = Verdict.UNKNOWN_ORDER, None
        else:
            before = order.state
            case = _Case(desk=desk, session=session, order=order, facts=facts, telling=telling)
            verdict = await _decide(case)
            if facts.source == NOTIFICATION or order.state is not before or verdict is not Verdict.TAKEN:
                await _keep(desk, session, facts, verdict)
            if order.state.status != before.status and (order.wanted or is_captured(order)):
                await desk.tell(session, order.order_no, "payment_status", telling=telling)
        crashpoint("payment.apply.before_commit")
    crashpoint("payment.apply.after_commit")
    if verdict is not Verdict.TAKEN:
        log.error("payment_evidence", verdict=verdict.value, source=facts.source, order_no=facts.order_no)
    elif order is not None and order.state is not before:
        log.info("payment_moved", order_no=order.order_no, state=order.state.value, source=facts.source)
    return verdict


async def _decide(case: _Case) -> Verdict:
    status = case.facts.status
    if status is TradeStatus.PAID:
        return await _paid(case)
    if status is TradeStatus.REFUNDED:
        return await _refunded(case)
    if is_captured(case.order):
        # CLOSED may be the gateway's word for wholly refunded; the refund's own query settles that.
        kept = {OrderState.APPLIED, *AT_OFFICE}
        quiet = status is TradeStatus.CLOSED and case.order.state not in kept
        return Verdict.TAKEN if quiet else Verdict.CONTRADICTION
    if status is TradeStatus.CLOSED:
        await close(case.session, case.order, reason="gateway_closed", at=case.desk.clock.now())
    elif status is TradeStatus.WAITING and case.order.state is OrderState.ISSUED:
        move_to(case.session, case.order, OrderState.WAIT, reason="payer_came", at=case.desk.clock.now())
    elif status is TradeStatus.ABSENT and over(case.order, case.desk.clock.now() - GRACE):
        await close(case.session, case.order, reason="expired", at=case.desk.clock.now())
    return Verdict.TAKEN


def over(order: OrderRow, moment: datetime) -> bool:
    return moment > order.expires_at


async def close(session: AsyncSession, order: OrderRow, *, reason: str, at: datetime) -> None:
    """To `CLOSED` along the edges; the bill is free again. Nothing if it is closed already."""
    if order.state not in OPEN:
        return
    never_there = order.state is OrderState.NEW and (order.sent_at is None or reason == REFUSED_AT_ONCE)
    never_opened = order.state is OrderState.ISSUED and order.opened_at is None
    if not (never_there or never_opened or order.state is OrderState.CLOSING):
        move_to(session, order, OrderState.CLOSING, reason=reason, at=at)
    move_to(session, order, OrderState.CLOSED, reason=reason, at=at)
    await _claims(session, order, LIVE, RELEASED)


async def _paid(case: _Case) -> Verdict:
    order, facts = case.order, case.facts
    if is_captured(order):
        same = facts.total in {None, order.captured}
        return Verdict.TAKEN if same else Verdict.CONTRADICTION
    if facts.total != order.total and facts.source == NOTIFICATION:
        # Not our amount: asked of the gateway itself before anything moves.
        await case.desk.durable.enqueue(case.session, jobs.WATCH, order.order_no, at=case.desk.clock.now())
        return Verdict.MISMATCH
    if facts.total is None:
        return Verdict.MISMATCH
    await _capture(case, facts.total)
    if facts.total != order.total:
        await to_surplus(case.desk, case.session, order, reason="amount_differs")
        return Verdict.MISMATCH
    if await bill_is_settled(case.session, order):
        await to_surplus(case.desk, case.session, order, reason="bill_settled")
        return Verdict.TAKEN
    await _apply_to_bill(case)
    return Verdict.TAKEN


async def _capture(case: _Case, amount: Decimal) -> None:
    order, facts, now = case.order, case.facts, case.desk.clock.now()
    late = "paid_late" if order.state in {OrderState.CLOSED, OrderState.CLOSING} else "paid"
    move_to(case.session, order, OrderState.PAID, reason=late, at=now)
    order.captured, order.trade_no, order.paid_at = amount, facts.trade_no, facts.paid_at or now


async def _apply_to_bill(case: _Case) -> None:
    session, order, now = case.session, case.order, case.desk.clock.now()
    move_to(session, order, OrderState.APPLIED, reason="settles_bill", at=now)
    await record_entry(
        session,
        order.order_no,
        "captured",
        debit=Account.CASH,
        credit=Account.BUREAU,
        amount=order.total,
        at=now,
    )
    for state in (LIVE, RELEASED):
        await _claims(session, order, state, APPLIED)
    await session.flush()  # the unique index speaks here
    for rival in await _rivals(session, order):
        await case.desk.durable.enqueue(session, jobs.CLOSE, rival, at=now)
    await case.desk.durable.enqueue(session, jobs.POST, order.order_no, at=now)


async def to_surplus(
    desk: Desk, session: AsyncSession, order: OrderRow, *, reason: str, kind: str = SURPLUS, by: str = SERVICE
) -> None:
    """Money that may not be applied: into suspense, and back to the payer, in the caller's transaction.

    All of it, less the bills whose part is given back already.
    """
    now = desk.clock.now()
    was_applied = order.state is OrderState.APPLIED
    move_to(session, order, OrderState.SURPLUS, reason=reason, at=now)
    amount = known(order.captured) - await _returned(session, order)
    debit = Account.BUREAU if was_applied else Account.CASH
    entry = "unapplied" if was_applied else "captured"
    await record_entry(
        session, order.order_no, entry, debit=debit, credit=Account.SUSPENSE, amount=amount, at=now
    )
    for state in (LIVE, APPLIED):
        await _claims(session, order, state, RELEASED)
    await _give_back(desk, session, order, kind=kind, number=1, amount=amount, reason=reason, by=by)


async def return_line(
    desk: Desk, session: AsyncSession, order: OrderRow, line: OrderLineRow, *, reason: str
) -> None:
    """The bureau takes the other bills of the order and not this one: its part goes back to the payer."""
    now = desk.clock.now()
    line.returned_at = now
    await record_entry(
        session, order.order_no, "unapplied", ref=line.key, debit=Account.BUREAU, credit=Account.SUSPENSE,
        amount=line.amount, at=now,
    )  # fmt: skip
    await _claims(session, order, APPLIED, RELEASED, line=line.line)
    await _give_back(desk, session, order, kind=LINE, number=line.line, amount=line.amount, reason=reason)


async def _give_back(
    desk: Desk,
    session: AsyncSession,
    order: OrderRow,
    *,
    kind: str,
    number: int,
    amount: Decimal,
    reason: str,
    by: str = SERVICE,
) -> None:
    now = desk.clock.now()
    session.add(
        RefundRow(
            request_no=new_id("R"), order_no=order.order_no, kind=kind, number=number, amount=amount,
            state=RefundState.APPROVED, reason=reason, requested_by=by, requested_at=now,
        )
    )  # fmt: skip
    await desk.durable.enqueue(session, jobs.REFUND, order.order_no, at=now)
    (log.info if kind == REQUESTED else log.error)("payment_surplus", order_no=order.order_no, reason=reason)


async def _returned(session: AsyncSession, order: OrderRow) -> Decimal:
    """What has been put aside of the order's money for bills that the bureau did not take."""
    amounts = select(OrderLineRow.amount).where(
        OrderLineRow.order_no == order.order_no, OrderLineRow.returned_at.is_not(None)
    )
    return sum(await session.scalars(amounts), Decimal("0.00"))


async def _refunded(case: _Case) -> Verdict:
    """Wholly refunded at the gateway: by us (the refund's query tells the rest), or by somebody else."""
    order, facts, now = case.order, case.facts, case.desk.clock.now()
    if order.state in {
        OrderState.SURPLUS,
        OrderState.REFUNDING,
        OrderState.REFUND_STUCK,
        OrderState.REFUNDED,
    }:
        return Verdict.TAKEN
    if order.state in AT_OFFICE:  # given back twice, by two who can't know of each other: a matter for people
        return Verdict.CONTRADICTION
    if facts.refunded is None and await _returned(case.session, order):
        return Verdict.TAKEN  # a gateway that says "refunded" of a part as well: our own refund's query tells
    if not is_captured(order):
        await _capture(case, facts.total or order.total)
    await _outside_refund(case.desk, case.session, order, now)
    return Verdict.CONTRADICTION


async def _outside_refund(desk: Desk, session: AsyncSession, order: OrderRow, now: datetime) -> None:
    await to_surplus(desk, session, order, reason="refunded_outside")
    await session.flush()
    rows = (await session.scalars(select(RefundRow).where(RefundRow.order_no == order.order_no))).all()
    refund = next(row for row in rows if row.kind == SURPLUS)
    refund.amount -= sum(row.amount for row in rows if row.kind == OUTSIDE)  # parts that are known already
    refund.kind, refund.state, refund.done_at = OUTSIDE, RefundState.DONE, now
    await finish_refund(session, order, refund, at=now)


async def finish_refund(session: AsyncSession, order: OrderRow, refund: RefundRow, *, at: datetime) -> None:
    """The gateway shows the refund: suspense and cash go down by it. That of one bill leaves the order as it is."""
    if refund.kind != LINE:
        if order.state in {OrderState.SURPLUS, OrderState.REFUND_STUCK}:
            move_to(session, order, OrderState.REFUNDING, reason=refund.reason, at=at)
        move_to(session, order, OrderState.REFUNDED, reason=refund.reason, at=at)
    await record_entry(
        session, order.order_no, "refunded", ref=refund.request_no, debit=Account.SUSPENSE,
        credit=Account.CASH, amount=refund.amount, at=at,
    )  # fmt: skip


async def bill_is_settled(session: AsyncSession, order: OrderRow) -> bool:
    return bool(await _others(session, order, APPLIED))


async def successors(session: AsyncSession, order: OrderRow) -> list[str]:
    """Orders that have taken its place: for the same, and still to be paid or paid."""
    return [*await _rivals(session, order), *await _others(session, order, APPLIED)]


async def _rivals(session: AsyncSession, order: OrderRow) -> list[str]:
    return await _others(session, order, LIVE)


async def _others(session: AsyncSession, order: OrderRow, state: str) -> list[str]:
    """Other orders that hold a unit of this order's bills in `state`."""
    own = select(ClaimRow).where(ClaimRow.order_no == order.order_no).subquery()
    other = (
        select(ClaimRow.order_no)
        .join(
            own,
            (own.c.insured_id == ClaimRow.insured_id)
            & (own.c.insured_group == ClaimRow.insured_group)
            & (own.c.insurance == ClaimRow.insurance)
            & (own.c.unit == ClaimRow.unit),
        )
        .where(ClaimRow.order_no != order.order_no, ClaimRow.state == state)
        .distinct()
    )
    return list((await session.scalars(other)).all())


async def _claims(
    session: AsyncSession, order: OrderRow, old: str, new: str, *, line: int | None = None
) -> None:
    """Of one line, or of the whole order."""
    changed = update(ClaimRow).where(ClaimRow.order_no == order.order_no, ClaimRow.state == old)
    if line is not None:
        changed = changed.where(ClaimRow.line == line)
    await session.execute(changed.values(state=new).execution_options(synchronize_session=False))


async def _keep(desk: Desk, session: AsyncSession, facts: TradeFacts, verdict: Verdict) -> None:
    """Store the evidence once, however often it is delivered."""
    named = (
        f"{facts.source}|{facts.evidence_id}|{facts.order_no}|{facts.status}|{facts.total}|{facts.refunded}"
    )
    evidence_id = sha256(named.encode()).hexdigest() if facts.evidence_id else new_id("e")
    if await session.get(EvidenceRow, evidence_id):
        return
    session.add(
        EvidenceRow(
            evidence_id=evidence_id,
            order_no=facts.order_no[:64],
            source=facts.source,
            status=facts.status.value,
            verdict=verdict.value,
            total=facts.total,
            refunded=facts.refunded,
            trade_no=facts.trade_no,
            paid_at=facts.paid_at,
            received_at=desk.clock.now(),
        )
    )
