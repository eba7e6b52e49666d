"""What the bureau's books hold for one person at one moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from bot.sandbox.bureau.tables import FILE, FIRST_TICKET, PaymentRow, ResidentRow
from bot.sandbox.residents_file import Enrolment as Registration
from bot.sandbox.residents_file import TierChoice
from services.adapters.clock import SHANGHAI
from services.domain.divisions import agency_name, prefecture_code
from services.domain.id_documents import birth_date
from services.domain.kinds import EnrolmentStatus, IdType, Insurance, InsuredGroup
from services.domain.periods import bounds, months_of, year_of
from services.domain.workdays import booking_moment
from services.ports import ArrearsItem, Dues


@dataclass(frozen=True)
class Account:
    """A resident with all payments for this resident, refunded ones too; `now` in Shanghai."""

    row: ResidentRow
    payments: Sequence[PaymentRow]
    now: datetime

    @property
    def today(self) -> date:
        return self.now.date()

    @property
    def marks(self) -> frozenset[str]:
        return frozenset(self.row.marks)

    @property
    def born(self) -> date | None:
        return self.row.birth_date or birth_date(self.row.id_number, IdType(self.row.id_type))

    @property
    def registrations(self) -> list[Registration]:
        return [Registration.model_validate(entry) for entry in self.row.registrations["enrolments"]]

    @property
    def tier_choices(self) -> list[TierChoice]:
        return [TierChoice.model_validate(entry) for entry in self.row.registrations["tier_choices"]]

    @property
    def arrears(self) -> list[ArrearsItem]:
        """The pushed items that are not paid yet."""
        paid = {row.arrears_item for row in self.payments if row.refunded_on is None}
        return [item for item in self.assessed if item.item_id not in paid]

    @property
    def assessed(self) -> list[ArrearsItem]:
        return [
            ArrearsItem(
                item_id=entry["item_id"],
                insured_group=InsuredGroup(entry["insured_group"]),
                insurance=Insurance(entry["insurance"]),
                agency=entry["agency"],
                agency_name=agency_name(entry["agency"], Insurance(entry["insurance"])),
                period=entry["period"],
                amount=Decimal(entry["amount"]),
            )
            for entry in self.row.registrations["assessed_arrears"]
        ]

    def find_active(self, dues: Dues) -> Registration | None:
        """The active enrolment that `dues` are for."""
        for entry in self.registrations:
            wanted = (dues.insured_group, dues.insurance, dues.agency)
            if (entry.insured_group, entry.insurance, entry.agency) == wanted:
                return entry if entry.status is EnrolmentStatus.ACTIVE else None
        return None

    def paid(self, group: InsuredGroup, insurance: Insurance) -> list[PaymentRow]:
        """Payments that stand, booked or not, wherever they went: nobody owes the same time twice."""
        return [
            row
            for row in self.payments
            if row.refunded_on is None and (row.insured_group, row.insurance) == (group, insurance)
        ]

    def paid_months(self, insurance: Insurance) -> set[str]:
        rows = self.paid(InsuredGroup.FLEXIBLE, insurance)
        return {month for row in rows if row.fee_period for month in months_of(row.fee_period)}

    def paid_years(self, insurance: Insurance) -> set[int]:
        rows = self.paid(InsuredGroup.RESIDENT, insurance)
        return {payment_year(row) for row in rows}

    def had_medical(self, year: int) -> bool:
        """Was this person insured for medical care in `year`, as a resident or by own work?"""
        months = self.paid_months(Insurance.MEDICAL)
        return year in self.paid_years(Insurance.MEDICAL) or any(year_of(month) == year for month in months)

    def last_tier(self, group: InsuredGroup, insurance: Insurance) -> str | None:
        """The tier of the last booked pension payment; what a file leaves out is derived."""
        if insurance is not Insurance.PENSION:
            return None
        booked = [row for row in self.paid(group, insurance) if booked_on(row, self.now)]
        for row in sorted(booked, key=lambda row: row.paid_at, reverse=True):
            tier = self.tier_of(row)
            if tier:
                return tier
        choices = self.tier_choices if group is InsuredGroup.FLEXIBLE else []
        return max(choices, key=lambda choice: choice.from_).tier if choices else None

    def tier_of(self, row: PaymentRow) -> str | None:
        """A resident's pension payment is its tier; a flexible one has the tier chosen for its months."""
        if row.tier or row.origin != FILE or row.insurance != Insurance.PENSION:
            return row.tier
        if row.insured_group == InsuredGroup.RESIDENT:
            return str(int(Decimal(row.amount))) if row.fee_year else None
        choice = self.choice_of(row)
        return choice.tier if choice else None

    def choice_of(self, row: PaymentRow) -> TierChoice | None:
        start, _ = bounds(row.fee_period or "")
        found = [c for c in self.tier_choices if c.from_ <= start <= (c.to or "9999-12")]
        return found[-1] if found else None


def payment_year(row: PaymentRow) -> int:
    """The year that a payment is for."""
    return row.fee_year if row.fee_year is not None else year_of(row.fee_period or "")


def booked_on(row: PaymentRow, now: datetime) -> date | None:
    """The day of booking (入库), or None while it has not come. Nothing is booked before it was posted."""
    if row.booked_on is not None:
        return row.booked_on if row.booked_on <= now.date() else None
    moment = booking_moment(row.paid_at.astimezone(SHANGHAI))
    if row.posted_at is not None:
        moment = max(moment, row.posted_at.astimezone(SHANGHAI))
    return moment.date() if now >= moment else None


def ticket_number(row: PaymentRow) -> str:
    """Eighteen digits: 4, prefecture, 5, year and month, a number that real tickets don't reach."""
    if row.ticket_no:
        return row.ticket_no
    paid = row.paid_at.astimezone(SHANGHAI)
    return f"4{prefecture_code(row.agency)}5{paid:%y%m}{FIRST_TICKET + row.number:08}"
