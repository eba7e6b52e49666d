"""The bill of a day: every payment and every refund, as Alipay writes and packs the file (`protocols` 5)."""

import hashlib
import hmac
import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial

from sanic import Blueprint, Request
from sanic.response import HTTPResponse, raw, text
from sqlalchemy import select

from bot.sandbox.alipay.desk import Call, Desk, Failure, stamp
from bot.sandbox.alipay.store import DiscountRow, RefundRow, TradeRow
from services.adapters.clock import SHANGHAI
from services.domain.money import wire, yuan

COLUMNS = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,"
    "商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,"
    "卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)
RULE = "-" * 40
READY = time(10)
LIVES = timedelta(seconds=30)
NOTHING = Decimal("0.00")

Row = tuple[TradeRow, RefundRow | None, Decimal]
"""A movement, and the merchant's part of it."""


def add_routes(routes: Blueprint, desk: Desk) -> None:
    routes.add_route(partial(_download, desk), "/bill/<token:str>", methods=["GET"], name="bill")


async def _download(desk: Desk, _request: Request, token: str) -> HTTPResponse:
    """The file, for whoever has the address while it lives."""
    day = read_token(desk, token)
    if day is None:
        return text("下载地址已失效", status=403)
    return raw(pack(desk, day, await write(desk, day)), content_type="application/zip")


def read_day(call: Call) -> date:
    if call.text("bill_type", longest=20) != "trade":
        raise Failure("40002", "isv.invalid-arguments", "参数无效：bill_type")
    try:
        return date.fromisoformat(call.text("bill_date", longest=10))
    except ValueError as error:
        raise Failure("40002", "isv.invalid-arguments", "参数无效：bill_date") from error


async def is_there(desk: Desk, day: date) -> bool:
    """From 10:00 of the next day on, if anything has moved."""
    ready = datetime.combine(day + timedelta(days=1), READY, SHANGHAI)
    return desk.now() >= ready and bool(await _rows(desk, day))


async def write(desk: Desk, day: date) -> dict[str, str]:
    """The two files by their names."""
    rows = await _rows(desk, day)
    account, sums = f"{desk.keys.alipay_seller_id}0156", [_sums(rows, refunds=kind) for kind in (False, True)]
    start, end = (f"{moment:%Y年%m月%d日} 00:00:00" for moment in (day, day + timedelta(days=1)))
    head = [f"#账号：[{account}]", f"#起始日期：[{start}]   终止日期：[{end}]"]
    tail = [
        f"#交易合计：{sums[0][0]}笔，商家实收共{sums[0][1]}元，商家优惠共{sums[0][2]}元",
        f"#退款合计：{sums[1][0]}笔，商家实收退款共{sums[1][1]}元，商家优惠退款共{sums[1][2]}元",
        f"#导出时间：[{desk.now().astimezone(SHANGHAI):%Y年%m月%d日 %H:%M:%S}]",
    ]
    detail = [
        "#支付宝业务明细查询", *head, f"#{RULE}业务明细列表{RULE}", COLUMNS, *map(_line, rows),
        f"#{RULE}业务明细列表结束{RULE}", *tail,
    ]  # fmt: skip
    summary = ["#支付宝业务汇总查询", *head, tail[-1]]
    name = f"{account}_{day:%Y%m%d}_业务明细"
    return {
        f"{name}.csv": "\r\n".join(detail) + "\r\n",
        f"{name}(汇总).csv": "\r\n".join(summary) + "\r\n",
    }


def pack(desk: Desk, day: date, files: dict[str, str]) -> bytes:
    """A zip whose names are GBK without the flag of UTF-8, as Alipay's are.

    `zipfile` can't write that, so each entry gets an ASCII name of the same length, which is changed afterwards.
    """
    packed = io.BytesIO()
    names = {f"<{n}".ljust(len(name.encode("gbk")), ">"): name for n, name in enumerate(files)}
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for instead, name in names.items():
            entry = zipfile.ZipInfo(instead, (day.year, day.month, day.day, 0, 0, 0))
            archive.writestr(entry, files[name].encode("gbk"), zipfile.ZIP_DEFLATED)
    content = packed.getvalue()
    for instead, name in names.items():
        content = content.replace(instead.encode(), name.encode("gbk"))
    return content


