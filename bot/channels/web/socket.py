"""Rasa's socket.io protocol on our terms: a message is answered after its turn is committed, in order, once.

Events in: `session_request`, `user_uttered`. Events out: `session_confirm`, `bot_uttered`, and for our page
`resume`, `user_echoed`, `message_state`, `typing`, `session_renew`, `session_ended`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from sanic import Request, Sanic
from socketio import AsyncServer
from socketio.exceptions import ConnectionRefusedError as Refusal

from actions.say import known, say
from bot.channels.base import Converse, Message, UserMessage
from bot.channels.web import sentences, wire
from bot.channels.web.room import Room
from bot.channels.web.sessions import Sessions, WebSession, sender_of
from bot.channels.web.transcript import State
from services.domain.errors import ServiceError
from services.domain.ids import new_id
from services.ports import Clock

RATE = (20, timedelta(seconds=10))
MAX_PACKET = 400_000
MAX_ROOMS = 20_000
ROOM_LIFE = timedelta(minutes=30)
SWEEP = timedelta(minutes=1)

log = structlog.get_logger("web")


@dataclass(frozen=True, kw_only=True)
class Member:
    """An open socket and the rooms it is in.

    Without `sender` it is a stock client, which names its session itself (sandbox only).
    """

    sender: str | None
    rooms: set[str] = field(default_factory=set)


class SocketServer:
    """`find_session` reads the cookie of a request; `may_connect` judges its Origin."""

    def __init__(
        self,
        *,
        converse: Converse,
        sessions: Sessions,
        clock: Clock,
        max_chars: int,
        stock_clients: bool,
        may_connect: Callable[[str | None, Request], bool],
        find_session: Callable[[Request], WebSession | None],
        rate: tuple[int, timedelta] = RATE,
    ) -> None:
        self._converse, self._sessions, self._clock = converse, sessions, clock
        self._max_chars, self._stock_clients, self._rate = max_chars, stock_clients, rate
        self._may_connect, self._find_session = may_connect, find_session
        self._rooms: dict[str, Room] = {}
        self._members: dict[str, Member] = {}
        self._swept = clock.now()
        self._server: AsyncServer | None = None

    def attach(self, app: Sanic[Any, Any]) -> None:
        server = AsyncServer(
            async_mode="sanic",
            cors_allowed_origins=lambda origin, environ: self._may_connect(origin, environ["sanic.request"]),
            cors_credentials=False,
            max_http_buffer_size=MAX_PACKET,
        )
        server.on("connect", self._connect)
        server.on("disconnect", self._disconnect)
        server.on("session_request", self._session_request)
        server.on("user_uttered", self._user_uttered)
        server.attach(app, "socket.io")
        self._server = server
        app.before_server_stop(self._stop)

    def is_open(self, sender: str) -> bool:
        room = self._rooms.get(sender)
        return room is not None and bool(room.sockets)

    async def push(self, sender: str, messages: list[Message]) -> bool:
        """Send without being asked; False when no page of this conversation is open."""
        if not self.is_open(sender):
            return False
        room = self._room(sender)
        for message in messages:
            room.answer(message, answer_id=new_id(), reply_to=None)
        await room.flush()
        return True

    async def ask_to_renew(self, sender: str) -> None:
        await self._emit("session_renew", {}, sender)

    async def end(self, sender: str) -> None:
        """The session is over: forget what was said and close its pages."""
        room = self._rooms.pop(sender, None)
        for sid in list(room.sockets) if room else []:
            await self._emit("session_ended", {}, sid)
            await self._open_server.disconnect(sid)

    # --- events ---------------------------------------------------------------------------------

    async def _connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        request: Request = environ["sanic.request"]
        ticket = auth.get("ticket") if isinstance(auth, dict) else None
        if ticket is not None:
            session = self._find_session(request)
            if session is None or not request.headers.get("origin"):
                raise Refusal("session_ended")
            if not self._sessions.admits(session, ticket):
                raise Refusal("session_ended")
            self._sessions.open(session)
            self._members[sid] = Member(sender=session.sender)
            return
        if not self._stock_clients:
            raise Refusal("session_needed")
        self._members[sid] = Member(sender=None)

    async def _disconnect(self, sid: str, _reason: Any = None) -> None:
        member = self._members.pop(sid, None)
        for sender in member.rooms if member else ():
            if sender in self._rooms:
                self._rooms[sender].sockets.discard(sid)

    async def _session_request(self, sid: str, data: Any = None) -> None:
        member = self._members.get(sid)
        if member is None:
            return
        if member.sender is None:
            session_id = wire.read_session_id(data) or new_id()
            await self._stock_room(sid, session_id)
            await self._emit("session_confirm", session_id, sid)
            return
        room = self._room(member.sender)
        await self._enter(sid, room)
        await self._emit("session_confirm", room.sender, sid)
        await room.resume(sid, data)

    async def _user_uttered(self, sid: str, data: Any = None) -> dict[str, str]:
        """Answers the client's acknowledgement: `state` done, failed, refused or ended."""
        said, member = wire.read_utterance(data), self._members.get(sid)
        if said is None or member is None:
            return {"state": "refused"}
        if member.sender is None:
            room = await self._stock_room(sid, said.session_id or sid)
        elif self._sessions.act(member.sender):
            room = self._room(member.sender)
        else:
            await self.end(member.sender)
            return {"state": "ended"}
        return {"state": await self._once(room, said)}

    # --- turns ----------------------------------------------------------------------------------

    async def _once(self, room: Room, said: wire.Utterance) -> State:
        """One turn per message id, however often and over however many sockets it arrives."""
        message_id = said.message_id or new_id()
        text = said.text or room.unheard.get(message_id, "")
        turn = room.turns.get(message_id)
        if turn is None or _failed(turn):
            turn = asyncio.create_task(self._turn(room, message_id, text))
            room.remember(message_id, turn)
        return await asyncio.shield(turn)

    async def _turn(self, room: Room, message_id: str, text: str) -> State:
        sentence = self._unusable(room, text)
        if sentence is None:
            message = UserMessage(channel="web", sender=room.sender, text=text, message_id=message_id)
            work = asyncio.ensure_future(self._converse(message))
        room.take(message_id, text.encode("utf-8", "replace").decode())
        await room.flush()
        if sentence is not None:
            room.answer({"text": sentence}, answer_id=f"{message_id}.0", reply_to=message_id)
            return await self._finish(room, message_id, "done", text)
        await room.typing(True)
        state: State = "done"
        try:
            for number, answer in enumerate(await work):
                room.answer(answer, answer_id=f"{message_id}.{number}", reply_to=message_id)
        except Exception as error:
            log.error("turn_failed", channel="web", error=type(error).__name__)
            state = "failed"
            failure = _failure(error)
            if failure["custom"]["retryable"]:
                failure["resend"] = message_id
            room.answer(failure, answer_id=f"{message_id}.failed.{new_id()}", reply_to=message_id)
        await room.typing(False)
        return await self._finish(room, message_id, state, text)

    async def _finish(self, room: Room, message_id: str, state: State, text: str) -> State:
        await room.settle(message_id, state, text)
        await room.flush()
        return state

    def _unusable(self, room: Room, text: str) -> str | None:
        if room.too_fast(*self._rate):
            return sentences.TOO_FAST
        if not text.strip():
            return sentences.EMPTY
        if not wire.readable(text):
            return sentences.UNREADABLE
        return sentences.TOO_LONG if len(text) > self._max_chars else None

    # --- rooms ----------------------------------------------------------------------------------

    async def _stock_room(self, sid: str, session_id: str) -> Room:
        room = self._room(sender_of("stock", session_id))
        if sid not in room.sockets:
            room.sockets.add(sid)
            await self._enter(sid, room)
        return room

    async def _enter(self, sid: str, room: Room) -> None:
        self._members[sid].rooms.add(room.sender)
        await self._open_server.enter_room(sid, room.sender)

    def _room(self, sender: str) -> Room:
        room = self._rooms.get(sender)
        if room is None:
            self._drop_unused()
            room = self._rooms[sender] = Room(sender, emit=self._emit, clock=self._clock)
        return room

    def _drop_unused(self) -> None:
        """Forget what was said where nobody is any more."""
        now = self._clock.now()
        if abs(now - self._swept) < SWEEP and len(self._rooms) < MAX_ROOMS:
            return
        self._swept = now
        for room in [room for room in self._rooms.values() if not room.sockets]:
            if abs(now - room.used) > ROOM_LIFE or len(self._rooms) >= MAX_ROOMS:
                del self._rooms[room.sender]

    async def _emit(self, event: str, data: Any, to: str) -> None:
        await self._open_server.emit(event, data, to=to)

    @property
    def _open_server(self) -> AsyncServer:
        if self._server is None:
            raise RuntimeError("attach() comes first")
        return self._server

    async def _stop(self, _app: Sanic[Any, Any]) -> None:
        for sid in list(self._members):
            await self._open_server.disconnect(sid)
        await self._open_server.shutdown()


def _failed(turn: asyncio.Task[State]) -> bool:
    return turn.done() and (turn.exception() is not None or turn.result() == "failed")


def _failure(error: Exception) -> Message:
    """The `error` card of a turn that failed."""
    code, retryable = "internal", True
    if isinstance(error, ServiceError):
        code, retryable = error.code, error.retryable
    elif getattr(error, "store_failed", False):
        code = "unavailable"
    text = sentences.FAILED if retryable else sentences.FAILED_FOR_GOOD
    if not retryable and known(f"error.{code}") and isinstance(error, ServiceError):
        text = say(f"error.{code}", **error.facts)
    return {"text": text, "custom": {"kind": "error", "code": code, "retryable": retryable}}
