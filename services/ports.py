"""What the business needs of the outside: one protocol per peer, and the facts that they exchange.

Times are aware datetimes in Asia/Shanghai, money is `Decimal` yuan with two places.
Every method may raise `Unavailable` (nothing happened) or `OutcomeUnknown` (it may have happened);
`Refused` is raised where a method says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from services.domain.kinds import (
    EnrolmentStatus,
    IdType,
    Insurance,
    InsuredGroup,
    PaymentType,
    RecordKind,
)
from services.domain.people import Person
from services.domain.windows import Window

# --- the tax bureau -----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """One registration of a person with an agency.

    `due` lists what can be paid as normal payment now, oldest first: months `2026-03` for flexible
    employment, years `2027` for residents. `last_tier` is the tier of the last booked payment.
    """

    insured_group: InsuredGroup
    insurance: Insurance
    agency: str
    agency_name: str
    status: EnrolmentStatus
    since: str
    due: tuple[str, ...]
    last_tier: str | None = None


@dataclass(frozen=True, kw_only=True)
class ArrearsItem:
    """An arrears item that the agency has assessed and pushed (rule R2). `period` is `2023-01/2023-12`."""

    item_id: str
    insured_group: InsuredGroup
    insurance: Insurance
    agency: str
    agency_name: str
    period: str
    amount: Decimal


@dataclass(frozen=True, kw_only=True)
class Tier:
    """A tier that this person may choose. `tier` is `60%` (flexible) or `2000` (residents, yuan a year).

    `base` and `rate` are per month and only for flexible employment; `amount` is per month there,
    per year for residents. `subsidy` is the government's addition for residents. `restricted`: only people
    with a mark may choose it. `window` is the same for all tiers of an answer.
    """

    tier: str
    amount: Decimal
    base: Decimal | None = None
    rate: Decimal | None = None
    subsidy: Decimal | None = None
    last: bool = False
    restricted: bool = False
    window: Window | None = None


class Caution(StrEnum):
    """What somebody should know before paying, and that does not keep him from it."""

    EMPLOYEE_INSURED = "employee_insured"  # the same kind of insurance runs by own work as well
    PENSION_AGE = "pension_age"  # of an age at which the pension is drawn, not paid for


@dataclass(frozen=True, kw_only=True)
class Dues:
    """What somebody wants to pay: everything that settles the amount. Exactly one of `fee_period`
    (ISO month interval `2026-01/2026-06`, one month `2026-03`), `fee_year`, `arrears_item` is set."""

    insured_group: InsuredGroup
    insurance: Insurance
    payment_type: PaymentType
    agency: str
    fee_period: str | None = None
    fee_year: int | None = None
    tier: str | None = None
    arrears_item: str | None = None


@dataclass(frozen=True, kw_only=True)
class Quote:
    """The bureau's figures for `dues` at one moment.

    `fee_period` is also set for arrears (the assessed period). `benefit_from` and `waiting_until` are the
    bureau's word on medical insurance; `provisional` says that this year's base is not published yet;
    `version` names the rates it was made from, `demo` that they are invented for the sandbox. `months` counts the
    unpaid months in `fee_period`. `window` is until when this can be paid at this price, and what comes after.
    """

    dues: Dues
    agency_name: str
    total: Decimal
    base: Decimal | None = None
    rate: Decimal | None = None
    months: int | None = None
    fee_period: str | None = None
    subsidy: Decimal | None = None
    benefit_from: date | None = None
    waiting_until: date | None = None
    no_benefit_this_year: bool = False
    window: Window | None = None
    warnings: tuple[Caution, ...] = ()
    provisional: bool = False
    demo: bool = False
    aid: Decimal | None = None
    version: str = ""


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """A filed declaration (申报): the bureau's number and the quote it was filed with."""

    declaration_no: str
    quote: Quote


@dataclass(frozen=True, kw_only=True)
class Posting:
    """The bureau's answer to a posted payment. `booked_on` is empty until it is entered (入库)."""

    payment_no: str
    booked_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class Booking:
    """A payment that the bureau has entered (入库); `key` is the one it was posted with."""

    key: str
    payment_no: str
    amount: Decimal
    booked_on: date


@dataclass(frozen=True, kw_only=True)
class FeeRecord:
    """One line of the bureau's books (`certificates` 7). Which fields are set depends on `kind`."""

    record_id: str
    kind: RecordKind
    insured_group: InsuredGroup
    insurance: Insurance
    agency: str
    agency_name: str
    tax_office: str = ""
    fee_period: str | None = None
    fee_year: int | None = None
    tier: str | None = None
    base: Decimal | None = None
    rate: Decimal | None = None
    amount: Decimal | None = None
    declared_on: date | None = None
    paid_at: datetime | None = None
    booked_on: date | None = None
    refunded_on: date | None = None
    first_issued_on: date | None = None
    ticket_no: str | None = None
    status: str | None = None
    valid: bool | None = None
    valid_from: str | None = None
    valid_to: str | None = None
    order_no: str | None = None


