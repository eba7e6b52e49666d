"""What a person is enrolled in, from the bureau, fresh each time."""

from collections.abc import Awaitable, Callable, Sequence

from services.domain.people import Person
from services.ports import Enrolment, TaxBureau


class Enrolments:
    def __init__(self, bureau: TaxBureau, get_person: Callable[[str], Awaitable[Person]]) -> None:
        self._bureau = bureau
        self._get_person = get_person

    async def of(self, person_id: str) -> Sequence[Enrolment]:
        """All registrations, also suspended and terminated ones."""
        return await self._bureau.find_enrolments(await self._get_person(person_id))
