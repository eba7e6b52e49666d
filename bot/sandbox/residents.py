"""The people of the sandbox: loaded from YAML, found by ID number or Alipay account."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from yaml import MarkedYAMLError, YAMLError, safe_load

from bot.sandbox.books import Books
from bot.sandbox.bureau.tables import FILE, DeclarationRow, PaymentRow, ResidentRow
from bot.sandbox.residents_file import Declaration, Payment, Resident, ResidentsFile
from services.domain.ids import random_code
from services.domain.kinds import IdType
from services.domain.money import wire

SHIPPED = Path(__file__).parents[2] / "data" / "sandbox" / "residents.yml"


@dataclass(frozen=True, kw_only=True)
class KnownResident:
    name: str = field(repr=False)
    id_type: IdType
    id_number: str = field(repr=False)
    alipay_user_id: str | None = field(repr=False)
    mobile: str | None = field(repr=False)


async def load_file(books: Books, path: Path) -> int:
    """Add or replace the residents of a file; how many. A bad file changes nothing.

    What was declared and paid over HTTP stays. ValueError: one line with the resident and the field.
    """
    residents = _read(path)
    async with books.database.begin() as session:
        for resident in residents:
            await _put(session, resident)
    return len(residents)


async def load_shipped(books: Books) -> int:
    """Add the shipped residents that are not there yet; nobody is changed or removed. How many were added."""
    residents = _read(SHIPPED)
    async with books.database.begin() as session:
        known = set(await session.scalars(select(ResidentRow.id_number)))
        taken = set(await session.scalars(select(ResidentRow.alipay_user_id)))
        new = [resident for resident in residents if resident.id_number not in known]
        for resident in new:
            if resident.alipay_user_id in taken:
                resident = resident.model_copy(update={"alipay_user_id": None})  # noqa: PLW2901
            await _put(session, resident)
    return len(new)


async def find_resident(
    books: Books, *, id_number: str | None = None, alipay_user_id: str | None = None
) -> KnownResident | None:
    """By ID number or by account; exactly one is given."""
    if (id_number is None) == (alipay_user_id is None):
        raise TypeError("give an ID number or an account")
    wanted = select(ResidentRow)
    if id_number is not None:
        wanted = wanted.where(ResidentRow.id_number == id_number)
    else:
        wanted = wanted.where(ResidentRow.alipay_user_id == alipay_user_id)
    async with books.database.read() as session:
        row = (await session.scalars(wanted)).first()
    if row is None:
        return None
    return KnownResident(
        name=row.name,
        id_type=IdType(row.id_type),
        id_number=row.id_number,
        alipay_user_id=row.alipay_user_id,
        mobile=row.mobile,
    )


async def list_accounts(books: Books) -> list[tuple[str, str]]:
    """`(alipay_user_id, name)` of everybody who has an account, by account."""
    wanted = (
        select(ResidentRow.alipay_user_id, ResidentRow.name)
        .where(ResidentRow.alipay_user_id.is_not(None))
        .order_by(ResidentRow.alipay_user_id)
    )
    async with books.database.read() as session:
        return [(account, name) for account, name in await session.execute(wanted) if account]


def _read(path: Path) -> Sequence[Resident]:
    """The checked residents of a file; ValueError in one line."""
    try:
        content = safe_load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise ValueError(f"{path.name}: not YAML, line {line}") from None
    except (YAMLError, UnicodeDecodeError, ValueError):
        raise ValueError(f"{path.name}: not YAML in UTF-8") from None
    except OSError as error:
        raise ValueError(f"{path.name}: can't be read ({error.strerror})") from None
    try:
        return ResidentsFile.model_validate(content).residents
    except ValidationError as error:
        raise ValueError(f"{path.name}: {_first_problem(error)}") from None


def _first_problem(error: ValidationError) -> str:
    """`residents[2].enrolments[0].agency: is no division of Guizhou`: the place, from 1, no values."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ""
    for part in first["loc"]:
        place += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
    message = first["msg"].removeprefix("Value error, ").replace("\n", " ")
    return f"{place.lstrip('.') or 'the file'}: {message}"


