"""What the business needs of the outside: one protocol per peer, and the facts that they exchange.

Times are aware datetimes in Asia/Shanghai, money is `Decimal` yuan with two places.
Every method may raise `Unavailable` (nothing happened) or `OutcomeUnknown` (it may have happened);
`Refused` is raised where a method says so.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from services.ports.bureau import (
    ArrearsItem,
    Booking,
    Caution,
    Declaration,
    Dues,
    Enrolment,
    FeeRecord,
    Posting,
    Quote,
    RefundApplication,
    RefundStage,
    TaxBureau,
    Tier,
)
from services.ports.gateway import (
    Bill,
    BillKind,
    BillLine,
    Cashier,
    PaymentGateway,
    RefundFacts,
    TradeFacts,
    TradeStatus,
)
from services.ports.identity import ConsentedProfile, IdentityProvider, Verification, VerificationStatus

__all__ = [
    "ArrearsItem",
    "Bill",
    "BillKind",
    "BillLine",
    "Booking",
    "Cashier",
    "Caution",
    "Clock",
    "ConsentedProfile",
    "Declaration",
    "Dues",
    "Enrolment",
    "FeeRecord",
    "IdentityProvider",
    "Messenger",
    "PaymentGateway",
    "Posting",
    "Quote",
    "RefundApplication",
    "RefundFacts",
    "RefundStage",
    "TaxBureau",
    "Tier",
    "TradeFacts",
    "TradeStatus",
    "Verification",
    "VerificationStatus",
]


class Messenger(Protocol):
    """Sends to a resident who is not waiting for an answer. `Refused("quota")` outside the platform's window."""

    async def send(self, recipient: str, message: Mapping[str, Any]) -> None: ...


class Clock(Protocol):
    def now(self) -> datetime:
        """The service's time, aware, in Asia/Shanghai."""
        ...
