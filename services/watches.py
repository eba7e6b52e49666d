"""Tell me when it is there: a wish that is kept, looked at when its time has come, and told once.

Each kind of wish belongs to the capability that knows how to look: it makes a `Watches` of its own, and gets a job
of `services/durable.py` by the name of the kind.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

import structlog
from sqlalchemy import select, update

from services.domain.ids import new_id
from services.durable import Durable, Lease
from services.notices import Notices
from services.ports import Clock
from services.store.session import Database
from services.store.watches import WatchRow

log = structlog.get_logger("watches")


class Seen(Enum):
    """What a look has found: it is there, not yet, or it will never be worth telling."""

    THERE = "there"
    NOT_YET = "not_yet"
    NEVER = "never"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """`facts` say what is awaited, and are the facts of the notice: JSON without personal data. The conversation is
    told as long as it speaks for `reader_id`."""

    conversation_id: str
    reader_id: str
    facts: Mapping[str, Any]


class Watches:
    """Wishes of one `kind`, which is also the kind of their notice.

    `look(wish)` asks the outside; `again(now)` is when to look next; `conversations(person_id)` are those that speak
    for the person now.
    """

    def __init__(
        self,
        kind: str,
        *,
        database: Database,
        clock: Clock,
        durable: Durable,
        notices: Notices,
        conversations: Callable[[str], Awaitable[Sequence[str]]],
        look: Callable[[Wish], Awaitable[Seen]],
        again: Callable[[datetime], datetime],
    ) -> None:
        self._kind = kind
        self._database = database
        self._clock = clock
        self._durable = durable
        self._notices = notices
        self._conversations = conversations
        self._look_outside = look
        self._again = again
        durable.register(kind, self._look, lane="bureau")

    async def wish(self, wish: Wish, *, first: datetime, until: datetime) -> bool:
        """Look from `first` on, and give up after `until`. False: wished before, and told once all the same."""
        text = json.dumps(wish.facts, sort_keys=True)
        async with self._database.begin() as session:
            same = select(WatchRow.watch_id).where(
                WatchRow.conversation_id == wish.conversation_id,
                WatchRow.reader_id == wish.reader_id,
                WatchRow.kind == self._kind,
                WatchRow.facts == text,
                WatchRow.ended_at.is_(None),
            )
            if (await session.scalar(same)) is not None:
                return False
            row = WatchRow(
                watch_id=new_id("w"), conversation_id=wish.conversation_id, reader_id=wish.reader_id,
                kind=self._kind, facts=text, made_at=self._clock.now(), until=until, ended_at=None,
            )  # fmt: skip
            session.add(row)
            await self._durable.enqueue(session, self._kind, row.watch_id, at=first)
        log.info("watch_began", kind=self._kind)
        return True

    async def drop(self, wish: Wish) -> None:
        """It was had meanwhile: the wish ends, and what was to be told of it is not told any more."""
        text = json.dumps(wish.facts, sort_keys=True)
        async with self._database.begin() as session:
            await session.execute(
                update(WatchRow)
                .where(
                    WatchRow.conversation_id == wish.conversation_id,
                    WatchRow.kind == self._kind,
                    WatchRow.facts == text,
                    WatchRow.ended_at.is_(None),
                )
                .values(ended_at=self._clock.now())
            )
            await self._notices.take_back_in(session, wish.conversation_id, self._kind, **wish.facts)

    async def _look(self, lease: Lease) -> datetime | None:
        """The job: is it there? Who was unbound meanwhile is told nothing."""
        async with self._database.read() as session:
            row = await session.get(WatchRow, lease.subject)
        now = self._clock.now()
        if row is None or row.ended_at is not None:
            return None
        wish = Wish(conversation_id=row.conversation_id, reader_id=row.reader_id, facts=json.loads(row.facts))
        speaks = wish.conversation_id in await self._conversations(wish.reader_id)
        seen = await self._look_outside(wish) if speaks else Seen.NEVER
        if seen is Seen.NOT_YET and now < row.until:
            return self._again(now)
        async with self._database.begin() as session:
            await lease.check(session)
            held = await session.get_one(WatchRow, lease.subject, with_for_update=True)
            told = seen is Seen.THERE and held.ended_at is None  # given up while we looked: nothing is told
            held.ended_at = held.ended_at or now
            if told:
                await self._notices.announce_in(session, row.conversation_id, self._kind, **wish.facts)
        log.info("watch_ended", kind=self._kind, told=told)
        return None


async def give_up(database: Database, clock: Clock, conversation_id: str) -> int:
    """End whatever this conversation waits for, of every kind; how many wishes there were."""
    async with database.begin() as session:
        ended = await session.execute(
            update(WatchRow)
            .where(WatchRow.conversation_id == conversation_id, WatchRow.ended_at.is_(None))
            .values(ended_at=clock.now())
        )
        return int(ended.rowcount)  # type: ignore[attr-defined]
