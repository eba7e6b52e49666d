"""What the bureau's books say: declarations, payments, tier choices, and what was paid for others."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.domain.errors import Refused
from services.domain.id_documents import check_id_number
from services.domain.kinds import IdType, Insurance, InsuredGroup, RecordKind
from services.domain.names import canonical_name
from services.domain.people import Person
from services.domain.periods import bounds
from services.ports import FeeRecord, TaxBureau
from services.vault import Vault


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a resident wants to see; None: any. `days` are those of filing, of a payment those of paying
    (`by_booking`: of its booking);
    `period` is of months: of the fee, of a tier choice those in which it counts.

    `paid_for` asks for what the person paid on behalf of another.
    """

    kind: RecordKind
    days: tuple[date, date] | None = None
    by_booking: bool = False
    period: str | None = None
    insured_group: InsuredGroup | None = None
    insurance: Insurance | None = None
    valid: bool | None = None
    paid_for: Person | None = None


RefundedOn = Callable[[Sequence[str]], Awaitable[Mapping[str, date]]]


class Records:
    """`refunded_on` knows the postings whose money the gateway has given back past the bureau: a paper on them
    would not be true (`reliability` I10, R6)."""

    def __init__(
        self,
        *,
        bureau: TaxBureau,
        get_person: Callable[[str], Awaitable[Person]],
        refunded_on: RefundedOn | None = None,
    ) -> None:
        self._bureau = bureau
        self._get_person = get_person
        self._refunded_on = refunded_on

    async def paid(self, person_id: str, fee_year: int | None = None) -> Sequence[FeeRecord]:
        """Booked payments for this person; with `fee_year` those of that year only."""
        person = await self._get_person(person_id)
        found = await self._bureau.find_records(person, RecordKind.PAID, fee_year=fee_year)
        return await self._with_refunds(found)

    async def paid_for(
        self, payer_id: str, other: Person, fee_year: int | None = None
    ) -> Sequence[FeeRecord]:
        """Booked payments that the payer has made for somebody else; nothing for somebody who is not known
        by that number and name."""
        payer = await self._get_person(payer_id)
        try:
            found = await self._bureau.find_records(payer, RecordKind.PAID, fee_year=fee_year, paid_for=other)
        except Refused:
            return ()
        return await self._with_refunds(found)

    async def years(self, person_id: str) -> list[int]:
        """The years of the fee periods that have booked payments, newest first."""
        return sorted({record_year(record) for record in await self.paid(person_id)}, reverse=True)

    async def find(self, person_id: str, wanted: Wanted) -> list[FeeRecord]:
        """The records that fit, newest first. Nothing for another whom the bureau does not know by this name,
        as for one for whom nothing was paid: which of them, is not told."""
        person = await self._get_person(person_id)
        try:
            found = await self._bureau.find_records(person, wanted.kind, paid_for=wanted.paid_for)
        except Refused:
            if wanted.paid_for is None:
                raise
            return []
        found = await self._with_refunds(found)
        exact = [record for record in found if _fits(record, wanted, by_payment=_is_part(wanted))]
        fitting = exact or [record for record in found if _fits(record, wanted)]
        return sorted(fitting, key=_age, reverse=True)

    async def _with_refunds(self, found: Sequence[FeeRecord]) -> Sequence[FeeRecord]:
        keys = [record.order_no for record in found if record.order_no and record.refunded_on is None]
        if self._refunded_on is None or not keys:
            return found
        days = await self._refunded_on(keys)
        return [
            replace(record, refunded_on=day) if (day := days.get(record.order_no or "")) else record
            for record in found
        ]


async def read_person(
    vault: Vault, conversation_id: str, *, id_token: str, name_token: str, id_type: IdType, today: date
) -> Person | None:
    """Who is meant by a number and a name that were typed; None when the number can't be one."""
    checked = check_id_number(await vault.open(conversation_id, id_token), id_type, today=today)
    if not checked.ok:
        return None
    name = canonical_name(await vault.open(conversation_id, name_token))
    return Person(id_type=checked.id_type, id_number=checked.number, name=name)


def record_year(record: FeeRecord) -> int:
    """The year of the fee period, not of the payment (`certificates` 4)."""
    return record.fee_year or int((record.fee_period or "0000")[:4])


def months_paid(record: FeeRecord) -> tuple[str, str]:
    """First and last month that a record is about or counts in, as `2026-01`; a fee year is all of its months."""
    if record.kind is RecordKind.TIER_CHOICE:
        return record.valid_from or "0000-01", record.valid_to or "9999-12"
    if record.fee_period:
        return bounds(record.fee_period)
    year = record_year(record)
    return f"{year:04}-01", f"{year:04}-12"


def _is_part(wanted: Wanted) -> bool:
    """Whether months are wanted that are no whole years."""
    first, last = bounds(wanted.period) if wanted.period else ("", "")
    return (
        wanted.kind is RecordKind.PAID
        and bool(first)
        and not (first.endswith("-01") and last.endswith("-12"))
    )


def _fits(record: FeeRecord, wanted: Wanted, *, by_payment: bool = False) -> bool:
    """`by_payment`: the fee of a whole year counts in the month in which it was paid."""
    if wanted.days:
        day = record.paid_at.date() if record.paid_at else record.declared_on
        day = record.booked_on if wanted.by_booking and record.kind is RecordKind.PAID else day
        if day is None or not wanted.days[0] <= day <= wanted.days[1]:
            return False
    if wanted.period:
        first, last = bounds(wanted.period)
        start, end = months_paid(record)
        if by_payment and record.paid_at and not record.fee_period:
            start = end = f"{record.paid_at:%Y-%m}"
        if end < first or start > last:
            return False
    return (
        wanted.insured_group in {None, record.insured_group}
        and wanted.insurance in {None, record.insurance}
        and wanted.valid in {None, record.valid}
    )


def _age(record: FeeRecord) -> tuple[str, str, str]:
    """What is newer sorts later: by the day of filing, the months, the day of booking."""
    if record.kind is RecordKind.TIER_CHOICE:
        return record.valid_from or "", record.valid_to or "", record.record_id
    months = months_paid(record)[1]
    day = str(record.declared_on if record.kind is RecordKind.DECLARATION else record.booked_on)
    first, second = (day, months) if record.kind is RecordKind.DECLARATION else (months, day)
    return first, second, record.record_id
