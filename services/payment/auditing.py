"""The invariants are looked at in production too: every hour what has moved, every day all of it, page by page.

What is found is logged as an error and kept, so that every process can tell how much it is.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

import structlog
from sqlalchemy import Select, select, union

from services.domain.ids import new_id
from services.payment.desk import Desk
from services.payment.invariants import Broken, find_broken
from services.store.broken import BrokenRow
from services.store.orders import MoveRow, OrderRow
from services.store.session import Database

log = structlog.get_logger("payment")

HOURLY, DAILY = timedelta(hours=1), timedelta(days=1)
RECENT = timedelta(days=2)
PAGE = 1000


async def audit_recent(desk: Desk) -> None:
    """Orders that were made or moved lately, and those of which something is known."""
    since = desk.clock.now() - RECENT
    recent = union(
        select(OrderRow.order_no).where(OrderRow.created_at >= since),
        select(MoveRow.order_no).where(MoveRow.at >= since),
        select(BrokenRow.order_no),
    ).subquery()
    await _keep(desk, await find_broken(desk.database, among=select(recent)))


async def audit_all(desk: Desk) -> None:
    last, found = "", list[Broken]()
    while page := await _page(desk.database, last):
        bounds = OrderRow.order_no.between(page[0], page[-1])
        found += await find_broken(desk.database, among=select(OrderRow.order_no).where(bounds))
        last = page[-1]
    await _keep(desk, found)


async def count_findings(database: Database) -> Counter[str]:
    """How many are known of each invariant."""
    async with database.read() as session:
        return Counter((await session.scalars(select(BrokenRow.invariant))).all())


async def _page(database: Database, after: str) -> list[str]:
    found: Select[str] = select(OrderRow.order_no).where(OrderRow.order_no > after)
    async with database.read() as session:
        return list(await session.scalars(found.order_by(OrderRow.order_no).limit(PAGE)))


async def _keep(desk: Desk, found: Iterable[Broken]) -> None:
    """Instead of what was known before."""
    named = {(one.invariant, one.order_no, one.words) for one in found}
    for invariant, order_no, words in sorted(named):
        log.error("money_invariant_broken", invariant=invariant, order_no=order_no, what=words)
    async with desk.database.begin() as session:
        for row in (await session.scalars(select(BrokenRow).with_for_update())).all():
            if (row.invariant, row.order_no, row.words) in named:
                named.remove((row.invariant, row.order_no, row.words))
            else:
                await session.delete(row)
        session.add_all(
            BrokenRow(
                finding_id=new_id("F"), invariant=invariant, order_no=order_no, words=words,
                since=desk.clock.now(),
            )
            for invariant, order_no, words in sorted(named)
        )  # fmt: skip
