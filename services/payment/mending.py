"""What reconciliation may have done to an order: asked again, posted again, never set by hand (`reliability` P21).

Each of these goes to the peer whose word counts; what it answers becomes state where it always does.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.domain.errors import OutcomeUnknown, Refused, Unavailable
from services.domain.orders import Account, OrderState, RefundState
from services.payment import desk as jobs
from services.payment import settling, watching
from services.payment.desk import Desk, get_locked, known
from services.payment.evidence import apply
from services.ports import RefundFacts, TradeFacts
from services.store.orders import OUTSIDE, EntryRow, OrderLineRow, OrderRow, RefundRow, record_entry

log = structlog.get_logger("payment")

LONGEST_REQUEST_NO = 40


class Mending:
    """`Unavailable` or `OutcomeUnknown` when a peer does not answer: then nothing has changed."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def ask(self, order_no: str) -> TradeFacts:
        """The gateway's signed word about an order of ours, taken in."""
        return await watching.query(self._desk, order_no)

    async def ask_about(self, provider: str, order_no: str) -> TradeFacts:
        """The same about a number that we do not have: kept as evidence, and no order is made of it."""
        gateway = self._desk.gateways.get(provider)
        if gateway is None:
            raise Unavailable("gateway_unavailable")
        try:
            facts = await gateway.query(order_no)
        except Refused as refused:
            raise OutcomeUnknown(refused.code) from refused
        await apply(self._desk, facts)
        return facts

    async def find_refund(self, order_no: str, request_no: str) -> RefundFacts:
        gateway = self._desk.gateway_of(await self._desk.get(order_no))
        try:
            return await gateway.find_refund(order_no=order_no, request_no=request_no)
        except Refused as refused:
            raise OutcomeUnknown(refused.code) from refused

    async def settle_refund(self, order_no: str, request_no: str) -> bool:
        """Whether the refund of this number is done, after the job that knows how has had a go."""
        await self._work(jobs.REFUND, order_no)
        async with self._desk.database.read() as session:
            row = await session.get(RefundRow, request_no)
        return row is not None and row.state == RefundState.DONE

    async def settle_at_bureau(self, order_no: str) -> bool:
        """Have the bureau told of every line, with the same keys; whether all are booked."""
        order = await self._desk.get(order_no)
        if order.state is not OrderState.APPLIED:
            return False
        if await settling.is_unposted(self._desk, order_no):
            await self._work(jobs.POST, order_no)
        booked = await settling.find_booking(self._desk, order_no)
        if await settling.is_unposted(self._desk, order_no):  # the bureau had lost it
            await self._work(jobs.POST, order_no)
        return booked

    async def post_again(self, order_no: str, key: str) -> bool:
        """For a line that was booked by our books: whether the bureau has forgotten it, and is told again."""
        if await self._desk.bureau.find_posting(key) is not None:
            return False
        async with self._desk.database.begin() as session:
            await get_locked(session, order_no)
            line = known(await session.scalar(select(OrderLineRow).where(OrderLineRow.key == key)))
            line.payment_no = None
        await self._work(jobs.POST, order_no)
        return True

    async def is_captured(self, order_no: str) -> bool:
        return (await self._desk.get(order_no)).captured is not None

    async def is_refunded(self, order_no: str) -> bool:
        return (await self._desk.get(order_no)).state is OrderState.REFUNDED

    async def is_booked(self, order_no: str) -> bool:
        """In part at least."""
        return any(line.booked_on is not None for line in await self._desk.lines(order_no))

    async def left(self, order_no: str, *, before: str) -> Decimal:
        """What was captured, less what all refunds but this one have given back."""
        given_back = select(RefundRow.amount).where(
            RefundRow.order_no == order_no,
            RefundRow.state == RefundState.DONE,
            RefundRow.request_no != before[:LONGEST_REQUEST_NO],
        )
        async with self._desk.database.read() as session:
            order = await session.get_one(OrderRow, order_no)
            done = sum((await session.scalars(given_back)).all(), Decimal("0.00"))
        return (order.captured or Decimal("0.00")) - done

    async def record_outside_refund(self, order_no: str, facts: RefundFacts) -> None:
        """A part was given back by somebody else: the cash is less, and suspense says that it is missing."""
        request_no, now = facts.request_no[:LONGEST_REQUEST_NO], self._desk.clock.now()
        amount = known(facts.amount)
        async with self._desk.database.begin() as session:
            order = await get_locked(session, order_no)
            if await session.get(RefundRow, request_no) is not None or order.captured is None:
                return
            counted = select(func.count()).where(RefundRow.order_no == order_no, RefundRow.kind == OUTSIDE)
            number = 2 + int(await session.scalar(counted) or 0)  # 1 is that of the whole
            session.add(
                RefundRow(
                    request_no=request_no, order_no=order_no, kind=OUTSIDE, number=number, amount=amount,
                    state=RefundState.DONE, reason="refunded_outside", requested_at=now,
                    done_at=facts.refunded_at or now,
                )
            )  # fmt: skip
            await record_entry(
                session, order_no, "refunded", ref=request_no, debit=Account.SUSPENSE, credit=Account.CASH,
                amount=amount, at=now,
            )  # fmt: skip
        log.error("refunded_outside_in_part", order_no=order_no)

    async def book_discount(self, order_no: str, amount: Decimal, *, ref: str, back: bool) -> None:
        """The merchant's part of a payment, or of what was given back, on its own account (R9). Once."""
        kind = "discount_back" if back else "discount"
        debit, credit = (Account.CASH, Account.DISCOUNT) if back else (Account.DISCOUNT, Account.CASH)
        async with self._desk.database.begin() as session:
            await get_locked(session, order_no)
            if not await _is_booked(session, order_no, kind, ref):
                await record_entry(
                    session, order_no, kind, ref=ref, debit=debit, credit=credit, amount=amount,
                    at=self._desk.clock.now(),
                )  # fmt: skip

    async def refunded_on(self, keys: Sequence[str]) -> Mapping[str, date]:
        """Of these keys of the bureau: those whose order was given back wholly, and when."""
        if not keys:
            return {}
        found = (
            select(OrderLineRow.key, func.max(RefundRow.done_at))
            .join(OrderRow, OrderRow.order_no == OrderLineRow.order_no)
            .join(RefundRow, RefundRow.order_no == OrderRow.order_no)
            .where(OrderLineRow.key.in_(keys), OrderRow.state == OrderState.REFUNDED)
            .group_by(OrderLineRow.key)
        )
        async with self._desk.database.read() as session:
            rows = (await session.execute(found)).all()
        return {key: self._desk.local(moment).date() for key, moment in rows if moment is not None}

    async def _work(self, kind: str, order_no: str) -> None:
        """Have the order's job done now, if nobody else is at it; else by whoever is."""
        durable = self._desk.durable
        async with self._desk.database.begin() as session:
            await durable.enqueue(session, kind, order_no, at=self._desk.clock.now())
        lease = await durable.lease(kind, order_no)
        if lease is not None:
            await durable.run_quietly(lease)


async def _is_booked(session: AsyncSession, order_no: str, kind: str, ref: str) -> bool:
    found = select(EntryRow.entry_id).where(
        EntryRow.order_no == order_no, EntryRow.kind == kind, EntryRow.ref == ref
    )
    return await session.scalar(found) is not None
