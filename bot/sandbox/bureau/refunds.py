"""Money that goes back: payments given up before they are booked, and applications for what is booked."""

from datetime import date, datetime, time
from decimal import Decimal
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.sandbox.books import Books
from bot.sandbox.bureau.account import booked_on
from bot.sandbox.bureau.bodies import FileRefundBody
from bot.sandbox.bureau.office import QUOTE, find_declaration, find_payment
from bot.sandbox.bureau.records import VOID
from bot.sandbox.bureau.tables import DeclarationRow, PaymentRow, RefundRow, WithdrawalRow
from services.adapters.clock import SHANGHAI
from services.domain.errors import Refused
from services.domain.ids import order_number
from services.domain.kinds import Insurance, InsuredGroup
from services.domain.refunds import Reason
from services.domain.workdays import add_workdays
from services.ports import RefundApplication, RefundStage

SHORTEST, LONGEST = 3, 15
"""Working days until the money is there (`business-rules` 4); which of them follows from the key."""
HOUR = time(9)
"""When on its day a stage is reached."""


async def withdraw_payments(books: Books, keys: list[str]) -> None:
    """All or none: what is booked can't be given up. The declaration of what was posted becomes void."""
    now = books.clock.now()
    async with books.database.begin() as session:
        payments = [row for key in keys if (row := await find_payment(session, key)) is not None]
        if any(booked_on(row, now) for row in payments):
            raise Refused("already_booked")
        for row in payments:
            await session.delete(row)
        for key in keys:
            declaration = await find_declaration(session, key)
            if declaration is not None:
                declaration.status = VOID
            if await session.get(WithdrawalRow, key) is None:
                session.add(WithdrawalRow(key=key, at=now))


async def file_refund(books: Books, body: FileRefundBody) -> RefundApplication:
    """Apply once per key; one payment is refunded once."""
    now = books.clock.now()
    async with books.database.begin() as session:
        row = await session.get(RefundRow, body.key)
        if row is None:
            row = await _filed(session, body, now)
            session.add(row)
        elif row.payment_key != body.payment_key or Decimal(row.amount) != body.amount:
            raise Refused("key_reused")
        return _shown(row, now)


async def find_refund(books: Books, key: str) -> RefundApplication | None:
    async with books.database.read() as session:
        row = await session.get(RefundRow, key)
    return _shown(row, books.clock.now()) if row else None


async def pay_out(books: Books) -> None:
    """Enter on the payments which refunds have been paid by now; called before anybody looks at the books."""
    now = books.clock.now()
    due = (
        select(PaymentRow, RefundRow.paid_on)
        .join(RefundRow, RefundRow.payment_key == PaymentRow.key)
        .where(
            PaymentRow.refunded_on.is_(None), RefundRow.refused.is_(False), RefundRow.paid_on <= now.date()
        )
    )
    async with books.database.read() as session:
        if not any(_reached(paid_on, now) for _, paid_on in (await session.execute(due)).all()):
            return
    async with books.database.begin() as session:
        for payment, paid_on in (await session.execute(due)).all():
            if _reached(paid_on, now):
                payment.refunded_on = paid_on


async def _filed(session: AsyncSession, body: FileRefundBody, now: datetime) -> RefundRow:
    payment = await find_payment(session, body.payment_key)
    if payment is None or booked_on(payment, now) is None:
        raise Refused("not_booked")
    earlier = select(RefundRow).where(RefundRow.payment_key == body.payment_key, RefundRow.refused.is_(False))
    if payment.refunded_on is not None or (await session.scalars(earlier)).first() is not None:
        raise Refused("already_refunded")
    if Decimal(payment.amount) != body.amount or await _is_late(session, payment, body.reason, now.date()):
        raise Refused("not_refundable")
    days = SHORTEST + int(sha256(body.key.encode()).hexdigest(), 16) % (LONGEST - SHORTEST + 1)
    return RefundRow(
        key=body.key, application_no=order_number("TS"), payment_key=body.payment_key, amount=str(body.amount),
        reason=body.reason.value, filed_at=now,
        confirmed_on=add_workdays(now.date(), max(1, days // 3)),
        released_on=add_workdays(now.date(), max(2, days * 2 // 3)),
        paid_on=add_workdays(now.date(), days),
        refused=body.reason is Reason.OTHER,
    )  # fmt: skip


async def _is_late(session: AsyncSession, payment: PaymentRow, reason: Reason, today: date) -> bool:
    """Residents' medical insurance after its own benefit has begun, unless it was a mistake."""
    what = (payment.insured_group, payment.insurance)
    mistake = reason in {Reason.WRONG_PERSON, Reason.PAID_TWICE, Reason.WRONG_AMOUNT}
    if what != (InsuredGroup.RESIDENT, Insurance.MEDICAL) or mistake:
        return False
    filed = await session.get(DeclarationRow, payment.declaration_no) if payment.declaration_no else None
    begins = QUOTE.validate_python(filed.quote).benefit_from if filed else None
    return today >= (begins or date(payment.fee_year or today.year, 1, 1))


def _shown(row: RefundRow, now: datetime) -> RefundApplication:
    paid = not row.refused and _reached(row.paid_on, now)
    return RefundApplication(
        application_no=row.application_no,
        stage=_stage(row, now),
        expected_by=add_workdays(row.filed_at.astimezone(SHANGHAI).date(), LONGEST),
        paid_on=row.paid_on if paid else None,
    )


def _stage(row: RefundRow, now: datetime) -> RefundStage:
    if not _reached(row.confirmed_on, now):
        return RefundStage.ACCEPTED
    if row.refused:
        return RefundStage.REFUSED
    if not _reached(row.released_on, now):
        return RefundStage.CONFIRMED
    return RefundStage.PAID if _reached(row.paid_on, now) else RefundStage.RELEASED


def _reached(day: date, now: datetime) -> bool:
    return now >= datetime.combine(day, HOUR, tzinfo=now.tzinfo)
