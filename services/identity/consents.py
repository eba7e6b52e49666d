"""Consent by OAuth: a link with a state that works once, and what its code is worth.

A code works once at the provider too. It is committed, sealed, before it is used; after a crash in between
it may be used up, and then the resident is asked once more.
"""

from datetime import timedelta

import structlog
from tenacity import AsyncRetrying, RetryError, retry_if_result, stop_after_delay, wait_fixed

from services.crashpoints import crashpoint
from services.crypto import hash_reference
from services.domain.errors import Refused, ServiceError
from services.domain.id_documents import check_id_number
from services.domain.ids import random_code
from services.domain.kinds import IdType
from services.domain.names import canonical_name
from services.domain.people import Person
from services.identity import rows
from services.identity.facts import (
    CONSENT_ASKED,
    CONSENT_REFUSED,
    CONSENT_RETURN,
    MISSING_FACTS,
    NONE,
    VERIFYING,
    Link,
    Progress,
)
from services.identity.verifications import Verifications
from services.ports import Clock, ConsentedProfile, IdentityProvider
from services.settings import Settings
from services.store.people import ConsentRow, LoginRow
from services.store.session import Database
from services.vault import Vault

log = structlog.get_logger("identity")

PURPOSE, WORDS_VERSION = "identity_login", "2026-1"
STATE_LENGTH = 32
REUSE_LINK = timedelta(minutes=2)
"""A link with less time left than this is not given out again."""
OTHERS_SETTLE_IN = 3.0
"""Seconds: when a code is refused, a page and a chat may have used it at the same time."""


class Consents:
    def __init__(
        self,
        *,
        database: Database,
        vault: Vault,
        provider: IdentityProvider,
        clock: Clock,
        settings: Settings,
        verifications: Verifications,
    ) -> None:
        self._database = database
        self._vault = vault
        self._provider = provider
        self._clock = clock
        self._settings = settings
        self._verifications = verifications

    async def start(self, conversation_id: str) -> Link:
        """A link to the consent page: the open one while it is good for a while, else a new one."""
        now = self._clock.now()
        async with self._database.read() as session:
            login = await session.get(LoginRow, conversation_id)
            asked = await session.get(ConsentRow, login.consent_id) if login and login.consent_id else None
        is_open = login and asked and login.step == CONSENT_ASKED and asked.status == rows.ASKED
        if asked and is_open and asked.expires_at - now >= REUSE_LINK:
            return await self._link(asked)
        state = random_code(STATE_LENGTH)
        consent_id = hash_reference(state)
        row = ConsentRow(
            consent_id=consent_id,
            conversation_id=conversation_id,
            purpose=PURPOSE,
            words_version=WORDS_VERSION,
            status=rows.ASKED,
            state=await self._vault.encrypt("consent.state", consent_id, state.encode()),
            created_at=now,
            expires_at=now + timedelta(minutes=self._settings.consent_minutes),
        )
        async with self._database.begin() as session:
            await rows.close_open(session, conversation_id, now)
            session.add(row)
            await session.flush()
            await rows.set_login(session, conversation_id, CONSENT_ASKED, consent_id=consent_id)
        return await self._link(row)

    async def take(self, state: str, code: str | None) -> ConsentRow | None:
        """Use up `state`; None if it is none of ours, or used, or too old. No code means refused."""
        consent_id = hash_reference(state)
        sealed_code = await self._vault.encrypt("consent.code", consent_id, code.encode()) if code else None
        async with self._database.begin() as session:
            consent = await rows.take_consent(session, consent_id, sealed_code, self._clock.now())
            if consent is not None and sealed_code is None:
                await rows.move_login(session, CONSENT_REFUSED, consent_id=consent_id)
        crashpoint("identity.consent.after_take")
        if consent is not None and sealed_code is not None:
            try:
                await self._exchange(consent)
            except ServiceError as failed:
                log.warning("consent_not_settled", code=failed.code)
        return consent

    async def progress(self, consent: ConsentRow) -> Progress | None:
        """Where a consent stands; None when its code has just been exchanged."""
        if consent.status == rows.EXCHANGING:
            await self._exchange(consent)
            return None
        if consent.status != rows.ASKED or self._clock.now() >= consent.expires_at:
            return Progress(step=NONE)
        return Progress(step=CONSENT_ASKED, link=await self._link(consent))

    async def _link(self, consent: ConsentRow) -> Link:
        if consent.state is None:
            raise Refused("consent_code")
        state = (await self._vault.decrypt("consent.state", consent.consent_id, consent.state)).decode()
        url = self._provider.authorization_url(
            state=state, redirect_uri=self._settings.base_url + CONSENT_RETURN
        )
        expires_at = consent.expires_at.astimezone(self._clock.now().tzinfo)
        return Link(url=url, state=state, expires_at=expires_at)

    async def _exchange(self, consent: ConsentRow) -> None:
        """Turn the code into facts, and the facts into a verification."""
        if consent.code is None:
            return
        code = (await self._vault.decrypt("consent.code", consent.consent_id, consent.code)).decode()
        try:
            profile = await self._provider.exchange(code)
        except Refused as refused:
            if not await self._somebody_else_settles(consent.consent_id):
                await self._give_up(consent.consent_id, refused.code)
            return
        crashpoint("identity.consent.after_exchange")
        await self._grant(consent, self._usable(profile))

    async def _grant(self, consent: ConsentRow, person: Person | None) -> None:
        row = None
        if person:
            row = await self._verifications.make_row(
                consent.conversation_id, rows.CONSENTED, person, consent_id=consent.consent_id
            )
        async with self._database.begin() as session:
            if not await rows.settle_consent(
                session, consent.consent_id, rows.GRANTED, granted_at=self._clock.now()
            ):
                return
            if row is None:
                await rows.move_login(session, MISSING_FACTS, consent_id=consent.consent_id)
                return
            session.add(row)
            await session.flush()
            await rows.move_login(
                session, VERIFYING, consent_id=consent.consent_id, verification_id=row.verification_id
            )
        crashpoint("identity.consent.after_grant")
        await self._verifications.begin(row)

    async def _give_up(self, consent_id: str, code: str) -> None:
        log.warning("consent_code_refused", code=code)
        async with self._database.begin() as session:
            if await rows.settle_consent(session, consent_id, rows.VOID):
                await rows.move_login(session, NONE, consent_id=consent_id)

    async def _somebody_else_settles(self, consent_id: str) -> bool:
        waiting = AsyncRetrying(
            retry=retry_if_result(bool), stop=stop_after_delay(OTHERS_SETTLE_IN), wait=wait_fixed(0.1)
        )
        try:
            await waiting(self._is_exchanging, consent_id)
        except RetryError:
            return False
        return True

    async def _is_exchanging(self, consent_id: str) -> bool:
        async with self._database.read() as session:
            row = await session.get(ConsentRow, consent_id)
        return row is not None and row.status == rows.EXCHANGING

    def _usable(self, profile: ConsentedProfile) -> Person | None:
        """The person whom the provider named, if it gave a name and a number that can be one."""
        if not profile.name or not profile.id_number:
            return None
        id_type = profile.id_type or IdType.RESIDENT_ID_CARD
        checked = check_id_number(profile.id_number, id_type, today=self._clock.now().date())
        if not checked.ok:
            return None
        return Person(id_type=checked.id_type, id_number=checked.number, name=canonical_name(profile.name))
