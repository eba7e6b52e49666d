"""The audit trail: append-only rows, each with the hash of the one before, and the head of the chain."""

from datetime import datetime
from typing import Any, NoReturn

from sqlalchemy import Integer, String, event
from sqlalchemy.orm import Mapped, mapped_column

from services.store.base import Base, UtcDateTime


class AuditRow(Base):
    """Who did what to which case, order or member of staff, when, and why. Never personal data (L3, L4)."""

    __tablename__ = "audit_entry"

    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(40), index=True)
    subject: Mapped[str] = mapped_column(String(64), index=True)
    reason: Mapped[str] = mapped_column(String(200))
    detail: Mapped[str] = mapped_column(String(200))
    before: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class AuditHeadRow(Base):
    """The one row that says how long the chain is: a chain that was cut at its end is found out by it."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(Integer)
    hash: Mapped[str] = mapped_column(String(64))


@event.listens_for(AuditRow, "before_update")
@event.listens_for(AuditRow, "before_delete")
def _refuse(_mapper: Any, _connection: Any, row: AuditRow) -> NoReturn:
    raise TypeError("the audit trail is append-only")
