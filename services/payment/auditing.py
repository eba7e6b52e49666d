"""The invariants are looked at in production too: every hour what has moved, every day all of it, page by page.

What is found is logged as an error and kept, so that every process can tell how much it is.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

import structlog
from sqlalchemy import Select, select, union

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
    since, known = desk.clock.now() - RECENT, await _known(desk.database)
    recent = union(
        select(OrderRow.order_no).where(OrderRow.created_at >= since),
        select(MoveRow.order_no).where(MoveRow.at >= since),
        select(BrokenRow.order_no),
    ).subquery()
    await _keep(desk, await find_broken(desk.database, among=select(recent)), known)


async def audit_all(desk: Desk) -> None:
    known = await _known(desk.database)
    last, found = "", list[Broken]()
    while page := await _page(desk.database, last):
        bounds = OrderRow.order_no.between(page[0], page[-1])
        found += await find_broken(desk.database, among=select(OrderRow.order_no).where(bounds))
        last = page[-1]
    await _keep(desk, found, known)


async def count_findings(database: Database) -> Counter[str]:
    """How many are known of each invariant."""
    async with database.read() as session:
        return Counter((await session.scalars(select(BrokenRow.invariant))).all())


async def _page(database: Database, after: str) -> list[str]:
    found: Select[str] = select(OrderRow.order_no).where(OrderRow.order_no > after)
    async with database.read() as session:
        return list(await session.scalars(found.order_by(OrderRow.order_no).limit(PAGE)))


async def _known(database: Database) -> set[str]:
    """Ids of the findings that a look which begins now can tell to be gone; a later one it has not seen."""
    async with database.read() as session:
        return set(await session.scalars(select(BrokenRow.finding_id)))


async def _keep(desk: Desk, found: Iterable[Broken], known: set[str]) -> None:
    """Beside what was found meanwhile by another look; what was known before the look and is mended goes.

    Of two looks that find the same at once, the second fails on the id, and is tried again.
    """
    named = {_id(one): one for one in found}
    for one in named.values():
        log.error("money_invariant_broken", invariant=one.invariant, order_no=one.order_no, what=one.words)
    async with desk.database.begin() as session:
        kept = {row.finding_id: row for row in await session.scalars(select(BrokenRow).with_for_update())}
        for gone in (known & kept.keys()) - named.keys():
            await session.delete(kept[gone])
        session.add_all(
            BrokenRow(
                finding_id=finding_id, invariant=one.invariant, order_no=one.order_no, words=one.words,
                since=desk.clock.now(),
            )
            for finding_id, one in named.items() if finding_id not in kept
        )  # fmt: skip


def _id(broken: Broken) -> str:
    named = "\n".join((broken.invariant, broken.order_no, broken.words))
    return "F" + hashlib.sha256(named.encode()).hexdigest()[:32]
