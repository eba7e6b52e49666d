"""Refund cases: what somebody asked to have back, how far it is, and the evidence as it stood then.

No column holds personal data: people are known by pseudonym or masked name, staff by their login.
"""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Date, ForeignKey, Index, Integer, String, Text, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from services.domain.errors import Unavailable
from services.domain.refunds import UNDER_WAY, CaseState, check_case_move
from services.store.base import Base, UtcDateTime
from services.store.orders import ORDER, Fen

CASE = "refund_case.case_no"
WHOLE = 0
"""The line of a case that is about all lines of its order."""
_UNDER_WAY = text(f"state IN ({', '.join(repr(state.value) for state in sorted(UNDER_WAY))})")


class CaseRow(Base):
    """One request. `state` is moved by `move_case` only, by compare-and-swap on `moves`.

    `evidence` is the snapshot (JSON) and `evidence_hash` its SHA-256. `reason` is the resident's, `outcome` a
    code for why it was rejected or is stuck.
    """

    __tablename__ = "refund_case"
    __table_args__ = (
        Index(
            "uq_refund_case_under_way", "order_no", "line", unique=True,
            sqlite_where=_UNDER_WAY, postgresql_where=_UNDER_WAY,
        ),
        Index(None, "state", "requested_at"),
    )  # fmt: skip

    case_no: Mapped[str] = mapped_column(String(32), primary_key=True)
    order_no: Mapped[str] = mapped_column(ForeignKey(ORDER), index=True)
    line: Mapped[int] = mapped_column(Integer)
    payer_id: Mapped[str] = mapped_column(String(64), index=True)
    conversation_id: Mapped[str] = mapped_column(String(300))
    reason: Mapped[str] = mapped_column(String(24))
    route: Mapped[str] = mapped_column(String(16))
    amount: Mapped[Decimal] = mapped_column(Fen)
    state: Mapped[str] = mapped_column(String(16))
    moves: Mapped[int] = mapped_column(Integer, default=0)
    outcome: Mapped[str | None] = mapped_column(String(40))
    evidence: Mapped[str] = mapped_column(Text)
    evidence_hash: Mapped[str] = mapped_column(String(64))
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CaseMoveRow(Base):
    """The history of a case, append-only."""

    __tablename__ = "refund_case_move"

    case_no: Mapped[str] = mapped_column(ForeignKey(CASE), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    old: Mapped[str] = mapped_column(String(16))
    new: Mapped[str] = mapped_column(String(16))
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class SignatureRow(Base):
    """A member of staff agreed to a refund: once each, which the key sees to. `right` is `propose` or `approve`."""

    __tablename__ = "refund_signature"

    case_no: Mapped[str] = mapped_column(ForeignKey(CASE), primary_key=True)
    agent: Mapped[str] = mapped_column(String(40), primary_key=True)
    right: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class ApplicationRow(Base):
    """The application of one line at the tax office. `key` is what the bureau knows it by, at every try."""

    __tablename__ = "refund_application"

    case_no: Mapped[str] = mapped_column(ForeignKey(CASE), primary_key=True)
    line: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    amount: Mapped[Decimal] = mapped_column(Fen)
    application_no: Mapped[str | None] = mapped_column(String(64))
    stage: Mapped[str | None] = mapped_column(String(16))
    expected_by: Mapped[date | None] = mapped_column(Date)
    paid_on: Mapped[date | None] = mapped_column(Date)


class CaseMoved(Unavailable):
    """Somebody else has moved the case a moment ago: look again."""

    code = "refund_case_moved"


async def move_case(
    session: AsyncSession, case: CaseRow, new: CaseState, *, by: str, at: datetime, outcome: str | None = None
) -> None:
    """The only setter of `CaseRow.state`: along an edge, with a history row. `CaseMoved` if it was not first."""
    old = CaseState(case.state)
    check_case_move(old, new)
    closed_at = None if new in UNDER_WAY else at
    moved = (
        update(CaseRow)
        .where(CaseRow.case_no == case.case_no, CaseRow.state == old.value, CaseRow.moves == case.moves)
        .values(state=new.value, moves=case.moves + 1, outcome=outcome, closed_at=closed_at)
        .execution_options(synchronize_session=False)
    )
    if (await session.execute(moved)).rowcount != 1:  # type: ignore[attr-defined]
        raise CaseMoved
    await session.refresh(case)
    session.add(CaseMoveRow(case_no=case.case_no, seq=case.moves, old=old.value, new=new.value, by=by, at=at))
