"""Verified persons in the books: sealed, found by a blind index of document and number."""

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from services.domain.errors import Refused
from services.domain.ids import new_id
from services.domain.kinds import IdType
from services.domain.people import Person
from services.identity import looks, rows
from services.ports import Clock
from services.store.people import PersonRow
from services.store.session import Database
from services.vault import Vault


class Persons:
    def __init__(self, *, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock

    async def get(self, person_id: str) -> Person:
        """The facts of a person. `Refused("not_registered")` for nobody, `CannotDecrypt` after an erasure."""
        row = await self._database.look(looks.find_person, person_id)
        if row is None:
            raise Refused("not_registered")
        return Person(
            id_type=IdType[row.id_type],
            id_number=(await self._vault.decrypt("person.id_number", person_id, row.id_number)).decode(),
            name=(await self._vault.decrypt("person.name", person_id, row.name)).decode(),
        )

    async def find(self, person: Person) -> str | None:
        """The id of who has this document."""
        async with self._database.read() as session:
            found: str | None = await session.scalar(
                select(PersonRow.person_id).where(PersonRow.id_index == self.index(person))
            )
        return found

    async def keep(self, person: Person) -> str:
        """The id of a verified person, made at the first time; the name that was verified last counts."""
        while True:
            async with self._database.read() as session:
                known = await session.scalar(
                    select(PersonRow).where(PersonRow.id_index == self.index(person))
                )
            if known and (await self.get(known.person_id)).name == person.name:
                return known.person_id
            person_id = known.person_id if known else new_id("P")
            name = await self._vault.encrypt(
                "person.name", person_id, person.name.encode(), subject=person_id
            )
            if known:
                async with self._database.begin() as session:
                    await rows.rename(session, person_id, name)
                return person_id
            try:
                await self._insert(person_id, person, name)
            except IntegrityError:
                continue  # verified in another conversation at the same moment: that row counts
            return person_id

    def index(self, person: Person) -> str:
        """By which the same document is found again."""
        return self._vault.blind_index("person.id_number", f"{person.id_type.name}|{person.id_number}")

    async def _insert(self, person_id: str, person: Person, name: bytes) -> None:
        number = await self._vault.encrypt(
            "person.id_number", person_id, person.id_number.encode(), subject=person_id
        )
        row = PersonRow(
            person_id=person_id,
            id_index=self.index(person),
            id_type=person.id_type.name,
            id_number=number,
            name=name,
            created_at=self._clock.now(),
        )
        async with self._database.begin() as session:
            session.add(row)
