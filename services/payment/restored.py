"""After a backup was put back: what was paid since it is in the gateways' bills only (`reliability` P20)."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.domain.bills import ready_at
from services.domain.errors import Unavailable
from services.payment.desk import Desk
from services.store.reconciliation import ReconciledDayRow


async def wait_for_bills(desk: Desk, session: AsyncSession) -> None:
    """`Unavailable("reconcile_first")` until the bills up to `restored_at` are taken in: an order that the backup
    does not know may have paid the same bill."""
    if desk.settings.restored_at is None:
        return
    last = desk.local(desk.settings.restored_at)
    done = select(ReconciledDayRow.day).where(ReconciledDayRow.day >= last.date())
    if (await session.scalars(done)).first() is None:
        raise Unavailable("reconcile_first", until=ready_at(last.date(), last.tzinfo))
