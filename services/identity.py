"""Who is speaking: consent, typed facts, verification, and the binding of a conversation to a person.

A conversation proves nothing by itself. `find_bound` gives a person only after a real-name verification;
the level says how fresh it is. What a link is about is committed before the provider is called, and the
provider is asked for the truth: a page that comes back proves nothing (`reliability` 4.1, `protocols` 2).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from services.crashpoints import crashpoint
from services.crypto import hash_reference
from services.domain.errors import Refused, ServiceError, Unavailable
from services.domain.id_documents import IdCheck, check_id_number
from services.domain.ids import new_id, random_code
from services.domain.kinds import IdType
from services.domain.names import canonical_name, mask_name
from services.domain.people import Person
from services.ports import Clock, ConsentedProfile, IdentityProvider, VerificationStatus
from services.settings import Settings
from services.store import people
from services.store.people import BindingRow, ConsentRow, LoginRow, PersonRow, VerificationRow
from services.store.session import Database
from services.vault import Vault

log = structlog.get_logger("identity")

NONE, CONSENT_ASKED, CONSENT_REFUSED, MISSING_FACTS = "none", "consent_asked", "refused", "missing_facts"
VERIFYING, FAILED, VERIFIED = "verifying", "failed", "verified"

KNOWN_LEVEL, VERIFIED_LEVEL, FRESH_LEVEL = 1, 2, 3
FRESH_FOR = timedelta(minutes=5)
ASK_PROVIDER_FOR = timedelta(hours=24)
"""A verification that nobody has finished by then is given up, and its facts are erased."""
NOTE_USE_EVERY = timedelta(days=1)
REUSE_LINK = timedelta(minutes=2)
"""A link with less time left than this is not given out again."""
FAILURES_PER_CONVERSATION, FAILURES_PER_NUMBER = 5, 10
"""Failed verifications of typed facts in a day (`reliability` 4.2)."""
CONSENT_PURPOSE, CONSENT_WORDS = "identity_login", "2026-1"
CONSENT_RETURN = "/oauth/alipay/callback"
VERIFICATION_RETURN = "/return/alipay/verification"


@dataclass(frozen=True, kw_only=True)
class BoundPerson:
    """The person of a conversation. `level` is 2 (verified) or 3 (verified in the last five minutes)."""

    person_id: str
    masked_name: str
    level: int
    verified_at: datetime


@dataclass(frozen=True, kw_only=True)
class Link:
    """A page of the provider for the resident; `state` is opaque."""

    url: str
    state: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far logging in has come.

    `step`: `none`, `consent_asked`, `refused` (the consent), `missing_facts` (consent gave no usable number
    or name), `verifying`, `failed` (the verification), `verified`. `link` goes with the two that wait.
    """

    step: str
    link: Link | None = None


