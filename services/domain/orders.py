"""States of a payment order: the edges between them, and what each is called outside.

An order is one number at the gateway for one confirmed quote. `CLOSED → PAID` is legal: money that comes
late is taken in, never lost (`reliability` 2).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.domain.kinds import Insurance, InsuredGroup
from services.ports import Dues

GRACE = timedelta(minutes=2)
"""A number that the gateway does not know is closed only this long after its absolute expiry."""


class OrderState(StrEnum):
    """The value is stored; `status` is what residents and other programs see."""

    status: str

    def __new__(cls, value: str, status: str = "") -> "OrderState":
        state = str.__new__(cls, value)
        state._value_ = value
        state.status = status
        return state

    NEW = "new", "pending"
    ISSUED = "issued", "pending"
    WAIT = "wait", "pending"
    CLOSING = "closing", "pending"
    CLOSED = "closed", "closed"
    PAID = "paid", "paid"
    APPLIED = "applied", "paid"
    SURPLUS = "surplus", "refunding"
    REFUNDING = "refunding", "refunding"
    REFUND_STUCK = "refund_stuck", "refunding"
    REFUNDED = "refunded", "refunded"
    OFFICE_REFUND = "office_refund", "refunding"
    OFFICE_REFUNDED = "office_refunded", "refunded"


S = OrderState
OPEN = frozenset({S.NEW, S.ISSUED, S.WAIT, S.CLOSING})
CAPTURED = frozenset(
    {
        S.PAID, S.APPLIED, S.SURPLUS, S.REFUNDING, S.REFUND_STUCK, S.REFUNDED, S.OFFICE_REFUND, S.OFFICE_REFUNDED,
    }
)  # fmt: skip
AT_OFFICE = frozenset({S.OFFICE_REFUND, S.OFFICE_REFUNDED})
"""Booked, and given back by the tax office: the gateway keeps its trade as paid (`reliability` R5)."""

EDGES: dict[tuple[OrderState, OrderState], str] = {
    (S.NEW, S.ISSUED): "the gateway has it",
    (S.NEW, S.CLOSED): "it never reached the gateway, or was refused there at the first try",
    (S.ISSUED, S.WAIT): "the payer has opened it",
    (S.NEW, S.CLOSING): "given up while it is not known whether the gateway has it",
    (S.ISSUED, S.CLOSING): "given up or expired",
    (S.ISSUED, S.CLOSED): "its link never left us, so nobody can pay it",
    (S.WAIT, S.CLOSING): "given up or expired",
    (S.CLOSING, S.CLOSED): "the gateway says closed, or does not know it after expiry and grace",
    (S.NEW, S.PAID): "paid before the answer to our own call was stored",
    (S.ISSUED, S.PAID): "paid",
    (S.WAIT, S.PAID): "paid",
    (S.CLOSING, S.PAID): "paid before it could be closed",
    (S.CLOSED, S.PAID): "paid late",
    (S.PAID, S.APPLIED): "it settles the bill",
    (S.PAID, S.SURPLUS): "the bill is settled already, or the amount is another",
    (S.APPLIED, S.SURPLUS): "the bureau refused or released it, or it was refunded outside",
    (S.APPLIED, S.OFFICE_REFUND): "the tax office has applications for all that was booked",
    (S.OFFICE_REFUND, S.APPLIED): "the tax office says no",
    (S.OFFICE_REFUND, S.OFFICE_REFUNDED): "the tax office has paid it back",
    (S.SURPLUS, S.REFUNDING): "the refund is on its way",
    (S.REFUNDING, S.REFUNDED): "the gateway shows the refund",
    (S.REFUNDING, S.REFUND_STUCK): "the gateway refuses the refund",
    (S.REFUND_STUCK, S.REFUNDING): "tried again by decision",
}


class IllegalMove(Exception):
    """A move that is not in `EDGES`."""


def check_move(old: OrderState, new: OrderState) -> None:
    """`IllegalMove` unless `old → new` is an edge."""
    if (old, new) not in EDGES:
        raise IllegalMove(f"{old} -> {new}")


class RefundState(StrEnum):
    """`REQUESTED → APPROVED → SENT → DONE | STUCK`; what the service finds surplus is born approved."""

    REQUESTED = "requested"
    APPROVED = "approved"
    SENT = "sent"
    DONE = "done"
    STUCK = "stuck"


class Account(StrEnum):
    """Accounts of the journal. A debit is positive, a credit negative; every entry adds up to nothing."""

    CASH = "gateway_cash"
    BUREAU = "due_to_bureau"
    BOOKED = "booked_by_bureau"
    OFFICE = "refunded_by_office"
    SUSPENSE = "suspense"
    DISCOUNT = "merchant_discount"


def bill_units(dues: Dues) -> tuple[str, ...]:
    """The smallest things that can be paid only once: each month, the year, or the assessed item.

    Orders over different spans of months overlap in these, so they can't both be live.
    """
    if dues.arrears_item:
        return (f"arrears:{dues.arrears_item}",)
    if dues.fee_year:
        return (str(dues.fee_year),)
    first, _, last = (dues.fee_period or "").partition("/")
    return tuple(_months(first, last or first))


@dataclass(frozen=True, kw_only=True)
class Unbooked:
    """A bill that is paid and that the bureau has not entered yet, as far as we know."""

    paid_at: datetime
    insured_group: InsuredGroup
    insurance: Insurance
    fee_period: str | None = None
    fee_year: int | None = None


def bill_year(dues: Dues, period: str | None) -> int:
    """The year of the fee period; `period` is the assessed one of an arrears item."""
    return dues.fee_year or int((dues.fee_period or period or "0")[:4])


def _months(first: str, last: str) -> list[str]:
    start, end = (int(year) * 12 + int(month) - 1 for year, month in (first.split("-"), last.split("-")))
    return [f"{n // 12}-{n % 12 + 1:02d}" for n in range(start, end + 1)]
