"""Tables of reconciliation: the gateways' bills as they were taken in, findings with their history, days done.

Nothing here is ever deleted, and no column holds personal data: of a bill only numbers, amounts and times are
kept, not who has paid.
"""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Date, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.store.base import Base, UtcDateTime
from services.store.orders import Fen

NUMBER = 140
"""An order's number at a gateway, a slash, and a refund's."""


class BillRow(Base):
    """A gateway's file of a day, by what it says. A later file that says something else replaces it."""

    __tablename__ = "gateway_bill"
    __table_args__ = (UniqueConstraint("provider", "day", "sha256"),)

    bill_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    provider: Mapped[str] = mapped_column(String(16))
    day: Mapped[date] = mapped_column(Date)
    sha256: Mapped[str] = mapped_column(String(64))
    lines: Mapped[int] = mapped_column(Integer)
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime)
    replaced_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class BillLineRow(Base):
    """One movement of a bill. `kind` is `paid` or `refund`."""

    __tablename__ = "gateway_bill_line"

    bill_id: Mapped[str] = mapped_column(ForeignKey("gateway_bill.bill_id"), primary_key=True)
    line: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    order_no: Mapped[str] = mapped_column(String(64), index=True)
    trade_no: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(8))
    request_no: Mapped[str | None] = mapped_column(String(64))
    total: Mapped[Decimal] = mapped_column(Fen)
    received: Mapped[Decimal] = mapped_column(Fen)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


OPEN, MENDED, ACCEPTED = "open", "mended", "accepted"


class FindingRow(Base):
    """A difference. `source` is the gateway or the bureau whose word is compared with ours; `finding_id` follows
    from day, source, kind and number. `note` says how it stands now, in a word.
    """

    __tablename__ = "finding"
    __table_args__ = (
        UniqueConstraint("day", "source", "kind", "number"),
        Index(None, "state", "day"),
    )

    finding_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    day: Mapped[date] = mapped_column(Date)
    source: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(24))
    number: Mapped[str] = mapped_column(String(NUMBER))
    order_no: Mapped[str | None] = mapped_column(String(64), index=True)
    expected: Mapped[Decimal | None] = mapped_column(Fen)
    found: Mapped[Decimal | None] = mapped_column(Fen)
    note: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(10))
    moves: Mapped[int] = mapped_column(Integer, default=0)
    found_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class FindingMoveRow(Base):
    """The history of a finding, append-only. `decided_by` is `service`, or the two people who decided."""

    __tablename__ = "finding_move"

    finding_id: Mapped[str] = mapped_column(ForeignKey("finding.finding_id"), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(String(10))
    note: Mapped[str] = mapped_column(String(40))
    decided_by: Mapped[str] = mapped_column(String(140))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class ReconciledDayRow(Base):
    """A day that has been matched to its end."""

    __tablename__ = "reconciled_day"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    done_at: Mapped[datetime] = mapped_column(UtcDateTime)
