"""Keeps the gateways' bills: a file once, however often it is fetched; one that says something else replaces it."""

import structlog
from sqlalchemy import select

from services.domain.ids import new_id
from services.ports import Bill, Clock
from services.store.reconciliation import BillLineRow, BillRow
from services.store.session import Database

log = structlog.get_logger("reconciliation")


async def keep_bill(database: Database, clock: Clock, provider: str, bill: Bill) -> bool:
    """Whether it was new. The earlier one stays, and counts no more."""
    async with database.begin() as session:
        of_the_day = (
            select(BillRow).where(BillRow.provider == provider, BillRow.day == bill.day).with_for_update()
        )
        earlier = (await session.scalars(of_the_day)).all()
        now = clock.now()
        known = next((row for row in earlier if row.sha256 == bill.sha256), None)
        if known is not None and known.replaced_at is None:
            return False
        for row in earlier:
            row.replaced_at = row.replaced_at or now
        if known is not None:
            known.replaced_at = None
            return True
        row = BillRow(
            bill_id=new_id("b"), provider=provider, day=bill.day, sha256=bill.sha256,
            lines=len(bill.lines), taken_at=now,
        )  # fmt: skip
        session.add(row)
        await session.flush()
        session.add_all(
            BillLineRow(
                bill_id=row.bill_id, line=number, order_no=line.order_no[:64], trade_no=line.trade_no[:64],
                kind=line.kind.value, request_no=line.request_no[:64] if line.request_no else None,
                total=line.total, received=line.received, at=line.at,
            )
            for number, line in enumerate(bill.lines, start=1)
        )  # fmt: skip
    log.info("bill_taken", provider=provider, day=bill.day.isoformat(), lines=len(bill.lines))
    return True
