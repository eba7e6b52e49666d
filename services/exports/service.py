"""Files made for a resident: sealed in the store, behind an opaque ticket, a few minutes, a few downloads."""

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, or_, select, update

from services.crypto import CannotDecrypt, index_of
from services.exports.chart import draw_chart
from services.exports.spreadsheet import write_workbook
from services.exports.table import Bar, Table
from services.ports import Clock
from services.settings import Settings
from services.store.exports import CONTENT_PURPOSE, ExportRow, forget_exports
from services.store.links import opens_for
from services.store.session import Database
from services.vault import Vault

TICKET_BYTES = 32
LONGEST_TICKET = 64
PICTURE = "png"
EVERY = timedelta(minutes=10)
"""How often expired files are erased."""


@dataclass(frozen=True, kw_only=True, repr=False)
class File:
    """`form` is `xlsx`, `pdf` or `png`; `name` has no ending."""

    content: bytes
    form: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Handed:
    """A file as a card shows it; `preview_url` is a PNG. `sha256` in hex, of the file."""

    title: str
    number: str
    url: str
    preview_url: str
    expires_at: datetime
    sha256: str


class Exports:
    def __init__(
        self, *, database: Database, clock: Clock, vault: Vault, settings: Settings, secret: bytes
    ) -> None:
        self._database = database
        self._clock = clock
        self._vault = vault
        self._settings = settings
        self._secret = secret

    async def hand_out(self, table: Table, *, person_id: str, conversation_id: str) -> list[Handed]:
        """`table` as spreadsheet and as PDF. The caller has made sure that it is that person's to see."""
        made_at = self._clock.now()
        workbook = await asyncio.to_thread(write_workbook, table, made_at)
        pdf, picture = await asyncio.to_thread(_write_page, table, made_at)
        name = f"{table.title}-{made_at:%Y%m%d%H%M}"
        links = [
            await self._keep(content, form, name, person_id=person_id, conversation_id=conversation_id)
            for content, form in ((workbook, "xlsx"), (pdf, "pdf"), (picture, PICTURE))
        ]
        preview_url = links[-1]
        return [
            Handed(
                title=f"{table.title}（{form}）",
                number=f"{made_at:%Y%m%d%H%M}",
                url=url,
                preview_url=preview_url,
                expires_at=made_at + self._lifetime,
                sha256=hashlib.sha256(content).hexdigest(),
            )
            for content, form, url in ((workbook, "Excel", links[0]), (pdf, "PDF", links[1]))
        ]

    async def show_chart(
        self, title: str, bars: Sequence[Bar], *, note: str = "", person_id: str, conversation_id: str
    ) -> str:
        """The address of a picture of the bars."""
        picture = await asyncio.to_thread(draw_chart, title, bars, note)
        return await self._keep(picture, PICTURE, title, person_id=person_id, conversation_id=conversation_id)

    async def open_file(self, token: str, *, browser: str | None = None) -> File | None:
        """The file behind a link. None when it was guessed, altered, used up, too old or given to another
        browser: which, is not told. `browser`: the conversation whose cookie comes with the request.

        A download counts before the file is sent; a picture does not count.
        """
        if len(token) > LONGEST_TICKET:
            return None
        open_now = (
            ExportRow.ticket_hash == self._hash(token),
            ExportRow.expires_at > self._clock.now(),
            or_(ExportRow.form == PICTURE, ExportRow.downloads < self._settings.document_downloads),
            opens_for(ExportRow.conversation_id, browser),
        )
        async with self._database.read() as session:
            row = await session.scalar(select(ExportRow).where(*open_now))
        if row is None:
            return None
        try:
            content = await self._vault.decrypt(CONTENT_PURPOSE, row.ticket_hash, row.content)
        except CannotDecrypt:
            return None  # the person was erased
        if row.form != PICTURE and not await self._count(open_now):
            return None
        return File(content=content, form=row.form, name=row.name)

    async def purge(self) -> None:
        """Erase the files whose links have expired."""
        async with self._database.begin() as session:
            await forget_exports(session, before=self._clock.now())

    @property
    def _lifetime(self) -> timedelta:
        return timedelta(minutes=self._settings.document_minutes)

    async def _keep(
        self, content: bytes, form: str, name: str, *, person_id: str, conversation_id: str
    ) -> str:
        token, now = secrets.token_urlsafe(TICKET_BYTES), self._clock.now()
        ticket_hash = self._hash(token)
        sealed = await self._vault.encrypt(CONTENT_PURPOSE, ticket_hash, content, subject=person_id)
        async with self._database.begin() as session:
            session.add(
                ExportRow(
                    ticket_hash=ticket_hash,
                    person_id=person_id,
                    conversation_id=conversation_id,
                    form=form,
                    name=name,
                    made_at=now,
                    expires_at=now + self._lifetime,
                    downloads=0,
                    content=sealed,
                )
            )
        return f"{self._settings.base_url}/exports/{token}"

    async def _count(self, open_now: tuple[Any, ...]) -> bool:
        """Use one download up; False when another request has just taken the last."""
        async with self._database.begin() as session:
            done = await session.execute(
                update(ExportRow).where(*open_now).values(downloads=ExportRow.downloads + 1)
            )
        return cast("CursorResult[Any]", done).rowcount == 1

    def _hash(self, token: str) -> str:
        return index_of(self._secret, "export", token)


def _write_page(table: Table, made_at: datetime) -> tuple[bytes, bytes]:
    from services.exports.page import write_page  # noqa: PLC0415  its library: when the first page is wanted

    return write_page(table, made_at)
