"""The simulated Alipay's tables in `sandbox.db`. Money is text with two places, times are aware."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.orm import Mapped, mapped_column

from bot.sandbox.alipay.desk import stamp
from bot.sandbox.books import Books, SandboxBase
from services.domain.money import yuan
from services.store.base import UtcDateTime

WAITING, SUCCESS, CLOSED = "WAIT_BUYER_PAY", "TRADE_SUCCESS", "TRADE_CLOSED"


class TradeRow(SandboxBase):
    """An order that was placed. The trade itself exists from the scan on: then `trade_no` is set."""

    __tablename__ = "alipay_trade"

    out_trade_no: Mapped[str] = mapped_column(primary_key=True)
    page: Mapped[str] = mapped_column(unique=True)
    total: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str]
    passback_params: Mapped[str]
    notify_url: Mapped[str]
    return_url: Mapped[str]
    placed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    scan_before: Mapped[datetime] = mapped_column(UtcDateTime)
    time_expire: Mapped[datetime | None] = mapped_column(UtcDateTime)
    timeout_express: Mapped[str]
    trade_no: Mapped[str | None] = mapped_column(unique=True)
    status: Mapped[str | None]
    created_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    pay_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    buyer_id: Mapped[str | None] = mapped_column(index=True)
    buyer_logon_id: Mapped[str | None]
    paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    refunded: Mapped[str] = mapped_column(default="0.00")

    __table_args__ = (Index("ix_alipay_trade_open", "status", "pay_before"),)

    @property
    def left(self) -> Decimal:
        """What can still be refunded."""
        return yuan(self.total) - yuan(self.refunded) if self.paid_at else Decimal("0.00")


class RefundRow(SandboxBase):
    __tablename__ = "alipay_refund"

    out_trade_no: Mapped[str] = mapped_column(ForeignKey("alipay_trade.out_trade_no"), primary_key=True)
    out_request_no: Mapped[str] = mapped_column(primary_key=True)
    amount: Mapped[str]
    reason: Mapped[str]
    refunded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DiscountRow(SandboxBase):
    """What the merchant has paid of a trade: that much less comes to him."""

    __tablename__ = "alipay_discount"

    out_trade_no: Mapped[str] = mapped_column(ForeignKey("alipay_trade.out_trade_no"), primary_key=True)
    amount: Mapped[str]


class NotificationRow(SandboxBase):
    """A message to the merchant. `fields` is JSON text, signed anew at each try."""

    __tablename__ = "alipay_notification"

    notify_id: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str]
    fields: Mapped[str]
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """Empty when it was taken, or given up."""
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ConsentRow(SandboxBase):
    """A consent: its code, which works once, and the token that the code was changed into."""

    __tablename__ = "alipay_consent"

    code: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str]
    scope: Mapped[str]
    code_until: Mapped[datetime] = mapped_column(UtcDateTime)
    access_token: Mapped[str | None] = mapped_column(unique=True)
    refresh_token: Mapped[str | None] = mapped_column(unique=True)
    token_since: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CertifyRow(SandboxBase):
    """One try to verify a person. `passed` is empty until the person has acted."""

    __tablename__ = "alipay_certify"

    certify_id: Mapped[str] = mapped_column(primary_key=True)
    page: Mapped[str] = mapped_column(unique=True)
    outer_order_no: Mapped[str] = mapped_column(unique=True)
    cert_type: Mapped[str]
    cert_name: Mapped[str]
    cert_no: Mapped[str]
    return_url: Mapped[str]
    passed: Mapped[bool | None]
    fail_reason: Mapped[str] = mapped_column(default="")


async def trades_of(books: Books, alipay_user_id: str | None) -> list[dict[str, Any]]:
    """What a person has paid here, oldest first."""
    wanted = select(TradeRow).where(TradeRow.buyer_id == alipay_user_id).order_by(TradeRow.paid_at)
    if alipay_user_id is None:
        return []
    async with books.database.read() as session:
        return [_shown(trade) for trade in await session.scalars(wanted)]


def _shown(trade: TradeRow) -> dict[str, Any]:
    return {
        "out_trade_no": trade.out_trade_no,
        "trade_no": trade.trade_no,
        "trade_status": trade.status,
        "total_amount": trade.total,
        "refunded_amount": trade.refunded,
        "subject": trade.subject,
        "gmt_create": stamp(trade.created_at) if trade.created_at else None,
        "gmt_payment": stamp(trade.paid_at) if trade.paid_at else None,
    }
