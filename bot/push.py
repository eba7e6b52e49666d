"""Lets conversations go on by themselves: who has news and can be reached gets a turn, and its answers."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.channels.base import Converse, Message, UserMessage
from services.notices import Notices

log = structlog.get_logger("push")

POKE = '/resume_bot{"poke": true}'
LOOK_SECONDS = 1.0
MOST = 8
REST_SECONDS = 30.0
"""A conversation whose turn failed is left alone for so long."""


class Pushable(Protocol):
    """A channel that can send to a resident who is not waiting for an answer."""

    name: str

    def reachable(self, sender: str) -> bool: ...
    async def push(self, sender: str, messages: list[Message]) -> bool | None: ...


async def run(notices: Notices, turns: Converse, channels: Sequence[Pushable], stop: asyncio.Event) -> None:
    """Until `stop`."""
    pusher = _Pusher(notices, turns, channels)
    while not stop.is_set():
        try:
            await pusher.look()
        except (SQLAlchemyError, OSError) as error:
            log.error("push_store_failed", error=type(error).__name__)
        await _until_news(notices, stop)
    await pusher.finish()


class _Pusher:
    def __init__(self, notices: Notices, turns: Converse, channels: Sequence[Pushable]) -> None:
        self._notices = notices
        self._turns = turns
        self._channels = {channel.name: channel for channel in channels}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._resting: dict[str, float] = {}

    async def look(self) -> None:
        """Begin a turn for every conversation that waits, can be reached, and has none running."""
        now = asyncio.get_running_loop().time()
        self._resting = {key: until for key, until in self._resting.items() if until > now}
        for conversation_id in await self._notices.waiting(self._channels):
            name, _, sender = conversation_id.partition(":")
            busy = conversation_id in self._running or conversation_id in self._resting
            if busy or len(self._running) >= MOST or not self._channels[name].reachable(sender):
                continue
            task = asyncio.create_task(self._tell(conversation_id, self._channels[name], sender))
            self._running[conversation_id] = task

    async def finish(self) -> None:
        await asyncio.gather(*self._running.values())

    async def _tell(self, conversation_id: str, channel: Pushable, sender: str) -> None:
        try:
            await self._turn(conversation_id, channel, sender)
        except Exception as error:  # the notices stay open; the conversation must not stop the others
            log.warning("push_failed", channel=channel.name, error=type(error).__name__)
            self._resting[conversation_id] = asyncio.get_running_loop().time() + REST_SECONDS
        finally:
            self._running.pop(conversation_id, None)

    async def _turn(self, conversation_id: str, channel: Pushable, sender: str) -> None:
        news = await self._notices.find_open(conversation_id)
        replies = await self._turns(UserMessage(channel=channel.name, sender=sender, text=POKE))
        if replies and await channel.push(sender, replies) is False:
            # Nobody is there any more. The turn is committed, so what it told has to be told anew.
            for notice in news:
                await self._notices.announce(conversation_id, notice.kind, **notice.facts)
        await self._notices.settle([notice.notice_id for notice in news])


async def _until_news(notices: Notices, stop: asyncio.Event) -> None:
    waits = [asyncio.create_task(notices.wait(LOOK_SECONDS)), asyncio.create_task(_stopped(stop))]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)


async def _stopped(stop: asyncio.Event) -> None:
    await stop.wait()
