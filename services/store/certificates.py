"""Tables of certificates: the papers, their files, the links to them, and counters against guessing.

A paper is numbered first, together with all its facts; its file can be made from them again at any time, and
once it is stored its bytes never change.
"""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from services.store.base import Base, UtcDateTime, sealed

FACTS_PURPOSE = "certificate.facts"
PDF_PURPOSE = "certificate_file.pdf"
PREVIEW_PURPOSE = "certificate_file.preview"

NUMBERED, AVAILABLE, VOID = "numbered", "available", "void"


class CertificateRow(Base):
    """One paper. `fingerprint` is the blind index of what it is about: the same again is the same paper.

    Papers with one number are a chain: `issue` 0 is the first, n its n-th reissue. `person_id` is the insured;
    `payer_id` is set on a paper about what that payer paid for them. `facts` is the sealed JSON that its file
    is made from; `code_hash` belongs to the code printed on it.
    """

    __tablename__ = "certificate"
    __table_args__ = (
        UniqueConstraint("fingerprint"),
        UniqueConstraint("number", "issue"),
        Index("ix_certificate_subject", "person_id", "kind", "fee_year"),
    )

    certificate_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    person_id: Mapped[str] = mapped_column(String(64))
    payer_id: Mapped[str | None] = mapped_column(String(64))
    fee_year: Mapped[int] = mapped_column(Integer)
    fingerprint: Mapped[str] = mapped_column(String(64))
    number: Mapped[str] = mapped_column(String(32))
    issue: Mapped[int] = mapped_column(Integer, default=0)
    code_hash: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    issued_on: Mapped[date] = mapped_column(Date)
    numbered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    voided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    facts: Mapped[bytes] = mapped_column(
        LargeBinary, info=sealed(FACTS_PURPOSE, row="certificate_id", subject="person_id")
    )


class CertificateFileRow(Base):
    """The file of a paper and a picture of its first page, sealed. `sha256` is of the PDF in the clear."""

    __tablename__ = "certificate_file"

    certificate_id: Mapped[str] = mapped_column(ForeignKey("certificate.certificate_id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(String(64))
    sha256: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    pdf: Mapped[bytes] = mapped_column(
        LargeBinary, info=sealed(PDF_PURPOSE, row="certificate_id", subject="person_id")
    )
    preview: Mapped[bytes] = mapped_column(
        LargeBinary, info=sealed(PREVIEW_PURPOSE, row="certificate_id", subject="person_id")
    )


class CertificateTicketRow(Base):
    """A link that was given to one person in one conversation, by the hash of its ticket."""

    __tablename__ = "certificate_ticket"

    ticket_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    certificate_id: Mapped[str] = mapped_column(ForeignKey("certificate.certificate_id"), index=True)
    person_id: Mapped[str] = mapped_column(String(64))
    conversation_id: Mapped[str] = mapped_column(String(300))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    downloads: Mapped[int] = mapped_column(Integer, default=0)


class VerificationBudgetRow(Base):
    """How often a number, or an address, was tried without success. `budget_id` is a keyed hash of it."""

    __tablename__ = "verification_budget"

    budget_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    tries: Mapped[int] = mapped_column(Integer)
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    touched_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


async def find_by_fingerprint(session: AsyncSession, fingerprint: str) -> CertificateRow | None:
    found: CertificateRow | None = await session.scalar(
        select(CertificateRow).where(CertificateRow.fingerprint == fingerprint)
    )
    return found


async def find_chain(session: AsyncSession, number: str) -> Sequence[CertificateRow]:
    """The papers with this number: the first issue and its reissues, oldest first."""
    rows = await session.scalars(
        select(CertificateRow).where(CertificateRow.number == number).order_by(CertificateRow.issue)
    )
    return rows.all()


async def find_chains(session: AsyncSession, numbers: Sequence[str]) -> Sequence[CertificateRow]:
    """The papers with these numbers, each chain oldest first."""
    rows = await session.scalars(
        select(CertificateRow)
        .where(CertificateRow.number.in_(numbers))
        .order_by(CertificateRow.number, CertificateRow.issue)
    )
    return rows.all()


async def standing_papers(
    session: AsyncSession, *, person_id: str, payer_id: str | None, kind: str, fee_year: int
) -> Sequence[CertificateRow]:
    """The papers of this person, payer, kind and year that are not void."""
    rows = await session.scalars(
        select(CertificateRow).where(
            CertificateRow.person_id == person_id,
            CertificateRow.payer_id.is_not_distinct_from(payer_id),
            CertificateRow.kind == kind,
            CertificateRow.fee_year == fee_year,
            CertificateRow.state != VOID,
        )
    )
    return rows.all()


async def forget_tickets(session: AsyncSession, *, before: datetime) -> None:
    """Erase links that expired before."""
    await session.execute(delete(CertificateTicketRow).where(CertificateTicketRow.expires_at < before))


async def forget_budgets(session: AsyncSession, *, before: datetime) -> None:
    """Erase counters that nobody has touched since."""
    await session.execute(delete(VerificationBudgetRow).where(VerificationBudgetRow.touched_at < before))
