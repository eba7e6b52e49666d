"""After the money is here: post it at the bureau, wait until it is booked (入库), and tell."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from services.crashpoints import crashpoint
from services.domain.errors import Refused
from services.domain.orders import Account, OrderState
from services.domain.workdays import records_available
from services.durable import Lease
from services.payment import desk as jobs
from services.payment.desk import Desk, get_locked, known, read_lines
from services.payment.evidence import return_line, to_surplus
from services.payment.model import load_quote
from services.ports import Posting
from services.store.orders import OrderLineRow, OrderRow, record_entry

log = structlog.get_logger("payment")

FIRST_LOOK = timedelta(minutes=1)
OFTEN, SELDOM = timedelta(minutes=10), timedelta(hours=1)


async def post(desk: Desk, lease: Lease) -> datetime | None:
    """The job `post`: tell the bureau of every line; the same key at every try."""
    order = await desk.get(lease.subject)
    if order.state is not OrderState.APPLIED:
        return None
    payer = await desk.get_person(order.payer_id)
    for line in await desk.lines(order.order_no):
        if line.payment_no is not None or line.returned_at is not None:
            continue
        posting = await desk.bureau.find_posting(line.key) if lease.repeated else None
        if posting is None:
            crashpoint("payment.post.before_call")
            try:
                posting = await desk.bureau.post_payment(
                    declaration_no=line.declaration_no or await _declare_again(desk, lease, line),
                    key=line.key,
                    amount=line.amount,
                    paid_at=desk.local(known(order.paid_at)),
                    paid_by=payer,
                )
            except Refused as refused:
                if not await _rejected(desk, lease, line, refused):
                    return None
                continue
            crashpoint("payment.post.after_call")
        await _posted(desk, lease, line, posting)
        crashpoint("payment.post.after_commit")
    return None


async def _declare_again(desk: Desk, lease: Lease, line: OrderLineRow) -> str:
    """In a store that was cut back to before the answer: the same key gives the same declaration again."""
    person, dues = await desk.get_person(line.insured_id), load_quote(line.quote).dues
    declaration = await desk.bureau.declare(person, dues, key=line.key, total=line.amount)
    async with desk.database.begin() as session:
        await lease.check(session)
        row = known(await session.get(OrderLineRow, (line.order_no, line.line)))
        row.declaration_no = declaration.declaration_no
    log.warning("declared_again", order_no=line.order_no)
    return declaration.declaration_no


async def look_for_booking(desk: Desk, lease: Lease) -> datetime | None:
    """The job `book`: has the bureau entered it?"""
    order = await desk.get(lease.subject)
    if order.state is not OrderState.APPLIED or order.booked_at is not None:
        return None
    if await find_booking(desk, order.order_no):
        return None
    now, paid_on = desk.clock.now(), desk.local(known(order.paid_at)).date()
    if now.date() > records_available(paid_on)[1]:
        log.error("booking_overdue", order_no=order.order_no)
    return next_look(now, paid_on)


def next_look(now: datetime, paid_on: date) -> datetime:
    """Every ten minutes in the office hours of the days on which it can be booked, else hourly."""
    earliest, latest = records_available(paid_on)
    likely = earliest <= now.date() <= latest and time(8) <= now.time() <= time(20)
    return now + (OFTEN if likely else SELDOM)


async def find_booking(desk: Desk, order_no: str, *, telling: bool = False) -> bool:
    """Ask the bureau for every line that is not booked yet; whether all are booked now."""
    for line in await desk.lines(order_no):
        if line.booked_on is not None or line.returned_at is not None:
            continue
        if line.payment_no is None:
            return False
        posting = await desk.bureau.find_posting(line.key)
        crashpoint("payment.book.after_call")
        if posting is None:
            await _post_again(desk, line)
            return False
        if posting.booked_on is None:
            return False
        async with desk.database.begin() as session:
            row = known(await session.get(OrderLineRow, (line.order_no, line.line)))
            row.booked_on = posting.booked_on
            crashpoint("payment.book.before_commit")
    async with desk.database.begin() as session:
        await _finish_booking(desk, session, order_no, telling=telling)
    return True


async def is_unposted(desk: Desk, order_no: str) -> bool:
    """Whether it is paid and the bureau has not been told of every line."""
    order = await desk.get(order_no)
    if order.state is not OrderState.APPLIED:
        return False
    return any(line.payment_no is None and line.returned_at is None for line in await desk.lines(order_no))


async def _posted(desk: Desk, lease: Lease, line: OrderLineRow, posting: Posting) -> None:
    async with desk.database.begin() as session:
        await lease.check(session)
        row = known(await session.get(OrderLineRow, (line.order_no, line.line), with_for_update=True))
        now = desk.clock.now()
        row.payment_no, row.posted_at = posting.payment_no, now
        row.booked_on = posting.booked_on or row.booked_on
        await desk.durable.enqueue(session, jobs.BOOK, row.order_no, at=now + FIRST_LOOK)
    log.info("payment_posted", order_no=line.order_no)


async def _finish_booking(desk: Desk, session: AsyncSession, order_no: str, *, telling: bool) -> None:
    """The order is booked when the last of the lines is that the bureau took."""
    order = await get_locked(session, order_no)
    if order.state is not OrderState.APPLIED or order.booked_at is not None:
        return
    lines = [row for row in await read_lines(session, order_no) if row.returned_at is None]
    if any(row.booked_on is None for row in lines):
        return
    now = desk.clock.now()
    order.booked_at = now
    await record_entry(
        session, order.order_no, "booked", debit=Account.BUREAU, credit=Account.BOOKED,
        amount=sum((row.amount for row in lines), Decimal("0.00")), at=now,
    )  # fmt: skip
    await desk.tell(session, order.order_no, "payment_booked", telling=telling)
    log.info("payment_booked", order_no=order.order_no)


async def _rejected(desk: Desk, lease: Lease, line: OrderLineRow, refused: Refused) -> bool:
    """The bureau will not have it (paid through another channel, window closed …): back to the payer (P17).

    Of several bills only this one, while another is taken or may be: True, the others go on. The last one
    takes the order with it.
    """
    log.error("posting_refused", order_no=lease.subject, code=refused.code)
    reason = f"bureau_{refused.code}"[:40]
    async with desk.database.begin() as session:
        await lease.check(session)
        order = await get_locked(session, lease.subject)
        if order.state is not OrderState.APPLIED:
            return False
        lines = await read_lines(session, order.order_no)
        others = any(row.line != line.line and row.returned_at is None for row in lines)
        if others:
            row = known(await session.get(OrderLineRow, (line.order_no, line.line)))
            await return_line(desk, session, order, row, reason=reason)
        else:
            await to_surplus(desk, session, order, reason=reason)
        await desk.tell(session, order.order_no, "payment_status")
        crashpoint("payment.post.before_reject_commit")
    return others


async def _post_again(desk: Desk, line: OrderLineRow) -> None:
    """The bureau has forgotten what it confirmed (a restored backup of theirs): post it again, same key."""
    log.error("posting_lost", order_no=line.order_no)
    async with desk.database.begin() as session:
        row = known(await session.get(OrderLineRow, (line.order_no, line.line), with_for_update=True))
        row.payment_no = None
        await desk.durable.enqueue(session, jobs.POST, line.order_no, at=desk.clock.now())


def is_unbooked(order: OrderRow) -> bool:
    return order.state is OrderState.APPLIED and order.booked_at is None
