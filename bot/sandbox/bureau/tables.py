"""The bureau's own books: who is registered, what was declared, what was paid.

What a residents file says and what was filed over HTTP lie side by side; `origin` tells them apart, so that
loading a file again replaces only what came from files.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from bot.sandbox.books import SandboxBase
from services.store.base import UtcDateTime

FILE, FILED = "file", "filed"
FIRST_TICKET = 90_000_000
"""Ticket numbers of the sandbox are above this, so that they meet no real one (`certificates` 8)."""


class ResidentRow(SandboxBase):
    """`registrations` holds lists of plain JSON: enrolments, assessed_arrears, tier_choices."""

    __tablename__ = "bureau_resident"

    id_number: Mapped[str] = mapped_column(primary_key=True)
    id_type: Mapped[str]
    name: Mapped[str]
    alipay_user_id: Mapped[str | None] = mapped_column(unique=True)
    mobile: Mapped[str | None]
    birth_date: Mapped[date | None]
    marks: Mapped[list[str]] = mapped_column(JSON)
    registrations: Mapped[dict[str, Any]] = mapped_column(JSON)


class DeclarationRow(SandboxBase):
    """One filed declaration; `quote` is the answer that was given, as JSON."""

    __tablename__ = "bureau_declaration"

    declaration_no: Mapped[str] = mapped_column(primary_key=True)
    origin: Mapped[str]
    key: Mapped[str | None] = mapped_column(unique=True)
    insured: Mapped[str] = mapped_column(index=True)
    declared_at: Mapped[datetime] = mapped_column(UtcDateTime)
    dues: Mapped[dict[str, Any]] = mapped_column(JSON)
    quote: Mapped[dict[str, Any]] = mapped_column(JSON)
    total: Mapped[str]
    status: Mapped[str | None]


class PaymentRow(SandboxBase):
    """One payment for `insured`, made by `payer`; both are ID numbers.

    `booked_on` is set for payments from files; for the others it follows from `paid_at` and `posted_at`.
    `number` makes the ticket number.
    """

    __tablename__ = "bureau_payment"
    __table_args__ = (Index("ix_bureau_payment_payer", "payer", "insured"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    payment_no: Mapped[str] = mapped_column(unique=True)
    origin: Mapped[str]
    key: Mapped[str | None] = mapped_column(unique=True)
    declaration_no: Mapped[str | None] = mapped_column(ForeignKey("bureau_declaration.declaration_no"))
    insured: Mapped[str] = mapped_column(index=True)
    payer: Mapped[str]
    insured_group: Mapped[str]
    insurance: Mapped[str]
    agency: Mapped[str]
    fee_year: Mapped[int | None]
    fee_period: Mapped[str | None]
    arrears_item: Mapped[str | None]
    tier: Mapped[str | None]
    base: Mapped[str | None]
    rate: Mapped[str | None]
    amount: Mapped[str]
    paid_at: Mapped[datetime] = mapped_column(UtcDateTime)
    posted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    booked_on: Mapped[date | None]
    ticket_no: Mapped[str | None]
    first_issued_on: Mapped[date | None]
    refunded_on: Mapped[date | None]


class WithdrawalRow(SandboxBase):
    """A key whose payment was given up before it was booked, or before it was posted: it stays so."""

    __tablename__ = "bureau_withdrawal"

    key: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class RefundRow(SandboxBase):
    """An application for a tax refund. The days of its stages are fixed when it is filed; `refused` is for one
    that the agency will not confirm."""

    __tablename__ = "bureau_refund"

    key: Mapped[str] = mapped_column(primary_key=True)
    application_no: Mapped[str] = mapped_column(unique=True)
    payment_key: Mapped[str] = mapped_column(index=True)
    amount: Mapped[str]
    reason: Mapped[str]
    filed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    confirmed_on: Mapped[date]
    released_on: Mapped[date]
    paid_on: Mapped[date]
    refused: Mapped[bool]


class CorrectionRow(SandboxBase):
    """What an ordered fault added to the last total that was answered (`corrections`)."""

    __tablename__ = "bureau_correction"

    insured: Mapped[str] = mapped_column(primary_key=True)
    dues: Mapped[str] = mapped_column(primary_key=True)
    delta: Mapped[str]
    by_refusal: Mapped[bool]
