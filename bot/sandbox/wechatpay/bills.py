"""The trade bill of a day: every payment and every refund, as WeChat Pay writes the file."""

import hashlib
import hmac
from datetime import date, datetime, time, timedelta

from sqlalchemy import select

from bot.sandbox.wechatpay.desk import Desk, Failure, bad
from bot.sandbox.wechatpay.store import WxRefundRow, WxTradeRow
from services.adapters.clock import SHANGHAI
from services.domain.money import wire, yuan

COLUMNS = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
SUMS = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
READY = time(10)
TOKEN_LIVES = timedelta(minutes=5)


def read_day(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise bad("bill_date") from error


async def write(desk: Desk, day: date) -> bytes:
    """`Failure` when there is nothing, or not yet: it comes at 10:00 of the next day."""
    now = desk.now()
    if now < datetime.combine(day + timedelta(days=1), READY, SHANGHAI):
        raise Failure(400, "STATEMENT_CREATING", "账单正在生成中，请稍后再试")
    start = datetime.combine(day, time(), SHANGHAI)
    end = start + timedelta(days=1)
    paid = select(WxTradeRow).where(WxTradeRow.paid_at >= start, WxTradeRow.paid_at < end)
    refunded = (
        select(WxRefundRow, WxTradeRow)
        .join(WxTradeRow, WxTradeRow.out_trade_no == WxRefundRow.out_trade_no)
        .where(WxRefundRow.accepted_at >= start, WxRefundRow.accepted_at < end)
    )
    async with desk.books.database.read() as session:
        payments = list(await session.scalars(paid.order_by(WxTradeRow.paid_at)))
        refunds = [
            (row, trade) for row, trade in await session.execute(refunded.order_by(WxRefundRow.accepted_at))
        ]
    if not payments and not refunds:
        raise Failure(400, "NO_STATEMENT_EXIST", "账单文件不存在")
    rows = [_row(desk, trade) for trade in payments] + [_row(desk, trade, row) for row, trade in refunds]
    taken, given = sum(trade.total for trade in payments), sum(row.amount for row, _ in refunds)
    sums = [str(len(rows)), _yuan(taken), _yuan(given), "0.00", "0.00", _yuan(taken), _yuan(given)]
    lines = [COLUMNS, *map(_line, rows), SUMS, _line(sums)]
    return ("\r\n".join(lines) + "\r\n").encode("utf-8")


def _row(desk: Desk, trade: WxTradeRow, refund: WxRefundRow | None = None) -> list[str]:
    moment = refund.accepted_at if refund else trade.paid_at
    if moment is None:
        raise LookupError("a payment in the bill was not paid")
    given = _yuan(refund.amount) if refund else "0.00"
    return [
        f"{moment.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}", desk.keys.wechat_app_id,
        desk.keys.wechatpay_mch_id, "0", "", trade.transaction_id or "", trade.out_trade_no,
        trade.openid or "", trade.trade_type, "REFUND" if refund else "SUCCESS", "OTHERS", "CNY",
        "0.00" if refund else _yuan(trade.total), "0.00",
        refund.refund_id if refund else "0", refund.out_refund_no if refund else "0", given, "0.00",
        "ORIGINAL" if refund else "", refund.status if refund else "", trade.description, trade.attach,
        "0.00000", "0.00%", "0.00" if refund else _yuan(trade.total), given, "",
    ]  # fmt: skip


def _line(cells: list[str]) -> str:
    """Each value behind a backtick. A comma can't be told from a separator, so there is none in a value."""
    return ",".join("`" + cell.replace(",", "，") for cell in cells)


def _yuan(fen: int) -> str:
    return wire(yuan(fen) / 100)


def make_token(desk: Desk, day: date) -> str:
    until = int((desk.now() + TOKEN_LIVES).timestamp())
    return f"{day.isoformat()}.{until}.{_mac(desk, day.isoformat(), until)}"


def read_token(desk: Desk, token: str) -> date:
    """`Failure` for a token that is not ours, or too old."""
    day, _, rest = token.partition(".")
    until, _, mac = rest.partition(".")
    if not until.isascii() or not until.isdigit():
        raise bad("token")
    if not hmac.compare_digest(mac.encode(), _mac(desk, day, int(until)).encode()):
        raise bad("token")
    if desk.now().timestamp() > int(until):
        raise Failure(400, "INVALID_REQUEST", "下载地址已过期")
    return read_day(day)


def _mac(desk: Desk, day: str, until: int) -> str:
    return hmac.new(desk.form_secret, f"bill|{day}|{until}".encode(), hashlib.sha256).hexdigest()
