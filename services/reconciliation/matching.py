"""Finds and classes every difference of a day (`reliability` R7): facts in, differences out, and nothing else."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from services.ports import BillKind, BillLine, Booking
from services.reconciliation.facts import (
    BUREAU,
    ORDER_REFUNDED,
    TELL_BUREAU,
    Difference,
    Facts,
    Kind,
    OwnLine,
    OwnOrder,
    OwnRefund,
    refund_number,
)

NOTHING = Decimal("0.00")


def match(facts: Facts) -> list[Difference]:
    """Every difference between the gateways, our books and the bureau on this day."""
    found: list[Difference] = []
    for provider, lines in facts.bills.items():
        for order_no, payments in _grouped(lines, BillKind.PAID):
            found += _payment(facts, provider, order_no, payments)
        for number, refunds in _grouped(lines, BillKind.REFUND):
            found += _refund(facts, provider, number, refunds)
        found += _only_ours(facts, provider, lines)
    found += _bookings(facts)
    found += _unbooked(facts)
    found += _journals(facts)
    return found


def number_of(line: BillLine) -> str:
    return refund_number(line.order_no, line.request_no) if line.request_no else line.order_no


def _grouped(lines: Sequence[BillLine], kind: BillKind) -> Iterable[tuple[str, list[BillLine]]]:
    groups: dict[str, list[BillLine]] = defaultdict(list)
    for line in lines:
        if line.kind is kind:
            groups[number_of(line)].append(line)
    return groups.items()


# --- the gateway has it -----------------------------------------------------------------------------------


def _payment(facts: Facts, provider: str, order_no: str, lines: list[BillLine]) -> Iterator[Difference]:
    order = facts.find_order(provider, order_no)
    line = next((each for each in lines if order and each.trade_no == order.trade_no), lines[0])
    tell = _Teller(facts, provider, order_no, order, line)
    yield from _twice(facts, tell, lines)
    if order is None:
        ours = order_no.startswith(facts.own_letters)
        yield tell(Kind.LONG, "order_lost" if ours else "foreign_number", found=line.total)
        return
    if order.captured is None:
        yield tell(Kind.LONG, "not_paid_here", expected=NOTHING, found=line.total)
        return
    if line.total != order.captured:
        yield tell(Kind.AMOUNT, "payment", expected=order.captured, found=line.total)
    elif order.trade_no and line.trade_no != order.trade_no:
        yield tell(Kind.STATUS, "other_trade", expected=order.captured, found=line.total)
    elif order.paid_on != facts.day:
        yield tell(Kind.CROSS_DAY, "payment", expected=order.captured, found=line.total)
    yield from _discount(order, tell, line.trade_no)


def _refund(facts: Facts, provider: str, number: str, lines: list[BillLine]) -> Iterator[Difference]:
    line, order = lines[0], facts.find_order(provider, lines[0].order_no)
    tell = _Teller(facts, provider, number, order, line)
    yield from _twice(facts, tell, lines)
    if order is None:
        ours = line.order_no.startswith(facts.own_letters)
        yield tell(Kind.LONG, "refund_of_lost_order" if ours else "foreign_number", found=line.total)
        return
    own = order.find_refund(line.request_no or "")
    if own is None or own.outside:  # told, also when we know it by now: it was nobody's of us
        yield tell(Kind.EXTERNAL_REFUND, _outside(order), expected=NOTHING, found=line.total)
    elif own.amount != line.total:
        yield tell(Kind.AMOUNT, "refund", expected=own.amount, found=line.total)
    elif not own.done:
        yield tell(Kind.STATUS, "refund_open", expected=own.amount, found=line.total)
    elif own.done_on != facts.day:
        yield tell(Kind.CROSS_DAY, "refund", expected=own.amount, found=line.total)
    yield from _discount(order, tell, line.request_no or "")


def _outside(order: OwnOrder) -> str:
    if not order.given_back_outside:
        return "not_ours"
    return TELL_BUREAU if order.booked else ORDER_REFUNDED


def _twice(facts: Facts, tell: "_Teller", lines: list[BillLine]) -> Iterator[Difference]:
    """In this bill, or in this one and another day's."""
    in_all = sum((line.total for line in lines), NOTHING)
    if len(lines) > 1:
        yield tell(Kind.DUPLICATE, "twice_in_bill", expected=lines[0].total, found=in_all)
    elif (tell.source, tell.number) in facts.elsewhere:
        yield tell(Kind.DUPLICATE, "in_two_bills", expected=lines[0].total, found=in_all * 2)


def _discount(order: OwnOrder, tell: "_Teller", ref: str) -> Iterator[Difference]:
    """The merchant's part, unless it is booked (R9)."""
    given = tell.line.total - tell.line.received
    if given != order.discounts.get(ref, NOTHING):
        yield tell(Kind.DISCOUNT, "not_booked", expected=order.discounts.get(ref, NOTHING), found=given)


# --- we have it -------------------------------------------------------------------------------------------


