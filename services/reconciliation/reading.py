"""Reads from the store what is compared: the orders of a day, and the movements of other days' bills."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from services.domain.orders import AT_OFFICE, Account, OrderState, RefundState
from services.domain.workdays import records_available
from services.ports import BillLine, Booking, Clock
from services.reconciliation.facts import Facts, OwnLine, OwnOrder, OwnRefund, refund_number
from services.store.orders import OUTSIDE, EntryRow, OrderLineRow, OrderRow, PostingRow, RefundRow
from services.store.reconciliation import BillLineRow, BillRow
from services.store.session import Database

AT_ONCE = 500
"""Values in one statement at most."""
DISCOUNT_ENTRIES = ("discount", "discount_back")


async def read_facts(
    database: Database,
    clock: Clock,
    *,
    day: date,
    own_letters: str,
    bills: Mapping[str, Sequence[BillLine]],
    bookings: Sequence[Booking],
) -> Facts:
    """All of it as of one moment: an order that is paid meanwhile is read with its journal, or neither."""
    reader = _Reader(clock)
    named = {line.order_no for lines in bills.values() for line in lines}
    async with database.read_snapshot() as connection, AsyncSession(connection) as session:
        wanted = named | await reader.order_numbers(session, day, {booking.key for booking in bookings})
        orders = await reader.orders(session, wanted)
        elsewhere = await reader.elsewhere(session, day, wanted)
    return Facts(
        day=day, own_letters=own_letters, bills=bills, bookings=bookings, orders=orders, elsewhere=elsewhere
    )


class _Reader:
    def __init__(self, clock: Clock) -> None:
        self._zone = clock.now().tzinfo

    async def order_numbers(self, session: AsyncSession, day: date, keys: set[str]) -> set[str]:
        """Paid or given back on this day by our books, booked on it, or waiting to be booked."""
        start = datetime.combine(day, time(), self._zone)
        end = start + timedelta(days=1)
        paid = select(OrderRow.order_no).where(OrderRow.paid_at >= start, OrderRow.paid_at < end)
        given_back = select(RefundRow.order_no).where(RefundRow.done_at >= start, RefundRow.done_at < end)
        booked = select(OrderLineRow.order_no).where(OrderLineRow.booked_on == day)
        unbooked = (
            select(OrderRow.order_no)
            .join(OrderLineRow, OrderLineRow.order_no == OrderRow.order_no)
            .where(
                OrderRow.state == OrderState.APPLIED,
                OrderRow.paid_at < end,
                OrderLineRow.booked_on.is_(None),
            )
        )
        found: set[str] = set()
        for statement in (paid, given_back, booked, unbooked):
            found |= set((await session.scalars(statement)).all())
        return found | set(await _among(session, OrderLineRow.key, keys, OrderLineRow.order_no))

    async def orders(self, session: AsyncSession, numbers: set[str]) -> dict[str, OwnOrder]:
        rows = await _among(session, OrderRow.order_no, numbers)
        lines = _by_order(await _among(session, OrderLineRow.order_no, numbers))
        refunds = _by_order(await _among(session, RefundRow.order_no, numbers))
        books = await _read_books(session, numbers)
        return {
            row.order_no: self._order(row, lines[row.order_no], refunds[row.order_no], books[row.order_no])
            for row in rows
        }

    async def elsewhere(
        self, session: AsyncSession, day: date, numbers: set[str]
    ) -> dict[tuple[str, str], date]:
        """The movements of these orders in the bills of other days, as these are known now."""
        found: dict[tuple[str, str], date] = {}
        for part in _parts(numbers):
            statement = (
                select(BillRow.provider, BillRow.day, BillLineRow.order_no, BillLineRow.request_no)
                .join(BillRow, BillRow.bill_id == BillLineRow.bill_id)
                .where(BillLineRow.order_no.in_(part), BillRow.day != day, BillRow.replaced_at.is_(None))
            )
            for provider, other, order_no, request_no in (await session.execute(statement)).all():
                number = refund_number(order_no, request_no) if request_no else order_no
                found[provider, number] = other
        return found

    def _order(
        self, row: OrderRow, lines: list[OrderLineRow], refunds: list[RefundRow], books: "_Books"
    ) -> OwnOrder:
        paid_on = self._day(row.paid_at)
        return OwnOrder(
            order_no=row.order_no,
            provider=row.provider,
            state=row.state.value,
            applied=row.state is OrderState.APPLIED or row.state in AT_OFFICE,
            captured=row.captured,
            paid_on=paid_on,
            trade_no=row.trade_no,
            refunds=tuple(self._refund(refund) for refund in refunds),
            lines=tuple(
                OwnLine(
                    key=line.key,
                    amount=line.amount,
                    payment_no=line.payment_no,
                    booked_on=line.booked_on,
                    returned=line.returned_at is not None,
                )
                for line in lines
            ),
            cash=books.cash,
            given=books.given,
            discounts=books.discounts,
            last_day=records_available(paid_on)[1] if paid_on else None,
        )

    def _refund(self, row: RefundRow) -> OwnRefund:
        return OwnRefund(
            request_no=row.request_no,
            amount=row.amount,
            done=row.state == RefundState.DONE,
            done_on=self._day(row.done_at),
            outside=row.kind == OUTSIDE,
        )

    def _day(self, moment: datetime | None) -> date | None:
        return moment.astimezone(self._zone).date() if moment else None


class _Books:
    """What the journal says of one order."""

    def __init__(self) -> None:
        self.cash = self.given = Decimal("0.00")
        self.discounts: dict[str, Decimal] = {}

    def add(self, kind: str, ref: str, account: str, amount: Decimal) -> None:
        if account == Account.CASH:
            self.cash += amount
        elif account == Account.DISCOUNT:
            self.given += amount
            if kind in DISCOUNT_ENTRIES:
                self.discounts[ref] = abs(amount)


async def _read_books(session: AsyncSession, numbers: set[str]) -> dict[str, _Books]:
    books: dict[str, _Books] = defaultdict(_Books)
    for part in _parts(numbers):
        statement = (
            select(EntryRow.order_no, EntryRow.kind, EntryRow.ref, PostingRow.account, PostingRow.amount)
            .join(PostingRow, PostingRow.entry_id == EntryRow.entry_id)
            .where(EntryRow.order_no.in_(part))
        )
        for order_no, kind, ref, account, amount in (await session.execute(statement)).all():
            books[order_no].add(kind, ref, account, amount)
    return books


async def _among(
    session: AsyncSession,
    column: InstrumentedAttribute[str],
    values: set[str],
    wanted: InstrumentedAttribute[str] | None = None,
) -> list[Any]:
    """The rows whose column has one of these values, or one column of them."""
    found: list[Any] = []
    for part in _parts(values):
        statement: Select[Any] = select(wanted if wanted is not None else column.class_)
        found += (await session.scalars(statement.where(column.in_(part)))).all()
    return found


def _parts(values: Iterable[str]) -> Iterable[list[str]]:
    ordered = sorted(values)
    return (ordered[start : start + AT_ONCE] for start in range(0, len(ordered), AT_ONCE))


def _by_order(rows: Iterable[Any]) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        groups[row.order_no].append(row)
    return groups
