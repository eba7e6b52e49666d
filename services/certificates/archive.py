"""Papers of every kind: numbered, drawn, sealed, and handed out.

A paper gets its number and its facts in one transaction and its file in another: after a crash in between
the file is drawn again from the same facts. Its bytes are those that were stored first.
"""

import asyncio
import json
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from services.certificates.checking import hash_code, read_facts
from services.certificates.facts import Numbering
from services.certificates.layout import get_layout
from services.certificates.model import Document, Holder
from services.certificates.press import Press
from services.certificates.tickets import Tickets
from services.crashpoints import crashpoint
from services.domain.ids import new_id, random_code
from services.ports import Clock
from services.settings import Settings
from services.store.certificates import (
    AVAILABLE,
    FACTS_PURPOSE,
    NUMBERED,
    PDF_PURPOSE,
    PREVIEW_PURPOSE,
    VOID,
    CertificateFileRow,
    CertificateRow,
)
from services.store.session import Database
from services.vault import Vault

log = structlog.get_logger("certificates")

CODE_LENGTH = 16
"""Random characters of five bits: 80 in a code (`reliability` C6)."""

MakeFacts = Callable[[Numbering], dict[str, Any]]


class Archive:
    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        vault: Vault,
        press: Press,
        tickets: Tickets,
        settings: Settings,
        secret: bytes,
    ) -> None:
        self._database = database
        self._clock = clock
        self._vault = vault
        self._press = press
        self._tickets = tickets
        self._settings = settings
        self._secret = secret
        self._one_drawing = asyncio.Lock()

    async def warm_up(self) -> None:
        await self._press.warm_up()

    async def prepare(
        self,
        *,
        kind: str,
        number: str,
        holder: Holder,
        fee_year: int,
        fingerprint: str,
        make_facts: MakeFacts,
        issue: int = 0,
    ) -> CertificateRow:
        """A paper of today with a code of its own, not stored yet."""
        now, code = self._clock.now(), random_code(CODE_LENGTH)
        numbering = Numbering(
            number=number,
            code=code,
            issued_on=now.date(),
            verify_url=f"{self._settings.base_url}/verify/{number}?code={code}",
            demo=self._settings.sandbox,
        )
        facts = json.dumps(make_facts(numbering), ensure_ascii=False).encode()
        certificate_id = new_id("crt_")
        return CertificateRow(
            certificate_id=certificate_id,
            kind=kind,
            person_id=holder.person_id,
            payer_id=holder.payer_id,
            fee_year=fee_year,
            fingerprint=fingerprint,
            number=number,
            issue=issue,
            code_hash=hash_code(self._secret, number, code),
            state=NUMBERED,
            issued_on=now.date(),
            numbered_at=now,
            voided_at=None,
            facts=await self._vault.encrypt(FACTS_PURPOSE, certificate_id, facts, subject=holder.person_id),
        )

    async def add(self, fresh: CertificateRow, replaced: Collection[str] = ()) -> bool:
        """Commit the number, and void the papers that it replaces. False: another task was faster."""
        crashpoint("certificates.issue.before_number")
        try:
            async with self._database.begin() as session:
                if replaced:
                    wanted = select(CertificateRow).where(CertificateRow.certificate_id.in_(replaced))
                    for paper in await session.scalars(wanted.with_for_update()):
                        paper.state, paper.voided_at = VOID, paper.voided_at or fresh.numbered_at
                session.add(fresh)
        except IntegrityError:
            return False
        crashpoint("certificates.issue.after_number")
        log.info("certificate_numbered", kind=fresh.kind, issue=fresh.issue, voided=len(replaced))
        return True

    async def hand_out(
        self, paper: CertificateRow, *, reader_id: str, conversation_id: str, often: bool = False
    ) -> Document:
        """The paper with new links for one person in one conversation."""
        sha256 = await self._file(paper)
        ticket = await self._tickets.give(
            paper.certificate_id, person_id=reader_id, conversation_id=conversation_id
        )
        url = f"{self._settings.base_url}/documents/{ticket.token}"
        log.info("certificate_handed_out", kind=paper.kind, issue=paper.issue)
        return Document(
            title=get_layout(paper.kind).title,
            number=paper.number,
            url=url,
            preview_url=f"{url}/preview",
            expires_at=ticket.expires_at,
            sha256=sha256,
            issue=paper.issue,
            often=often,
        )

    def is_recent(self, paper: CertificateRow, within: timedelta) -> bool:
        return paper.numbered_at > self._clock.now() - within

    async def _file(self, paper: CertificateRow) -> str:
        """See that the file is there; its SHA-256. The press draws one at a time, so who waits finds it drawn."""
        async with self._one_drawing:
            stored = await self._stored(paper)
            if stored is None:
                await self._draw(paper)
                stored = await self._stored(paper)
        if stored is None:
            raise LookupError("a paper that was drawn has no file")
        return stored

    async def _stored(self, paper: CertificateRow) -> str | None:
        """The hash of the stored file."""
        wanted = select(CertificateFileRow.sha256).where(
            CertificateFileRow.certificate_id == paper.certificate_id
        )
        async with self._database.read() as session:
            found: str | None = await session.scalar(wanted)
        return found

    async def _draw(self, paper: CertificateRow) -> None:
        facts = await read_facts(self._vault, paper)
        zone = self._clock.now().tzinfo
        made = await self._press.make(paper.kind, facts, paper.numbered_at.astimezone(zone))
        row = CertificateFileRow(
            certificate_id=paper.certificate_id,
            person_id=paper.person_id,
            sha256=made.sha256,
            made_at=self._clock.now(),
            pdf=await self._seal(PDF_PURPOSE, paper, made.pdf),
            preview=await self._seal(PREVIEW_PURPOSE, paper, made.preview),
        )
        crashpoint("certificates.issue.before_file")
        try:
            async with self._database.begin() as session:
                session.add(row)
                await session.flush()
                held = await session.get_one(CertificateRow, paper.certificate_id, with_for_update=True)
                if held.state == NUMBERED:
                    held.state = AVAILABLE
        except IntegrityError:
            log.info(
                "certificate_file_was_there", kind=paper.kind
            )  # another process drew it: that one counts
        crashpoint("certificates.issue.after_file")

    async def _seal(self, purpose: str, paper: CertificateRow, content: bytes) -> bytes:
        return await self._vault.encrypt(purpose, paper.certificate_id, content, subject=paper.person_id)
