"""Answers that are owed: the platform has our acknowledgement, the resident will get the answer.

A promise is a row and a job of `services/durable.py`, committed together. The process that made it holds the
job's lease and keeps it at once; when that process dies, another one takes the job over.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from actions.say import say
from bot.channels.base import UserMessage
from services.bootstrap import Services
from services.crashpoints import crashpoint
from services.domain.errors import Refused
from services.durable import Lease
from services.store.promises import MESSAGE_PURPOSE, PromisedAnswer

log = structlog.get_logger("promises")

ANSWER = "answer_late"
LANE = "answers"
LONGEST_WAIT = 60
TRIES = 5
"""After so many failed turns the resident is told that it did not work (`reliability` M13)."""
TURNS_KNOWN = timedelta(hours=23)
"""A turn is not done twice within 24 h; what has no answer by then must not be tried again."""
LOOK_AGAIN = timedelta(hours=12)
KEPT = timedelta(days=3)
"""An answer that the platform refuses to take waits for the resident's next message so long."""
NOT_NOW = {"window", "quota"}


@dataclass(frozen=True, kw_only=True)
class Owed:
    """An answer that is owed. `answers` are known once the turn is done; then it is never done again."""

    message: UserMessage
    answers: list[str] | None
    remember: Callable[[list[str]], Awaitable[None]]


Keeper = Callable[[Owed], Awaitable[None]]


class Promises:
    """One per process. `promise`, then `keep` with the lease that it gave."""

    def __init__(self, services: Services) -> None:
        self._database, self._vault = services.database, services.vault
        self._clock, self._durable = services.clock, services.durable
        self._keepers: dict[str, Keeper] = {}
        self._durable.register(ANSWER, self._work, lane=LANE, longest_wait=LONGEST_WAIT)

    def kept_by(self, channel: str, keeper: Keeper) -> None:
        """Who answers what is owed on `channel`, and raises `Refused("window" | "quota")` when he may not."""
        self._keepers[channel] = keeper

    async def promise(self, message: UserMessage) -> Lease | None:
        """Commit that `message` will be answered; only then may the platform be told so. None: it was before."""
        promise_id = _id(message)
        record = await self._seal(promise_id, text=message.text)
        row = PromisedAnswer(
            promise_id=promise_id,
            channel=message.channel,
            sender=message.sender,
            message_id=message.message_id or "",
            message=record,
            promised_at=self._clock.now(),
        )
        try:
            async with self._database.begin() as session:
                session.add(row)
                lease = await self._durable.enqueue_leased(session, ANSWER, promise_id)
        except IntegrityError:
            return None
        crashpoint("promise.after_commit")
        return lease

    async def keep(self, lease: Lease) -> None:
        """Answer now; what fails is tried again by the durable work."""
        await self._durable.run_quietly(lease)

    async def wake(self, channel: str, sender: str) -> None:
        """The resident has written: what the platform refused to take may be sent now."""
        waiting = select(PromisedAnswer.promise_id).where(
            PromisedAnswer.channel == channel, PromisedAnswer.sender == sender
        )
        async with self._database.read() as session:
            found = (await session.scalars(waiting)).all()
        if not found:
            return
        async with self._database.begin() as session:
            for promise_id in found:
                await self._durable.enqueue(session, ANSWER, promise_id, at=self._clock.now())

    async def _work(self, lease: Lease) -> datetime | None:
        async with self._database.read() as session:
            row = await session.get(PromisedAnswer, lease.subject)
        if row is None:
            return None
        now = self._clock.now()
        owed = await self._open(row, lease)
        if owed.answers is None and (lease.failures >= TRIES or row.promised_at < now - TURNS_KNOWN):
            log.error("promised_turn_given_up", channel=row.channel, failures=lease.failures)
            owed = replace(owed, answers=[say("error.internal")])
        try:
            await self._keepers[row.channel](owed)
        except Refused as error:
            if error.code not in NOT_NOW:
                raise
            if row.promised_at > now - KEPT:
                return now + LOOK_AGAIN
            log.warning("promised_answer_expired", channel=row.channel, code=error.code)
        crashpoint("promise.before_settle")
        async with self._database.begin() as session:
            await session.execute(delete(PromisedAnswer).where(PromisedAnswer.promise_id == row.promise_id))
        return None

    async def _open(self, row: PromisedAnswer, lease: Lease) -> Owed:
        known = json.loads(await self._vault.decrypt(MESSAGE_PURPOSE, row.promise_id, row.message))

        async def remember(answers: list[str]) -> None:
            record = await self._seal(row.promise_id, answers=answers)
            async with self._database.begin() as session:
                await lease.check(session)
                await session.execute(
                    update(PromisedAnswer)
                    .where(PromisedAnswer.promise_id == row.promise_id)
                    .values(message=record)
                )
            crashpoint("promise.after_turn")

        message = UserMessage(
            channel=row.channel, sender=row.sender, text=known.get("text", ""), message_id=row.message_id
        )
        return Owed(message=message, answers=known.get("answers"), remember=remember)

    async def _seal(self, promise_id: str, **content: str | list[str]) -> bytes:
        text = json.dumps(content, ensure_ascii=False)
        return await self._vault.encrypt(MESSAGE_PURPOSE, promise_id, text.encode())


def _id(message: UserMessage) -> str:
    """The same for each copy of a message, so that it is promised once."""
    whole = f"{message.conversation_id}\n{message.message_id}"
    return "a" + sha256(whole.encode(errors="backslashreplace")).hexdigest()[:31]
