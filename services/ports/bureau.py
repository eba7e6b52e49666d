"""The tax bureau: enrolments, what is due, declarations, postings, records and refunds of the booked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from services.domain.kinds import (
    EnrolmentStatus,
    Insurance,
    InsuredGroup,
    PaymentType,
    RecordKind,
)
from services.domain.people import Person
from services.domain.windows import Window


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
