"""The simulated WeChat Pay's tables in `sandbox.db`. Money is whole fen, times are aware."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, mapped_column

from bot.sandbox.books import Books, SandboxBase
from services.domain.money import wire, yuan
from services.store.base import UtcDateTime

NOTPAY, SUCCESS, REFUND, CLOSED = "NOTPAY", "SUCCESS", "REFUND", "CLOSED"


class WxTradeRow(SandboxBase):
    """An order. It exists from the call on. `signer` is the serial that its merchant wants answers from."""

    __tablename__ = "wechatpay_trade"

    out_trade_no: Mapped[str] = mapped_column(primary_key=True)
    page: Mapped[str] = mapped_column(unique=True)
    prepay_id: Mapped[str] = mapped_column(unique=True)
    trade_type: Mapped[str]
    total: Mapped[int]
    description: Mapped[str]
    attach: Mapped[str]
    notify_url: Mapped[str]
    signer: Mapped[str]
    openid: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    time_expire: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str]
    transaction_id: Mapped[str | None] = mapped_column(unique=True)
    account: Mapped[str | None] = mapped_column(index=True)
    paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    refunded: Mapped[int] = mapped_column(default=0)


class WxRefundRow(SandboxBase):
    """`out_refund_no` is unique with a merchant, whatever order it belongs to."""

    __tablename__ = "wechatpay_refund"

    out_refund_no: Mapped[str] = mapped_column(primary_key=True)
    out_trade_no: Mapped[str] = mapped_column(ForeignKey("wechatpay_trade.out_trade_no"))
    refund_id: Mapped[str] = mapped_column(unique=True)
    amount: Mapped[int]
    reason: Mapped[str]
    accepted_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    status: Mapped[str]


class WxNotificationRow(SandboxBase):
    """A message to the merchant. `resource` is JSON text, encrypted and signed anew at each try."""

    __tablename__ = "wechatpay_notification"

    id: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str]
    signer: Mapped[str]
    event_type: Mapped[str]
    original_type: Mapped[str]
    resource: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """Empty when it was taken, or given up."""
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


async def trades_of(books: Books, account: str | None) -> list[dict[str, Any]]:
    """What a person has paid here, oldest first."""
    if account is None:
        return []
    wanted = select(WxTradeRow).where(WxTradeRow.account == account).order_by(WxTradeRow.paid_at)
    async with books.database.read() as session:
        return [
            {
                "out_trade_no": trade.out_trade_no,
                "transaction_id": trade.transaction_id,
                "trade_state": trade.state,
                "total_amount": wire(yuan(trade.total) / 100),
                "refunded_amount": wire(yuan(trade.refunded) / 100),
            }
            for trade in await session.scalars(wanted)
        ]