@dataclass(frozen=True, kw_only=True)
class Returned:
    """Somebody came back from a page of the provider: the conversation, and where it stands now.

    `link` is the verification that comes next, if there is one.
    """

    conversation_id: str
    step: str
    link: Link | None = None


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
        self._provider = provider
        self._clock = clock
        self._settings = settings

    # --- who it is ------------------------------------------------------------------------------------

    async def find_bound(self, conversation_id: str) -> BoundPerson | None:
        """The verified person of a conversation, or None. A running step-up is looked up at the provider."""
        async with self._database.read() as session:
            binding = await people.find_binding(session, conversation_id, self._clock.now())
            running = await people.find_running(session, conversation_id) if binding else None
        if binding is None:
            return None
        if running and await self._is_verified_anew(running):
            async with self._database.read() as session:
                binding = await people.find_binding(session, conversation_id, self._clock.now())
            if binding is None:
                return None
        if self._clock.now() - binding.used_at >= NOTE_USE_EVERY:
            async with self._database.begin() as session:
                await people.note_use(session, binding.binding_id, self._clock.now())
        person = await self.get_person(binding.person_id)
        verified_at = binding.verified_at.astimezone(self._clock.now().tzinfo)
        fresh = self._clock.now() - verified_at <= FRESH_FOR
        return BoundPerson(
            person_id=binding.person_id,
            masked_name=mask_name(person.name),
            level=FRESH_LEVEL if fresh else VERIFIED_LEVEL,
            verified_at=verified_at,
        )

    async def get_person(self, person_id: str) -> Person:
        """The facts of a person. `Refused("not_registered")` for nobody, `CannotDecrypt` after an erasure."""
        async with self._database.read() as session:
            row = await session.get(PersonRow, person_id)
        if row is None:
            raise Refused("not_registered")
        return Person(
            id_type=IdType[row.id_type],
            id_number=(await self._vault.decrypt("person.id_number", person_id, row.id_number)).decode(),
            name=(await self._vault.decrypt("person.name", person_id, row.name)).decode(),
        )

    async def find_conversations(self, person_id: str) -> Sequence[str]:
        """The conversations that speak for a person now."""
        async with self._database.read() as session:
            return await people.find_conversations(session, person_id, self._clock.now())

    async def progress(self, conversation_id: str) -> Progress:
        """Where logging in stands, by the provider's word where it is running."""
        async with self._database.read() as session:
            login = await session.get(LoginRow, conversation_id)
            consent = await session.get(ConsentRow, login.consent_id) if login and login.consent_id else None
            verification = (
                await session.get(VerificationRow, login.verification_id)
                if login and login.verification_id
                else None
            )
            bound = await people.find_binding(session, conversation_id, self._clock.now())
        if login is None or (login.step == VERIFIED and bound is None):
            return Progress(step=NONE)
        if login.step == CONSENT_ASKED and consent:
            return await self._consent_progress(consent)
        if login.step == VERIFYING and verification:
            return await self._verification_progress(verification)
        return Progress(step=login.step)

    # --- what the resident does -----------------------------------------------------------------------

    async def start_consent(self, conversation_id: str) -> Link:
        """A link to the consent page: the open one while it is good for a while, else a new one."""
        now = self._clock.now()
        async with self._database.read() as session:
            login = await session.get(LoginRow, conversation_id)
            asked = await session.get(ConsentRow, login.consent_id) if login and login.consent_id else None
        usable = asked and asked.status == people.ASKED and asked.expires_at - now >= REUSE_LINK
        if login and login.step == CONSENT_ASKED and asked and usable:
            return await self._consent_link(asked)
        state = random_code(32)
        consent_id = hash_reference(state)
        row = ConsentRow(
            consent_id=consent_id,
            conversation_id=conversation_id,
            purpose=CONSENT_PURPOSE,
            words_version=CONSENT_WORDS,
            status=people.ASKED,
            state=await self._vault.encrypt("consent.state", consent_id, state.encode()),
            created_at=now,
            expires_at=now + timedelta(minutes=self._settings.consent_minutes),
        )
        async with self._database.begin() as session:
            await people.close_open(session, conversation_id, now)
            session.add(row)
            await session.flush()
            await people.set_login(session, conversation_id, CONSENT_ASKED, consent_id=consent_id)
        return await self._consent_link(row)

    async def refuse_consent(self, conversation_id: str) -> None:
        """拒绝: the open consent is void, and the facts are to be typed."""
        async with self._database.begin() as session:
            await people.close_open(session, conversation_id, self._clock.now())
            await people.set_login(session, conversation_id, CONSENT_REFUSED)

    async def check_id_number(self, conversation_id: str, id_token: str) -> IdCheck:
        """Whether a typed number can be one. `Refused("unknown_token")` for a foreign token."""
        return self._check(await self._vault.open(conversation_id, id_token))

    async def enter_manually(self, conversation_id: str, *, id_token: str, name_token: str) -> Link:
        """Verify typed facts. `Refused`: `too_many_tries`, `id_type_not_verifiable`, not a number."""
        checked = self._check(await self._vault.open(conversation_id, id_token))
        name = canonical_name(await self._vault.open(conversation_id, name_token))
        if not checked.ok or not name:
            raise Refused
        person = Person(id_type=checked.id_type, id_number=checked.number, name=name)
        index = self._index(person)
        today = self._clock.now().date()
        async with self._database.read() as session:
            used_up = await people.failures(session, "conversation", conversation_id, today)
            used_up_by_all = await people.failures(session, "id_index", index, today)
        if used_up >= FAILURES_PER_CONVERSATION or used_up_by_all >= FAILURES_PER_NUMBER:
            log.warning("identity_tries_used_up", by_number=used_up < FAILURES_PER_CONVERSATION)
            raise Refused("too_many_tries")
        return await self._verify(conversation_id, people.TYPED, person)

    async def step_up(self, conversation_id: str) -> Link:
        """Verify the bound person once more. `Refused("not_registered")` when nobody is bound."""
        async with self._database.read() as session:
            binding = await people.find_binding(session, conversation_id, self._clock.now())
        if binding is None:
            raise Refused("not_registered")
        person = await self.get_person(binding.person_id)
        return await self._verify(conversation_id, people.STEP_UP, person, person_id=binding.person_id)

    async def unbind(self, conversation_id: str) -> None:
        """The conversation speaks for nobody any more; its consents are withdrawn."""
        now = self._clock.now()
        async with self._database.begin() as session:
            await people.end_bindings(session, now, "unbound", BindingRow.conversation_id == conversation_id)
            await people.close_open(session, conversation_id, now)
            await people.withdraw_consents(session, conversation_id, now)
            await people.forget_login(session, conversation_id)

    # --- what comes back from the provider's pages ----------------------------------------------------

    async def on_consent_return(
        self, state: str, *, code: str | None = None, error: str | None = None
    ) -> Returned | None:
        """Take in what the consent page sent back; None if the state is not good (any more).

        No `code` means refused, whatever else is there. A provider that is away is asked again later.
        """
        consent_id = hash_reference(state)
        sealed_code = await self._vault.encrypt("consent.code", consent_id, code.encode()) if code else None
        async with self._database.begin() as session:
            consent = await people.take_consent(session, consent_id, sealed_code, self._clock.now())
            if consent is None:
                return None
            if sealed_code is None:
                await people.move_login(session, CONSENT_REFUSED, consent_id=consent_id)
        crashpoint("identity.consent.after_take")
        log.info("consent_returned", granted=code is not None, error=bool(error))
        if sealed_code is not None:
            try:
                await self._exchange(consent)
            except ServiceError as failed:
                log.warning("consent_not_settled", code=failed.code)
        return await self._standing(consent.conversation_id)

    async def on_verification_return(self, verification_id: str) -> Returned | None:
        """Somebody came back from the verification page: ask the provider. None if that is long past."""
        async with self._database.read() as session:
            row = await session.get(VerificationRow, verification_id)
        if row is None or self._clock.now() > row.created_at + ASK_PROVIDER_FOR:
            return None
        if row.status == people.OPEN:
            try:
                await self._ask_provider(row)
            except ServiceError as failed:
                log.warning("verification_not_settled", code=failed.code)
        return await self._standing(row.conversation_id)

    async def purge(self) -> int:
        """Erase facts and references of tries that nobody finished; how many there were."""
        now = self._clock.now()
        async with self._database.begin() as session:
            return await people.purge(session, before=now - ASK_PROVIDER_FOR, now=now)

    async def _standing(self, conversation_id: str) -> Returned:
        """Where a conversation stands by our own books."""
        async with self._database.read() as session:
            login = await session.get(LoginRow, conversation_id)
            running = await people.find_running(session, conversation_id)
        link = self._verification_link(running, running.url) if running and running.url else None
        return Returned(conversation_id=conversation_id, step=login.step if login else NONE, link=link)

    # --- consent --------------------------------------------------------------------------------------

    async def _consent_progress(self, consent: ConsentRow) -> Progress:
        if consent.status == people.EXCHANGING:
            await self._exchange(consent)
            return await self.progress(consent.conversation_id)
        if consent.status != people.ASKED or self._clock.now() >= consent.expires_at:
            return Progress(step=NONE)
        return Progress(step=CONSENT_ASKED, link=await self._consent_link(consent))

    async def _consent_link(self, consent: ConsentRow) -> Link:
        if consent.state is None:
            raise Refused("consent_code")
        state = (await self._vault.decrypt("consent.state", consent.consent_id, consent.state)).decode()
        url = self._provider.authorization_url(
            state=state, redirect_uri=self._settings.base_url + CONSENT_RETURN
        )
        return Link(url=url, state=state, expires_at=self._local(consent.expires_at))

    async def _exchange(self, consent: ConsentRow) -> None:
        """Turn the code into facts, and the facts into a verification.

        After a crash in between the code may be used up: then the consent is asked for once more.
        """
        if consent.code is None:
            return
        code = (await self._vault.decrypt("consent.code", consent.consent_id, consent.code)).decode()
        try:
            profile = await self._provider.exchange(code)
        except Refused as refused:
            log.warning("consent_code_refused", code=refused.code)
            async with self._database.begin() as session:
                await people.settle_consent(session, consent.consent_id, people.VOID)
                await people.move_login(session, NONE, consent_id=consent.consent_id)
            return
        crashpoint("identity.consent.after_exchange")
        person = self._usable(profile)
        row = (
            await self._new_verification(
                consent.conversation_id, people.CONSENTED, person, consent_id=consent.consent_id
            )
            if person
            else None
        )
        async with self._database.begin() as session:
            granted = await people.settle_consent(
                session, consent.consent_id, people.GRANTED, granted_at=self._clock.now()
            )
            if not granted:
                return
            if row is None:
                await people.move_login(session, MISSING_FACTS, consent_id=consent.consent_id)
                return
            session.add(row)
            await session.flush()
            await people.move_login(
                session, VERIFYING, consent_id=consent.consent_id, verification_id=row.verification_id
            )
        await self._begin(row)

    # --- verification ---------------------------------------------------------------------------------

    async def _verify(
        self, conversation_id: str, source: str, person: Person, *, person_id: str | None = None
    ) -> Link:
        row = await self._new_verification(conversation_id, source, person, person_id=person_id)
        async with self._database.begin() as session:
            await people.close_open(session, conversation_id, self._clock.now())
            session.add(row)
            await session.flush()
            await people.set_login(session, conversation_id, VERIFYING, verification_id=row.verification_id)
        crashpoint("identity.verification.after_intent")
        return await self._begin(row)

    async def _new_verification(
        self,
        conversation_id: str,
        source: str,
        person: Person,
        *,
        person_id: str | None = None,
        consent_id: str | None = None,
    ) -> VerificationRow:
        now = self._clock.now()
        verification_id = new_id("V")
        facts = json.dumps([person.id_type.name, person.id_number, person.name]).encode()
        return VerificationRow(
            verification_id=verification_id,
            conversation_id=conversation_id,
            source=source,
            status=people.STARTING,
            id_index=self._index(person),
            facts=await self._vault.encrypt("verification.facts", verification_id, facts),
            person_id=person_id,
            consent_id=consent_id,
            created_at=now,
            expires_at=now + timedelta(minutes=self._settings.verification_minutes),
        )

    async def _begin(self, row: VerificationRow) -> Link:
        """Open the verification at the provider. Nobody has its link before it is committed."""
        person = await self._facts(row)
        return_url = f"{self._settings.base_url}{VERIFICATION_RETURN}?ref={row.verification_id}"
        try:
            started = await self._provider.start_verification(
                person, request_no=row.verification_id, return_url=return_url
            )
        except Refused as refused:
            await self._reject(row, refused.code)
            raise
        crashpoint("identity.verification.after_call")
        async with self._database.begin() as session:
            opened = await people.open_verification(
                session, row.verification_id, certify_id=started.certify_id, url=started.url
            )
        if not opened:
            raise Unavailable
        return self._verification_link(row, started.url)

    async def _verification_progress(self, row: VerificationRow) -> Progress:
        if self._clock.now() > row.created_at + ASK_PROVIDER_FOR:
            async with self._database.begin() as session:
                await people.close_open(session, row.conversation_id, self._clock.now())
                await people.move_login(session, NONE, verification_id=row.verification_id)
            return Progress(step=NONE)
        if row.status == people.OPEN:
            status = await self._ask_provider(row)
            if status is not VerificationStatus.PENDING:
                return await self.progress(row.conversation_id)
            if row.url and self._clock.now() < row.expires_at:
                return Progress(step=VERIFYING, link=self._verification_link(row, row.url))
        if row.facts is None:
            return Progress(step=NONE)
        return Progress(step=VERIFYING, link=await self._begin_again(row))

    async def _begin_again(self, old: VerificationRow) -> Link:
        """The same facts under a new number: the link is too old, or nobody knows whether it was made."""
        row = await self._new_verification(
            old.conversation_id,
            old.source,
            await self._facts(old),
            person_id=old.person_id,
            consent_id=old.consent_id,
        )
        async with self._database.begin() as session:
            if not await people.decide(session, old.verification_id, people.SUPERSEDED, self._clock.now()):
                raise Unavailable
            session.add(row)
            await session.flush()
            await people.move_login(
                session,
                VERIFYING,
                verification_id=old.verification_id,
                next_verification_id=row.verification_id,
            )
        return await self._begin(row)

    async def _ask_provider(self, row: VerificationRow) -> VerificationStatus:
        """The provider's word on an open verification, taken into the books."""
        if row.certify_id is None:
            return VerificationStatus.PENDING
        status = await self._provider.find_verification(row.certify_id)
        if status is VerificationStatus.PASSED:
            await self._bind(row)
        elif status is VerificationStatus.FAILED:
            await self._settle(row, people.FAILED, FAILED, counts=True)
            log.info("verification_failed", source=row.source)
        return status

    async def _is_verified_anew(self, row: VerificationRow) -> bool:
        """A bound person needs no running step-up, so a provider that is away only leaves the level low."""
        if row.status != people.OPEN or self._clock.now() >= row.expires_at:
            return False
        try:
            return await self._ask_provider(row) is VerificationStatus.PASSED
        except ServiceError as failed:
            log.warning("step_up_not_settled", code=failed.code)
            return False

    async def _reject(self, row: VerificationRow, code: str) -> None:
        """The provider will not verify these facts at all."""
        step = {people.TYPED: CONSENT_REFUSED, people.CONSENTED: MISSING_FACTS}.get(row.source, VERIFIED)
        await self._settle(row, people.REJECTED, step, counts=code != "id_type_not_verifiable")
        log.info("verification_rejected", source=row.source, code=code)

    async def _settle(self, row: VerificationRow, status: str, step: str, *, counts: bool) -> None:
        """End a verification that did not pass; typed facts count as a guess."""
        now = self._clock.now()
        async with self._database.begin() as session:
            if not await people.decide(session, row.verification_id, status, now):
                return
            await people.move_login(session, step, verification_id=row.verification_id)
            if counts and row.source == people.TYPED and row.id_index:
                await people.count_failure(session, "conversation", row.conversation_id, now.date())
                await people.count_failure(session, "id_index", row.id_index, now.date())

    async def _bind(self, row: VerificationRow) -> None:
        """A passed verification makes, or renews, the binding. One that was passed long ago is not fresh."""
        person_id = await self._keep_person(await self._facts(row))
        now = self._clock.now()
        crashpoint("identity.bind.before_commit")
        async with self._database.begin() as session:
            if not await people.decide(session, row.verification_id, people.PASSED, now):
                return
            await people.bind(
                session,
                row.conversation_id,
                person_id,
                now=now,
                verified_at=now if now <= row.expires_at else row.created_at,
            )
            if row.consent_id:
                await people.note_consenter(session, row.consent_id, person_id)
            await people.move_login(session, VERIFIED, verification_id=row.verification_id)
        log.info("person_bound", source=row.source)

    async def _keep_person(self, person: Person) -> str:
        """The id of a verified person, made at the first time; the name that was verified last counts."""
        index = self._index(person)
        while True:
            async with self._database.read() as session:
                known = await session.scalar(select(PersonRow).where(PersonRow.id_index == index))
            if known and (await self.get_person(known.person_id)).name == person.name:
                return known.person_id
            person_id = known.person_id if known else new_id("P")
            name = await self._vault.encrypt(
                "person.name", person_id, person.name.encode(), subject=person_id
            )
            if known:
                async with self._database.begin() as session:
                    await people.rename(session, person_id, name)
                return person_id
            number = await self._vault.encrypt(
                "person.id_number", person_id, person.id_number.encode(), subject=person_id
            )
            row = PersonRow(
                person_id=person_id,
                id_index=index,
                id_type=person.id_type.name,
                id_number=number,
                name=name,
                created_at=self._clock.now(),
            )
            try:
                async with self._database.begin() as session:
                    session.add(row)
            except IntegrityError:
                continue  # verified in another conversation at the same moment: that row counts
            return person_id

    async def _facts(self, row: VerificationRow) -> Person:
        if row.facts is None:
            raise Refused
        opened = await self._vault.decrypt("verification.facts", row.verification_id, row.facts)
        id_type, id_number, name = json.loads(opened)
        return Person(id_type=IdType[id_type], id_number=id_number, name=name)

    def _index(self, person: Person) -> str:
        return self._vault.blind_index("person.id_number", f"{person.id_type.name}|{person.id_number}")

    def _verification_link(self, row: VerificationRow, url: str) -> Link:
        return Link(url=url, state=row.verification_id, expires_at=self._local(row.expires_at))

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(self._clock.now().tzinfo)

    def _usable(self, profile: ConsentedProfile) -> Person | None:
        """The person whom the provider named, if it gave a name and a number that can be one."""
        if not profile.name or not profile.id_number:
            return None
        checked = self._check(profile.id_number, profile.id_type or IdType.RESIDENT_ID_CARD)
        if not checked.ok:
            return None
        return Person(id_type=checked.id_type, id_number=checked.number, name=canonical_name(profile.name))

    def _check(self, number: str, id_type: IdType = IdType.RESIDENT_ID_CARD) -> IdCheck:
        return check_id_number(number, id_type, today=self._clock.now().date())