def _only_ours(facts: Facts, provider: str, lines: Sequence[BillLine]) -> Iterator[Difference]:
    """What was paid or given back on this day by our books, and stands in no bill."""
    there = {number_of(line) for line in lines}
    for order in facts.orders.values():
        if order.provider != provider:
            continue
        ours: list[tuple[str, Decimal]] = []
        if order.captured is not None and order.paid_on == facts.day:
            ours.append((order.order_no, order.captured))
        ours += [
            (refund_number(order.order_no, refund.request_no), refund.amount)
            for refund in order.refunds
            if _should_be_in_bill(facts, refund)
        ]
        for number, amount in ours:
            if number not in there and (provider, number) not in facts.elsewhere:
                note = "refund" if "/" in number else "payment"
                yield Difference(
                    day=facts.day, source=provider, kind=Kind.SHORT, number=number, note=note,
                    order_no=order.order_no, expected=amount, found=NOTHING,
                )  # fmt: skip


def _should_be_in_bill(facts: Facts, refund: OwnRefund) -> bool:
    return refund.done and refund.done_on == facts.day and not refund.outside


# --- the bureau -------------------------------------------------------------------------------------------


def _bookings(facts: Facts) -> Iterator[Difference]:
    ours = {line.key: (order, line) for order, line in facts.lines()}
    groups: dict[str, list[Booking]] = defaultdict(list)
    for booking in facts.bookings:
        groups[booking.key].append(booking)
    for key, bookings in groups.items():
        if len(bookings) > 1:
            in_all = sum((booking.amount for booking in bookings), NOTHING)
            yield _at_bureau(
                facts, Kind.DUPLICATE, key, "booked_twice", expected=bookings[0].amount, found=in_all
            )
        if key not in ours:
            yield _at_bureau(facts, Kind.BUREAU_UNKNOWN, key, "no_such_key", found=bookings[0].amount)
            continue
        yield from _booking(facts, *ours[key], bookings[0])
    for key, (order, line) in ours.items():
        if line.booked_on == facts.day and key not in groups and order.applied:
            yield _at_bureau(
                facts, Kind.SHORT, key, "booking_gone", order, expected=line.amount, found=NOTHING
            )


def _booking(facts: Facts, order: OwnOrder, line: OwnLine, booking: Booking) -> Iterator[Difference]:
    amounts = {"expected": line.amount, "found": booking.amount}
    if booking.amount != line.amount:
        yield _at_bureau(facts, Kind.AMOUNT, line.key, "booking", order, **amounts)
    elif order.given_back_outside and line.booked_on is not None:
        return  # booked before it was given back: the finding of that refund tells it
    elif not order.applied:
        yield _at_bureau(facts, Kind.STATUS, line.key, f"booked_but_{order.state}", order, **amounts)
    elif line.returned:
        yield _at_bureau(facts, Kind.STATUS, line.key, "booked_but_given_back", order, **amounts)
    elif line.booked_on is None:
        yield _at_bureau(facts, Kind.STATUS, line.key, "booking_not_known", order, **amounts)
    elif line.booked_on != facts.day:
        yield _at_bureau(facts, Kind.CROSS_DAY, line.key, "booking", order, **amounts)


def _unbooked(facts: Facts) -> Iterator[Difference]:
    """Applied, and not booked although the last day for it is over. It belongs to that day."""
    booked_now = {booking.key for booking in facts.bookings}
    for order, line in facts.lines():
        done = line.booked_on or line.returned or line.key in booked_now
        if not order.applied or done or order.last_day is None:
            continue
        if order.last_day <= facts.day:
            yield Difference(
                day=order.last_day, source=BUREAU, kind=Kind.BUREAU_MISSING, number=line.key,
                note="not_booked" if line.payment_no else "not_posted", order_no=order.order_no,
                expected=line.amount, found=NOTHING,
            )  # fmt: skip


def _at_bureau(
    facts: Facts,
    kind: Kind,
    key: str,
    note: str,
    order: OwnOrder | None = None,
    *,
    expected: Decimal | None = None,
    found: Decimal | None = None,
) -> Difference:
    return Difference(
        day=facts.day, source=BUREAU, kind=kind, number=key, note=note,
        order_no=order.order_no if order else None, expected=expected, found=found,
    )  # fmt: skip


# --- our own books ----------------------------------------------------------------------------------------


def _journals(facts: Facts) -> Iterator[Difference]:
    """The journal of each order that moved on this day must say what its state says."""
    moved = {line.order_no for lines in facts.bills.values() for line in lines}
    for order in facts.orders.values():
        if order.order_no not in moved and order.paid_on != facts.day:
            continue
        refunded = sum((refund.amount for refund in order.refunds if refund.done), NOTHING)
        should = (order.captured or NOTHING) - refunded - order.given
        if order.cash != should:
            yield Difference(
                day=facts.day, source=order.provider, kind=Kind.JOURNAL, number=order.order_no,
                note="does_not_add_up", order_no=order.order_no, expected=should, found=order.cash,
            )  # fmt: skip


class _Teller:
    """Makes the differences of one movement."""

    def __init__(
        self, facts: Facts, source: str, number: str, order: OwnOrder | None, line: BillLine
    ) -> None:
        self.source, self.number, self.line = source, number, line
        self._day = facts.day
        self._order_no = order.order_no if order else None

    def __call__(
        self, kind: Kind, note: str, *, expected: Decimal | None = None, found: Decimal | None = None
    ) -> Difference:
        return Difference(
            day=self._day, source=self.source, kind=kind, number=self.number, note=note,
            order_no=self._order_no, expected=expected, found=found, line=self.line,
        )  # fmt: skip
