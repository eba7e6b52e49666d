"""What the conversation gets to see of a payment: drafts, orders, and the two answers to a confirmation."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256

from pydantic import TypeAdapter

from services.ports import Cashier, Quote

_QUOTE = TypeAdapter(Quote)
NOT_SHOWN = {"version", "demo"}


@dataclass(frozen=True, kw_only=True)
class Bill:
    """One bill (应缴单): who is insured, and the bureau's figures for what is paid for them."""

    insured_id: str
    quote: Quote


@dataclass(frozen=True, kw_only=True)
class OrderBill(Bill):
    """A bill of an order. `returned`: the bureau did not take this one, its money goes back by itself."""

    returned: bool = False


@dataclass(frozen=True, kw_only=True)
class Draft:
    """Bills that were shown for confirmation, to be paid at once; can be confirmed until `valid_until`."""

    draft_id: str
    conversation_id: str
    payer_id: str
    bills: tuple[Bill, ...]
    valid_until: datetime
    order_no: str | None = None

    @property
    def total(self) -> Decimal:
        return sum((bill.quote.total for bill in self.bills), Decimal("0.00"))


@dataclass(frozen=True, kw_only=True)
class OrderView:
    """An order as told to residents. `status` is `pending`, `paid`, `closed`, `refunding` or `refunded`.

    `preparing` before the gateway has it, `cashier` while it can be paid, `opened` once somebody was led there.
    `booked` is the bureau's word; `records_available_on` the last day on which the record should be there, from
    `paid` on. `by_office`: it is the tax office that gives it back, not the gateway.
    """

    order_no: str
    total: Decimal
    provider: str
    status: str
    cashier: Cashier | None
    expires_at: datetime
    paid_at: datetime | None
    booked: bool
    records_available_on: date | None
    bills: tuple[OrderBill, ...]
    payer_id: str
    preparing: bool = False
    by_office: bool = False
    opened: bool = False


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """How somebody who has opened our link pays: at the gateway's `link`, or over the `bridge` of its browser."""

    total: Decimal
    link: str | None = None
    bridge: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Placed:
    """The order that pays the draft; perhaps one that was there before."""

    order: OrderView


@dataclass(frozen=True, kw_only=True)
class Changed:
    """The bureau's figures are not those of `old` any more: nothing is charged, `draft` has the new ones."""

    old: Draft
    draft: Draft


def dump_quote(quote: Quote) -> str:
    return _QUOTE.dump_json(quote, exclude_none=True).decode()


def load_quote(text: str) -> Quote:
    return _QUOTE.validate_json(text)


def digest(bill: Bill) -> str:
    """Equal for two bills that a resident could not tell apart: 64 hex digits."""
    shown = _QUOTE.dump_json(bill.quote, exclude=NOT_SHOWN, exclude_none=True)
    return sha256(bill.insured_id.encode() + b"\n" + shown).hexdigest()
