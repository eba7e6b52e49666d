"""Links to a paper: an opaque ticket for one person in one conversation, a few minutes, a few downloads."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, select, update

from services.certificates.layout import get_layout
from services.crypto import CannotDecrypt, index_of
from services.ports import Clock
from services.settings import Settings
from services.store.certificates import (
    AVAILABLE,
    PDF_PURPOSE,
    PREVIEW_PURPOSE,
    CertificateFileRow,
    CertificateRow,
    CertificateTicketRow,
    forget_tickets,
)
from services.store.links import opens_for
from services.store.session import Database
from services.vault import Vault

TICKET_BYTES = 32
LONGEST_TICKET = 64
KEPT_AFTER_EXPIRY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, repr=False)
class PaperFile:
    """The bytes of a paper, or of its picture. `number` and `title` name the file; they are nobody's data."""

    content: bytes
    number: str
    title: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Ticket:
    """`token` is for the link only; the store keeps its hash."""

    token: str
    expires_at: datetime


class Tickets:
    def __init__(
        self, *, database: Database, clock: Clock, vault: Vault, settings: Settings, secret: bytes
    ) -> None:
        self._database = database
        self._clock = clock
        self._vault = vault
        self._lifetime = timedelta(minutes=settings.document_minutes)
        self._downloads = settings.document_downloads
        self._secret = secret

    async def give(self, certificate_id: str, *, person_id: str, conversation_id: str) -> Ticket:
        """A new link; also forgets those that expired long ago."""
        token, now = secrets.token_urlsafe(TICKET_BYTES), self._clock.now()
        ticket = Ticket(token=token, expires_at=now + self._lifetime)
        async with self._database.begin() as session:
            await forget_tickets(session, before=now - KEPT_AFTER_EXPIRY)
            session.add(
                CertificateTicketRow(
                    ticket_hash=self._hash(token),
                    certificate_id=certificate_id,
                    person_id=person_id,
                    conversation_id=conversation_id,
                    made_at=now,
                    expires_at=ticket.expires_at,
                    downloads=0,
                )
            )
        return ticket

    async def open(self, token: str, *, preview: bool, browser: str | None) -> PaperFile | None:
        """The file behind a link. None when it was guessed, altered, used up, too old or given to another
        browser: which, is not told.

        A download counts before the file is sent; a picture does not count.
        """
        if len(token) > LONGEST_TICKET:
            return None
        open_now = (
            CertificateTicketRow.ticket_hash == self._hash(token),
            CertificateTicketRow.expires_at > self._clock.now(),
            opens_for(CertificateTicketRow.conversation_id, browser),
            *(() if preview else (CertificateTicketRow.downloads < self._downloads,)),
        )
        async with self._database.read() as session:
            found = (
                await session.execute(
                    select(CertificateRow, CertificateFileRow)
                    .join(CertificateTicketRow, _same(CertificateTicketRow, CertificateRow))
                    .join(CertificateFileRow, _same(CertificateFileRow, CertificateRow))
                    .where(*open_now, CertificateRow.state == AVAILABLE)
                )
            ).one_or_none()
        if found is None:
            return None
        paper, file = found
        purpose, record = (PREVIEW_PURPOSE, file.preview) if preview else (PDF_PURPOSE, file.pdf)
        try:
            content = await self._vault.decrypt(purpose, file.certificate_id, record)
        except CannotDecrypt:
            return None  # the person was erased
        if not preview and not await self._count(open_now):
            return None
        return PaperFile(content=content, number=paper.number, title=get_layout(paper.kind).title)

    async def _count(self, open_now: tuple[Any, ...]) -> bool:
        """Use one download up; False when another request has just taken the last."""
        async with self._database.begin() as session:
            done = await session.execute(
                update(CertificateTicketRow)
                .where(*open_now)
                .values(downloads=CertificateTicketRow.downloads + 1)
            )
        return cast("CursorResult[Any]", done).rowcount == 1

    def _hash(self, token: str) -> str:
        return index_of(self._secret, "ticket", token)


def _same(one: Any, other: Any) -> Any:
    return one.certificate_id == other.certificate_id
