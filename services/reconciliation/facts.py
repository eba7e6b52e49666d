"""What is compared: the gateway's lines, our orders with their journal, the bureau's bookings; and what comes of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from services.ports import BillLine, Booking

BUREAU = "bureau"
"""The source of a finding that is not a gateway's."""

ORDER_REFUNDED, TELL_BUREAU = "order_refunded", "bureau_must_be_told"
"""The notes of a refund by somebody else that has taken the whole order back, with us too: nothing is left to do,
or the bureau has booked what is gone."""


class Kind(StrEnum):
    LONG = "long"  # the gateway has it, we don't (长款)
    SHORT = "short"  # we have it, the gateway doesn't (短款)
    AMOUNT = "amount"
    STATUS = "status"
    CROSS_DAY = "cross_day"
    DUPLICATE = "duplicate"
    EXTERNAL_REFUND = "external_refund"
    DISCOUNT = "discount"
    BUREAU_MISSING = "bureau_missing"
    BUREAU_UNKNOWN = "bureau_unknown"
    JOURNAL = "journal"  # our books of an order don't add up to its state


@dataclass(frozen=True, kw_only=True)
class Difference:
    """`number` is an order's, a refund's behind its order's and a slash, or a line's key at the bureau."""

    day: date
    source: str
    kind: Kind
    number: str
    note: str
    order_no: str | None = None
    expected: Decimal | None = None
    found: Decimal | None = None
    line: BillLine | None = None


@dataclass(frozen=True, kw_only=True)
class OwnRefund:
    """`outside`: somebody else gave it back, and the gateway told us so, under a number of ours."""

    request_no: str
    amount: Decimal
    done: bool
    done_on: date | None = None
    outside: bool = False


@dataclass(frozen=True, kw_only=True)
class OwnLine:
    """One bill of an order, as the bureau knows it."""

    key: str
    amount: Decimal
    payment_no: str | None = None
    booked_on: date | None = None
    returned: bool = False


@dataclass(frozen=True, kw_only=True)
class OwnOrder:
    """`captured` and `paid_on` are empty until it is paid. `cash` is what the journal says that the gateway
    holds of it, `given` what it says of the merchant's discounts; `discounts` are those by trade or refund
    number. `last_day` is the last on which the bureau should have booked it."""

    order_no: str
    provider: str
    state: str
    applied: bool
    captured: Decimal | None = None
    paid_on: date | None = None
    trade_no: str | None = None
    refunds: tuple[OwnRefund, ...] = ()
    lines: tuple[OwnLine, ...] = ()
    cash: Decimal = Decimal("0.00")
    given: Decimal = Decimal("0.00")
    discounts: Mapping[str, Decimal] = field(default_factory=dict)
    last_day: date | None = None

    def find_refund(self, request_no: str) -> OwnRefund | None:
        return next((refund for refund in self.refunds if refund.request_no == request_no), None)

    @property
    def booked(self) -> bool:
        return any(line.booked_on is not None for line in self.lines)

    @property
    def given_back_outside(self) -> bool:
        """Wholly: its parts have no numbers of their own with us."""
        outside = sum((refund.amount for refund in self.refunds if refund.outside), Decimal("0.00"))
        return self.captured is not None and outside == self.captured


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that is known about one day. `bills` has a gateway only when it was asked. `elsewhere` are movements
    that stand in bills of other days, by gateway and number. `own_letters` is what our numbers begin with."""

    day: date
    own_letters: str
    bills: Mapping[str, Sequence[BillLine]]
    bookings: Sequence[Booking]
    orders: Mapping[str, OwnOrder]
    elsewhere: Mapping[tuple[str, str], date] = field(default_factory=dict)

    def lines(self) -> Iterator[tuple[OwnOrder, OwnLine]]:
        for order in self.orders.values():
            for line in order.lines:
                yield order, line

    def find_order(self, provider: str, order_no: str) -> OwnOrder | None:
        """None also for an order that was placed with another gateway."""
        order = self.orders.get(order_no)
        return order if order is not None and order.provider == provider else None


def refund_number(order_no: str, request_no: str) -> str:
    return f"{order_no}/{request_no}"
