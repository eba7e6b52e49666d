"""Logging in as the conversation and the routes see it.

A conversation proves nothing by itself. `find_bound` gives a person only after a real-name verification;
the level says how fresh it is. What a link is about is committed before the provider is called, and the
provider is asked for the truth: a page that comes back proves nothing (`reliability` 4.1, `protocols` 2).
"""

from collections.abc import Sequence
from datetime import timedelta

import structlog

from services.domain.errors import Refused, ServiceError
from services.domain.id_documents import IdCheck, check_id_number, mask_id, normalise, renew
from services.domain.kinds import IdType
from services.domain.names import canonical_name, mask_name
from services.domain.people import Person
from services.identity import looks, rows
from services.identity.consents import Consents
from services.identity.facts import (
    CONSENT_REFUSED,
    FRESH_LEVEL,
    NONE,
    VERIFIED,
    VERIFIED_LEVEL,
    VERIFYING,
    BoundPerson,
    Link,
    Progress,
    Returned,
)
from services.identity.persons import Persons
from services.identity.verifications import ASK_PROVIDER_FOR, Verifications
from services.ports import Clock, IdentityProvider
from services.settings import Settings
from services.store.people import BindingRow, LoginRow, VerificationRow
from services.store.session import Database
from services.vault import Vault

log = structlog.get_logger("identity")

FRESH_FOR = timedelta(minutes=5)
NOTE_USE_EVERY = timedelta(days=1)
FAILURES_PER_CONVERSATION, FAILURES_PER_NUMBER = 5, 10
"""Failed verifications of typed facts in a day (`reliability` 4.2). Consent stays open to the owner."""


