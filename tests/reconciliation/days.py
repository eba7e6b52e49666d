"""Generated days: consistent books on three sides, and differences put into them, each known by its class."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from services.adapters.clock import SHANGHAI
from services.ports import BillKind, BillLine, Booking
from services.reconciliation.facts import BUREAU, Facts, Kind, OwnLine, OwnOrder, OwnRefund, refund_number

DAY = date(2026, 11, 25)
PROVIDERS = ("alipay", "wechatpay")
NOTHING = Decimal("0.00")
Known = tuple[str, str, Kind, str]
"""Day, source, kind and number: what a finding is known by."""


@dataclass
class Books:
    """A day as it lies on the three desks. `expected` is what a right matcher finds."""

    dice: random.Random
    bills: dict[str, list[BillLine]] = field(default_factory=lambda: {name: [] for name in PROVIDERS})
    orders: dict[str, OwnOrder] = field(default_factory=dict)
    bookings: list[Booking] = field(default_factory=list)
    elsewhere: dict[tuple[str, str], date] = field(default_factory=dict)
    expected: set[tuple[str, str, str, str]] = field(default_factory=set)
    count: int = 0

    def number(self, prefix: str = "GZ1") -> str:
        self.count += 1
        return f"{prefix}{self.count:05}{self.dice.randrange(10**6):06}"

    def facts(self) -> Facts:
        for lines in (*self.bills.values(), self.bookings):
            self.dice.shuffle(lines)  # type: ignore[arg-type]
        return Facts(
            day=DAY, own_letters="GZ", bills=self.bills, bookings=self.bookings, orders=self.orders,
            elsewhere=self.elsewhere,
        )  # fmt: skip

    def expect(self, source: str, kind: Kind, number: str, day: date = DAY) -> None:
        self.expected.add((day.isoformat(), source, kind.value, number))

    # --- what is true on all desks --------------------------------------------------------------------------

    def paid(self, on: date = DAY, **changes: object) -> OwnOrder:
        """An order of one to four lines, paid; in the bill if it was paid on the day."""
        number, provider = self.number(), self.dice.choice(PROVIDERS)
        amounts = [Decimal(self.dice.randrange(1, 500_000)) / 100 for _ in range(self.dice.randint(1, 4))]
        keys = [number] + [f"{number}-{n}" for n in range(2, len(amounts) + 1)]
        total = sum(amounts, NOTHING)
        order = OwnOrder(
            order_no=number, provider=provider, state="applied", applied=True, captured=total, paid_on=on,
            trade_no=f"T{number}", cash=total, last_day=on + timedelta(days=3),
            lines=tuple(OwnLine(key=key, amount=amount) for key, amount in zip(keys, amounts, strict=True)),
        )  # fmt: skip
        order = self.keep(replace(order, **changes))  # type: ignore[arg-type]
        if on == DAY:
            self.bill(order)
        return order

    def keep(self, order: OwnOrder) -> OwnOrder:
        self.orders[order.order_no] = order
        return order

    def bill(self, order: OwnOrder, **changes: object) -> BillLine:
        total = (
            order.captured
            if order.captured is not None
            else sum((each.amount for each in order.lines), NOTHING)
        )
        line = BillLine(
            order_no=order.order_no, trade_no=f"T{order.order_no}", kind=BillKind.PAID, total=total,
            received=total, at=self.moment(),
        )  # fmt: skip
        line = replace(line, **changes)  # type: ignore[arg-type]
        self.bills[order.provider].append(line)
        return line

    def refunded(self, *, in_bill: bool = True, **changes: object) -> tuple[OwnOrder, OwnRefund]:
        """A surplus of some days ago, given back on the day."""
        order = self.paid(DAY - timedelta(days=2), state="refunded", applied=False, cash=NOTHING)
        total = order.captured or NOTHING
        refund = OwnRefund(request_no=f"R{order.order_no}", amount=total, done=True, done_on=DAY)
        refund = replace(refund, **changes)  # type: ignore[arg-type]
        cash = total - refund.amount if refund.done else total
        order = self.keep(replace(order, refunds=(refund,), cash=cash))
        if in_bill:
            self.bill_refund(order, refund.request_no, total)
        return order, refund

    def bill_refund(self, order: OwnOrder, request_no: str, amount: Decimal, **changes: object) -> None:
        line = BillLine(
            order_no=order.order_no, trade_no=f"T{order.order_no}", kind=BillKind.REFUND, total=amount,
            received=amount, at=self.moment(), request_no=request_no,
        )  # fmt: skip
        self.bills[order.provider].append(replace(line, **changes))  # type: ignore[arg-type]

    def booked(self, *, at_bureau: bool = True, on: date | None = DAY, **changes: object) -> OwnOrder:
        """An order of two days ago whose lines are booked on the day."""
        order = self.paid(DAY - timedelta(days=2), **changes)
        lines = tuple(replace(line, payment_no=f"P{line.key}", booked_on=on) for line in order.lines)
        order = self.keep(replace(order, lines=lines))
        if at_bureau:
            for line in lines:
                self.book(line.key, line.amount)
        return order

    def book(self, key: str, amount: Decimal) -> None:
        self.bookings.append(Booking(key=key, payment_no=f"P{key}", amount=amount, booked_on=DAY))

    def open_order(self) -> OwnOrder:
        number = self.number()
        order = OwnOrder(
            order_no=number, provider=self.dice.choice(PROVIDERS), state="wait", applied=False,
            lines=(OwnLine(key=number, amount=self.amount()),),
        )  # fmt: skip
        return self.keep(order)

    def amount(self) -> Decimal:
        return Decimal(self.dice.randrange(1, 500_000)) / 100

    def moment(self) -> datetime:
        return datetime.combine(DAY, time(12), SHANGHAI) + timedelta(
            seconds=self.dice.randrange(-40_000, 40_000)
        )


# --- differences ------------------------------------------------------------------------------------------


def long_(books: Books) -> None:
    order = books.open_order()
    books.bill(order)
    books.expect(order.provider, Kind.LONG, order.order_no)


def long_lost(books: Books) -> None:
    number, provider = books.number(books.dice.choice(["GZ1", "GZ2", "TILL"])), books.dice.choice(PROVIDERS)
    order = OwnOrder(order_no=number, provider=provider, state="", applied=False, captured=books.amount())
    books.bill(order)
    books.expect(provider, Kind.LONG, number)


def long_at_another_gateway(books: Books) -> None:
    order = books.open_order()
    other = next(name for name in PROVIDERS if name != order.provider)
    books.bill(replace(order, provider=other))
    books.expect(other, Kind.LONG, order.order_no)


def long_refund(books: Books) -> None:
    number, provider = books.number(), books.dice.choice(PROVIDERS)
    order = OwnOrder(order_no=number, provider=provider, state="", applied=False)
    books.bill_refund(order, "R1", books.amount())
    books.expect(provider, Kind.LONG, refund_number(number, "R1"))


def short(books: Books) -> None:
    order = books.paid()
    lines = books.bills[order.provider]
    lines[:] = [line for line in lines if line.order_no != order.order_no]
    books.expect(order.provider, Kind.SHORT, order.order_no)


def short_refund(books: Books) -> None:
    order, refund = books.refunded(in_bill=False)
    books.expect(order.provider, Kind.SHORT, refund_number(order.order_no, refund.request_no))


def short_at_the_bureau(books: Books) -> None:
    order = books.booked()
    gone = books.dice.choice(order.lines)
    books.bookings = [booking for booking in books.bookings if booking.key != gone.key]
    books.expect(BUREAU, Kind.SHORT, gone.key)


def amount(books: Books) -> None:
    order = books.paid()
    lines = books.bills[order.provider]
    lines[:] = [line for line in lines if line.order_no != order.order_no]
    other = (order.captured or NOTHING) + Decimal(books.dice.choice(["0.01", "1.00", "99.90"]))
    books.bill(order, total=other, received=other)
    books.expect(order.provider, Kind.AMOUNT, order.order_no)


def amount_of_a_refund(books: Books) -> None:
    order, refund = books.refunded(in_bill=False)
    books.bill_refund(order, refund.request_no, refund.amount + Decimal("0.01"))
    books.expect(order.provider, Kind.AMOUNT, refund_number(order.order_no, refund.request_no))


def amount_of_a_booking(books: Books) -> None:
    order = books.booked(at_bureau=False)
    wrong = books.dice.randrange(len(order.lines))
    for index, line in enumerate(order.lines):
        books.book(line.key, line.amount + (Decimal("0.01") if index == wrong else NOTHING))
    books.expect(BUREAU, Kind.AMOUNT, order.lines[wrong].key)


def status_of_a_refund(books: Books) -> None:
    order, refund = books.refunded(done=False, done_on=None)
    books.keep(replace(order, state="refunding"))
    books.expect(order.provider, Kind.STATUS, refund_number(order.order_no, refund.request_no))


def status_of_a_trade(books: Books) -> None:
    order = books.paid()
    books.keep(replace(order, trade_no="another"))
    books.expect(order.provider, Kind.STATUS, order.order_no)


def status_booked_but_not_applied(books: Books) -> None:
    order = books.booked(state="refunding", applied=False)
    for line in order.lines:
        books.expect(BUREAU, Kind.STATUS, line.key)


def status_booking_not_known(books: Books) -> None:
    order = books.booked(on=None)
    for line in order.lines:
        books.expect(BUREAU, Kind.STATUS, line.key)


def cross_day(books: Books) -> None:
    order = books.paid(DAY - timedelta(days=books.dice.choice([-1, 1])))
    books.bill(order)
    books.expect(order.provider, Kind.CROSS_DAY, order.order_no)


def cross_day_of_a_refund(books: Books) -> None:
    order, refund = books.refunded(done_on=DAY + timedelta(days=1))
    books.expect(order.provider, Kind.CROSS_DAY, refund_number(order.order_no, refund.request_no))


def cross_day_of_a_booking(books: Books) -> None:
    order = books.booked(on=DAY - timedelta(days=1))
    for line in order.lines:
        books.expect(BUREAU, Kind.CROSS_DAY, line.key)


def duplicate(books: Books) -> None:
    order = books.paid()
    again = {"trade_no": books.dice.choice([f"T{order.order_no}", "T-again"])}
    books.bill(order, **again)
    books.expect(order.provider, Kind.DUPLICATE, order.order_no)


def duplicate_in_another_bill(books: Books) -> None:
    order = books.paid()
    books.elsewhere[order.provider, order.order_no] = DAY - timedelta(days=1)
    books.expect(order.provider, Kind.DUPLICATE, order.order_no)


def duplicate_refund(books: Books) -> None:
    order, refund = books.refunded()
    books.bill_refund(order, refund.request_no, refund.amount)
    books.expect(order.provider, Kind.DUPLICATE, refund_number(order.order_no, refund.request_no))


def duplicate_booking(books: Books) -> None:
    order = books.booked()
    books.book(order.lines[0].key, order.lines[0].amount)
    books.expect(BUREAU, Kind.DUPLICATE, order.lines[0].key)


def external_refund(books: Books) -> None:
    order = books.paid(books.dice.choice([DAY, DAY - timedelta(days=1)]))
    whole = order.captured or NOTHING
    books.bill_refund(order, "CONSOLE1", books.dice.choice([whole, max(Decimal("0.01"), whole - 1)]))
    books.expect(order.provider, Kind.EXTERNAL_REFUND, refund_number(order.order_no, "CONSOLE1"))


def external_refund_that_is_known(books: Books) -> None:
    """Known: in two parts at the gateway, in one with us."""
    order = books.paid(DAY - timedelta(days=1), state="refunded", applied=False, cash=NOTHING)
    whole = order.captured or NOTHING
    refund = OwnRefund(request_no="R-ours", amount=whole, done=True, done_on=DAY, outside=True)
    books.keep(replace(order, refunds=(refund,)))
    part = whole / 2
    books.bill_refund(order, "CONSOLE1", part)
    books.bill_refund(order, "CONSOLE2", whole - part)
    for request_no in ("CONSOLE1", "CONSOLE2"):
        books.expect(order.provider, Kind.EXTERNAL_REFUND, refund_number(order.order_no, request_no))


def discount(books: Books) -> None:
    order = books.paid()
    lines = books.bills[order.provider]
    lines[:] = [line for line in lines if line.order_no != order.order_no]
    books.bill(order, received=(order.captured or NOTHING) - Decimal("0.01"))
    books.expect(order.provider, Kind.DISCOUNT, order.order_no)


def bureau_missing(books: Books) -> None:
    last = DAY - timedelta(days=books.dice.randint(0, 9))
    order = books.paid(last - timedelta(days=3))
    lines = list(order.lines)
    late = books.dice.randint(1, len(lines))
    for index in range(late, len(lines)):
        lines[index] = replace(lines[index], payment_no="P", booked_on=last)
        if last == DAY:
            books.book(lines[index].key, lines[index].amount)
    posted = books.dice.choice([None, "P"])
    lines[:late] = [replace(line, payment_no=posted) for line in lines[:late]]
    books.keep(replace(order, lines=tuple(lines), last_day=last))
    for line in lines[:late]:
        books.expect(BUREAU, Kind.BUREAU_MISSING, line.key, last)


def bureau_unknown(books: Books) -> None:
    key = books.number(books.dice.choice(["GZ1", "OTHER"]))
    books.book(key, books.amount())
    books.expect(BUREAU, Kind.BUREAU_UNKNOWN, key)


def journal(books: Books) -> None:
    order = books.paid()
    books.keep(replace(order, cash=order.cash - Decimal("0.01")))
    books.expect(order.provider, Kind.JOURNAL, order.order_no)


INJECTIONS: tuple[Callable[[Books], None], ...] = (
    long_, long_lost, long_at_another_gateway, long_refund, short, short_refund, short_at_the_bureau, amount,
    amount_of_a_refund, amount_of_a_booking, status_of_a_refund, status_of_a_trade,
    status_booked_but_not_applied, status_booking_not_known, cross_day, cross_day_of_a_refund,
    cross_day_of_a_booking, duplicate, duplicate_in_another_bill, duplicate_refund, duplicate_booking,
    external_refund, external_refund_that_is_known, discount, bureau_missing, bureau_unknown, journal,
)  # fmt: skip


# --- what is no difference --------------------------------------------------------------------------------


def _discount_that_is_booked(books: Books) -> None:
    order = books.paid()
    lines = books.bills[order.provider]
    lines[:] = [line for line in lines if line.order_no != order.order_no]
    given = Decimal("0.01")
    line = books.bill(order, received=(order.captured or NOTHING) - given)
    books.keep(replace(order, cash=order.cash - given, given=given, discounts={line.trade_no: given}))


def _in_the_bill_of_yesterday(books: Books) -> None:
    order = books.paid()
    lines = books.bills[order.provider]
    lines[:] = [line for line in lines if line.order_no != order.order_no]
    books.elsewhere[order.provider, order.order_no] = DAY - timedelta(days=1)


def _waits_to_be_booked(books: Books) -> None:
    books.paid(DAY - timedelta(days=1), last_day=DAY + timedelta(days=1))


HARMLESS: tuple[Callable[[Books], object], ...] = (
    Books.paid, Books.paid, Books.paid, Books.refunded, Books.booked, Books.booked, Books.open_order,
    _discount_that_is_booked, _in_the_bill_of_yesterday, _waits_to_be_booked,
)  # fmt: skip


def make_day(seed: int) -> Books:
    """A day with 1 to 50 differences among things that agree."""
    dice = random.Random(seed)
    books = Books(dice)
    steps: list[Callable[[Books], object]] = [dice.choice(INJECTIONS) for _ in range(dice.randint(1, 50))]
    steps += [dice.choice(HARMLESS) for _ in range(dice.randint(0, 80))]
    dice.shuffle(steps)
    for step in steps:
        step(books)
    return books
