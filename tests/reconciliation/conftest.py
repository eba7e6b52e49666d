"""A payment desk between two small peers, as in the tests of paying, with reconciliation on top."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import pytest
from sqlalchemy import func, select

from services.reconciliation import Finding, Reconciliation, Report
from services.settings import Settings
from services.store.base import Base
from services.store.orders import EvidenceRow, OrderRow
from services.store.session import Database
from tests.conftest import FixedClock
from tests.payment.conftest import Town, impatient, make_town
from tests.payment.peers import FakeBureau, FakeGateway

__all__ = ["impatient"]

MONDAY, TUESDAY, WEDNESDAY, THURSDAY = (date(2026, 11, day) for day in (23, 24, 25, 26))


@dataclass
class Desk:
    """A town and what reconciles it. It is Monday, 10:00."""

    town: Town
    reconciliation: Reconciliation

    async def paid(self, person: str = "p1", *, notified: bool = True, **wishes: object) -> str:
        """An order that was paid; `notified`: and we know."""
        order = await self.town.place(person=person, conversation=f"rest:{person}", **wishes)  # type: ignore[arg-type]
        await self.town.scan(order.order_no)
        facts = self.town.gateway.pay(order.order_no)
        self.town.gateway.trade(order.order_no)["trade_no"] = f"T-{order.order_no}"
        if notified:
            await self.town.payment.mending.ask(order.order_no)
            await self.town.run()
        assert facts.total is not None
        return order.order_no

    async def run(self, day: date = MONDAY) -> Report:
        """On the next day at 10:00, or now if that is over."""
        return await self.reconciliation.run(day)

    async def next_day(self) -> None:
        self.town.clock.advance(days=1)

    async def findings(self, day: date = MONDAY) -> list[tuple[str, str, str]]:
        return told((await self.run(day)).findings)

    async def snapshot(self) -> dict[str, list[object]]:
        """Every row of the store, but for what only says when somebody asked."""
        rows: dict[str, list[object]] = {}
        async with self.town.database.read() as session:
            for table in Base.metadata.sorted_tables:
                if table.name in {EvidenceRow.__tablename__, "job"}:
                    continue
                columns = [column for column in table.columns if column.name != "queried_at"]
                rows[table.name] = sorted(
                    (tuple(row) for row in (await session.execute(select(*columns))).all()), key=repr
                )
        return rows

    async def count(self, table: type[Base]) -> int:
        async with self.town.database.read() as session:
            return int(await session.scalar(select(func.count()).select_from(table)) or 0)

    async def state(self, order_no: str) -> str:
        async with self.town.database.read() as session:
            return (await session.get_one(OrderRow, order_no)).state.value


def told(findings: tuple[Finding, ...] | list[Finding]) -> list[tuple[str, str, str]]:
    return sorted((finding.kind.value, finding.state, finding.note) for finding in findings)


def make_desk(
    database: Database, clock: FixedClock, gateway: FakeGateway, bureau: FakeBureau, **settings: object
) -> Desk:
    known = Settings(_env_file=None, **settings)  # type: ignore[call-arg, arg-type]
    town = make_town(database, clock, gateway, bureau, known)
    reconciliation = Reconciliation(
        database=database, clock=clock, gateways={gateway.provider: gateway}, bureau=bureau,
        payment=town.payment, durable=town.durable, settings=known,
    )  # fmt: skip
    return Desk(town, reconciliation)


@pytest.fixture
def desk(database: Database, clock: FixedClock) -> Desk:
    return make_desk(database, clock, FakeGateway(clock), FakeBureau(clock))


@pytest.fixture
def another_process(desk: Desk) -> Callable[[], Desk]:
    town = desk.town
    return lambda: make_desk(Database(town.database.url), town.clock, town.gateway, town.bureau)
