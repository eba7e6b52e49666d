"""What could be paid and what it would cost: tiers, assessed arrears and quotes, from the bureau."""

from collections.abc import Awaitable, Callable, Sequence

from services.domain.people import Person
from services.ports import ArrearsItem, Dues, Quote, TaxBureau, Tier


class Declarations:
    def __init__(self, bureau: TaxBureau, get_person: Callable[[str], Awaitable[Person]]) -> None:
        self._bureau = bureau
        self._get_person = get_person

    async def tiers(self, person_id: str, dues: Dues) -> Sequence[Tier]:
        """The tiers that this person may choose, from low to high."""
        found = await self._bureau.find_tiers(await self._get_person(person_id), dues)
        return sorted(found, key=lambda tier: tier.amount)

    async def quote(self, person_id: str, dues: Dues) -> Quote:
        """The bureau's figures now. `Refused` with the bureau's codes (see `TaxBureau`)."""
        return await self._bureau.quote(await self._get_person(person_id), dues)

    async def arrears(self, person_id: str) -> Sequence[ArrearsItem]:
        """What the agencies have assessed and pushed (R2)."""
        return await self._bureau.find_arrears(await self._get_person(person_id))
