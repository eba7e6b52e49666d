"""What is shown for confirmation, and the one transaction in which a confirmed draft becomes an order."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.crashpoints import crashpoint
from services.domain.errors import Refused
from services.domain.ids import new_id, order_number
from services.domain.orders import OPEN, OrderState, bill_units, bill_year
from services.durable import Lease
from services.payment import desk as jobs
from services.payment.desk import Desk, get_locked, known
from services.payment.model import Bill, Draft, digest, dump_quote, load_quote
from services.payment.restored import wait_for_bills
from services.store.orders import (
    APPLIED,
    LIVE,
    ClaimRow,
    DraftLineRow,
    DraftRow,
    OrderLineRow,
    OrderRow,
    WatcherRow,
)


@dataclass(frozen=True, kw_only=True)
class Opened:
    """The order of a draft; `lease` when it is new and the caller has to issue it.

    No order: `rivals` are live for the same bill with other figures.
    """

    order_no: str | None = None
    lease: Lease | None = None
    rivals: tuple[str, ...] = ()


async def save_draft(desk: Desk, *, conversation_id: str, payer_id: str, bills: Sequence[Bill]) -> Draft:
    """Keep what is going to be shown. It is valid for some minutes, and not beyond the day (P13).

    `Refused("bill_twice")` when two of the bills have something in common.
    """
    if any(count > 1 for count in Counter(_units(bills)).values()):
        raise Refused("bill_twice")
    now = desk.clock.now()
    draft = Draft(
        draft_id=new_id("D"),
        conversation_id=conversation_id,
        payer_id=payer_id,
        bills=tuple(bills),
        valid_until=min(now + timedelta(minutes=desk.settings.quote_minutes), _end_of_day(now)),
    )
    async with desk.database.begin() as session:
        session.add(
            DraftRow(
                draft_id=draft.draft_id, conversation_id=conversation_id, payer_id=payer_id,
                created_at=now, valid_until=draft.valid_until,
            )
        )  # fmt: skip
        await session.flush()
        for number, bill in enumerate(bills, start=1):
            session.add(
                DraftLineRow(
                    draft_id=draft.draft_id, line=number, insured_id=bill.insured_id,
                    quote=dump_quote(bill.quote), digest=digest(bill),
                )
            )  # fmt: skip
    return draft


async def find_draft(desk: Desk, draft_id: str) -> Draft | None:
    async with desk.database.read() as session:
        row = await session.get(DraftRow, draft_id)
        lines = select(DraftLineRow).where(DraftLineRow.draft_id == draft_id).order_by(DraftLineRow.line)
        found = (await session.scalars(lines)).all()
    if row is None or not found:
        return None
    return Draft(
        draft_id=row.draft_id,
        conversation_id=row.conversation_id,
        payer_id=row.payer_id,
        bills=tuple(Bill(insured_id=line.insured_id, quote=load_quote(line.quote)) for line in found),
        valid_until=desk.local(row.valid_until),
        order_no=row.order_no,
    )


async def open_order(desk: Desk, draft: Draft) -> Opened:
    """Make the order of a draft, or find the one that is there already.

    `Refused("already_paid")` if the bill is settled by an order of ours. `IntegrityError`
    if another process has just made an order for the same bill: call again. `Unavailable("reconcile_first")`.
    """
    async with desk.database.begin() as session:
        row = known(await session.get(DraftRow, draft.draft_id, with_for_update=True))
        if row.order_no:
            await _want(desk, session, row.order_no)
            return Opened(order_no=row.order_no)
        holders = await _holders(session, draft)
        if any(state == APPLIED for _, state in holders):
            raise Refused("already_paid")
        rivals = sorted({order_no for order_no, _ in holders})
        shared = await _shared(desk, session, draft, rivals)
        if shared is not None:
            row.order_no = shared.order_no
            await _want(desk, session, shared.order_no)
            await _watch(desk, session, shared.order_no, draft.conversation_id)
            return Opened(order_no=shared.order_no)
        if rivals:
            return Opened(rivals=tuple(rivals))
        await wait_for_bills(desk, session)
        order_no = order_number(desk.settings.order_prefix)
        lease = await _insert(desk, session, draft, order_no)
        row.order_no = order_no
        crashpoint("payment.order.before_commit")
    crashpoint("payment.order.after_commit")
    return Opened(order_no=order_no, lease=lease)


async def _holders(session: AsyncSession, draft: Draft) -> list[tuple[str, str]]:
    """Orders that hold a part of the draft's bills, live or applied."""
    unit = tuple_(ClaimRow.insured_id, ClaimRow.insured_group, ClaimRow.insurance, ClaimRow.unit)
    found = (
        select(ClaimRow.order_no, ClaimRow.state)
        .where(unit.in_(_units(draft.bills)), or_(ClaimRow.state == LIVE, ClaimRow.state == APPLIED))
        .distinct()
    )
    return [(order_no, state) for order_no, state in (await session.execute(found)).all()]


