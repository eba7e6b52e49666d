"""Asynchronous notifications: sent, and sent again on Alipay's schedule, until `success` is answered.

Tries follow the sandbox's clock. A message is leased before it is sent: a killed process loses nothing,
and two processes do not send the same one at once.
"""

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import httpx2
import structlog
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.exc import SQLAlchemyError

from bot.sandbox.alipay.desk import Desk, stamp
from bot.sandbox.alipay.store import NotificationRow
from bot.sandbox.alipay.trades import close_expired, expired
from bot.sandbox.books import Books
from bot.sandbox.keys import SandboxKeys
from services.adapters.alipay.signing import notification_text, sign

log = structlog.get_logger("sandbox.alipay")

GAPS = (
    timedelta(minutes=4),
    timedelta(minutes=10),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=15),
)
LOOK_EVERY = 0.3
LEASE = timedelta(seconds=30)
ANSWER_SECONDS = 10.0
AT_ONCE = 20
DELAY_SECONDS = 60.0
SLOW_SECONDS = 3.0
LOST = frozenset({"drop", "system_error", "timeout"})


@dataclass(frozen=True, kw_only=True)
class Message:
    notify_id: str
    url: str
    fields: dict[str, str]


async def run(books: Books, keys: SandboxKeys, stop: asyncio.Event) -> None:
    """Close what has expired and send what is due, until `stop`."""
    desk = Desk(books=books, keys=keys, base_url="")
    async with httpx2.AsyncClient(timeout=ANSWER_SECONDS, follow_redirects=False) as http:
        courier = Courier(desk, http)
        try:
            while not stop.is_set():
                try:
                    await _close_expired(books)
                    await courier.send_due()
                except SQLAlchemyError as error:
                    log.error("notifications_halted", error=type(error).__name__)
                try:
                    await asyncio.wait_for(stop.wait(), LOOK_EVERY)
                except TimeoutError:
                    continue
        finally:
            await courier.stop()


async def _close_expired(books: Books) -> None:
    async with books.database.read() as session:
        if (await session.scalars(expired(books.clock.now()))).first() is None:
            return
    async with books.database.begin() as session:
        await close_expired(session, books.clock.now())


class Courier:
    """Sends messages beside each other: a slow merchant delays only the own one."""

    def __init__(self, desk: Desk, http: httpx2.AsyncClient) -> None:
        self._desk = desk
        self._http = http
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def send_due(self) -> None:
        for message in await self._take_due():
            task = asyncio.create_task(self._send(message))
            self._under_way[message.notify_id] = task
            task.add_done_callback(partial(self._forget, message.notify_id))

    def _forget(self, notify_id: str, _task: asyncio.Task[None]) -> None:
        del self._under_way[notify_id]

    async def stop(self) -> None:
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _take_due(self) -> list[Message]:
        now = self._desk.now()
        due = select(NotificationRow).where(self._is_due(now)).order_by(NotificationRow.due_at).limit(AT_ONCE)
        async with self._desk.books.database.read() as session:
            if (await session.scalars(due)).first() is None:
                return []
        async with self._desk.books.database.begin() as session:
            rows = list(await session.scalars(due))
            for row in rows:
                row.leased_until = now + LEASE
        return [Message(notify_id=row.notify_id, url=row.url, fields=json.loads(row.fields)) for row in rows]

    def _is_due(self, now: datetime) -> ColumnElement[bool]:
        free = or_(NotificationRow.leased_until.is_(None), NotificationRow.leased_until <= now)
        return and_(NotificationRow.due_at <= now, free, NotificationRow.notify_id.not_in(self._under_way))

    async def _send(self, message: Message) -> None:
        try:
            fault = await self._desk.books.take_fault("alipay", "notify")
            mode = fault.mode if fault else ""
            if fault and mode == "delay":
                await self._put_off(message, timedelta(seconds=fault.seconds or DELAY_SECONDS))
                return
            if fault and mode == "slow":
                await self._desk.books.stall(fault, SLOW_SECONDS)
            if mode in LOST:
                taken = False
            elif mode == "duplicate":
                taken = all(await asyncio.gather(self._post(message), self._post(message)))
            else:
                taken = await self._post(message)
            await self._note(message, taken)
        except SQLAlchemyError as error:
            log.error("notification_not_noted", error=type(error).__name__)

    async def _post(self, message: Message) -> bool:
        """True when the merchant answered the seven bytes `success`."""
        try:
            answer = await self._http.post(message.url, data=self._form(message))
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            log.info("notification_not_delivered", error=type(error).__name__)
            return False
        return answer.status_code == httpx2.codes.OK and answer.content == b"success"

    def _form(self, message: Message) -> dict[str, str]:
        keys = self._desk.keys
        form = {
            "notify_time": stamp(self._desk.now()),
            "notify_type": "trade_status_sync",
            "notify_id": message.notify_id,
            "app_id": keys.alipay_app_id,
            "auth_app_id": keys.alipay_app_id,
            "seller_id": keys.alipay_seller_id,
            "seller_email": "seller@sandbox.com",
            "charset": "utf-8",
            "version": "1.0",
            "sign_type": "RSA2",
            **message.fields,
        }
        form["sign"] = sign(notification_text(form).encode(), self._desk.gateway_key)
        return form

    async def _put_off(self, message: Message, wait: timedelta) -> None:
        async with self._desk.books.database.begin() as session:
            row = await session.get_one(NotificationRow, message.notify_id)
            row.due_at, row.leased_until = self._desk.now() + wait, None

    async def _note(self, message: Message, taken: bool) -> None:
        now = self._desk.now()
        async with self._desk.books.database.begin() as session:
            row = await session.get_one(NotificationRow, message.notify_id)
            row.tries += 1
            row.leased_until = None
            row.delivered_at = now if taken else None
            row.due_at = now + GAPS[row.tries - 1] if not taken and row.tries <= len(GAPS) else None
        log.info("notification_tried", tries=row.tries, taken=taken)
