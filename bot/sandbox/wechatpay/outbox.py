"""Messages to the merchant, written in the same transaction as the change that they tell of."""

import json
import secrets
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.sandbox.wechatpay.desk import Desk, stamp
from bot.sandbox.wechatpay.store import SUCCESS, WxNotificationRow, WxRefundRow, WxTradeRow


def announce_paid(session: AsyncSession, desk: Desk, trade: WxTradeRow) -> None:
    content = shown(desk, trade)
    _queue(session, desk, trade, url=trade.notify_url, event="TRANSACTION.SUCCESS", content=content)


def announce_refund(
    session: AsyncSession, desk: Desk, trade: WxTradeRow, refund: WxRefundRow, *, url: str
) -> None:
    """To the refund's own address; a refund without one is not told."""
    if not url:
        return
    content = {
        "mchid": desk.keys.wechatpay_mch_id,
        "transaction_id": trade.transaction_id,
        "out_trade_no": trade.out_trade_no,
        "refund_id": refund.refund_id,
        "out_refund_no": refund.out_refund_no,
        "refund_status": refund.status,
        "success_time": stamp(refund.accepted_at),
        "user_received_account": "支付用户零钱",
        "amount": {
            "total": trade.total,
            "refund": refund.amount,
            "payer_total": trade.total,
            "payer_refund": refund.amount,
        },
    }
    _queue(session, desk, trade, url=url, event="REFUND.SUCCESS", content=content)


def shown(desk: Desk, trade: WxTradeRow) -> dict[str, Any]:
    """An order as its query and its notification show it."""
    content: dict[str, Any] = {
        "appid": desk.keys.wechat_app_id,
        "mchid": desk.keys.wechatpay_mch_id,
        "out_trade_no": trade.out_trade_no,
        "trade_state": trade.state,
        "trade_state_desc": "支付成功" if trade.state == SUCCESS else trade.state,
        "amount": {"total": trade.total, "currency": "CNY"},
        "attach": trade.attach,
    }
    if trade.paid_at is not None:
        content |= {
            "trade_type": trade.trade_type,
            "transaction_id": trade.transaction_id,
            "bank_type": "OTHERS",
            "success_time": stamp(trade.paid_at),
            "payer": {"openid": trade.openid},
            "amount": {
                "total": trade.total,
                "payer_total": trade.total,
                "currency": "CNY",
                "payer_currency": "CNY",
            },
        }
    return content


def _queue(
    session: AsyncSession, desk: Desk, trade: WxTradeRow, *, url: str, event: str, content: dict[str, Any]
) -> None:
    session.add(
        WxNotificationRow(
            id=f"EV-{secrets.token_hex(16)}",
            url=url,
            signer=trade.signer,
            event_type=event,
            original_type=event.partition(".")[0].lower(),
            resource=json.dumps(content, ensure_ascii=False),
            created_at=desk.now(),
            tries=0,
            due_at=desk.now(),
        )
    )