class RefundStage(StrEnum):
    """How far the tax office is with a refund: 受理, 社保/医保确认, 退库, 到账; or not confirmed."""

    ACCEPTED = "accepted"
    CONFIRMED = "confirmed"
    RELEASED = "released"
    PAID = "paid"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class RefundApplication:
    """A tax refund that was applied for; `expected_by` is the last day on which the money should be there."""

    application_no: str
    stage: RefundStage
    expected_by: date | None = None
    paid_on: date | None = None


class TaxBureau(Protocol):
    """The tax bureau's collection system. `Refused` codes: `not_registered` (no such person, or the name
    does not match), `not_payable` (nothing due for these dues; with the fact "aided" the state pays it all, with
    "too_young" the insured is), `already_paid`, `window_closed` (facts "year"; "closed_on" the last day on which it
    could be paid, "opens_on" the next first one, as far as they are known), `tier_not_allowed`, `figures_changed`
    (declare: facts `total`), `unknown_declaration`, `withdrawn` (post: the key was withdrawn), `already_booked`
    (withdraw), `not_booked`, `already_refunded`, `not_refundable` (file a refund)."""

    async def find_enrolments(self, person: Person) -> Sequence[Enrolment]: ...
    async def find_arrears(self, person: Person) -> Sequence[ArrearsItem]: ...
    async def find_tiers(self, person: Person, dues: Dues) -> Sequence[Tier]: ...
    async def quote(self, person: Person, dues: Dues) -> Quote: ...

    async def declare(self, person: Person, dues: Dues, *, key: str, total: Decimal) -> Declaration:
        """File `dues` at `total`; the same `key` again returns the same declaration."""
        ...

    async def post_payment(
        self, *, declaration_no: str, key: str, amount: Decimal, paid_at: datetime, paid_by: Person
    ) -> Posting:
        """Tell the bureau that the money is here. Idempotent by `key` (our order number)."""
        ...

    async def find_posting(self, key: str) -> Posting | None:
        """What became of `post_payment` with this key; None if the bureau never saw it."""
        ...

    async def find_bookings(self, day: date) -> Sequence[Booking]:
        """What it has entered on `day` of all that was posted by us, for reconciliation."""
        ...

    async def withdraw_payments(self, keys: Sequence[str]) -> None:
        """Give up payments that are not booked, all of them or none. Idempotent; afterwards these keys can't
        be posted any more, also when the bureau had not seen them yet."""
        ...

    async def file_refund(
        self, *, key: str, payment_key: str, amount: Decimal, reason: str
    ) -> RefundApplication:
        """Apply for the refund of what was booked under `payment_key`; the same `key` again returns the same
        application. `reason` is a value of `services.domain.refunds.Reason`."""
        ...

    async def find_refund(self, key: str) -> RefundApplication | None:
        """How an application stands; None if the bureau never saw it."""
        ...

    async def find_records(
        self,
        person: Person,
        kind: RecordKind,
        *,
        fee_year: int | None = None,
        paid_for: Person | None = None,
    ) -> Sequence[FeeRecord]:
        """Booked records of `person`; with `paid_for`, those that `person` paid on behalf of the other."""
        ...

    async def ping(self) -> None: ...


# --- the payment gateway --------------------------------------------------------------------------


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


# --- consent and identity -------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, repr=False)
class ConsentedProfile:
    """What the provider shares after consent; every personal field can be missing."""

    subject: str  # open_id or user_id at the provider
    name: str | None = None
    id_type: IdType | None = None
    id_number: str | None = None
    mobile: str | None = None


class VerificationStatus(StrEnum):
    PENDING = "pending"
    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Verification:
    certify_id: str
    url: str


class IdentityProvider(Protocol):
    """Consent by OAuth and real-name verification. `exchange`: `Refused("consent_code")` for a bad code."""

    def authorization_url(self, *, state: str, redirect_uri: str) -> str: ...
    async def exchange(self, code: str) -> ConsentedProfile: ...

    async def start_verification(self, person: Person, *, request_no: str, return_url: str) -> Verification:
        """`Refused("id_type_not_verifiable")` for documents that the provider can't verify."""
        ...

    async def find_verification(self, certify_id: str) -> VerificationStatus: ...


# --- chat platforms -------------------------------------------------------------------------------


class Messenger(Protocol):
    """Sends to a resident who is not waiting for an answer. `Refused("quota")` outside the platform's window."""

    async def send(self, recipient: str, message: Mapping[str, Any]) -> None: ...


# --- time -----------------------------------------------------------------------------------------


class Clock(Protocol):
    def now(self) -> datetime:
        """The service's time, aware, in Asia/Shanghai."""
        ...
