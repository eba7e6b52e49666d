"""Real-name verification: begun at the provider, and decided by the provider's word only.

The number of a try is committed before the provider hears of it. After a crash in between a new try is made:
the link of the old one was never given to anybody.
"""

import json
from datetime import timedelta

import structlog

from services.crashpoints import crashpoint
from services.domain.errors import Refused, ServiceError, Unavailable
from services.domain.ids import new_id
from services.domain.kinds import IdType
from services.domain.people import Person
from services.identity import rows
from services.identity.facts import (
    CONSENT_REFUSED,
    FAILED,
    MISSING_FACTS,
    NONE,
    VERIFICATION_RETURN,
    VERIFIED,
    VERIFYING,
    Link,
    Progress,
)
from services.identity.persons import Persons
from services.ports import Clock, IdentityProvider, VerificationStatus
from services.settings import Settings
from services.store.people import VerificationRow
from services.store.session import Database
from services.vault import Vault

log = structlog.get_logger("identity")

ASK_PROVIDER_FOR = timedelta(hours=24)
"""A verification that nobody has finished by then is given up, and its facts are erased."""


class Verifications:
    def __init__(
        self,
        *,
        database: Database,
        vault: Vault,
        provider: IdentityProvider,
        clock: Clock,
        settings: Settings,
        persons: Persons,
    ) -> None:
        self._database = database
        self._vault = vault
        self._provider = provider
        self._clock = clock
        self._settings = settings
        self._persons = persons

    async def start(
        self, conversation_id: str, source: str, person: Person, *, person_id: str | None = None
    ) -> Link:
        """Verify `person` in this conversation, instead of whatever it was doing; `Refused` by the peer."""
        row = await self.make_row(conversation_id, source, person, person_id=person_id)
        async with self._database.begin() as session:
            await rows.close_open(session, conversation_id, self._clock.now())
            session.add(row)
            await session.flush()
            await rows.set_login(session, conversation_id, VERIFYING, verification_id=row.verification_id)
        crashpoint("identity.verification.after_intent")
        return await self.begin(row)

    async def make_row(
        self,
        conversation_id: str,
        source: str,
        person: Person,
        *,
        person_id: str | None = None,
        consent_id: str | None = None,
    ) -> VerificationRow:
        """A row that is still to be stored."""
        now = self._clock.now()
        verification_id = new_id("V")
        facts = json.dumps([person.id_type.name, person.id_number, person.name]).encode()
        return VerificationRow(
            verification_id=verification_id,
            conversation_id=conversation_id,
            source=source,
            status=rows.STARTING,
            id_index=self._persons.index(person),
            facts=await self._vault.encrypt("verification.facts", verification_id, facts),
            person_id=person_id,
            consent_id=consent_id,
            created_at=now,
            expires_at=now + timedelta(minutes=self._settings.verification_minutes),
        )

    async def begin(self, row: VerificationRow) -> Link:
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
            opened = await rows.open_verification(
                session, row.verification_id, certify_id=started.certify_id, url=started.url
            )
        if not opened:
            raise Unavailable
        return self.link_of(row, started.url)

    async def progress(self, verification_id: str) -> Progress | None:
        """Where a verification stands; None when it has just been decided."""
        row = await self._get(verification_id)
        if self._clock.now() > row.created_at + ASK_PROVIDER_FOR:
            async with self._database.begin() as session:
                await rows.close_open(session, row.conversation_id, self._clock.now())
                await rows.move_login(session, NONE, verification_id=row.verification_id)
            return Progress(step=NONE)
        if row.status == rows.OPEN:
            try:
                status = await self.ask_provider(row)
            except Refused as refused:  # the provider has forgotten this try: it can't be passed any more
                log.warning("verification_lost", code=refused.code)
                return Progress(step=VERIFYING, link=await self._begin_again(row))
            if status is not VerificationStatus.PENDING:
                return None
            if row.url and self._clock.now() < row.expires_at:
                return Progress(step=VERIFYING, link=self.link_of(row, row.url))
        if row.facts is None:
            return Progress(step=NONE)
        return Progress(step=VERIFYING, link=await self._begin_again(row))

    async def ask_provider(self, row: VerificationRow) -> VerificationStatus:
        """The provider's word on an open verification, taken into the books."""
        if row.certify_id is None:
            return VerificationStatus.PENDING
        status = await self._provider.find_verification(row.certify_id)
        if status is VerificationStatus.PASSED:
            await self._bind(row)
        elif status is VerificationStatus.FAILED:
            await self._settle(row, rows.FAILED, FAILED, counts=True)
            log.info("verification_failed", source=row.source)
        return status

    async def passed_meanwhile(self, verification_id: str) -> bool:
        """A bound person needs no running step-up, so a provider that is away only leaves the level low."""
        row = await self._get(verification_id)
        if row.status != rows.OPEN or self._clock.now() >= row.expires_at:
            return False
        try:
            return await self.ask_provider(row) is VerificationStatus.PASSED
        except ServiceError as failed:
            log.warning("step_up_not_settled", code=failed.code)
            return False

    def link_of(self, row: VerificationRow, url: str) -> Link:
        return Link(
            url=url, state=row.verification_id, expires_at=row.expires_at.astimezone(self._clock.now().tzinfo)
        )

    async def _get(self, verification_id: str) -> VerificationRow:
        async with self._database.read() as session:
            return await session.get_one(VerificationRow, verification_id)

    async def _begin_again(self, old: VerificationRow) -> Link:
        """The same facts under a new number: the link is too old, or nobody knows whether it was made."""
        row = await self.make_row(
            old.conversation_id,
            old.source,
            await self._facts(old),
            person_id=old.person_id,
            consent_id=old.consent_id,
        )
        async with self._database.begin() as session:
            if not await rows.decide(session, old.verification_id, rows.SUPERSEDED, self._clock.now()):
                raise Unavailable
            session.add(row)
            await session.flush()
            await rows.move_login(
                session,
                VERIFYING,
                verification_id=old.verification_id,
                next_verification_id=row.verification_id,
            )
        return await self.begin(row)

    async def _reject(self, row: VerificationRow, code: str) -> None:
        """The provider will not verify these facts at all."""
        step = {rows.TYPED: CONSENT_REFUSED, rows.CONSENTED: MISSING_FACTS}.get(row.source, VERIFIED)
        await self._settle(row, rows.REJECTED, step, counts=code != "id_type_not_verifiable")
        log.info("verification_rejected", source=row.source, code=code)

    async def _settle(self, row: VerificationRow, status: str, step: str, *, counts: bool) -> None:
        """End a verification that did not pass; typed facts count as a guess."""
        now = self._clock.now()
        async with self._database.begin() as session:
            if not await rows.decide(session, row.verification_id, status, now):
                return
            await rows.move_login(session, step, verification_id=row.verification_id)
            if counts and row.source == rows.TYPED and row.id_index:
                await rows.count_failure(session, "conversation", row.conversation_id, now.date())
                await rows.count_failure(session, "id_index", row.id_index, now.date())

    async def _bind(self, row: VerificationRow) -> None:
        """A passed verification makes, or renews, the binding. One that was passed long ago is not fresh."""
        person_id = await self._persons.keep(await self._facts(row))
        now = self._clock.now()
        crashpoint("identity.bind.before_commit")
        async with self._database.begin() as session:
            if not await rows.decide(session, row.verification_id, rows.PASSED, now):
                return
            await rows.bind(
                session,
                row.conversation_id,
                person_id,
                now=now,
                verified_at=now if now <= row.expires_at else row.created_at,
            )
            if row.consent_id:
                await rows.note_consenter(session, row.consent_id, person_id)
            await rows.move_login(session, VERIFIED, verification_id=row.verification_id)
        log.info("person_bound", source=row.source)

    async def _facts(self, row: VerificationRow) -> Person:
        if row.facts is None:
            raise Refused
        opened = await self._vault.decrypt("verification.facts", row.verification_id, row.facts)
        id_type, id_number, name = json.loads(opened)
        return Person(id_type=IdType[id_type], id_number=id_number, name=name)
