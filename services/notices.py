"""The outbox of the conversation: what has happened outside and is still to be told.

A turn takes the open notices of its conversation and tells them. They are settled when that turn is known to
be committed: the conversation's version has moved on, or the next turn names them in `told`. A turn that
failed leaves them open, and the next one tells them.
"""

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, and_, bindparam, event, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.domain.ids import new_id
from services.ports import Clock
from services.store.conversations import Conversation
from services.store.notices import NoticeRow
from services.store.session import Database

RETRY = timedelta(seconds=60)
"""A turn that took a notice and has not been committed after this long has failed."""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """`payment_request`, `payment_status`, `payment_booked` (fact `order_no`), `identity_progress`."""

    notice_id: str
    kind: str
    facts: Mapping[str, Any]


class Notices:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._news = asyncio.Event()

    async def announce(self, conversation_id: str, kind: str, **facts: Any) -> None:
        """Have the conversation told; it is pushed where the channel can."""
        async with self._database.begin() as session:
            await self.announce_in(session, conversation_id, kind, **facts)

    async def announce_in(
        self, session: AsyncSession, conversation_id: str, kind: str, *, telling: bool = False, **facts: Any
    ) -> None:
        """As `announce`, in the caller's transaction. The same that nobody has taken yet is not doubled.

        `telling`: a turn of this conversation is running and tells it; it is pushed only if that turn fails.
        """
        text = json.dumps(facts, sort_keys=True)
        same = select(NoticeRow.notice_id).where(
            NoticeRow.conversation_id == conversation_id,
            NoticeRow.settled_at.is_(None),
            NoticeRow.offered_at.is_(None),
            NoticeRow.kind == kind,
            NoticeRow.facts == text,
        )
        if (await session.scalar(same)) is not None:
            return
        row = NoticeRow(
            notice_id=new_id("n"),
            conversation_id=conversation_id,
            channel=conversation_id.partition(":")[0],
            kind=kind,
            facts=text,
            created_at=self._clock.now(),
            offers=0,
        )
        if telling:
            version = await _version(session, conversation_id)
            row.offers, row.offered_at, row.offered_version = 1, self._clock.now(), version
        session.add(row)
        event.listen(session.sync_session, "after_commit", lambda _session: self._news.set())

    async def take_back_in(
        self, session: AsyncSession, conversation_id: str, kind: str, **facts: Any
    ) -> None:
        """What has not been told yet need not be told any more; in the caller's transaction."""
        await session.execute(
            update(NoticeRow)
            .where(
                NoticeRow.conversation_id == conversation_id,
                NoticeRow.settled_at.is_(None),
                NoticeRow.kind == kind,
                NoticeRow.facts == json.dumps(facts, sort_keys=True),
            )
            .values(settled_at=self._clock.now())
        )

    async def take(self, conversation_id: str, told: Sequence[str] = ()) -> list[Notice]:
        """What is to be told in this turn, oldest first. `told` are ids that a committed turn has told."""
        if not await self._database.look(_has_open, conversation_id):
            return []
        open_rows = (
            select(NoticeRow)
            .where(NoticeRow.conversation_id == conversation_id, NoticeRow.settled_at.is_(None))
            .order_by(NoticeRow.created_at, NoticeRow.notice_id)
        )
        now, taken = self._clock.now(), []
        async with self._database.begin() as session:
            version = await _version(session, conversation_id)
            for row in await session.scalars(open_rows.with_for_update()):
                committed = row.offered_version is not None and row.offered_version < version
                if row.notice_id in told or committed:
                    row.settled_at = now
                    continue
                row.offers, row.offered_at, row.offered_version = row.offers + 1, now, version
                taken.append(Notice(notice_id=row.notice_id, kind=row.kind, facts=json.loads(row.facts)))
        return taken

    async def settle(self, notice_ids: Sequence[str]) -> None:
        """They are told."""
        async with self._database.begin() as session:
            await session.execute(
                update(NoticeRow)
                .where(NoticeRow.notice_id.in_(notice_ids))
                .values(settled_at=self._clock.now())
            )

    async def find_open(self, conversation_id: str) -> list[Notice]:
        """What `take` would give, without taking it."""
        async with self._database.read() as session:
            rows = await session.scalars(
                select(NoticeRow).where(
                    NoticeRow.conversation_id == conversation_id, NoticeRow.settled_at.is_(None)
                )
            )
            return [
                Notice(notice_id=row.notice_id, kind=row.kind, facts=json.loads(row.facts)) for row in rows
            ]

    async def waiting(self, channels: Collection[str]) -> list[str]:
        """Conversations of these channels that have to be told something and no turn is telling it."""
        failed = and_(
            NoticeRow.offered_at <= self._clock.now() - RETRY,
            or_(Conversation.version.is_(None), NoticeRow.offered_version >= Conversation.version),
        )
        wanted = (
            select(NoticeRow.conversation_id)
            .outerjoin(Conversation, Conversation.conversation_id == NoticeRow.conversation_id)
            .where(
                NoticeRow.settled_at.is_(None),
                NoticeRow.channel.in_(list(channels)),
                or_(NoticeRow.offered_at.is_(None), failed),
            )
            .distinct()
        )
        async with self._database.read() as session:
            return list((await session.scalars(wanted)).all())

    async def wait(self, seconds: float) -> None:
        """Until something is announced in this process, or `seconds` have gone."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
        self._news.clear()


_NOTICE = NoticeRow.__table__.c
_ANY_OPEN = (
    select(_NOTICE.notice_id)
    .where(_NOTICE.conversation_id == bindparam("id"), _NOTICE.settled_at.is_(None))
    .limit(1)
)


def _has_open(rows: Connection, conversation_id: str) -> bool:
    return rows.scalar(_ANY_OPEN, {"id": conversation_id}) is not None


async def _version(session: AsyncSession, conversation_id: str) -> int:
    found = select(Conversation.version).where(Conversation.conversation_id == conversation_id)
    return (await session.scalar(found)) or 0