async def _shared(desk: Desk, session: AsyncSession, draft: Draft, rivals: list[str]) -> OrderRow | None:
    """The live order with the same figures for the same payer: a second device gets the same number (P1).

    Not one that can be paid from another WeChat account only.
    """
    if len(rivals) != 1:
        return None
    order = await session.get(OrderRow, rivals[0], with_for_update=True)
    lines = (
        await session.scalars(select(OrderLineRow.digest).where(OrderLineRow.order_no == rivals[0]))
    ).all()
    same = sorted(lines) == sorted(digest(bill) for bill in draft.bills)
    if order is not None and desk.payer_of(order) and order.conversation_id != draft.conversation_id:
        return None
    if order is None or order.payer_id != draft.payer_id or not same or order.state not in OPEN:
        return None
    return order if desk.clock.now() < order.expires_at else None


async def _want(desk: Desk, session: AsyncSession, order_no: str) -> None:
    """Confirmed again: an order that was given up, but can still be paid, is wanted after all."""
    order = await get_locked(session, order_no)
    if order.state in OPEN and not order.wanted and desk.clock.now() < order.expires_at:
        order.wanted = True
        if order.state is OrderState.NEW:
            await desk.durable.enqueue(session, jobs.ISSUE, order_no, at=desk.clock.now())


async def _insert(desk: Desk, session: AsyncSession, draft: Draft, order_no: str) -> Lease:
    now, provider = desk.clock.now(), desk.choose_gateway(draft.conversation_id).provider
    session.add(
        OrderRow(
            order_no=order_no, conversation_id=draft.conversation_id, payer_id=draft.payer_id,
            provider=provider, total=draft.total, state=OrderState.NEW, moves=0, wanted=True,
            created_at=now, expires_at=now + timedelta(minutes=desk.settings.order_minutes), sends=0,
        )
    )  # fmt: skip
    await session.flush()
    for number, bill in enumerate(draft.bills, start=1):
        _insert_line(session, order_no, number, bill)
    await _watch(desk, session, order_no, draft.conversation_id)
    return await desk.durable.enqueue_leased(session, jobs.ISSUE, order_no)


def _insert_line(session: AsyncSession, order_no: str, number: int, bill: Bill) -> None:
    quote, dues = bill.quote, bill.quote.dues
    session.add(
        OrderLineRow(
            order_no=order_no, line=number, key=order_no if number == 1 else f"{order_no}L{number}",
            insured_id=bill.insured_id, insured_group=dues.insured_group.value,
            insurance=dues.insurance.value, year=bill_year(dues, quote.fee_period), amount=quote.total,
            quote=dump_quote(quote), digest=digest(bill),
        )
    )  # fmt: skip
    for unit in bill_units(dues):
        session.add(
            ClaimRow(
                order_no=order_no, line=number, unit=unit, insured_id=bill.insured_id,
                insured_group=dues.insured_group.value, insurance=dues.insurance.value, state=LIVE,
            )
        )  # fmt: skip


def _units(bills: Sequence[Bill]) -> list[tuple[str, str, str, str]]:
    """Everything that the bills want to hold, as `ClaimRow` knows it."""
    return [
        (bill.insured_id, dues.insured_group.value, dues.insurance.value, unit)
        for bill in bills
        for dues in [bill.quote.dues]
        for unit in bill_units(dues)
    ]


async def _watch(desk: Desk, session: AsyncSession, order_no: str, conversation_id: str) -> None:
    if await session.get(WatcherRow, (order_no, conversation_id)) is None:
        session.add(WatcherRow(order_no=order_no, conversation_id=conversation_id, since=desk.clock.now()))


def _end_of_day(now: datetime) -> datetime:
    return datetime.combine(now.date(), time(23, 59, 59), tzinfo=now.tzinfo)
