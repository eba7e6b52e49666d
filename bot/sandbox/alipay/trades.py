"""The life of a trade: placed, scanned, paid or closed, refunded; each step in its caller's transaction."""

import re
import secrets
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.sandbox.alipay.desk import Call, Failure
from bot.sandbox.alipay.outbox import announce
from bot.sandbox.alipay.store import CLOSED, SUCCESS, WAITING, RefundRow, TradeRow
from services.adapters.clock import SHANGHAI
from services.domain.money import wire, yuan

NUMBER = re.compile(r"[0-9A-Za-z_]{1,64}")
AMOUNT = re.compile(r"(0|[1-9][0-9]{0,8})(\.[0-9]{1,2})?")
SMALLEST, LARGEST = Decimal("0.01"), Decimal("100000000")
EXPRESS = re.compile(r"([1-9][0-9]{0,4})([mhd])")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}
QR_LIVES = timedelta(hours=2)
"""An assumption: how long a QR code lives when the merchant says nothing."""
TRADE_LIVES = timedelta(days=15)
CANCEL_WITHIN = timedelta(hours=24)


async def place(session: AsyncSession, call: Call, now: datetime) -> TradeRow:
    """The order of this number: a new one, or the same again when amount and subject agree."""
    number, total, subject = _number(call), _amount(call, "total_amount"), _subject(call)
    time_expire = _moment(call, "time_expire")
    known = await _load(session, now, out_trade_no=number)
    if known is not None:
        return _same(known, total=total, subject=subject)
    if time_expire and time_expire <= now:
        raise _bad("time_expire")
    express = call.text("timeout_express", longest=8)
    if express:
        _lifetime(express, now)
    qr_express = call.text("qr_code_timeout_express", longest=8)
    scan_before = _lifetime(qr_express, now) if qr_express else now + QR_LIVES
    trade = TradeRow(
        out_trade_no=number,
        page=secrets.token_urlsafe(20),
        total=wire(total),
        subject=subject,
        body=call.text("body", longest=400),
        passback_params=call.text("passback_params", longest=512),
        notify_url=call.parameters.get("notify_url", ""),
        return_url=call.parameters.get("return_url", ""),
        placed_at=now,
        scan_before=time_expire or scan_before,
        time_expire=time_expire,
        timeout_express=express,
        refunded="0.00",
    )
    session.add(trade)
    return trade


async def find(session: AsyncSession, call: Call, now: datetime) -> TradeRow:
    """The trade that a call names; with both numbers `trade_no` wins. It exists from the scan on."""
    trade_no, number = call.text("trade_no", longest=64), call.text("out_trade_no", longest=64)
    if not trade_no and not number:
        raise Failure("40004", "ACQ.INVALID_PARAMETER", "订单号不能为空")
    key = {"trade_no": trade_no} if trade_no else {"out_trade_no": number}
    trade = await _load(session, now, **key)
    if trade is None or trade.trade_no is None:
        raise Failure("40004", "ACQ.TRADE_NOT_EXIST", "交易不存在")
    return trade


async def scan(session: AsyncSession, page: str, now: datetime) -> TradeRow | None:
    """Open the cashier: from now on the trade exists, unless the code is too old."""
    trade = await _load(session, now, page=page)
    if trade is None or trade.trade_no is not None or now >= trade.scan_before:
        return trade
    trade.trade_no = f"{now.astimezone(SHANGHAI):%Y%m%d}22001" + f"{secrets.randbelow(10**15):015d}"
    trade.status = WAITING
    trade.created_at = now
    trade.pay_before = trade.time_expire or (
        _lifetime(trade.timeout_express, now) if trade.timeout_express else now + TRADE_LIVES
    )
    return trade


def pay(session: AsyncSession, trade: TradeRow, now: datetime, *, user_id: str, logon_id: str) -> bool:
    """Take the money, once. False when the trade cannot be paid any more."""
    if trade.status != WAITING:
        return False
    trade.status, trade.paid_at = SUCCESS, now
    trade.buyer_id, trade.buyer_logon_id = user_id, logon_id
    announce(session, trade, now)
    return True


def close(session: AsyncSession, trade: TradeRow, now: datetime) -> None:
    """Close a trade that nobody has paid; closing it again is no error."""
    if trade.status == CLOSED and trade.paid_at is None:
        return
    if trade.status != WAITING:
        raise Failure("40004", "ACQ.TRADE_STATUS_ERROR", "交易状态不合法")
    _close(session, trade, now)


def cancel(session: AsyncSession, trade: TradeRow, now: datetime) -> str:
    """Undo a trade whose outcome is not known: `close` or `refund` is what was done."""
    if trade.created_at is None or now - trade.created_at > CANCEL_WITHIN:
        raise Failure("40004", "ACQ.TRADE_CANCEL_TIME_OUT", "超过撤销时间范围", retry_flag="N")
    if trade.paid_at is None:
        if trade.status == WAITING:
            _close(session, trade, now)
        return "close"
    if trade.left:
        _refund(session, trade, now, request_no="cancel", amount=trade.left, reason="撤销")
    return "refund"


