"""What happens to a message between a channel and its answer, in this order: wait, redact, answer, commit.

Every conversation has its messages one at a time, in order of arrival. A turn is written in one
transaction (events, the conversation's row, the answers for a repeated message) before anybody gets to
see an answer, and it ends also when the one who asked has gone.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

import asyncpg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.asked import Asked, Redacts
from bot.channels.base import Message, UserMessage
from bot.engine.agent import Engine, Outcome
from bot.lines import Lines, Place
from services.crashpoints import crashpoint
from services.domain.errors import Unavailable
from services.ports import Clock
from services.store.arrivals import Arrivals, TicketLost
from services.store.conversations import (
    ANSWERS_PURPOSE,
    Answered,
    find_standing_and_answers,
    inbox_key,
    write_turn,
)
from services.store.session import Database

log = structlog.get_logger("turns")

LONGEST_LINE = 20
REPEATS_FOR = timedelta(hours=24)
STORE_ERRORS = (
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    OSError,
    TicketLost,
    LookupError,
)


class StoreFailed(Unavailable):
    """The turn could not be read or written: nothing of it is stored, nothing may be answered."""

    code = "store_failed"
    store_failed = True


class Encrypts(Protocol):
    async def encrypt(self, purpose: str, row_id: str, value: bytes) -> bytes: ...
    async def decrypt(self, purpose: str, row_id: str, value: bytes) -> bytes: ...


class Turns:
    """Implements `bot.channels.base.Converse`.

    Raises `ConversationBusy`, `StoreFailed`, `VersionConflict` (both `Unavailable`), an `EngineError`, or what
    an action raised. Of a turn that raised nothing is stored.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        database: Database,
        redactor: Redacts,
        vault: Encrypts,
        clock: Clock,
        longest_line: int = LONGEST_LINE,
    ) -> None:
        self._engine = engine
        self._asked = Asked(engine, redactor)
        self._database = database
        self._vault = vault
        self._clock = clock
        self._lines = Lines(longest_line)
        self._arrivals = None if database.is_sqlite else Arrivals(database.url)
        self._running: set[asyncio.Task[list[Message]]] = set()

    async def __call__(self, message: UserMessage) -> list[Message]:
        """The answers to `message`, after the turn is committed."""
        place = self._lines.enter(message.conversation_id)
        turn = asyncio.create_task(self._wait_and_serve(message, place))
        self._running.add(turn)
        turn.add_done_callback(self._ended)
        return await asyncio.shield(turn)

    async def close(self) -> None:
        """Wait for the turns that are running, whoever asked for them."""
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._arrivals is not None:
            await self._arrivals.close()

    def _ended(self, turn: "asyncio.Task[list[Message]]") -> None:
        self._running.discard(turn)
        if not turn.cancelled() and turn.exception() is not None:
            log.warning("turn_failed", error=type(turn.exception()).__name__)

    async def _wait_and_serve(self, message: UserMessage, place: Place) -> list[Message]:
        try:
            if self._arrivals is None:
                await place.reached()
                return await self._serve(message)
            return await self._serve_by_ticket(message, place, self._arrivals)
        finally:
            self._lines.leave(message.conversation_id, place)

    async def _serve_by_ticket(self, message: UserMessage, place: Place, arrivals: Arrivals) -> list[Message]:
        with _store_errors():
            ticket = await arrivals.take(message.conversation_id)
        try:
            await place.reached()
            with _store_errors():
                await arrivals.reach(message.conversation_id, ticket)
            return await self._serve(message)
        finally:
            try:
                await arrivals.give_back(ticket)
            except STORE_ERRORS as error:  # the turn has ended; a lost connection makes its tickets void
                log.error("ticket_not_returned", error=type(error).__name__)

    async def _serve(self, message: UserMessage) -> list[Message]:
        """One turn, the only one of its conversation now."""
        conversation_id, now = message.conversation_id, self._clock.now()
        inbox_id = inbox_key(conversation_id, message.message_id) if message.message_id else None
        with _store_errors():
            standing, given = await self._database.look(
                find_standing_and_answers, conversation_id, inbox_id, since=now - REPEATS_FOR
            )
        if inbox_id and given is not None:
            known: list[Message] = json.loads(await self._vault.decrypt(ANSWERS_PURPOSE, inbox_id, given))
            return known
        text = await self._asked.redact(conversation_id, _clean(message.text), standing.capture)
        outcome = await self._engine.run(standing, text, now=now, metadata=message.metadata)
        await self._commit(outcome, inbox_id)
        return outcome.messages

    async def _commit(self, outcome: Outcome, inbox_id: str | None) -> None:
        record = outcome.record
        if inbox_id:
            answers = json.dumps(outcome.messages, ensure_ascii=False).encode()
            sealed = await self._vault.encrypt(ANSWERS_PURPOSE, inbox_id, answers)
            record = replace(record, answered=Answered(inbox_id=inbox_id, answers=sealed))
        crashpoint("turn.before_commit")
        with _store_errors():
            await self._database.change(write_turn, record)
        crashpoint("turn.after_commit")
        self._engine.keep(outcome)


def _clean(text: str) -> str:
    """Without what no store takes; channels refuse it politely, here it must only do no harm."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except STORE_ERRORS as error:
        raise StoreFailed from error
