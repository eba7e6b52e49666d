"""Money: drafts, orders with their lines and history, evidence, refunds, and the journal.

An order has one line per bill (person × insurance × period); one order may carry several, for several people.
No column holds personal data: people are known by pseudonym. Money is stored as whole fen.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from services.domain.ids import new_id
from services.domain.money import yuan
from services.domain.orders import OrderState, RefundState, check_move
from services.store.base import Base, UtcDateTime

ORDER = "payment_order.order_no"


class Fen(TypeDecorator[Decimal]):
    """`Decimal` yuan in and out, whole fen in the database. `ValueError` for a part of a fen."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Any) -> int | None:
        if value is None:
            return None
        if yuan(value) != value:
            raise ValueError("an amount has at most two places")
        return int(value * 100)

    def process_result_value(self, value: int | None, dialect: Any) -> Decimal | None:
        return None if value is None else yuan(Decimal(value) / 100)


class State(TypeDecorator[OrderState]):
    impl = String(16)
    cache_ok = True

    def process_bind_param(self, value: OrderState | None, dialect: Any) -> str | None:
        return None if value is None else OrderState(value).value

    def process_result_value(self, value: str | None, dialect: Any) -> OrderState | None:
        return None if value is None else OrderState(value)


class DraftRow(Base):
    """What was shown for confirmation. `order_no` is the order that a confirmation led to."""

    __tablename__ = "payment_draft"

    draft_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(String(300), index=True)
    payer_id: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    valid_until: Mapped[datetime] = mapped_column(UtcDateTime)
    order_no: Mapped[str | None] = mapped_column(String(32))


class DraftLineRow(Base):
    """One quote of a draft: `quote` is JSON, `digest` stands for everything that was shown of it."""

    __tablename__ = "payment_draft_line"

    draft_id: Mapped[str] = mapped_column(ForeignKey("payment_draft.draft_id"), primary_key=True)
    line: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    insured_id: Mapped[str] = mapped_column(String(64))
    quote: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64))


class OrderRow(Base):
    """One number at the gateway. `state` is moved by `move_to` only.

    `sent_at` is when the first call to the gateway was intended: from then on the number may be payable there
    until `expires_at`. `sends` counts the calls. `wanted` is false when the resident has given it up.
    `opened_at` is when the gateway's link was first given to a browser: before that nobody can pay there.
    `captured` is what the gateway took, also when it is not `total`.
    """

    __tablename__ = "payment_order"
    __table_args__ = (Index(None, "state", "created_at"),)

    order_no: Mapped[str] = mapped_column(String(32), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(String(300), index=True)
    payer_id: Mapped[str] = mapped_column(String(64), index=True)
    provider: Mapped[str] = mapped_column(String(16))
    total: Mapped[Decimal] = mapped_column(Fen)
    state: Mapped[OrderState] = mapped_column(State)
    moves: Mapped[int] = mapped_column(Integer, default=0)
    reason: Mapped[str | None] = mapped_column(String(40))
    wanted: Mapped[bool] = mapped_column(Boolean, default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sends: Mapped[int] = mapped_column(Integer, default=0)
    cashier_url: Mapped[str | None] = mapped_column(Text)
    qr_code: Mapped[str | None] = mapped_column(Text)
    prepay_id: Mapped[str | None] = mapped_column(String(64))
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    queried_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    trade_no: Mapped[str | None] = mapped_column(String(64))
    captured: Mapped[Decimal | None] = mapped_column(Fen)
    paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    booked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class OrderLineRow(Base):
    """One bill in an order. `key` is what the bureau knows it by, in the declaration and in the posting.

    `returned_at` is when the bureau refused it while it took others of the order: its part is given back.
    """

    __tablename__ = "payment_order_line"

    order_no: Mapped[str] = mapped_column(ForeignKey(ORDER), primary_key=True)
    line: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    insured_id: Mapped[str] = mapped_column(String(64), index=True)
    insured_group: Mapped[str] = mapped_column(String(24))
    insurance: Mapped[str] = mapped_column(String(16))
    year: Mapped[int] = mapped_column(Integer)
    amount: Mapped[Decimal] = mapped_column(Fen)
    quote: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64))
    declaration_no: Mapped[str | None] = mapped_column(String(64))
    payment_no: Mapped[str | None] = mapped_column(String(64))
    posted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    booked_on: Mapped[date | None] = mapped_column(Date)
    returned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


LIVE, APPLIED, RELEASED = "live", "applied", "released"
_UNIT = ("insured_id", "insured_group", "insurance", "unit")


def _one_per_unit(state: str) -> Index:
    where = text(f"state = '{state}'")
    return Index(f"uq_bill_claim_{state}", *_UNIT, unique=True, sqlite_where=where, postgresql_where=where)


