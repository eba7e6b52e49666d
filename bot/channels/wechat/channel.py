"""The webhook of the WeChat service account: the same conversation as everywhere, answered once.

An answer that is ready in time goes back in the response. Otherwise the delivery is acknowledged, after a
promise has been committed that survives a crash, and the answer is sent by the customer-service API.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog
from sanic import Blueprint, Request, Sanic
from sanic.response import HTTPResponse, raw, text

from actions.say import say
from bot.channels.base import Converse, Message, UserMessage
from bot.channels.wechat.wire import Delivery, NotFromWeChat, Wire, signed_of, texts
from services.domain.errors import ServiceError
from services.ports import Clock, Messenger
from services.settings import Settings

log = structlog.get_logger("wechat")

PASSIVE_SECONDS = 4.3
"""WeChat cuts the connection after 5 s (`protocols` 7.3)."""
WINDOW = timedelta(minutes=5)
MAX_BODY = 64_000
SUCCESS = "success"


class Promises(Protocol):
    """Answers that are owed: committed by `promise`, done with by `settle`, retried until then."""

    async def promise(self, message: UserMessage) -> str: ...
    async def settle(self, promise_id: str) -> None: ...


@dataclass
class Work:
    """A delivery in work, shared by all its copies. `late` once a copy could not wait for the answer."""

    task: "asyncio.Task[list[str]]"
    late: bool = False


class WeChatChannel:
    """`unbind(conversation_id)` is called when a resident unsubscribes."""

    name = "wechat"

    def __init__(
        self,
        *,
        converse: Converse,
        settings: Settings,
        clock: Clock,
        messenger: Messenger,
        promises: Promises,
        unbind: Callable[[str], Awaitable[None]],
        passive_seconds: float = PASSIVE_SECONDS,
    ) -> None:
        token, key = settings.wechat_token, settings.wechat_aes_key
        if token is None or key is None:
            raise ValueError("SHEBAO_WECHAT_TOKEN and SHEBAO_WECHAT_AES_KEY are needed")
        self._wire = Wire(
            token=token.get_secret_value(),
            aes_key=key.get_secret_value(),
            app_id=settings.wechat_app_id,
            plain=settings.wechat_plain and settings.sandbox,
        )
        self._converse, self._clock, self._messenger = converse, clock, messenger
        self._promises, self._unbind = promises, unbind
        self._seconds, self._limit = passive_seconds, settings.max_message_chars
        self._work: dict[tuple[str, str], Work] = {}
        self._out_of_reach: set[str] = set()
        self._sending: set[asyncio.Task[None]] = set()

    def attach(self, app: Sanic) -> None:
        routes = Blueprint("wechat")
        routes.add_route(self._check, "/webhooks/wechat", methods=["GET"], name="wechat_check")
        routes.add_route(self._receive, "/webhooks/wechat", methods=["POST"], name="wechat_receive")
        app.blueprint(routes)
        app.before_server_stop(self._finish)

    def reachable(self, sender: str) -> bool:
        """Whether it is worth a try: once the platform has refused, the notice waits for the next message."""
        return sender not in self._out_of_reach

    async def push(self, sender: str, messages: list[Message]) -> bool:
        """Send without being asked; False when the platform refuses (window or quota)."""
        try:
            for part in texts(messages):
                await self._messenger.send(sender, {"text": part})
        except ServiceError as error:
            log.warning("push_refused", code=error.code)
            self._out_of_reach.add(sender)
            return False
        return True

    async def answer_late(self, message: UserMessage) -> None:
        """Keep a promise of an earlier life of this process: the turn is done once, its answer sent."""
        for part in texts(await self._converse(message)):
            await self._messenger.send(message.sender, {"text": part})

    # --- the webhook ------------------------------------------------------------------------------

    async def _check(self, request: Request) -> HTTPResponse:
        """WeChat asks whether this address is ours."""
        if not self._wire.check_address(signed_of(request)):
            return text("", status=403)
        return text(request.args.get("echostr", ""))

    async def _receive(self, request: Request) -> HTTPResponse:
        encrypted = request.args.get("encrypt_type") == "aes"
        signed = signed_of(request)
        try:
            if len(request.body) > MAX_BODY or not self._is_recent(signed.timestamp):
                raise NotFromWeChat
            delivery = self._wire.read(request.body, signed, encrypted=encrypted)
        except NotFromWeChat:
            log.warning("delivery_refused")
            return text("", status=403)
        self._out_of_reach.discard(delivery.openid)
        answer = await self._answer(delivery)
        if not answer:
            return text(SUCCESS)
        xml = self._wire.write(delivery, answer, signed, encrypted=encrypted)
        return raw(xml.encode(), content_type="text/xml; charset=utf-8")

    def _is_recent(self, timestamp: str) -> bool:
        """WeChat's clock is the world's: in the sandbox its deliveries carry the sandbox's time."""
        return (
            timestamp.isdigit()
            and abs(self._clock.now().timestamp() - int(timestamp)) <= WINDOW.total_seconds()
        )

    async def _answer(self, delivery: Delivery) -> str | None:
        """The passive answer, or None when it follows later or nothing is to be said."""
        conversation_id = f"{self.name}:{delivery.openid}"
        if delivery.kind == "event.unsubscribe":
            await self._unbind(conversation_id)
            return None
        if delivery.kind.startswith("event.") and delivery.text is None:
            return None
        if delivery.text is None:
            return say("input.not_text")
        if not delivery.text.strip():
            return say("input.empty")
        if len(delivery.text) > self._limit:
            return say("input.too_long")
        return await self._answer_in_time(delivery, delivery.text)

    async def _answer_in_time(self, delivery: Delivery, said: str) -> str | None:
        key = (delivery.openid, delivery.message_id)
        message = UserMessage(
            channel=self.name, sender=delivery.openid, text=said, message_id=delivery.message_id
        )
        work = self._work.get(key)
        if work is None:
            work = self._work[key] = Work(asyncio.create_task(self._turn(message)))
            work.task.add_done_callback(lambda _task: self._work.pop(key, None))
        try:
            async with asyncio.timeout(self._seconds):
                parts = await asyncio.shield(work.task)
        except TimeoutError:
            if not work.late:
                work.late = True
                await self._promise(message, work)
            return None
        if work.late:
            return None  # it goes by the customer-service API
        if len(parts) > 1:
            self._later(self._send(message.sender, parts[1:]))
        return parts[0] if parts else None

    async def _turn(self, message: UserMessage) -> list[str]:
        try:
            return texts(await self._converse(message))
        except Exception as error:
            log.error("turn_failed", channel=self.name, error=type(error).__name__)
            return [say("error.internal")]

    async def _promise(self, message: UserMessage, work: Work) -> None:
        promise_id = await self._promises.promise(message)
        self._later(self._keep(message, work, promise_id))

    async def _keep(self, message: UserMessage, work: Work, promise_id: str) -> None:
        if await self._send(message.sender, await work.task):
            await self._promises.settle(promise_id)

    async def _send(self, openid: str, parts: list[str]) -> bool:
        try:
            for part in parts:
                await self._messenger.send(openid, {"text": part})
        except ServiceError as error:
            log.warning("answer_not_sent", code=error.code)
            return False
        return True

    def _later(self, work: Awaitable[object]) -> None:
        async def run() -> None:
            await work

        task = asyncio.create_task(run())
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _finish(self, _app: Sanic) -> None:
        await asyncio.gather(*self._sending, return_exceptions=True)
