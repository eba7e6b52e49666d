"""A payment gateway: orders, what became of them, refunds and bills."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol


class TradeStatus(StrEnum):
    ABSENT = "absent"  # the gateway does not know it (yet): never a proof that it will not be paid
    WAITING = "waiting"
    PAID = "paid"
    CLOSED = "closed"  # never paid
    REFUNDED = "refunded"  # paid and wholly refunded


@dataclass(frozen=True, kw_only=True)
class TradeFacts:
    """Verified evidence about one `order_no` (the gateway's `out_trade_no`), from a notification or a query.

    `received` is what comes to us of `total`, where the gateway tells it: a merchant's discount is missing.
    """

    order_no: str
    status: TradeStatus
    source: str  # "notification" or "query"
    trade_no: str | None = None
    total: Decimal | None = None
    refunded: Decimal | None = None
    paid_at: datetime | None = None
    buyer: str | None = None
    evidence_id: str | None = None  # notify_id, or empty for a query
    received: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Cashier:
    """Where the payer goes: an address, or inside the provider's own browser its bridge (`prepay_id`).

    `qr_code` is a URL to draw as a QR code.
    """

    cashier_url: str | None = None
    qr_code: str | None = None
    prepay_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class RefundFacts:
    request_no: str
    done: bool
    amount: Decimal | None = None
    refunded_at: datetime | None = None


class BillKind(StrEnum):
    PAID = "paid"
    REFUND = "refund"


@dataclass(frozen=True, kw_only=True)
class BillLine:
    """One movement in a gateway's bill. Amounts are positive, also those given back.

    `received` is what came of `total`, or went: less where the merchant has paid a part (a discount).
    `request_no` is set on a refund.
    """

    order_no: str
    trade_no: str
    kind: BillKind
    total: Decimal
    received: Decimal
    at: datetime
    request_no: str | None = None


@dataclass(frozen=True, kw_only=True)
class Bill:
    """A gateway's file of one day, whole: its sums agree with its rows. `sha256` stands for what it says;
    it is empty when the gateway has no file for that day, since nothing has moved."""

    day: date
    lines: tuple[BillLine, ...] = ()
    sha256: str = ""


class PaymentGateway(Protocol):
    """Alipay or WeChat Pay. All calls are idempotent by `order_no` / `request_no`."""

    provider: str

    async def place(
        self, *, order_no: str, total: Decimal, subject: str, expires_at: datetime, payer: str | None = None
    ) -> Cashier:
        """`payer`: who alone is going to pay, by the provider's name for them, when that is known."""
        ...

    def bridge(self, prepay_id: str) -> Mapping[str, str]:
        """What a page inside the provider's browser hands to its bridge; `Refused("no_bridge")`."""
        ...

    async def query(self, order_no: str) -> TradeFacts: ...

    async def close(self, order_no: str) -> TradeStatus:
        """CLOSED: surely closed. ABSENT: unknown there (may still be paid). PAID: too late."""
        ...

    async def refund(
        self, *, order_no: str, request_no: str, amount: Decimal, reason: str
    ) -> RefundFacts: ...
    async def find_refund(self, *, order_no: str, request_no: str) -> RefundFacts: ...

    def read_notification(self, form: Mapping[str, str]) -> TradeFacts:
        """Verify signature, app id and seller of a notification; `Refused("forged_notification")` otherwise."""
        ...

    async def fetch_bill(self, day: date) -> Bill:
        """What has moved on `day`. It makes us ask, and is no evidence by itself.

        `Unavailable("bill_not_ready")` before it is there; `OutcomeUnknown` for a file that is not whole.
        """
        ...

    async def ping(self) -> None: ...
