"""From a committed order to a cashier: declare at the bureau, then place at the gateway; each intent first.

Runs in the turn that confirms; if that process dies or a peer does not answer, as durable work.
"""

import asyncio
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select

from services.crashpoints import crashpoint
from services.domain.errors import OutcomeUnknown, Refused
from services.domain.orders import OrderState
from services.durable import Lease
from services.payment import desk as jobs
from services.payment.desk import Desk, get_locked, known, read_lines
from services.payment.evidence import REFUSED_AT_ONCE, close
from services.payment.model import load_quote
from services.payment.watching import query
from services.ports import Cashier
from services.store.orders import OrderLineRow, OrderRow, move_to

log = structlog.get_logger("payment")

GATEWAY_SECONDS = 8
FIGURES_CHANGED = "figures_changed"
SETTLED_THERE = frozenset({"order_paid", "order_closed"})
FIRST_LOOK = timedelta(seconds=5)
SUBJECT = "社会保险费"
"""What the gateway's pages show: a fixed text, no personal data (`reliability` P22)."""


async def issue(desk: Desk, lease: Lease) -> datetime | None:
    """The job `issue`. Raises `Unavailable` or `OutcomeUnknown` to be tried again."""
    order = await desk.get(lease.subject)
    if order.state is not OrderState.NEW:
        return None
    if order.sent_at is None:
        if desk.clock.now() >= order.expires_at or not order.wanted:
            await _give_up(desk, lease, "not_issued")
            return None
        for line in await desk.lines(order.order_no):
            if line.declaration_no is None and not await _declare(desk, lease, line):
                return None
    elif not await _still_to_be_placed(desk, order):
        return None
    if await _intend(desk, lease):
        await _place(desk, lease)
    return None


async def _declare(desk: Desk, lease: Lease, line: OrderLineRow) -> bool:
    """False when the bureau refuses: the order is closed before the gateway has heard of it."""
    person = await desk.get_person(line.insured_id)
    crashpoint("payment.declare.before_call")
    try:
        dues = load_quote(line.quote).dues
        declaration = await desk.bureau.declare(person, dues, key=line.key, total=line.amount)
    except Refused as refused:
        await _give_up(desk, lease, refused.code)
        return False
    crashpoint("payment.declare.after_call")
    if declaration.quote.total != line.amount:  # filed at another total than shown: nothing is charged (I5)
        await _give_up(desk, lease, FIGURES_CHANGED)
        return False
    async with desk.database.begin() as session:
        await lease.check(session)
        row = known(await session.get(OrderLineRow, (line.order_no, line.line)))
        row.declaration_no = declaration.declaration_no
    crashpoint("payment.declare.after_commit")
    return True


async def _give_up(desk: Desk, lease: Lease, reason: str) -> None:
    async with desk.database.begin() as session:
        await lease.check(session)
        order = await get_locked(session, lease.subject)
        if order.state is not OrderState.NEW or order.sent_at is not None:
            return
        await close(session, order, reason=reason[:40], at=desk.clock.now())
        if order.wanted and not lease.inline:
            await desk.tell(session, order.order_no, "payment_status")


async def _still_to_be_placed(desk: Desk, order: OrderRow) -> bool:
    """An earlier call may have had its effect: ask before it is repeated (`reliability` P11)."""
    await query(desk, order.order_no)
    return (await desk.get(order.order_no)).state is OrderState.NEW and desk.clock.now() < order.expires_at


async def _intend(desk: Desk, lease: Lease) -> bool:
    """Commit that the gateway is going to be called. The expiry is fixed here, once."""
    async with desk.database.begin() as session:
        await lease.check(session)
        order = await get_locked(session, lease.subject)
        if order.state is not OrderState.NEW or not order.wanted:
            return False
        now = desk.clock.now()
        if order.sent_at is None:
            order.sent_at = now
            order.expires_at = (now + timedelta(minutes=desk.settings.order_minutes)).replace(microsecond=0)
        order.sends += 1
        await desk.durable.enqueue(session, jobs.WATCH, order.order_no, at=now + FIRST_LOOK)
        crashpoint("payment.place.before_intent_commit")
    crashpoint("payment.place.after_intent_commit")
    return True


async def _place(desk: Desk, lease: Lease) -> None:
    order = await desk.get(lease.subject)
    try:
        async with asyncio.timeout(GATEWAY_SECONDS):
            cashier = await desk.gateway_of(order).place(
                order_no=order.order_no,
                total=order.total,
                subject=SUBJECT,
                expires_at=desk.local(order.expires_at),
                payer=desk.payer_of(order),
            )
    except TimeoutError:
        raise OutcomeUnknown("gateway_busy") from None
    except Refused as refused:
        if refused.code in SETTLED_THERE:  # an earlier call had its effect, and more has happened since
            await query(desk, order.order_no)
        else:
            await _refused(desk, lease, refused)
        return
    crashpoint("payment.place.after_call")
    await _keep_cashier(desk, lease, cashier)
    crashpoint("payment.place.after_commit")


async def _keep_cashier(desk: Desk, lease: Lease, cashier: Cashier) -> None:
    async with desk.database.begin() as session:
        await lease.check(session)
        order = await get_locked(session, lease.subject)
        order.cashier_url, order.qr_code = cashier.cashier_url, cashier.qr_code
        order.prepay_id = cashier.prepay_id
        now = desk.clock.now()
        if order.state is OrderState.NEW:
            move_to(session, order, OrderState.ISSUED, reason="placed", at=now)
            if order.wanted:
                await desk.tell(session, order.order_no, "payment_request", telling=lease.inline)
        if not order.wanted:
            await desk.durable.enqueue(session, jobs.CLOSE, order.order_no, at=now)


async def _refused(desk: Desk, lease: Lease, refused: Refused) -> None:
    """Refused at the first try: nothing is payable. After an unknown outcome it may be: it has to run out."""
    log.error("gateway_refused", order_no=lease.subject, code=refused.code)
    async with desk.database.begin() as session:
        await lease.check(session)
        order = await get_locked(session, lease.subject)
        if order.state is not OrderState.NEW:
            return
        now = desk.clock.now()
        if order.sends == 1:
            await close(session, order, reason=REFUSED_AT_ONCE, at=now)
        else:
            order.wanted = False
            move_to(session, order, OrderState.CLOSING, reason=REFUSED_AT_ONCE, at=now)
            await desk.durable.enqueue(session, jobs.CLOSE, order.order_no, at=now)
        if not lease.inline:
            await desk.tell(session, order.order_no, "payment_status")


async def waits_for_gateway(desk: Desk, order_no: str) -> bool:
    """Whether every line has been filed, and only the gateway's part is left."""
    async with desk.database.read() as session:
        order = known(await session.get(OrderRow, order_no))
        filed = all(line.declaration_no for line in await read_lines(session, order_no))
    return order.state is OrderState.NEW and filed


async def find_closing_reason(desk: Desk, order_no: str) -> str | None:
    """Why an order was closed, if it was."""
    async with desk.database.read() as session:
        found = select(OrderRow.reason).where(
            OrderRow.order_no == order_no, OrderRow.state == OrderState.CLOSED
        )
        reason: str | None = await session.scalar(found)
        return reason
