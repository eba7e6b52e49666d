"""Promised answers: durable from the moment a platform is told `success` until the resident has them."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy import delete

from bot.channels.base import UserMessage
from services.bootstrap import Services
from services.domain.ids import new_id
from services.durable import Lease
from services.store.promises import MESSAGE_PURPOSE, PromisedAnswer

ANSWER = "answer_late"
LANE = "answers"
PATIENCE = timedelta(seconds=30)
"""The process that promised answers by itself; a worker looks after it only then."""


class Promises:
    """Implements what a channel needs to put an answer off (`bot.channels.wechat.channel.Promises`)."""

    def __init__(self, services: Services) -> None:
        self._database, self._vault = services.database, services.vault
        self._clock, self._durable = services.clock, services.durable
        self._channels: dict[str, Callable[[UserMessage], Awaitable[None]]] = {}
        self._durable.register(ANSWER, self._keep, lane=LANE, longest_wait=60)

    def kept_by(self, channel: str, answer_late: Callable[[UserMessage], Awaitable[None]]) -> None:
        """Who answers a message of `channel` when the process that promised it has died."""
        self._channels[channel] = answer_late

    async def promise(self, message: UserMessage) -> str:
        """Commit that `message` will be answered; only then may the platform be told so."""
        promise_id = new_id("a")
        record = await self._vault.encrypt(MESSAGE_PURPOSE, promise_id, message.text.encode())
        now = self._clock.now()
        async with self._database.begin() as session:
            session.add(
                PromisedAnswer(
                    promise_id=promise_id,
                    channel=message.channel,
                    sender=message.sender,
                    message_id=message.message_id or promise_id,
                    message=record,
                    promised_at=now,
                )
            )
            await self._durable.enqueue(session, ANSWER, promise_id, at=now + PATIENCE)
        return promise_id

    async def settle(self, promise_id: str) -> None:
        async with self._database.begin() as session:
            await session.execute(delete(PromisedAnswer).where(PromisedAnswer.promise_id == promise_id))

    async def _keep(self, lease: Lease) -> datetime | None:
        """The same message id again: a turn that was committed is not done twice, its answers are sent."""
        async with self._database.read() as session:
            row = await session.get(PromisedAnswer, lease.subject)
        if row is None:
            return None
        if row.channel not in self._channels:
            return self._clock.now() + PATIENCE  # a worker without channels leaves it to a process with them
        text = (await self._vault.decrypt(MESSAGE_PURPOSE, row.promise_id, row.message)).decode()
        await self._channels[row.channel](
            UserMessage(channel=row.channel, sender=row.sender, text=text, message_id=row.message_id)
        )
        await self.settle(row.promise_id)
        return None
