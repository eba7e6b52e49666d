"""What the bureau's books say a person has paid."""

from collections.abc import Awaitable, Callable, Sequence

from services.domain.kinds import RecordKind
from services.domain.people import Person
from services.ports import FeeRecord, TaxBureau


class Records:
    def __init__(self, *, bureau: TaxBureau, get_person: Callable[[str], Awaitable[Person]]) -> None:
        self._bureau = bureau
        self._get_person = get_person

    async def paid(self, person_id: str, fee_year: int | None = None) -> Sequence[FeeRecord]:
        """Booked payments for this person; with `fee_year` those of that year only."""
        person = await self._get_person(person_id)
        return await self._bureau.find_records(person, RecordKind.PAID, fee_year=fee_year)

    async def years(self, person_id: str) -> list[int]:
        """The years of the fee periods that have booked payments, newest first."""
        return sorted({record_year(record) for record in await self.paid(person_id)}, reverse=True)


def record_year(record: FeeRecord) -> int:
    """The year of the fee period, not of the payment (`certificates` 4)."""
    return record.fee_year or int((record.fee_period or "0000")[:4])
