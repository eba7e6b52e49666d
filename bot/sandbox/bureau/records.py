"""Lines of the bureau's books as its callers see them (`FeeRecord`)."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from bot.sandbox.bureau.account import Account, booked_on, payment_year, ticket_number
from bot.sandbox.bureau.tables import DeclarationRow, PaymentRow
from services.adapters.clock import SHANGHAI
from services.domain.divisions import agency_name, tax_office_name
from services.domain.kinds import Insurance, InsuredGroup, RecordKind
from services.domain.periods import bounds, year_of
from services.domain.rates import find_rates
from services.ports import FeeRecord

PAID, UNPAID, VOID = "paid", "unpaid", "void"


def find(
    account: Account,
    declared: Sequence[DeclarationRow],
    kind: RecordKind,
    *,
    fee_year: int | None,
    payer: str | None,
) -> list[FeeRecord]:
    """The records of `kind`, oldest first; with `payer` only what that person paid for this account."""
    if kind is RecordKind.PAID:
        found = paid(account, payer=payer)
    elif payer is not None:
        found = []
    elif kind is RecordKind.DECLARATION:
        found = declarations(account, declared)
    else:
        found = tier_choices(account)
    return [record for record in found if fee_year is None or _year(record) == fee_year]


def paid(account: Account, *, payer: str | None = None) -> list[FeeRecord]:
    """Booked payments only; a refunded one stays, with the day of the refund."""
    return [
        payment(account, row)
        for row in account.payments
        if booked_on(row, account.now) and (payer is None or row.payer == payer)
    ]


def payment(account: Account, row: PaymentRow) -> FeeRecord:
    """One payment; a flexible pension payment from a file takes tier and base from the tier choice."""
    group, insurance = InsuredGroup(row.insured_group), Insurance(row.insurance)
    choice = account.choice_of(row) if _chooses_base(row) and row.base is None else None
    base = choice.base if choice else Decimal(row.base) if row.base else None
    return FeeRecord(
        record_id=row.payment_no,
        kind=RecordKind.PAID,
        insured_group=group,
        insurance=insurance,
        agency=row.agency,
        agency_name=agency_name(row.agency, insurance),
        tax_office=tax_office_name(row.agency),
        fee_period=row.fee_period,
        fee_year=row.fee_year,
        tier=account.tier_of(row),
        base=base,
        rate=_rate(row, base),
        amount=Decimal(row.amount),
        paid_at=row.paid_at.astimezone(SHANGHAI),
        booked_on=booked_on(row, account.now),
        refunded_on=row.refunded_on,
        first_issued_on=row.first_issued_on,
        ticket_no=ticket_number(row),
        order_no=row.key,
    )


def declarations(account: Account, declared: Sequence[DeclarationRow]) -> list[FeeRecord]:
    """A declaration counts as paid only once its payment is booked (`certificates` 7)."""
    booked = {row.declaration_no for row in account.payments if booked_on(row, account.now)}
    found = [_declaration(row, PAID if row.declaration_no in booked else UNPAID) for row in declared]
    return sorted(found, key=lambda record: (str(record.declared_on), record.record_id))


def tier_choices(account: Account) -> list[FeeRecord]:
    """What was chosen by earlier choices and by paying; a later choice for the same months replaces one."""
    found = [
        FeeRecord(
            record_id=f"{choice.from_}-{choice.tier}",
            kind=RecordKind.TIER_CHOICE,
            **_place(account),
            tier=choice.tier,
            base=choice.base,
            valid=choice.validity == "valid",
            valid_from=choice.from_,
            valid_to=choice.to,
        )
        for choice in account.tier_choices
    ]
    for row in account.payments:
        if _chooses_base(row) and row.key and row.tier:
            first, last = bounds(row.fee_period or "")
            found = [_replaced(record, first, last) for record in found]
            found.append(_chosen_by_paying(account, row, first, last))
    return found


def _declaration(row: DeclarationRow, status: str) -> FeeRecord:
    dues, figures = row.dues, row.quote
    insurance = Insurance(dues["insurance"])
    return FeeRecord(
        record_id=row.declaration_no,
        kind=RecordKind.DECLARATION,
        insured_group=InsuredGroup(dues["insured_group"]),
        insurance=insurance,
        agency=dues["agency"],
        agency_name=agency_name(dues["agency"], insurance),
        tax_office=tax_office_name(dues["agency"]),
        fee_period=figures.get("fee_period") or dues.get("fee_period"),
        fee_year=dues.get("fee_year"),
        tier=dues.get("tier"),
        base=Decimal(figures["base"]) if figures.get("base") else None,
        rate=Decimal(figures["rate"]) if figures.get("rate") else None,
        amount=Decimal(row.total),
        declared_on=row.declared_at.astimezone(SHANGHAI).date(),
        status=row.status or status,
    )


def _replaced(record: FeeRecord, first: str, last: str) -> FeeRecord:
    overlaps = (record.valid_from or "") <= last and (record.valid_to or "9999-12") >= first
    return replace(record, valid=False) if overlaps else record


def _chosen_by_paying(account: Account, row: PaymentRow, first: str, last: str) -> FeeRecord:
    return FeeRecord(
        record_id=row.payment_no,
        kind=RecordKind.TIER_CHOICE,
        **_place(account, row.agency),
        tier=row.tier,
        base=Decimal(row.base) if row.base else None,
        declared_on=row.paid_at.astimezone(SHANGHAI).date(),
        valid=row.refunded_on is None,
        valid_from=first,
        valid_to=last,
    )


def _place(account: Account, agency: str | None = None) -> dict[str, Any]:
    """Where a choice of a pension tier belongs: to the enrolment, if the choice does not say."""
    group, insurance = InsuredGroup.FLEXIBLE, Insurance.PENSION
    enrolled = [
        e.agency for e in account.registrations if (e.insured_group, e.insurance) == (group, insurance)
    ]
    code = agency or (enrolled[0] if enrolled else "520000")
    return {
        "insured_group": group,
        "insurance": insurance,
        "agency": code,
        "agency_name": agency_name(code, insurance),
        "tax_office": tax_office_name(code),
    }


def _chooses_base(row: PaymentRow) -> bool:
    return (row.insured_group, row.insurance) == (InsuredGroup.FLEXIBLE, Insurance.PENSION) and bool(
        row.fee_period
    )


def _rate(row: PaymentRow, base: Decimal | None) -> Decimal | None:
    """That of the payment, or of its year where the file of residents says a base alone."""
    if row.rate:
        return Decimal(row.rate)
    return _pension_rate(payment_year(row)) if base and _chooses_base(row) else None


def _pension_rate(year: int) -> Decimal | None:
    rates = find_rates(year)
    return rates.flexible.pension_rate.value if rates and rates.flexible else None


def _year(record: FeeRecord) -> int:
    period = record.fee_period or record.valid_from or "0000"
    return record.fee_year if record.fee_year is not None else year_of(period)
