"""The gateway's methods: `biz_content` in, the inner object of the answer out."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from bot.sandbox.alipay import bills, people, trades
from bot.sandbox.alipay.desk import Call, Desk, Failure, stamp
from bot.sandbox.alipay.store import DiscountRow, RefundRow, TradeRow
from services.domain.money import wire, yuan

Method = Callable[[Desk, Call], Awaitable[dict[str, Any]]]
OK = {"code": "10000", "msg": "Success"}


async def precreate(desk: Desk, call: Call) -> dict[str, Any]:
    async with desk.books.database.begin() as session:
        trade = await trades.place(session, call, desk.now())
    link = f"{desk.base_url}/sandbox/alipay/cashier/{trade.page}"
    return {**OK, "out_trade_no": trade.out_trade_no, "qr_code": link}


async def query(desk: Desk, call: Call) -> dict[str, Any]:
    async with desk.books.database.begin() as session:
        trade = await trades.find(session, call, desk.now())
        discount = await session.get(DiscountRow, trade.out_trade_no)
    paid = trade.total if trade.paid_at else "0.00"
    received = wire(yuan(paid) - yuan(discount.amount)) if discount and trade.paid_at else paid
    answer = {
        **OK,
        **_numbers(trade),
        "trade_status": trade.status,
        "total_amount": trade.total,
        "receipt_amount": received,
        "buyer_pay_amount": paid,
        "invoice_amount": paid,
        "point_amount": "0.00",
        "subject": trade.subject,
    }
    if trade.passback_params:
        answer["passback_params"] = trade.passback_params
    if trade.paid_at:
        answer |= {
            "buyer_logon_id": trade.buyer_logon_id,
            "buyer_user_id": trade.buyer_id,
            "send_pay_date": stamp(trade.paid_at),
            "fund_bill_list": [{"fund_channel": "ALIPAYACCOUNT", "amount": trade.total}],
        }
    return answer


async def close(desk: Desk, call: Call) -> dict[str, Any]:
    async with desk.books.database.begin() as session:
        trade = await trades.find(session, call, desk.now())
        trades.close(session, trade, desk.now())
    return {**OK, **_numbers(trade)}


async def cancel(desk: Desk, call: Call) -> dict[str, Any]:
    async with desk.books.database.begin() as session:
        trade = await trades.find(session, call, desk.now())
        action = trades.cancel(session, trade, desk.now())
    return {**OK, **_numbers(trade), "retry_flag": "N", "action": action}


async def refund(desk: Desk, call: Call) -> dict[str, Any]:
    async with desk.books.database.begin() as session:
        trade = await trades.find(session, call, desk.now())
        row, moved = await trades.refund(session, trade, call, desk.now())
    return {
        **OK,
        **_numbers(trade),
        "buyer_logon_id": trade.buyer_logon_id,
        "buyer_user_id": trade.buyer_id,
        "fund_change": "Y" if moved else "N",
        "refund_fee": trade.refunded,
        "gmt_refund_pay": stamp(row.refunded_at),
    }


async def find_refund(desk: Desk, call: Call) -> dict[str, Any]:
    """Nothing but `10000` when there is no such refund: that is how Alipay says it."""
    request_no = call.text("out_request_no", longest=64)
    if not request_no:
        raise Failure("40004", "ACQ.INVALID_PARAMETER", "参数无效：out_request_no")
    async with desk.books.database.begin() as session:
        trade = await trades.find(session, call, desk.now())
        row = await session.get(RefundRow, (trade.out_trade_no, request_no))
    if row is None:
        return dict(OK)
    return {
        **OK,
        **_numbers(trade),
        "out_request_no": row.out_request_no,
        "refund_reason": row.reason,
        "total_amount": trade.total,
        "refund_amount": row.amount,
        "refund_status": "REFUND_SUCCESS",
        "gmt_refund_pay": stamp(row.refunded_at),
    }


async def find_bill(desk: Desk, call: Call) -> dict[str, Any]:
    """The address of a day's file, which is dead after 30 s."""
    day = bills.read_day(call)
    if not await bills.is_there(desk, day):
        raise Failure("40004", "isp.bill_not_exist", "账单不存在")
    link = f"{desk.inside_url}/bill/{bills.make_token(desk, day)}"
    return {**OK, "bill_download_url": link, "bill_file_code": "EXIST_BILL_DATA"}


def _numbers(trade: TradeRow) -> dict[str, Any]:
    return {"trade_no": trade.trade_no, "out_trade_no": trade.out_trade_no}


METHODS: dict[str, Method] = {
    "alipay.system.oauth.token": people.give_token,
    "alipay.user.info.share": people.share,
    "alipay.user.certify.open.initialize": people.initialize,
    "alipay.user.certify.open.query": people.certify_result,
    "alipay.trade.precreate": precreate,
    "alipay.trade.query": query,
    "alipay.trade.close": close,
    "alipay.trade.cancel": cancel,
    "alipay.trade.refund": refund,
    "alipay.trade.fastpay.refund.query": find_refund,
    "alipay.data.dataservice.bill.downloadurl.query": find_bill,
}
CERTIFY_PAGE = "alipay.user.certify.open.certify"


def read_biz(text: str) -> dict[str, Any]:
    """`biz_content` as an object; empty when the method takes none."""
    if not text:
        return {}
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Failure("40002", "isv.invalid-parameter", "参数无效：biz_content") from error
    if not isinstance(content, dict):
        raise Failure("40002", "isv.invalid-parameter", "参数无效：biz_content")
    return content