async def refund(session: AsyncSession, trade: TradeRow, call: Call, now: datetime) -> tuple[RefundRow, bool]:
    """The refund of this request number, and whether this call moved the money."""
    amount = _amount(call, "refund_amount")
    request_no = call.text("out_request_no", longest=64)
    if trade.paid_at is None:
        raise _no_refund("ACQ.TRADE_STATUS_ERROR", "交易状态不合法")
    if not request_no:
        if amount != yuan(trade.total):
            raise _no_refund("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "部分退款必须传入退款请求号")
        request_no = trade.out_trade_no
    done = await session.get(RefundRow, (trade.out_trade_no, request_no))
    if done is not None:
        if yuan(done.amount) != amount:
            raise _no_refund("ACQ.DISCORDANT_REPEAT_REQUEST", "请求信息不一致")
        return done, False
    if amount > trade.left:
        raise _no_refund("ACQ.REASON_TRADE_REFUND_FEE_ERR", "退款金额超限")
    reason = call.text("refund_reason", longest=256)
    return _refund(session, trade, now, request_no=request_no, amount=amount, reason=reason), True


async def close_expired(session: AsyncSession, now: datetime) -> int:
    """Close every trade whose time to pay is over; how many."""
    overdue = list(await session.scalars(expired(now)))
    for trade in overdue:
        _close(session, trade, now)
    return len(overdue)


def expired(now: datetime) -> Select[TradeRow]:
    return select(TradeRow).where(TradeRow.status == WAITING, TradeRow.pay_before <= now).limit(100)


async def _load(session: AsyncSession, now: datetime, **key: str) -> TradeRow | None:
    """A trade as it stands now: a late look finds it closed, also before the sweep has come by."""
    trade = await session.scalar(select(TradeRow).filter_by(**key))
    if trade and trade.status == WAITING and trade.pay_before and now >= trade.pay_before:
        _close(session, trade, now)
    return trade


def _close(session: AsyncSession, trade: TradeRow, now: datetime) -> None:
    trade.status, trade.closed_at = CLOSED, now
    announce(session, trade, now)


def _refund(
    session: AsyncSession, trade: TradeRow, now: datetime, *, request_no: str, amount: Decimal, reason: str
) -> RefundRow:
    row = RefundRow(
        out_trade_no=trade.out_trade_no,
        out_request_no=request_no,
        amount=wire(amount),
        reason=reason,
        refunded_at=now,
    )
    session.add(row)
    trade.refunded = wire(yuan(trade.refunded) + amount)
    if not trade.left:
        trade.status, trade.closed_at = CLOSED, now
    announce(session, trade, now, refund=row)
    return row


def _same(trade: TradeRow, *, total: Decimal, subject: str) -> TradeRow:
    if yuan(trade.total) != total or trade.subject != subject:
        raise Failure("40004", "ACQ.CONTEXT_INCONSISTENT", "交易信息被篡改")
    if trade.paid_at is not None:
        raise Failure("40004", "ACQ.TRADE_HAS_SUCCESS", "交易已被支付")
    if trade.status == CLOSED:
        raise Failure("40004", "ACQ.TRADE_HAS_CLOSE", "交易已经关闭")
    return trade


def _number(call: Call) -> str:
    number = call.text("out_trade_no", longest=64)
    if not NUMBER.fullmatch(number):
        raise _bad("out_trade_no")
    return number


def _subject(call: Call) -> str:
    subject = call.text("subject")
    if not subject or any(character in subject for character in "/=&"):
        raise _bad("subject")
    return subject


def _amount(call: Call, name: str) -> Decimal:
    value = call.text(name, longest=12)
    if not AMOUNT.fullmatch(value) or not SMALLEST <= yuan(value) <= LARGEST:
        raise _bad(name)
    return yuan(value)


def _moment(call: Call, name: str) -> datetime | None:
    value = call.text(name, longest=19)
    if not value:
        return None
    try:
        return datetime.strptime(value, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI)
    except ValueError as error:
        raise _bad(name) from error


def _lifetime(express: str, now: datetime) -> datetime:
    """When `90m`, `2h`, `15d` or `1c` (the end of today), counted from `now`, is over."""
    if express == "1c":
        today = now.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
        return today + timedelta(days=1)
    matched = EXPRESS.fullmatch(express)
    if not matched:
        raise _bad("timeout_express")
    lifetime = timedelta(**{UNITS[matched[2]]: int(matched[1])})
    if lifetime > TRADE_LIVES:
        raise _bad("timeout_express")
    return now + lifetime


def _bad(name: str) -> Failure:
    return Failure("40004", "ACQ.INVALID_PARAMETER", f"参数无效：{name}")


def _no_refund(sub_code: str, sub_msg: str) -> Failure:
    return Failure("40004", sub_code, sub_msg, refund_fee="0.00", send_back_fee="0.00")
