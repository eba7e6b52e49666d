"""Totals that a test has ordered to differ (`amount_changed`).

The bureau stands by its word: a declaration at the last total that a quote answered is accepted although the
fault has ended meanwhile, and after a declaration was refused the next quote tells the total of the refusal.
"""

from decimal import Decimal

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from bot.sandbox.books import Books
from bot.sandbox.bureau.tables import CorrectionRow
from services.domain.money import wire
from services.ports import Dues

AMOUNT_CHANGED = "amount_changed"
NOTHING = Decimal(0)
_DUES = TypeAdapter(Dues)


async def quoted_delta(books: Books, insured: str, dues: Dues) -> Decimal:
    """What this quote adds to the true total: by order, or since a refusal has just said so."""
    ordered = await _take(books, "quote")
    standing = await _look(books, insured, dues)
    if ordered is None and standing is not None and standing.by_refusal:
        ordered = Decimal(standing.delta)
    await _keep(books, insured, dues, standing, ordered or NOTHING, by_refusal=False)
    return ordered or NOTHING


async def declared_delta(books: Books, insured: str, dues: Dues) -> Decimal:
    """What this declaration adds to the true total: by order, or since the last quote did."""
    ordered = await _take(books, "declare")
    if ordered is not None:
        standing = await _look(books, insured, dues)
        await _keep(books, insured, dues, standing, ordered, by_refusal=True)
        return ordered
    standing = await _look(books, insured, dues)
    return Decimal(standing.delta) if standing else NOTHING


async def _take(books: Books, operation: str) -> Decimal | None:
    fault = await books.take_fault("bureau", operation, modes={AMOUNT_CHANGED})
    return fault.delta if fault else None


async def _look(books: Books, insured: str, dues: Dues) -> CorrectionRow | None:
    async with books.database.read() as session:
        return await session.get(CorrectionRow, _key(insured, dues))


async def _keep(
    books: Books,
    insured: str,
    dues: Dues,
    standing: CorrectionRow | None,
    delta: Decimal,
    *,
    by_refusal: bool,
) -> None:
    """Remember the word; an ordinary quote writes nothing."""
    if delta == NOTHING and standing is None:
        return
    async with books.database.begin() as session:
        await _write(session, insured, dues, delta, by_refusal)


async def _write(session: AsyncSession, insured: str, dues: Dues, delta: Decimal, by_refusal: bool) -> None:
    if delta == NOTHING:
        row = await session.get(CorrectionRow, _key(insured, dues))
        if row is not None:
            await session.delete(row)
        return
    row = CorrectionRow(
        insured=insured, dues=_key(insured, dues)[1], delta=wire(delta), by_refusal=by_refusal
    )
    await session.merge(row)


def _key(insured: str, dues: Dues) -> tuple[str, str]:
    return insured, _DUES.dump_json(dues).decode()
