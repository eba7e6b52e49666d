"""What a conversation has said: append-only events, one versioned row per conversation, answered messages.

A turn is one `write_turn`: the row moves from one version to the next (compare-and-swap), its new events
are appended, and the answers to the platform's message are kept for a repetition. The dialogue engine
reads `prefix` (the state before `base`, as events) and the events from `base` on; older events stay as
the record until they are erased.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import cast

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from services.domain.errors import Unavailable
from services.store.base import Base, UtcDateTime

BOT = "bot"
ANSWERS_PURPOSE = "inbox.answers"


class Conversation(Base):
    """`owner` is `bot` or an agent's id, `epoch` counts its changes (`reliability` I9).

    `capture` is the personal fact that the bot has just asked for. `next_seq` numbers the next event.
    """

    __tablename__ = "conversation"

    conversation_id: Mapped[str] = mapped_column(String(300), primary_key=True)
    channel: Mapped[str] = mapped_column(String(40))
    sender: Mapped[str] = mapped_column(String(255))
    version: Mapped[int] = mapped_column(Integer)
    next_seq: Mapped[int] = mapped_column(Integer)
    base: Mapped[int] = mapped_column(Integer, default=0)
    prefix: Mapped[str] = mapped_column(Text, default="[]")
    capture: Mapped[str | None] = mapped_column(String(40))
    owner: Mapped[str] = mapped_column(String(64), default=BOT)
    epoch: Mapped[int] = mapped_column(Integer, default=0)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_turn_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class Event(Base):
    """One event of the dialogue engine as JSON, with vault tokens in the place of personal data."""

    __tablename__ = "event"

    conversation_id: Mapped[str] = mapped_column(String(300), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    data: Mapped[str] = mapped_column(Text)


class InboxMessage(Base):
    """A platform's message that has been answered; `answers` is what `Vault.encrypt` made of them.

    `inbox_id` is `inbox_key` of the conversation and the platform's id, which may be long or odd.
    """

    __tablename__ = "inbox"

    inbox_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(String(300), index=True)
    answered_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    answers: Mapped[bytes] = mapped_column(
        LargeBinary, info={"purpose": ANSWERS_PURPOSE, "row": "inbox_id", "subject": None}
    )


class Arrival(Base):
    """A message that waits for its turn, or is in work, in a process of a PostgreSQL deployment.

    `process` is the advisory lock that the process holds while it lives.
    """

    __tablename__ = "arrival"

    ticket: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=True)
    conversation_id: Mapped[str] = mapped_column(String(300), index=True)
    process: Mapped[int] = mapped_column(Integer)


class VersionConflict(Unavailable):
    """Somebody else has written to this conversation since it was read; nothing was written."""

    code = "conversation_conflict"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a conversation stands; `version` 0 is one that was never written."""

    conversation_id: str
    version: int = 0
    next_seq: int = 0
    base: int = 0
    prefix: str = "[]"
    capture: str | None = None
    owner: str = BOT
    epoch: int = 0
    last_turn_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A message of the platform, and its encrypted answers."""

    inbox_id: str
    answers: bytes


@dataclass(frozen=True, kw_only=True)
class TurnRecord:
    """One turn to be written on top of `version`. `events` are numbered from `first_seq`."""

    conversation_id: str
    version: int
    first_seq: int
    events: Sequence[str]
    base: int
    prefix: str
    capture: str | None
    now: datetime
    answered: Answered | None = None


def find_standing(rows: Connection, conversation_id: str) -> Standing:
    """The row of the conversation, or version 0."""
    row = rows.execute(_FIND_STANDING, {"id": conversation_id}).one_or_none()
    if row is None:
        return Standing(conversation_id=conversation_id)
    return Standing(conversation_id=conversation_id, **row._mapping)


def find_standing_and_answers(
    rows: Connection, conversation_id: str, inbox_id: str | None, *, since: datetime
) -> tuple[Standing, bytes | None]:
    """What a turn begins with; the encrypted answers are those to a message that was answered after `since`."""
    answers: bytes | None = None
    if inbox_id:
        answers = rows.scalar(_FIND_ANSWERS, {"id": inbox_id, "since": since})
    return find_standing(rows, conversation_id), answers


def read_events(rows: Connection, conversation_id: str, base: int, end: int) -> list[str]:
    """The events `base` <= seq < `end`, in order; `LookupError` if one is missing."""
    found = rows.execute(_READ_EVENTS, {"id": conversation_id, "base": base, "end": end}).scalars().all()
    if len(found) != end - base:
        raise LookupError("events of this conversation are missing")
    return list(found)


def inbox_key(conversation_id: str, message_id: str) -> str:
    """The key of a platform's message: 64 hex digits, whatever the platform calls it."""
    return sha256(f"{conversation_id}\n{message_id}".encode(errors="backslashreplace")).hexdigest()


