"""The bureau's operations on its books. Each commits before it returns; errors are those of the port."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from pydantic import TypeAdapter
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.sandbox.books import Books
from bot.sandbox.bureau import assess, records
from bot.sandbox.bureau.account import Account, booked_on, payment_year
from bot.sandbox.bureau.bodies import DeclareBody, PersonFacts, PostPaymentBody, RecordsBody
from bot.sandbox.bureau.corrections import declared_delta, quoted_delta
from bot.sandbox.bureau.tables import FILED, DeclarationRow, PaymentRow, ResidentRow, WithdrawalRow
from services.adapters.clock import SHANGHAI
from services.domain.errors import Refused
from services.domain.id_documents import same_document
from services.domain.ids import order_number
from services.domain.kinds import IdType, Insurance, InsuredGroup, PaymentType
from services.domain.money import wire, yuan
from services.domain.names import canonical_name
from services.domain.periods import months_of
from services.ports import ArrearsItem, Booking, Declaration, Dues, Enrolment, FeeRecord, Posting, Quote, Tier

LONGEST_WAY = timedelta(days=31)
"""From a payment to its booking, over the longest holidays."""
DUES = TypeAdapter(Dues)
QUOTE = TypeAdapter(Quote)


async def find_enrolments(books: Books, who: PersonFacts) -> list[Enrolment]:
    async with books.database.read() as session:
        return assess.enrolments(await get_account(books, session, who))


async def find_arrears(books: Books, who: PersonFacts) -> list[ArrearsItem]:
    async with books.database.read() as session:
        return (await get_account(books, session, who)).arrears


async def find_tiers(books: Books, who: PersonFacts, dues: Dues) -> list[Tier]:
    async with books.database.read() as session:
        return assess.tiers(await get_account(books, session, who), dues)


async def quote(books: Books, who: PersonFacts, dues: Dues) -> Quote:
    async with books.database.read() as session:
        account = await get_account(books, session, who)
        found = assess.quote(account, dues)
    return _plus(found, await quoted_delta(books, account.row.id_number, dues))


async def declare(books: Books, body: DeclareBody) -> Declaration:
    """File once per key. The total must be the one of now, or the last one that was answered."""
    async with books.database.read() as session:
        account = await get_account(books, session, body.person)
        row = await find_declaration(session, body.key)
    if row is None:
        row = await _file(books, account.row.id_number, body, await _agree(books, account, body))
    if row.insured != account.row.id_number or DUES.validate_python(row.dues) != body.dues:
        raise Refused("key_reused")
    return Declaration(declaration_no=row.declaration_no, quote=QUOTE.validate_python(row.quote))


async def post_payment(books: Books, body: PostPaymentBody) -> Posting:
    """Enter a payment once per key; a second payment for the same fee is refused with `already_paid`."""
    now = books.clock.now()
    async with books.database.begin() as session:
        row = await find_payment(session, body.key)
        if row is None:
            if await session.get(WithdrawalRow, body.key) is not None:
                raise Refused("withdrawn")
            declaration = await session.get(DeclarationRow, body.declaration_no)
            if declaration is None or declaration.origin != FILED:
                raise Refused("unknown_declaration")
            if Decimal(declaration.total) != body.amount:
                raise Refused("figures_changed", total=declaration.total)
            dues = DUES.validate_python(declaration.dues)
            account = await find_account(books, session, declaration.insured)
            if account is None or _is_settled(account, dues):
                raise Refused("already_paid")
            row = _posted(declaration, dues, body)
            row.posted_at = now
            session.add(row)
        elif row.declaration_no != body.declaration_no or Decimal(row.amount) != body.amount:
            raise Refused("key_reused")
        return Posting(payment_no=row.payment_no, booked_on=booked_on(row, now))


async def find_posting(books: Books, key: str) -> Posting | None:
    async with books.database.read() as session:
        row = await find_payment(session, key)
    return Posting(payment_no=row.payment_no, booked_on=booked_on(row, books.clock.now())) if row else None


async def find_bookings(books: Books, day: date) -> list[Booking]:
    """What was posted to us and entered on `day`, in the order of posting."""
    start, now = datetime.combine(day, time(), SHANGHAI), books.clock.now()
    recent = or_(PaymentRow.paid_at >= start - LONGEST_WAY, PaymentRow.posted_at >= start)
    wanted = select(PaymentRow).where(PaymentRow.key.is_not(None), recent).order_by(PaymentRow.number)
    async with books.database.read() as session:
        rows = [row for row in await session.scalars(wanted) if booked_on(row, now) == day]
    return [
        Booking(key=row.key or "", payment_no=row.payment_no, amount=Decimal(row.amount), booked_on=day)
        for row in rows
    ]


async def find_records(books: Books, body: RecordsBody) -> list[FeeRecord]:
    """Declarations, booked payments or tier choices; with `paid_for` what `person` paid for the other."""
    insured = body.paid_for or body.person
    async with books.database.read() as session:
        payer = body.person.id_number if body.paid_for else None
        account = await get_account(books, session, insured)
        wanted = select(DeclarationRow).where(DeclarationRow.insured == account.row.id_number)
        declared = list(await session.scalars(wanted))
    return records.find(account, declared, body.kind, fee_year=body.fee_year, payer=payer)


async def get_account(books: Books, session: AsyncSession, who: PersonFacts) -> Account:
    """`not_registered` for an unknown number as for a name or a type that does not fit it."""
    wanted = select(ResidentRow.id_number).where(ResidentRow.id_type == who.id_type.value)
    if who.id_type is IdType.HK_MACAO_TRAVEL_PERMIT:
        wanted = wanted.where(ResidentRow.id_number.startswith(who.id_number[:9], autoescape=True))
    else:
        wanted = wanted.where(ResidentRow.id_number == who.id_number)
    for id_number in await session.scalars(wanted):
        account = await find_account(books, session, id_number)
        if account and same_document(id_number, who.id_number, who.id_type) and _same_name(account, who):
            return account
    raise Refused("not_registered")


async def find_account(books: Books, session: AsyncSession, id_number: str) -> Account | None:
    row = await session.get(ResidentRow, id_number)
    if row is None:
        return None
    wanted = select(PaymentRow).where(PaymentRow.insured == id_number).order_by(PaymentRow.paid_at)
    return Account(row, list(await session.scalars(wanted)), books.clock.now())


def _same_name(account: Account, who: PersonFacts) -> bool:
    return canonical_name(account.row.name).casefold() == canonical_name(who.name).casefold()


async def find_declaration(session: AsyncSession, key: str) -> DeclarationRow | None:
    return (await session.scalars(select(DeclarationRow).where(DeclarationRow.key == key))).first()


async def find_payment(session: AsyncSession, key: str) -> PaymentRow | None:
    return (await session.scalars(select(PaymentRow).where(PaymentRow.key == key))).first()


async def _agree(books: Books, account: Account, body: DeclareBody) -> Quote:
    """The figures that the declaration is filed with, if its total is theirs."""
    figures = assess.quote(account, body.dues)
    figures = _plus(figures, await declared_delta(books, account.row.id_number, body.dues))
    if figures.total != body.total:
        raise Refused("figures_changed", total=wire(figures.total))
    return figures


async def _file(books: Books, insured: str, body: DeclareBody, figures: Quote) -> DeclarationRow:
    """The row of this key: ours, or one that another call filed a moment ago."""
    async with books.database.begin() as session:
        known = await find_declaration(session, body.key)
        if known:
            return known
        row = DeclarationRow(
            declaration_no=order_number("SB"),
            origin=FILED,
            key=body.key,
            insured=insured,
            declared_at=books.clock.now(),
            dues=DUES.dump_python(body.dues, mode="json"),
            quote=QUOTE.dump_python(figures, mode="json"),
            total=wire(figures.total),
        )
        session.add(row)
        return row


def _posted(declaration: DeclarationRow, dues: Dues, body: PostPaymentBody) -> PaymentRow:
    figures = QUOTE.validate_python(declaration.quote)
    return PaymentRow(
        payment_no=order_number("RK"),
        origin=FILED,
        key=body.key,
        declaration_no=declaration.declaration_no,
        insured=declaration.insured,
        payer=body.paid_by.id_number,
        insured_group=dues.insured_group.value,
        insurance=dues.insurance.value,
        agency=dues.agency,
        fee_year=dues.fee_year,
        fee_period=figures.fee_period,
        arrears_item=dues.arrears_item,
        tier=dues.tier,
        base=wire(figures.base) if figures.base is not None else None,
        rate=str(figures.rate) if figures.rate is not None else None,
        amount=wire(body.amount),
        paid_at=body.paid_at,
    )


def _is_settled(account: Account, dues: Dues) -> bool:
    """Has what `dues` are for been paid meanwhile by somebody, wholly or in part?"""
    if dues.payment_type is PaymentType.ARREARS:
        return all(item.item_id != dues.arrears_item for item in account.arrears)
    paid = account.paid(dues.insured_group, dues.insurance)
    if dues.insured_group is InsuredGroup.RESIDENT:
        return any(payment_year(row) == dues.fee_year for row in paid)
    return _first_month_paid(account, dues.insurance, dues)


def _first_month_paid(account: Account, insurance: Insurance, dues: Dues) -> bool:
    """A period begins and ends with a month that was unpaid when it was quoted (`assess`)."""
    months = months_of(dues.fee_period or "")
    return not account.paid_months(insurance).isdisjoint({months[0], months[-1]})


def _plus(figures: Quote, delta: Decimal) -> Quote:
    return replace(figures, total=yuan(figures.total + delta)) if delta else figures
