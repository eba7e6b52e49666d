"""Totals that a test has ordered to differ (`amount_changed`).

The bureau stands by the last total that it answered: a declaration at that total is accepted, although the
fault has ended meanwhile.
"""

from decimal import Decimal

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from bot.sandbox.books import Books
from bot.sandbox.bureau.tables import CorrectionRow
from services.domain.money import wire
from services.ports import Dues

AMOUNT_CHANGED = "amount_changed"
_DUES = TypeAdapter(Dues)


async def ordered_delta(books: Books, operation: str) -> Decimal | None:
    """What the oldest ordered fault adds to this answer, counted down; None without one."""
    fault = await books.take_fault("bureau", operation, modes={AMOUNT_CHANGED})
    return fault.delta if fault else None


async def standing_delta(session: AsyncSession, insured: str, dues: Dues) -> Decimal:
    """What was added to the last total for these dues."""
    row = await session.get(CorrectionRow, (insured, _key(dues)))
    return Decimal(row.delta) if row else Decimal(0)


async def keep_delta(books: Books, insured: str, dues: Dues, delta: Decimal | None) -> None:
    """Remember what was added to the total just answered; nothing is written when nothing changes."""
    async with books.database.read() as session:
        known = await standing_delta(session, insured, dues)
    if known == (delta or 0):
        return
    async with books.database.begin() as session:
        await session.merge(CorrectionRow(insured=insured, dues=_key(dues), delta=wire(delta or Decimal(0))))


def _key(dues: Dues) -> str:
    return _DUES.dump_json(dues).decode()