async def _rows(desk: Desk, day: date) -> list[Row]:
    start = datetime.combine(day, time(), SHANGHAI)
    end = start + timedelta(days=1)
    paid = select(TradeRow).where(TradeRow.paid_at >= start, TradeRow.paid_at < end)
    refunded = (
        select(TradeRow, RefundRow)
        .join(TradeRow, TradeRow.out_trade_no == RefundRow.out_trade_no)
        .where(RefundRow.refunded_at >= start, RefundRow.refunded_at < end)
    )
    async with desk.books.database.read() as session:
        discounts = {row.out_trade_no: yuan(row.amount) for row in await session.scalars(select(DiscountRow))}
        found: list[Row] = [
            (trade, None, discounts.get(trade.out_trade_no, NOTHING))
            for trade in await session.scalars(paid.order_by(TradeRow.paid_at))
        ]
        for trade, refund in await session.execute(refunded.order_by(RefundRow.refunded_at)):
            part = discounts.get(trade.out_trade_no, NOTHING) * yuan(refund.amount) / yuan(trade.total)
            found.append((trade, refund, yuan(part)))
    return found


def _line(row: Row) -> str:
    trade, refund, discount = row
    moment = refund.refunded_at if refund else trade.paid_at
    if moment is None or trade.created_at is None:
        raise LookupError("a payment in the bill was not paid")
    sign, total = (-1, yuan(refund.amount)) if refund else (1, yuan(trade.total))
    words = [
        trade.trade_no or "", trade.out_trade_no, "退款" if refund else "交易", trade.subject,
        stamp(trade.created_at), stamp(moment), "", "", "", "", trade.buyer_logon_id or "",
    ]  # fmt: skip
    amounts = [total, total - discount, NOTHING, NOTHING, NOTHING, discount, NOTHING]
    figures = [wire(sign * amount) for amount in amounts]
    rest = ["", "0.00", "0.00", refund.out_request_no if refund else "", "0.00", "0.00", ""]
    cells = [cell.replace(",", "，") for cell in [*words, *figures, *rest]]
    return ",".join(cell if _is_figure(cell) else cell + "\t" for cell in cells)


def _is_figure(cell: str) -> bool:
    return cell.removeprefix("-").replace(".", "", 1).isdigit() and "." in cell


def _sums(rows: Sequence[Row], *, refunds: bool) -> tuple[int, str, str]:
    found = [
        (yuan(refund.amount if refund else trade.total), discount)
        for trade, refund, discount in rows
        if (refund is not None) is refunds
    ]
    sign = -1 if refunds else 1
    given = sum((discount for _, discount in found), NOTHING)
    total = sum((amount for amount, _ in found), NOTHING)
    return len(found), wire(sign * (total - given)), wire(sign * given)


def make_token(desk: Desk, day: date) -> str:
    until = int((desk.now() + LIVES).timestamp())
    return f"{day.isoformat()}.{until}.{_mac(desk, day.isoformat(), until)}"


def read_token(desk: Desk, token: str) -> date | None:
    """None for an address that is not ours, or dead."""
    day, _, rest = token.partition(".")
    until, _, mac = rest.partition(".")
    if not until.isascii() or not until.isdigit():
        return None
    genuine = hmac.compare_digest(mac.encode(), _mac(desk, day, int(until)).encode())
    return date.fromisoformat(day) if genuine and desk.now().timestamp() <= int(until) else None


def _mac(desk: Desk, day: str, until: int) -> str:
    return hmac.new(desk.form_secret, f"bill|{day}|{until}".encode(), hashlib.sha256).hexdigest()