class Identity:
    """Logging in, for all conversations. Every method may raise what the provider's port raises."""

    def __init__(
        self,
        *,
        database: Database,
        vault: Vault,
        provider: IdentityProvider,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._persons = Persons(database=database, vault=vault, clock=clock)
        self._verifications = Verifications(
            database=database,
            vault=vault,
            provider=provider,
            clock=clock,
            settings=settings,
            persons=self._persons,
        )
        self._consents = Consents(
            database=database,
            vault=vault,
            provider=provider,
            clock=clock,
            settings=settings,
            verifications=self._verifications,
        )

    # --- who it is ------------------------------------------------------------------------------------

    async def find_bound(self, conversation_id: str) -> BoundPerson | None:
        """The verified person of a conversation, or None. A running step-up is looked up at the provider."""
        now = self._clock.now()
        binding = await self._find_holding(conversation_id)
        if binding and binding.running and await self._verifications.passed_meanwhile(binding.running):
            binding = await self._find_holding(conversation_id)
        if binding is None:
            return None
        if now - binding.used_at >= NOTE_USE_EVERY:
            async with self._database.begin() as session:
                await rows.note_use(session, binding.binding_id, now)
        person = await self.get_person(binding.person_id)
        return BoundPerson(
            person_id=binding.person_id,
            masked_name=mask_name(person.name),
            level=FRESH_LEVEL if now - binding.verified_at <= FRESH_FOR else VERIFIED_LEVEL,
            verified_at=binding.verified_at.astimezone(now.tzinfo),
        )

    async def get_person(self, person_id: str) -> Person:
        """The facts of a person. `Refused("not_registered")` for nobody, `CannotDecrypt` after an erasure."""
        return await self._persons.get(person_id)

    async def keep_person(self, person: Person) -> str:
        """The id of somebody whom the bureau knows by just these facts; it lets nobody speak for them."""
        return await self._persons.keep(person)

    async def find_person_id(self, person: Person) -> str | None:
        """The id of somebody who is known here by this document, whatever name was given."""
        return await self._persons.find(person)

    async def find_conversations(self, person_id: str) -> Sequence[str]:
        """The conversations that speak for a person now."""
        async with self._database.read() as session:
            return await rows.find_conversations(session, person_id, self._clock.now())

    async def progress(self, conversation_id: str) -> Progress:
        """Where logging in stands, by the provider's word where it is running."""
        login = await self._database.look(looks.find_login, conversation_id, self._clock.now())
        if login is None:
            return Progress(step=NONE)
        found: Progress | None = Progress(step=login.step)
        if login.step == VERIFIED and login.holder is None:
            found = Progress(step=NONE)
        elif login.consent:
            found = await self._consents.progress(login.consent)
        elif login.step == VERIFYING and login.verification_id:
            found = await self._verifications.progress(login.verification_id)
        return found or await self.progress(conversation_id)

    # --- what the resident does -----------------------------------------------------------------------

    async def start_consent(self, conversation_id: str) -> Link:
        """A link to the consent page: the open one while it is good for a while, else a new one."""
        return await self._consents.start(conversation_id)

    async def refuse_consent(self, conversation_id: str) -> None:
        """拒绝: the open consent is void, and the facts are to be typed."""
        async with self._database.begin() as session:
            await rows.close_open(session, conversation_id, self._clock.now())
            await rows.set_login(session, conversation_id, CONSENT_REFUSED)

    async def check_id_number(
        self, conversation_id: str, id_token: str, id_type: IdType = IdType.RESIDENT_ID_CARD
    ) -> IdCheck:
        """Whether a typed number can be one. `Refused("unknown_token")` for a foreign token."""
        number = await self._vault.open(conversation_id, id_token)
        return check_id_number(number, id_type, today=self._clock.now().date())

    async def renew_id_number(self, conversation_id: str, id_token: str) -> str | None:
        """The token of the number that one of fifteen digits became; None if it can't have been one."""
        number = renew(normalise(await self._vault.open(conversation_id, id_token)))
        return await self._vault.seal(conversation_id, "id_number", number) if number else None

    async def masked_id_number(self, conversation_id: str, id_token: str) -> str:
        """A typed number as its owner may see it."""
        return mask_id(normalise(await self._vault.open(conversation_id, id_token)))

    async def is_own(self, conversation_id: str, token: str, person_id: str) -> bool:
        """Whether a typed number or name is that of the person."""
        said, person = await self._vault.open(conversation_id, token), await self.get_person(person_id)
        return normalise(said) == person.id_number or canonical_name(said) == canonical_name(person.name)

    async def enter_manually(
        self,
        conversation_id: str,
        *,
        id_token: str,
        name_token: str,
        id_type: IdType = IdType.RESIDENT_ID_CARD,
    ) -> Link:
        """Verify typed facts. `Refused`: `too_many_tries`, `id_type_not_verifiable`, not a number."""
        checked = await self.check_id_number(conversation_id, id_token, id_type)
        name = canonical_name(await self._vault.open(conversation_id, name_token))
        if not checked.ok or not name:
            raise Refused
        person = Person(id_type=checked.id_type, id_number=checked.number, name=name)
        await self._check_tries(conversation_id, person)
        return await self._verifications.start(conversation_id, rows.TYPED, person)

    async def step_up(self, conversation_id: str) -> Link:
        """Verify the bound person once more. `Refused("not_registered")` when nobody is bound."""
        binding = await self._find_holding(conversation_id)
        if binding is None:
            raise Refused("not_registered")
        person = await self.get_person(binding.person_id)
        return await self._verifications.start(
            conversation_id, rows.STEP_UP, person, person_id=binding.person_id
        )

    async def unbind(self, conversation_id: str) -> None:
        """The conversation speaks for nobody any more; its consents are withdrawn."""
        now = self._clock.now()
        async with self._database.begin() as session:
            await rows.end_bindings(session, now, "unbound", BindingRow.conversation_id == conversation_id)
            await rows.close_open(session, conversation_id, now)
            await rows.withdraw_consents(session, conversation_id, now)
            await rows.forget_login(session, conversation_id)

    # --- what comes back from the provider's pages ----------------------------------------------------

    async def on_consent_return(
        self, state: str, *, code: str | None = None, error: str | None = None
    ) -> Returned | None:
        """Take in what the consent page sent back; None if the state is not good (any more).

        No `code` means refused, whatever else is there. A provider that is away is asked again later.
        """
        consent = await self._consents.take(state, code)
        log.info("consent_returned", known=consent is not None, granted=code is not None, error=bool(error))
        return await self._standing(consent.conversation_id) if consent else None

    async def on_verification_return(self, verification_id: str) -> Returned | None:
        """Somebody came back from the verification page: ask the provider. None if that is long past."""
        async with self._database.read() as session:
            row = await session.get(VerificationRow, verification_id)
        if row is None or self._clock.now() > row.created_at + ASK_PROVIDER_FOR:
            return None
        if row.status == rows.OPEN:
            try:
                await self._verifications.ask_provider(row)
            except ServiceError as failed:
                log.warning("verification_not_settled", code=failed.code)
        return await self._standing(row.conversation_id)

    async def purge(self) -> int:
        """Erase facts and references of tries that nobody finished; how many there were."""
        now = self._clock.now()
        async with self._database.begin() as session:
            return await rows.purge(session, before=now - ASK_PROVIDER_FOR, now=now)

    # --- private --------------------------------------------------------------------------------------

    async def _find_holding(self, conversation_id: str) -> looks.Holding | None:
        return await self._database.look(looks.find_holding, conversation_id, self._clock.now())

    async def _check_tries(self, conversation_id: str, person: Person) -> None:
        today = self._clock.now().date()
        async with self._database.read() as session:
            here = await rows.failures(session, "conversation", conversation_id, today)
            anywhere = await rows.failures(session, "id_index", self._persons.index(person), today)
        if here >= FAILURES_PER_CONVERSATION or anywhere >= FAILURES_PER_NUMBER:
            log.warning("identity_tries_used_up", by_number=here < FAILURES_PER_CONVERSATION)
            raise Refused("too_many_tries")

    async def _standing(self, conversation_id: str) -> Returned:
        """Where a conversation stands by our own books."""
        async with self._database.read() as session:
            login = await session.get(LoginRow, conversation_id)
            running = await rows.find_running(session, conversation_id)
        link = self._verifications.link_of(running, running.url) if running and running.url else None
        return Returned(conversation_id=conversation_id, step=login.step if login else NONE, link=link)