class ClaimRow(Base):
    """What an order holds of a bill. The indexes are invariant I1: one live, one applied order a unit."""

    __tablename__ = "bill_claim"
    __table_args__ = (_one_per_unit(LIVE), _one_per_unit(APPLIED))

    order_no: Mapped[str] = mapped_column(ForeignKey(ORDER), primary_key=True)
    line: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    unit: Mapped[str] = mapped_column(String(80), primary_key=True)
    insured_id: Mapped[str] = mapped_column(String(64))
    insured_group: Mapped[str] = mapped_column(String(24))
    insurance: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(10))


class WatcherRow(Base):
    """A conversation that is told what becomes of an order."""

    __tablename__ = "payment_watcher"

    order_no: Mapped[str] = mapped_column(ForeignKey(ORDER), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(String(300), primary_key=True, index=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime)


class MoveRow(Base):
    """The history of an order, append-only."""

    __tablename__ = "payment_move"

    order_no: Mapped[str] = mapped_column(ForeignKey(ORDER), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    old: Mapped[OrderState] = mapped_column(State)
    new: Mapped[OrderState] = mapped_column(State)
    reason: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class EvidenceRow(Base):
    """What the gateway said about a number, ours or not, and what was made of it (`verdict`)."""

    __tablename__ = "payment_evidence"

    evidence_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    order_no: Mapped[str] = mapped_column(String(64), index=True)
    source: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(16))
    verdict: Mapped[str] = mapped_column(String(24))
    total: Mapped[Decimal | None] = mapped_column(Fen)
    refunded: Mapped[Decimal | None] = mapped_column(Fen)
    trade_no: Mapped[str | None] = mapped_column(String(64))
    paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)


SURPLUS, LINE, OUTSIDE, REQUESTED = "surplus", "line", "outside", "requested"
"""Kinds of `RefundRow`."""


class RefundRow(Base):
    """A refund; `request_no` is the same at every try (I6).

    `kind` is `surplus` (what is left of the whole order), `line` (one bill, `number` is its line), `outside`
    or `requested`.
    """

    __tablename__ = "payment_refund"
    __table_args__ = (UniqueConstraint("order_no", "kind", "number"),)

    request_no: Mapped[str] = mapped_column(String(40), primary_key=True)
    order_no: Mapped[str] = mapped_column(ForeignKey(ORDER))
    kind: Mapped[str] = mapped_column(String(16))
    number: Mapped[int] = mapped_column(Integer, default=1)
    amount: Mapped[Decimal] = mapped_column(Fen)
    state: Mapped[str] = mapped_column(String(16), default=RefundState.APPROVED)
    reason: Mapped[str] = mapped_column(String(40))
    requested_by: Mapped[str] = mapped_column(String(64), default="service")
    approved_by: Mapped[str] = mapped_column(String(64), default="service")
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    stuck_code: Mapped[str | None] = mapped_column(String(64))


class EntryRow(Base):
    """One journal entry, append-only; the key makes each happen once (`reliability` P6)."""

    __tablename__ = "journal_entry"
    __table_args__ = (UniqueConstraint("order_no", "kind", "ref"),)

    entry_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    order_no: Mapped[str] = mapped_column(ForeignKey(ORDER))
    kind: Mapped[str] = mapped_column(String(24))
    ref: Mapped[str] = mapped_column(String(40), default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class PostingRow(Base):
    """One side of an entry: debit positive, credit negative."""

    __tablename__ = "journal_posting"

    entry_id: Mapped[str] = mapped_column(ForeignKey("journal_entry.entry_id"), primary_key=True)
    account: Mapped[str] = mapped_column(String(24), primary_key=True)
    amount: Mapped[Decimal] = mapped_column(Fen)


def move_to(session: AsyncSession, order: OrderRow, new: OrderState, *, reason: str, at: datetime) -> None:
    """The only setter of `OrderRow.state`: along an edge, with a history row. `IllegalMove` otherwise."""
    check_move(order.state, new)
    order.moves += 1
    session.add(
        MoveRow(order_no=order.order_no, seq=order.moves, old=order.state, new=new, reason=reason, at=at)
    )
    order.state, order.reason = new, reason


async def record_entry(
    session: AsyncSession,
    order_no: str,
    kind: str,
    *,
    debit: str,
    credit: str,
    amount: Decimal,
    at: datetime,
    ref: str = "",
) -> None:
    """A balanced journal entry in the caller's transaction."""
    entry_id = new_id("j")
    session.add(EntryRow(entry_id=entry_id, order_no=order_no, kind=kind, ref=ref, at=at))
    await session.flush()
    session.add(PostingRow(entry_id=entry_id, account=debit, amount=amount))
    session.add(PostingRow(entry_id=entry_id, account=credit, amount=-amount))