def write_turn(rows: Connection, record: TurnRecord) -> None:
    """Write the turn; `VersionConflict` if the conversation is not at `record.version` any more."""
    _move_version(rows, record)
    rows.execute(
        _ADD_EVENTS,
        [
            {
                "conversation_id": record.conversation_id,
                "seq": record.first_seq + index,
                "recorded_at": record.now,
                "data": data,
            }
            for index, data in enumerate(record.events)
        ],
    )
    if record.answered:
        _keep_answers(rows, record, record.answered)


async def forget_answers(session: AsyncSession, *, before: datetime) -> None:
    """Erase answers that no platform will ask for again."""
    await session.execute(delete(InboxMessage).where(InboxMessage.answered_at < before))


async def forget_events(session: AsyncSession, *, before: datetime) -> None:
    """Erase old events that the engine does not read any more (`reliability` 5.4)."""
    live = (
        select(Conversation.base)
        .where(Conversation.conversation_id == Event.conversation_id)
        .scalar_subquery()
    )
    await session.execute(
        delete(Event)
        .where(Event.recorded_at < before, Event.seq < live)
        .execution_options(synchronize_session=False)
    )


_CONVERSATIONS, _EVENTS, _ANSWERS = (
    cast(Table, row.__table__) for row in (Conversation, Event, InboxMessage)
)
_CONVERSATION, _EVENT, _INBOX = _CONVERSATIONS.c, _EVENTS.c, _ANSWERS.c

_FIND_STANDING = select(
    _CONVERSATION.version,
    _CONVERSATION.next_seq,
    _CONVERSATION.base,
    _CONVERSATION.prefix,
    _CONVERSATION.capture,
    _CONVERSATION.owner,
    _CONVERSATION.epoch,
    _CONVERSATION.last_turn_at,
).where(_CONVERSATION.conversation_id == bindparam("id"))

_FIND_ANSWERS = select(_INBOX.answers).where(
    _INBOX.inbox_id == bindparam("id"), _INBOX.answered_at >= bindparam("since")
)

_READ_EVENTS = (
    select(_EVENT.data)
    .where(
        _EVENT.conversation_id == bindparam("id"),
        _EVENT.seq >= bindparam("base"),
        _EVENT.seq < bindparam("end"),
    )
    .order_by(_EVENT.seq)
)

_MOVE = (
    update(_CONVERSATIONS)
    .where(_CONVERSATION.conversation_id == bindparam("id"), _CONVERSATION.version == bindparam("at"))
    .values(
        {
            name: bindparam(name)
            for name in ("version", "next_seq", "base", "prefix", "capture", "last_turn_at")
        }
    )
)
_BEGIN = insert(_CONVERSATIONS)
_ADD_EVENTS = insert(_EVENTS)
_FORGET_ANSWER = delete(_ANSWERS).where(_INBOX.inbox_id == bindparam("id"))
_ADD_ANSWERS = insert(_ANSWERS)


def _move_version(rows: Connection, record: TurnRecord) -> None:
    moved = {
        "version": record.version + 1,
        "next_seq": record.first_seq + len(record.events),
        "base": record.base,
        "prefix": record.prefix,
        "capture": record.capture,
        "last_turn_at": record.now,
    }
    if record.version:
        result = rows.execute(_MOVE, {"id": record.conversation_id, "at": record.version, **moved})
        if result.rowcount != 1:
            raise VersionConflict
        return
    channel, _, sender = record.conversation_id.partition(":")
    try:
        rows.execute(
            _BEGIN,
            {
                "conversation_id": record.conversation_id,
                "channel": channel,
                "sender": sender,
                "started_at": record.now,
                **moved,
            },
        )
    except IntegrityError as error:
        raise VersionConflict from error


def _keep_answers(rows: Connection, record: TurnRecord, answered: Answered) -> None:
    # One that is there already is older than a day, or it would have been answered from here.
    rows.execute(_FORGET_ANSWER, {"id": answered.inbox_id})
    rows.execute(
        _ADD_ANSWERS,
        {
            "inbox_id": answered.inbox_id,
            "conversation_id": record.conversation_id,
            "answered_at": record.now,
            "answers": answered.answers,
        },
    )
