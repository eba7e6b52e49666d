"""The web chat as the rest of the service sees it: attach it to the application, push messages to it."""

from datetime import timedelta
from typing import Any

from sanic import Request, Sanic

from bot.channels.base import Converse, Message
from bot.channels.web import page
from bot.channels.web.sessions import ABSOLUTE, IDLE, Sessions
from bot.channels.web.socket import RATE, SocketServer
from services.ports import Clock
from services.settings import Settings


class WebChannel:
    """`key` seals the session cookies: 32 secret bytes, the same in every process of the service."""

    name = "web"

    def __init__(
        self,
        *,
        converse: Converse,
        settings: Settings,
        clock: Clock,
        key: bytes,
        idle: timedelta = IDLE,
        absolute: timedelta = ABSOLUTE,
        rate: tuple[int, timedelta] = RATE,
    ) -> None:
        self._settings, self._clock = settings, clock
        self._sessions = Sessions(key=key, clock=clock, idle=idle, absolute=absolute)
        self._gate = page.Gate(settings=settings, sessions=self._sessions)
        self._risen: set[str] = set()
        self._socket = SocketServer(
            converse=converse,
            sessions=self._sessions,
            clock=clock,
            max_chars=settings.max_message_chars,
            stock_clients=settings.sandbox,
            may_connect=self._gate.may_connect,
            find_session=self._gate.find_session,
            rate=rate,
        )

    def attach(self, app: Sanic[Any, Any]) -> None:
        app.blueprint(
            page.blueprint(
                settings=self._settings,
                sessions=self._sessions,
                clock=self._clock,
                gate=self._gate,
                on_end=self._socket.end,
                must_renew=self._must_renew,
            )
        )
        self._socket.attach(app)

    def reachable(self, sender: str) -> bool:
        """Whether a page of this conversation is open in this process."""
        return self._socket.is_open(sender)

    async def push(self, sender: str, messages: list[Message]) -> bool:
        """Send `messages` to the open pages of this conversation; False when there is none."""
        return await self._socket.push(sender, messages)

    def conversation_of(self, request: Request) -> str | None:
        """The conversation of the browser that sends `request`, by its cookie."""
        session = self._gate.find_session(request)
        return f"{self.name}:{session.sender}" if session else None

    async def renew(self, sender: str) -> None:
        """The resident's level has risen: the page fetches a new cookie, the old one stops working."""
        self._risen.add(sender)
        await self._socket.ask_to_renew(sender)

    def _must_renew(self, sender: str) -> bool:
        if sender not in self._risen:
            return False
        self._risen.discard(sender)
        return True
