"""The life of an order: placed, paid or closed, refunded; each step in its caller's transaction."""

import re
import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.sandbox.wechatpay.desk import Desk, Failure, bad
from bot.sandbox.wechatpay.outbox import announce_paid, announce_refund
from bot.sandbox.wechatpay.store import CLOSED, NOTPAY, REFUND, SUCCESS, WxRefundRow, WxTradeRow
from services.adapters.clock import SHANGHAI

NUMBER = re.compile(r"[0-9A-Za-z_\-|*]{6,32}")
REFUND_NUMBER = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")
LONGEST = {"description": 127, "attach": 128, "notify_url": 255, "reason": 80}
LARGEST = 10_000_000_000
LIVES = timedelta(hours=2)
REFUNDABLE = timedelta(days=365)


async def place(
    session: AsyncSession, desk: Desk, kind: str, content: dict[str, Any], *, signer: str
) -> WxTradeRow:
    """The order of this number: a new one, or the same again when everything agrees."""
    now, number = desk.now(), content.get("out_trade_no")
    keys = desk.keys
    if not isinstance(number, str) or not NUMBER.fullmatch(number):
        raise bad("out_trade_no")
    if content.get("mchid") != keys.wechatpay_mch_id or content.get("appid") != keys.wechat_app_id:
        raise Failure(400, "APPID_MCHID_NOT_MATCH", "appid和mchid不匹配")
    wanted: dict[str, Any] = {
        "trade_type": kind,
        "total": _amount(content, "total"),
        "description": _text(content, "description", required=True),
        "attach": _text(content, "attach"),
        "notify_url": _notify_url(content),
        "openid": _openid(content) if kind == "JSAPI" else None,
        "time_expire": _moment(content, "time_expire"),
    }
    trade = await session.get(WxTradeRow, number)
    if trade is not None:
        return _same(trade, wanted)
    expiry = wanted.pop("time_expire") or now + LIVES
    if expiry <= now:
        raise bad("time_expire")
    trade = WxTradeRow(
        **wanted,
        out_trade_no=number,
        page=secrets.token_urlsafe(20),
        prepay_id=f"wx{now.astimezone(SHANGHAI):%d%H%M%S}{secrets.token_hex(13)}",
        signer=signer,
        created_at=now,
        time_expire=expiry,
        state=NOTPAY,
        refunded=0,
    )
    session.add(trade)
    return trade


def _same(trade: WxTradeRow, wanted: dict[str, Any]) -> WxTradeRow:
    if trade.paid_at is not None:
        raise Failure(400, "INVALID_REQUEST", "该订单已支付")
    if trade.state == CLOSED:
        raise Failure(400, "ORDER_CLOSED", "该订单已关闭")
    expiry = wanted["time_expire"]
    for name, value in wanted.items():
        if getattr(trade, name) != value and not (name == "time_expire" and expiry is None):
            raise Failure(400, "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致")
    return trade


async def find(session: AsyncSession, **key: str) -> WxTradeRow:
    """By `out_trade_no` or `transaction_id`."""
    trade: WxTradeRow | None = await session.scalar(select(WxTradeRow).filter_by(**key))
    if trade is None:
        raise Failure(404, "ORDER_NOT_EXIST", "订单不存在")
    return trade


def is_payable(trade: WxTradeRow, now: datetime) -> bool:
    """Expiry ends it, without closing the order."""
    return trade.state == NOTPAY and now < trade.time_expire


def pay(session: AsyncSession, desk: Desk, trade: WxTradeRow, *, account: str) -> bool:
    """Take the money, once. False when the order cannot be paid any more."""
    now = desk.now()
    if not is_payable(trade, now):
        return False
    trade.state, trade.paid_at, trade.account = SUCCESS, now, account
    trade.openid = trade.openid or desk.openid(account)
    trade.transaction_id = f"42000{now.astimezone(SHANGHAI):%Y%m%d}" + f"{secrets.randbelow(10**15):015d}"
    announce_paid(session, desk, trade)
    return True


def close(trade: WxTradeRow) -> None:
    """Close an order that nobody has paid; closing it again is no error."""
    if trade.paid_at is not None:
        raise Failure(400, "INVALID_REQUEST", "该订单已支付")
    trade.state = CLOSED


async def refund(session: AsyncSession, desk: Desk, content: dict[str, Any]) -> WxRefundRow:
    """The refund of this number; asked for again with the same figures it is the same one."""
    number = content.get("out_refund_no")
    if not isinstance(number, str) or not REFUND_NUMBER.fullmatch(number):
        raise bad("out_refund_no")
    names = [name for name in ("transaction_id", "out_trade_no") if content.get(name)]
    if not names or not isinstance(content[names[0]], str):
        raise bad("out_trade_no")
    try:
        trade = await find(session, **{names[0]: content[names[0]]})
    except Failure as failure:
        raise Failure(404, "RESOURCE_NOT_EXISTS", "订单不存在") from failure
    amount, total = _amount(content, "refund"), _amount(content, "total")
    known = await session.get(WxRefundRow, number)
    if known is not None:
        if (known.out_trade_no, known.amount) != (trade.out_trade_no, amount) or total != trade.total:
            raise Failure(400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试")
        return known
    if trade.paid_at is None or total != trade.total or amount > trade.total - trade.refunded:
        raise Failure(400, "INVALID_REQUEST", "订单未支付，或者金额与订单不一致")
    now = desk.now()
    if now - trade.paid_at > REFUNDABLE:
        raise Failure(400, "INVALID_REQUEST", "订单已超过可退款期限")
    row = WxRefundRow(
        out_refund_no=number,
        out_trade_no=trade.out_trade_no,
        refund_id=f"50{now.astimezone(SHANGHAI):%Y%m%d}" + f"{secrets.randbelow(10**16):016d}",
        amount=amount,
        reason=_text(content, "reason"),
        accepted_at=now,
        status=SUCCESS,
    )
    session.add(row)
    trade.state, trade.refunded = REFUND, trade.refunded + amount
    announce_refund(session, desk, trade, row, url=_text(content, "notify_url"))
    return row


async def find_refund(session: AsyncSession, number: str) -> tuple[WxRefundRow, WxTradeRow]:
    row = await session.get(WxRefundRow, number)
    if row is None:
        raise Failure(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
    return row, await session.get_one(WxTradeRow, row.out_trade_no)


def _text(content: dict[str, Any], name: str, *, required: bool = False) -> str:
    value = content.get(name) or ""
    if not isinstance(value, str) or len(value) > LONGEST[name] or (required and not value):
        raise bad(name)
    return value


def _notify_url(content: dict[str, Any]) -> str:
    url = _text(content, "notify_url", required=True)
    if not url.startswith(("http://", "https://")) or "?" in url:
        raise bad("notify_url")
    return url


def _openid(content: dict[str, Any]) -> str:
    payer = content.get("payer")
    openid = payer.get("openid") if isinstance(payer, dict) else None
    if not isinstance(openid, str) or not openid:
        raise bad("payer.openid")
    return openid


def _amount(content: dict[str, Any], name: str) -> int:
    amount = content.get("amount")
    if not isinstance(amount, dict) or amount.get("currency", "CNY") != "CNY":
        raise bad("amount")
    value = amount.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST:
        raise bad(f"amount.{name}")
    return value


def _moment(content: dict[str, Any], name: str) -> datetime | None:
    """RFC 3339, with a zone."""
    value = content.get(name)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise bad(name) from error
    if moment.tzinfo is None:
        raise bad(name)
    return moment
