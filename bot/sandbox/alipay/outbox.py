"""Messages to the merchant, written in the same transaction as the change that they tell of."""

import json
import secrets
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.sandbox.alipay.desk import stamp
from bot.sandbox.alipay.store import NotificationRow, RefundRow, TradeRow


def announce(
    session: AsyncSession, trade: TradeRow, now: datetime, *, refund: RefundRow | None = None
) -> None:
    """Queue the message about what has just happened to `trade`, in the same transaction."""
    if not trade.notify_url:
        return
    session.add(
        NotificationRow(
            notify_id=f"{now:%Y%m%d}" + secrets.token_hex(13),
            url=trade.notify_url,
            fields=json.dumps(_fields(trade, refund), ensure_ascii=False),
            tries=0,
            due_at=now,
        )
    )


def _fields(trade: TradeRow, refund: RefundRow | None) -> dict[str, str]:
    paid = trade.total if trade.paid_at else ""
    bills = [{"amount": trade.total, "fundChannel": "ALIPAYACCOUNT"}]
    fields = {
        "trade_no": trade.trade_no,
        "out_trade_no": trade.out_trade_no,
        "trade_status": trade.status,
        "total_amount": trade.total,
        "receipt_amount": paid,
        "buyer_pay_amount": paid,
        "invoice_amount": paid,
        "point_amount": "0.00" if paid else "",
        "buyer_id": trade.buyer_id,
        "buyer_logon_id": trade.buyer_logon_id,
        "subject": trade.subject,
        "body": trade.body,
        "passback_params": trade.passback_params,
        "gmt_create": stamp(trade.created_at) if trade.created_at else "",
        "gmt_payment": stamp(trade.paid_at) if trade.paid_at else "",
        "gmt_close": stamp(trade.closed_at) if trade.closed_at else "",
        "fund_bill_list": json.dumps(bills, separators=(",", ":")) if paid else "",
    }
    if refund:
        fields |= {
            "out_biz_no": refund.out_request_no,
            "refund_fee": trade.refunded,
            "gmt_refund": f"{stamp(refund.refunded_at)}.{refund.refunded_at.microsecond // 1000:03d}",
        }
    return {name: value for name, value in fields.items() if value}
