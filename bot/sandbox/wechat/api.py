"""`/sandbox/wechat/…`: tokens, customer-service messages within their window and number, and what was sent.

WeChat knows by itself who wrote when: what an outside client delivers to the webhook is noted on its way.
`GET /sandbox/wechat/messages?openid=` lists what the service has sent.
"""

import json
import secrets
from datetime import datetime, timedelta
from typing import Any

from sanic import Blueprint, Request, Sanic
from sanic.response import HTTPResponse
from sanic.response import json as answer
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from bot.channels.wechat.wire import Delivery, NotFromWeChat, Wire, signed_of
from bot.sandbox.books import Books, SandboxBase
from bot.sandbox.keys import SandboxKeys
from services.store.base import UtcDateTime

TOKEN_LIVES = timedelta(hours=2)
MESSAGE, TAP = "message", "tap"
ALLOWANCES = {MESSAGE: (timedelta(hours=48), 5), TAP: (timedelta(minutes=1), 3)}
"""How long, and how often, the service may write after what a resident did (`protocols` 7.4)."""
TAPS = {"event.subscribe", "event.subscribe_scan", "event.scan", "event.click"}
MAX_TEXT_BYTES = 2048
OK = {"errcode": 0, "errmsg": "ok"}
ERRORS = {
    40001: "invalid credential",
    41002: "appid missing",
    40125: "invalid appsecret",
    40003: "invalid openid",
    40008: "invalid message type",
    45002: "content size out of limit",
    45015: "response out of time limit or subscription is canceled",
    45047: "out of response count limit",
    47001: "data format error",
}


class WeChatToken(SandboxBase):
    __tablename__ = "wechat_token"

    token: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class WeChatAllowance(SandboxBase):
    """What the service may still send to a resident who has done something; without a row, nothing."""

    __tablename__ = "wechat_allowance"

    openid: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    left: Mapped[int]


class WeChatSent(SandboxBase):
    __tablename__ = "wechat_sent"

    id: Mapped[int] = mapped_column(primary_key=True)
    openid: Mapped[str] = mapped_column(index=True)
    content: Mapped[str]
    sent_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Refuse(Exception):
    """WeChat's error number; HTTP stays 200."""


def blueprint(books: Books, keys: SandboxKeys) -> Blueprint:
    routes = Blueprint("sandbox_wechat", url_prefix="/sandbox/wechat")

    @routes.exception(Refuse)
    async def refuse(_request: Request, error: Refuse) -> HTTPResponse:
        code = int(error.args[0])
        return answer({"errcode": code, "errmsg": ERRORS[code]})

    @routes.post("/cgi-bin/stable_token")
    async def stable_token(request: Request) -> HTTPResponse:
        body = _body(request)
        if body.get("appid") != keys.wechat_app_id:
            raise Refuse(41002)
        if body.get("secret") != keys.wechat_secret:
            raise Refuse(40125)
        now = books.clock.now()
        async with books.database.begin() as session:
            row = await session.scalar(
                select(WeChatToken)
                .where(WeChatToken.expires_at > now + timedelta(minutes=5))
                .order_by(WeChatToken.expires_at.desc())
            )
            if row is None or body.get("force_refresh"):
                row = WeChatToken(token=secrets.token_urlsafe(96), expires_at=now + TOKEN_LIVES)
                session.add(row)
        return answer({"access_token": row.token, "expires_in": int((row.expires_at - now).total_seconds())})

    @routes.post("/cgi-bin/message/custom/send")
    async def send(request: Request) -> HTTPResponse:
        now = books.clock.now()
        async with books.database.begin() as session:
            token = await session.get(WeChatToken, request.args.get("access_token", ""))
            if token is None or token.expires_at < now:
                raise Refuse(40001)
            openid, content = _text(_body(request))
            await _use_allowance(session, openid, now)
            session.add(WeChatSent(openid=openid, content=content, sent_at=now))
        return answer(OK)

    @routes.get("/messages")
    async def sent_to(request: Request) -> HTTPResponse:
        wanted = (
            select(WeChatSent)
            .where(WeChatSent.openid == request.args.get("openid", ""))
            .order_by(WeChatSent.id)
        )
        async with books.database.read() as session:
            rows = (await session.scalars(wanted)).all()
        return answer(
            {"messages": [{"content": row.content, "sent_at": row.sent_at.isoformat()} for row in rows]}
        )

    return routes


def observe(app: Sanic, books: Books, keys: SandboxKeys) -> None:
    """Note who wrote, from the deliveries to the webhook; a false one counts for nothing."""
    wire = Wire(token=keys.wechat_token, aes_key=keys.wechat_aes_key, app_id=keys.wechat_app_id, plain=True)

    @app.on_request
    async def note(request: Request) -> None:
        if request.path != "/webhooks/wechat" or request.method != "POST":
            return
        encrypted = request.args.get("encrypt_type") == "aes"
        try:
            delivery = wire.read(request.body, signed_of(request), encrypted=encrypted)
        except NotFromWeChat:
            return
        async with books.database.begin() as session:
            await _allow(session, delivery, books.clock.now())


async def _allow(session: AsyncSession, delivery: Delivery, now: datetime) -> None:
    """Note what a resident did. Who has left can't be written to."""
    if delivery.kind == "event.unsubscribe":
        await session.execute(delete(WeChatAllowance).where(WeChatAllowance.openid == delivery.openid))
    elif delivery.kind in TAPS or not delivery.kind.startswith("event."):
        kind = TAP if delivery.kind in TAPS else MESSAGE
        lasts, number = ALLOWANCES[kind]
        row = WeChatAllowance(openid=delivery.openid, kind=kind, until=now + lasts, left=number)
        await session.merge(row)


async def _use_allowance(session: AsyncSession, openid: str, now: datetime) -> None:
    """Count a message against the allowance that ends first; `Refuse` when there is none."""
    open_ones = (
        select(WeChatAllowance)
        .where(WeChatAllowance.openid == openid, WeChatAllowance.until >= now)
        .order_by(WeChatAllowance.until)
    )
    rows = (await session.scalars(open_ones)).all()
    if not rows:
        raise Refuse(45015)
    usable = next((row for row in rows if row.left > 0), None)
    if usable is None:
        raise Refuse(45047)
    usable.left -= 1


def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
    except ValueError:
        raise Refuse(47001) from None
    if not isinstance(body, dict):
        raise Refuse(47001)
    return body


def _text(body: dict[str, Any]) -> tuple[str, str]:
    openid = str(body.get("touser") or "")
    if not openid:
        raise Refuse(40003)
    if body.get("msgtype") != "text":
        raise Refuse(40008)
    content = str((body.get("text") or {}).get("content") or "")
    if len(content.encode()) > MAX_TEXT_BYTES:
        raise Refuse(45002)
    return openid, content
