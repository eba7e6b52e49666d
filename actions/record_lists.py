"""Records in words: a line to hear, fields to read, a table to take along. One column set for each query."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from actions.query_words import OTHER
from actions.say import insurance, months, say, whole_date
from services.certificates import NotYet
from services.domain.kinds import RecordKind
from services.domain.money import wire
from services.domain.orders import Unbooked
from services.domain.periods import bounds
from services.exports import Column
from services.exports.table import Cell
from services.ports import FeeRecord
from services.records import record_year

BOOKING = "booking"
"""As the status of a declaration: it is paid, and the tax bureau has not entered that yet."""
Reads = Callable[[FeeRecord], Cell]


@dataclass(frozen=True)
class Field:
    """One fact of a record. In the list: on its card; else in its detail only. `width` is for exports."""

    name: str
    read: Reads
    width: int = 14
    in_list: bool = False
    is_money: bool = False

    @property
    def title(self) -> str:
        return say(f"query.field.{self.name}")


def insurance_of(record: FeeRecord) -> str:
    return say(f"insurance.{record.insured_group}.{record.insurance}")


def period_of(record: FeeRecord) -> str:
    if record.fee_period:
        return months(record.fee_period)
    return say("option.fee_year", year=record_year(record))


def tier_of(record: FeeRecord) -> str | None:
    if record.tier is None:
        return None
    return say(f"line.value.tier.{record.insured_group}", tier=record.tier)


def span_of(record: FeeRecord) -> str | None:
    if record.valid_from is None:
        return None
    return months(record.valid_from if record.valid_to is None else f"{record.valid_from}/{record.valid_to}")


def _item(record: FeeRecord) -> str:
    return say(f"query.item.{record.insured_group}.{record.insurance}")


def _sub_item(record: FeeRecord) -> str:
    return say(f"query.sub_item.{record.insured_group}")


def _rate(record: FeeRecord) -> str | None:
    return f"{(record.rate * 100).normalize():f}%" if record.rate is not None else None


def _status(record: FeeRecord) -> str | None:
    return say(f"query.status.{record.status}") if record.status else None


def _validity(record: FeeRecord) -> str:
    return say("option.validity.valid" if record.valid else "option.validity.invalid")


def _refund(record: FeeRecord) -> Cell:
    return record.refunded_on


INSURANCE = Field("insurance", insurance_of, 20, in_list=True)
AMOUNT = Field("amount", lambda record: record.amount, 13, in_list=True, is_money=True)
BOOKED = Field("booked_on", lambda record: record.booked_on, 13, in_list=True)
REFUND = Field("refunded_on", _refund, 13, in_list=True)
PERIOD = Field("fee_period", period_of, 24, in_list=True)
TICKET = Field("ticket_no", lambda record: record.ticket_no, 22)
PAID_ON = Field("paid_on", lambda record: record.paid_at.date() if record.paid_at else None, 13)
OFFICE = Field("tax_office", lambda record: record.tax_office or None, 28)
AGENCY = Field("agency", lambda record: record.agency_name or None, 24)
BASE = Field("base", lambda record: record.base, 13, is_money=True)
RATE = Field("rate", _rate, 9)
TIER = Field("tier", tier_of, 12, in_list=True)
ITEM, SUB_ITEM = Field("item", _item, 24), Field("sub_item", _sub_item, 18)

FIELDS: dict[str, tuple[Field, ...]] = {
    RecordKind.DECLARATION: (
        INSURANCE, TIER, AMOUNT, Field("declared_on", lambda record: record.declared_on, 13, in_list=True), PERIOD,
        BASE, RATE, Field("status", _status, 10, in_list=True), AGENCY, OFFICE,
    ),
    RecordKind.PAID: (
        INSURANCE, PERIOD, AMOUNT, BOOKED, REFUND, ITEM, SUB_ITEM, TIER, BASE, RATE, PAID_ON, TICKET, AGENCY, OFFICE,
    ),
    RecordKind.TIER_CHOICE: (
        Field("base", lambda record: record.base, 13, in_list=True, is_money=True), TIER,
        Field("span", span_of, 26, in_list=True),
        Field("validity", _validity, 10, in_list=True),
        Field("chosen_on", lambda record: record.declared_on, 13), AGENCY, OFFICE,
    ),
    OTHER: (INSURANCE, PERIOD, AMOUNT, BOOKED, REFUND, PAID_ON, TICKET),
}  # fmt: skip
"""By query; the order of `certificates` 7: what the guide names first."""
PRINTED = {"item", "sub_item", "tax_office"}
"""Detail only: too wide for a table."""


def lines(kind: str, record: FeeRecord, *, detail: bool = False) -> list[dict[str, str]]:
    """The fields of a card, those without a value left out; days as `2025-11-05`, money as `400.00元`."""
    return [{"label": field.title, "value": _written(field, v)} for field, v in _filled(kind, record, detail)]


def spoken_lines(kind: str, record: FeeRecord) -> list[tuple[str, str]]:
    """All fields as one would read them out."""
    return [
        (field.title, whole_date(value) if isinstance(value, date) else _shown(field, value))
        for field, value in _filled(kind, record, detail=True)
    ]


def _filled(kind: str, record: FeeRecord, detail: bool) -> list[tuple[Field, Cell]]:
    read = [(field, field.read(record)) for field in FIELDS[kind] if detail or field.in_list]
    return [(field, value) for field, value in read if value is not None]


def _shown(field: Field, value: Cell) -> str:
    return say("line.value.amount", amount=value) if field.is_money else str(value)


def _written(field: Field, value: Cell) -> str:
    if field.is_money and isinstance(value, Decimal):
        return say("line.value.exact", amount=wire(value))
    return _shown(field, value)


def title(kind: str, record: FeeRecord) -> str:
    if kind == RecordKind.TIER_CHOICE:
        return say("query.title.tier_choice", tier=tier_of(record), span=span_of(record))
    return say("query.title.fee", what=insurance_of(record), period=period_of(record))


def when(record: FeeRecord) -> str:
    """The time by which a record is asked for."""
    return whole_date(record.declared_on) if record.declared_on else period_of(record)


def day_of(record: FeeRecord) -> str:
    """The day of filing or paying, for telling which was last."""
    day = record.declared_on or (record.paid_at.date() if record.paid_at else record.booked_on)
    return str(day or record.valid_from or "")


def mark_paid(records: Sequence[FeeRecord], pending: Iterable[NotYet]) -> list[FeeRecord]:
    """Declarations that the books have as not paid, though they are: they are being booked."""
    paid = {_what(bill) for not_yet in pending for bill in not_yet.bills}
    return [
        replace(record, status=BOOKING) if record.status == "unpaid" and _what(record) in paid else record
        for record in records
    ]


def _what(fee: FeeRecord | Unbooked) -> tuple[object, ...]:
    period = bounds(fee.fee_period) if fee.fee_period else None
    return fee.insured_group, fee.insurance, fee.fee_year if period is None else None, period


def unbooked_in_words(pending: Iterable[NotYet]) -> str:
    """2027年度的居民医保、2026年11月的灵活就业养老保险."""
    bills = [bill for not_yet in pending for bill in not_yet.bills]
    return "、".join(
        (say("option.fee_year", year=bill.fee_year) if bill.fee_year else months(str(bill.fee_period)))
        + say("query.of")
        + insurance(bill.insured_group, bill.insurance)
        for bill in bills
    )


def spoken(kind: str, record: FeeRecord) -> str:
    """A record as one would read it out."""
    facts = {"what": title(kind, record), "record": record, "status": _status(record)}
    return say(f"query.line.{'paid' if kind == OTHER else kind}", tier=tier_of(record), **facts)


def table(kind: str, records: Sequence[FeeRecord]) -> tuple[list[Column], list[list[Cell]]]:
    """Columns and rows; what no record has gets no column."""
    fields = [field for field in FIELDS[kind] if field.name not in PRINTED]
    read = [[field.read(record) for field in fields] for record in records]
    filled = [place for place in range(len(fields)) if any(row[place] is not None for row in read)]
    columns = [Column(title=fields[place].title, width=fields[place].width) for place in filled]
    return columns, [[row[place] for place in filled] for row in read]


def total(records: Sequence[FeeRecord]) -> Decimal:
    """What counts: neither refunded nor void."""
    counted = (r.amount for r in records if r.amount and r.refunded_on is None and r.status != "void")
    return sum(counted, Decimal(0))


def yearly(records: Sequence[FeeRecord]) -> dict[int, Decimal]:
    """Year of the fee → what was paid and not refunded, oldest first, years without a payment between too."""
    found: dict[int, Decimal] = {}
    for record in records:
        found[record_year(record)] = found.get(record_year(record), Decimal(0)) + total([record])
    return {year: found.get(year, Decimal(0)) for year in range(min(found), max(found) + 1)} if found else {}