async def _put(session: AsyncSession, resident: Resident) -> None:
    """Replace what files said about this resident."""
    if resident.alipay_user_id:
        await session.execute(
            update(ResidentRow)
            .where(
                ResidentRow.alipay_user_id == resident.alipay_user_id,
                ResidentRow.id_number != resident.id_number,
            )
            .values(alipay_user_id=None)
        )
    old = await session.get(ResidentRow, resident.id_number)
    await session.merge(
        ResidentRow(
            id_number=resident.id_number,
            id_type=resident.id_type.value,
            name=resident.name,
            alipay_user_id=resident.alipay_user_id,
            mobile=resident.mobile,
            birth_date=resident.birth_date,
            marks=list(resident.marks),
            registrations=_registrations(resident, old),
        )
    )
    await session.execute(
        delete(DeclarationRow).where(
            DeclarationRow.origin == FILE, DeclarationRow.insured == resident.id_number
        )
    )
    session.add_all(_declaration(resident, declaration) for declaration in resident.declarations)
    await _put_payments(session, resident)


def _registrations(resident: Resident, old: ResidentRow | None) -> dict[str, Any]:
    """As JSON. An arrears item keeps its id when it is loaded again."""
    found = resident.model_dump(mode="json", include={"enrolments", "assessed_arrears", "tier_choices"})
    known = (
        {_item_key(item): item["item_id"] for item in old.registrations["assessed_arrears"]} if old else {}
    )
    for item in found["assessed_arrears"]:
        item["item_id"] = known.pop(_item_key(item), None) or f"HD{random_code(10)}"
    return found


def _item_key(item: dict[str, Any]) -> tuple[str, ...]:
    return tuple(item[name] for name in ("insured_group", "insurance", "agency", "period"))


async def _put_payments(session: AsyncSession, resident: Resident) -> None:
    """Replace the payments from files; one that is told again keeps its numbers."""
    wanted = select(PaymentRow).where(PaymentRow.origin == FILE, PaymentRow.payer == resident.id_number)
    old = {_payment_key(row): row for row in await session.scalars(wanted)}
    for row in [_payment(resident, payment) for payment in resident.payments]:
        known = old.pop(_payment_key(row), None)
        if known:
            row.number, row.payment_no = known.number, known.payment_no
        await session.merge(row) if known else session.add(row)
    for row in old.values():
        await session.delete(row)


def _payment_key(row: PaymentRow) -> tuple[object, ...]:
    return (
        row.insured,
        row.insured_group,
        row.insurance,
        row.agency,
        row.fee_year,
        row.fee_period,
        row.paid_at,
    )


def _payment(resident: Resident, payment: Payment) -> PaymentRow:
    return PaymentRow(
        payment_no=f"F{random_code(20)}",
        origin=FILE,
        insured=payment.paid_for or resident.id_number,
        payer=resident.id_number,
        insured_group=payment.insured_group.value,
        insurance=payment.insurance.value,
        agency=payment.agency,
        **payment.time,
        tier=payment.tier,
        base=wire(payment.base) if payment.base is not None else None,
        rate=str(payment.rate) if payment.rate is not None else None,
        amount=wire(payment.amount),
        paid_at=payment.paid_at,
        booked_on=payment.booked_on,
        ticket_no=payment.ticket_no,
        first_issued_on=payment.first_issued_on,
        refunded_on=payment.refunded_on,
    )


def _declaration(resident: Resident, declaration: Declaration) -> DeclarationRow:
    facts = (
        declaration.model_dump(mode="json", exclude={"declared_at", "status", "amount"}) | declaration.time
    )
    return DeclarationRow(
        declaration_no=f"F{random_code(20)}",
        origin=FILE,
        insured=resident.id_number,
        declared_at=declaration.declared_at,
        dues=facts,
        quote={"base": facts.get("base"), "rate": facts.get("rate"), "fee_period": facts.get("fee_period")},
        total=wire(declaration.amount),
        status=declaration.status,
    )
