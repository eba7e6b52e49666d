"""One web conversation as its open pages see it: ordered, numbered, at most one copy of each thing."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from bot.channels.base import Message
from bot.channels.web import wire
from bot.channels.web.transcript import KEEP, State, Transcript, shown
from services.ports import Clock

Emit = Callable[[str, Any, str], Awaitable[None]]
"""`emit(event, data, to)`: to one socket or to everybody in a room."""

REMEMBERED_TURNS = 200


class Room:
    def __init__(self, sender: str, *, emit: Emit, clock: Clock, keep: int = KEEP) -> None:
        self.sender = sender
        self.sockets: set[str] = set()
        self.turns: OrderedDict[str, asyncio.Task[State]] = OrderedDict()
        self.transcript = Transcript(keep)
        self.used = clock.now()
        self.unheard: dict[str, str] = {}
        self._emit, self._clock = emit, clock
        self._sent = 0
        self._sending = asyncio.Lock()
        self._recent: deque[datetime] = deque()

    async def resume(self, sid: str, request: Any) -> None:
        """Give one page everything after its cursor; from here on it gets what the room gets."""
        async with self._sending:
            entries = self.transcript.after(wire.read_cursor(request, self.transcript.epoch))
            await self._emit(
                "resume",
                {
                    "epoch": self.transcript.epoch,
                    "cursor": self.transcript.cursor,
                    "entries": [{"event": entry.event, "data": entry.data} for entry in entries],
                    "states": self.transcript.states(),
                    "now": self._now(),
                },
                sid,
            )
            self.sockets.add(sid)

    def take(self, message_id: str, text: str) -> None:
        """Put what the resident said into the transcript; once, also when it is sent again."""
        self.transcript.forget_failure(message_id)
        if not self.transcript.knows(message_id):
            title = self.transcript.title_of(text)
            echo = {"id": message_id, "text": title or shown(text), "at": self._now()}
            self.transcript.add("user_uttered", echo)
        self.transcript.mark(message_id, "pending")

    def answer(self, message: Message, *, answer_id: str, reply_to: str | None) -> None:
        data = {**wire.outgoing(message), "id": answer_id, "at": self._now()}
        self.transcript.add("bot_uttered", data if reply_to is None else {**data, "reply_to": reply_to})

    async def settle(self, message_id: str, state: State, text: str) -> None:
        """The turn is over. What failed is kept in memory: a reloaded page can have it tried again."""
        self.transcript.mark(message_id, state)
        self.unheard.pop(message_id, None)
        if state == "failed":
            self.unheard[message_id] = text
        await self._emit("message_state", {"id": message_id, "state": state}, self.sender)

    async def typing(self, on: bool) -> None:
        await self._emit("typing", {"on": on}, self.sender)

    async def flush(self) -> None:
        """Send what is new, in order, to every open page."""
        async with self._sending:
            for entry in self.transcript.after(self._sent):
                name = "user_echoed" if entry.event == "user_uttered" else entry.event
                await self._emit(name, entry.data, self.sender)
                self._sent = entry.seq

    def too_fast(self, most: int, window: timedelta) -> bool:
        now = self._clock.now()
        self.used = now
        while self._recent and not timedelta() <= now - self._recent[0] < window:
            self._recent.popleft()
        self._recent.append(now)
        return len(self._recent) > most

    def remember(self, message_id: str, turn: asyncio.Task[State]) -> None:
        self.turns[message_id] = turn
        while len(self.turns) > REMEMBERED_TURNS:
            self.turns.popitem(last=False)

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="milliseconds")
