"""The webhook of the WeChat service account: the same conversation as everywhere, answered once.

An answer that is ready in time goes back in the response. Otherwise the delivery is acknowledged, after a
promise has been committed that survives a crash, and the answer is sent by the customer-service API.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from sanic import Blueprint, Request, Sanic
from sanic.response import HTTPResponse, raw, text

from actions.say import say
from bot.channels.base import Converse, Message, UserMessage
from bot.channels.wechat.wire import Delivery, NotFromWeChat, Wire, signed_of, texts
from bot.lines import ConversationBusy
from bot.promises import Owed, Promises
from services.domain.errors import Refused, ServiceError
from services.ports import Clock, Messenger
from services.settings import Settings

log = structlog.get_logger("wechat")

PASSIVE_SECONDS = 4.3
"""WeChat cuts the connection after 5 s (`protocols` 7.3)."""
WINDOW = timedelta(minutes=5)
MAX_BODY = 64_000
LONGEST_STAMP = 12
COPIES_SECONDS = 30.0
"""WeChat repeats a delivery two times, five seconds apart."""
REST_SECONDS = 30.0
"""A resident is left alone for so long after the platform could not be reached."""
SUCCESS = "success"


@dataclass
class Work:
    """A delivery in work, shared by all its copies. `promise` once a copy could not wait for the answer."""

    turn: "asyncio.Task[list[str]]"
    promise: "asyncio.Task[None] | None" = None


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
        self._sandbox = settings.sandbox
        self._work: dict[tuple[str, str], Work] = {}
        self._left: dict[tuple[str, str], float] = {}
        self._out_of_reach: dict[str, float] = {}
        self._sending: set[asyncio.Task[None]] = set()

    def attach(self, app: Sanic) -> None:
        routes = Blueprint("wechat")
        routes.add_route(self._check, "/webhooks/wechat", methods=["GET"], name="wechat_check")
        routes.add_route(self._receive, "/webhooks/wechat", methods=["POST"], name="wechat_receive")
        app.blueprint(routes)
        app.before_server_stop(self._finish)

    def reachable(self, sender: str) -> bool:
        """Whether it is worth a try: once the platform has refused, the notice waits for the next message."""
        return self._out_of_reach.get(sender, 0) <= time.monotonic()

    async def push(self, sender: str, messages: list[Message]) -> bool:
        """Send without being asked; False when it was not taken (window, quota, or the platform is away)."""
        try:
            await self._send(sender, texts(messages))
        except ServiceError as error:
            log.warning("push_refused", code=error.code)
            rest = math.inf if isinstance(error, Refused) else REST_SECONDS
            self._out_of_reach[sender] = time.monotonic() + rest
            return False
        return True

    async def answer_late(self, owed: Owed) -> None:
        """Send what is owed, now or in a later life of this service: the turn is done once."""
        parts = owed.answers
        if parts is None:
            work = self._work.get((owed.message.sender, owed.message.message_id or ""))
            parts = await (asyncio.shield(work.turn) if work else self._turn(owed.message))
            await owed.remember(parts)
        await self._send(owed.message.sender, parts)

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
        self._out_of_reach.pop(delivery.openid, None)
        self._later(self._promises.wake(self.name, delivery.openid))
        answer = await self._answer(delivery)
        if not answer:
            return text(SUCCESS)
        xml = self._wire.write(delivery, answer, signed, encrypted=encrypted)
        return raw(xml.encode(), content_type="text/xml; charset=utf-8")

    def _is_recent(self, timestamp: str) -> bool:
        """By our clock; who plays WeChat in the sandbox may also know only the machine's."""
        if not timestamp.isdecimal() or len(timestamp) > LONGEST_STAMP:
            return False
        clocks = [self._clock.now().timestamp(), *([time.time()] if self._sandbox else [])]
        return any(abs(now - int(timestamp)) <= WINDOW.total_seconds() for now in clocks)

    async def _answer(self, delivery: Delivery) -> str | None:
        """The passive answer, or None when it follows later or nothing is to be said."""
        conversation_id = f"{self.name}:{delivery.openid}"
        if delivery.kind == "event.unsubscribe":
            await self._unsubscribe(delivery, conversation_id)
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

    async def _unsubscribe(self, delivery: Delivery, conversation_id: str) -> None:
        """Once: a late copy must not unbind somebody who has come back meanwhile."""
        now = time.monotonic()
        self._left = {key: until for key, until in self._left.items() if until > now}
        key = (delivery.openid, delivery.message_id)
        if key not in self._left:
            await self._unbind(conversation_id)
            self._left[key] = now + 2 * WINDOW.total_seconds()

    async def _answer_in_time(self, delivery: Delivery, said: str) -> str | None:
        message = UserMessage(
            channel=self.name, sender=delivery.openid, text=said, message_id=delivery.message_id
        )
        work = self._begin(message)
        if work.promise is None:
            try:
                async with asyncio.timeout(self._seconds):
                    parts = await asyncio.shield(work.turn)
            except TimeoutError:
                pass
            except ConversationBusy:
                return say("input.too_fast")
            except Exception:  # logged where the turn is made
                return say("error.internal")
            else:
                if work.promise is None and len(parts) <= 1:
                    return parts[0] if parts else None
        await self._put_off(message, work)
        return None

    def _begin(self, message: UserMessage) -> Work:
        """The work on this message: a copy joins the one that is there."""
        key = (message.sender, message.message_id or "")
        work = self._work.get(key)
        if work is None:
            work = self._work[key] = Work(asyncio.create_task(self._turn(message)))
            work.turn.add_done_callback(lambda turn: self._done(key, work, turn))
        return work

    def _done(self, key: tuple[str, str], work: Work, turn: "asyncio.Task[list[str]]") -> None:
        """A turn that was put off is remembered while WeChat may still send copies."""
        failed = turn.cancelled() or turn.exception() is not None
        if work.promise is None or failed:
            self._work.pop(key, None)
        else:
            asyncio.get_running_loop().call_later(COPIES_SECONDS, self._work.pop, key, None)

    async def _turn(self, message: UserMessage) -> list[str]:
        try:
            return texts(await self._converse(message))
        except Exception as error:
            log.error("turn_failed", channel=self.name, error=type(error).__name__)
            raise

    async def _put_off(self, message: UserMessage, work: Work) -> None:
        """Return when it is committed that the answer will follow, whichever copy asked for it first."""
        if work.promise is None:
            work.promise = asyncio.create_task(self._promise(message))
        try:
            await asyncio.shield(work.promise)
        except BaseException:
            if work.promise and work.promise.done():
                work.promise = None  # not promised, so not acknowledged: the next copy tries again
            raise

    async def _promise(self, message: UserMessage) -> None:
        lease = await self._promises.promise(message)
        if lease is not None:
            self._later(self._promises.keep(lease))

    async def _send(self, openid: str, parts: list[str]) -> None:
        for part in parts:
            await self._messenger.send(openid, {"text": part})

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._sending.add(task)
        task.add_done_callback(self._sent)

    def _sent(self, task: "asyncio.Task[None]") -> None:
        self._sending.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("background_failed", channel=self.name, error=type(task.exception()).__name__)

    async def _finish(self, _app: Sanic) -> None:
        await asyncio.gather(*self._sending, return_exceptions=True)
