"""Encrypted messages: sent, and sent again on WeChat Pay's schedule, until 200 or 204 is answered.

Tries follow the sandbox's clock. A message is leased before it is sent: a killed process loses nothing,
and two processes do not send the same one at once.
"""

import asyncio
import json
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import httpx2
import structlog
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.exc import SQLAlchemyError

from bot.sandbox.books import Books
from bot.sandbox.keys import SandboxKeys
from bot.sandbox.wechatpay.desk import Desk, stamp
from bot.sandbox.wechatpay.store import WxNotificationRow
from services.adapters.wechatpay.signing import ALGORITHM, encrypt

log = structlog.get_logger("sandbox.wechatpay")

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
GAPS = (
    15 * SECOND, 15 * SECOND, 30 * SECOND, 3 * MINUTE, 10 * MINUTE, 20 * MINUTE, 30 * MINUTE, 30 * MINUTE,
    30 * MINUTE, 60 * MINUTE, 3 * HOUR, 3 * HOUR, 3 * HOUR, 6 * HOUR, 6 * HOUR,
)  # fmt: skip
LOOK_EVERY = 0.3
LEASE = timedelta(seconds=30)
ANSWER_SECONDS = 5.0
AT_ONCE = 20
DELAY_SECONDS = 60.0
SLOW_SECONDS = 3.0
LOST = frozenset({"drop", "system_error", "timeout", "busy"})
SIGNATURE_FAULTS = frozenset({"wrong_signature", "old_timestamp", "unsigned"})
TAKEN = frozenset({200, 204})
SUMMARIES = {"transaction": "支付成功", "refund": "退款成功"}


@dataclass(frozen=True, kw_only=True)
class Message:
    id: str
    url: str
    signer: str
    event_type: str
    original_type: str
    resource: dict[str, Any]
    created_at: datetime


async def run(books: Books, keys: SandboxKeys, stop: asyncio.Event) -> None:
    """Send what is due, until `stop`."""
    desk = Desk(books=books, keys=keys, base_url="")
    async with httpx2.AsyncClient(timeout=ANSWER_SECONDS, follow_redirects=False) as http:
        courier = Courier(desk, http)
        try:
            while not stop.is_set():
                try:
                    await courier.send_due()
                except SQLAlchemyError as error:
                    log.error("notifications_halted", error=type(error).__name__)
                try:
                    await asyncio.wait_for(stop.wait(), LOOK_EVERY)
                except TimeoutError:
                    continue
        finally:
            await courier.stop()


class Courier:
    """Sends messages beside each other: a slow merchant delays only the own one."""

    def __init__(self, desk: Desk, http: httpx2.AsyncClient) -> None:
        self._desk = desk
        self._http = http
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def send_due(self) -> None:
        for message in await self._take_due():
            task = asyncio.create_task(self._send(message))
            self._under_way[message.id] = task
            task.add_done_callback(partial(self._forget, message.id))

    def _forget(self, message_id: str, _task: asyncio.Task[None]) -> None:
        del self._under_way[message_id]

    async def stop(self) -> None:
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _take_due(self) -> list[Message]:
        now, row = self._desk.now(), WxNotificationRow
        due = select(row).where(self._is_due(now)).order_by(row.due_at).limit(AT_ONCE)
        async with self._desk.books.database.read() as session:
            if (await session.scalars(due)).first() is None:
                return []
        async with self._desk.books.database.begin() as session:
            rows = list(await session.scalars(due))
            for found in rows:
                found.leased_until = now + LEASE
        return [_message(found) for found in rows]

    def _is_due(self, now: datetime) -> ColumnElement[bool]:
        row = WxNotificationRow
        free = or_(row.leased_until.is_(None), row.leased_until <= now)
        return and_(row.due_at <= now, free, row.id.not_in(self._under_way))

    async def _send(self, message: Message) -> None:
        try:
            fault = await self._desk.books.take_fault("wechatpay", "notify")
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
                taken = await self._post(message, mode)
            if mode in SIGNATURE_FAULTS and taken:
                log.error("forged_notification_taken")
                taken = False
            await self._note(message, taken)
        except SQLAlchemyError as error:
            log.error("notification_not_noted", error=type(error).__name__)

    async def _post(self, message: Message, mode: str = "") -> bool:
        body = self._body(message, mode)
        headers = self._desk.seal(body, message.signer, mode=mode) | {"Content-Type": "application/json"}
        try:
            answer = await self._http.post(message.url, content=body.encode(), headers=headers)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            log.info("notification_not_delivered", error=type(error).__name__)
            return False
        return answer.status_code in TAKEN

    def _body(self, message: Message, mode: str) -> str:
        content = message.resource
        if mode == "wrong_amount":
            content = content | {"amount": content["amount"] | {"total": content["amount"]["total"] + 100}}
        nonce, associated = os.urandom(6).hex(), message.original_type
        plain = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        key = self._desk.keys.wechatpay_api_v3_key.encode()
        envelope = {
            "id": message.id,
            "create_time": stamp(message.created_at),
            "resource_type": "encrypt-resource",
            "event_type": message.event_type,
            "summary": SUMMARIES[message.original_type],
            "resource": {
                "original_type": message.original_type,
                "algorithm": ALGORITHM,
                "ciphertext": encrypt(plain, key=key, nonce=nonce, associated=associated),
                "associated_data": associated,
                "nonce": nonce,
            },
        }
        return json.dumps(envelope, ensure_ascii=False, separators=(",", ":"))

    async def _put_off(self, message: Message, wait: timedelta) -> None:
        async with self._desk.books.database.begin() as session:
            row = await session.get_one(WxNotificationRow, message.id)
            row.due_at, row.leased_until = self._desk.now() + wait, None

    async def _note(self, message: Message, taken: bool) -> None:
        now = self._desk.now()
        async with self._desk.books.database.begin() as session:
            row = await session.get_one(WxNotificationRow, message.id)
            row.tries += 1
            row.leased_until = None
            row.due_at = now + GAPS[row.tries - 1] if not taken and row.tries <= len(GAPS) else None
        log.info("notification_tried", tries=row.tries, taken=taken)


def _message(row: WxNotificationRow) -> Message:
    return Message(
        id=row.id,
        url=row.url,
        signer=row.signer,
        event_type=row.event_type,
        original_type=row.original_type,
        resource=json.loads(row.resource),
        created_at=row.created_at,
    )
