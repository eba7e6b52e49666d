"""A payment desk on a real store between two small peers."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cache

import pytest
from sqlalchemy import func, select

from services.durable import Durable
from services.notices import Notices
from services.payment import Bill, Draft, OrderView, Payment, Placed, watching
from services.ports import Dues
from services.settings import Settings
from services.store.orders import ClaimRow, EntryRow, MoveRow, OrderLineRow, OrderRow, PostingRow, RefundRow
from services.store.session import Database
from tests.conftest import FixedClock
from tests.payment.peers import RESIDENT_MEDICAL, FakeBureau, FakeGateway, get_person


@dataclass
class Town:
    """Everything that a payment touches."""

    database: Database
    clock: FixedClock
    gateway: FakeGateway
    bureau: FakeBureau
    durable: Durable
    notices: Notices
    payment: Payment

    async def draft(
        self, dues: Dues = RESIDENT_MEDICAL, *, conversation: str = "rest:a", person: str = "p1"
    ) -> Draft:
        quote = await self.bureau.quote(await get_person(person), dues)
        return await self.payment.draft(
            conversation_id=conversation, payer_id=person, bills=[Bill(insured_id=person, quote=quote)]
        )

    async def family(
        self, *people: str, dues: Dues = RESIDENT_MEDICAL, conversation: str = "rest:a"
    ) -> Draft:
        """A draft with a bill for each; the first of them pays."""
        bills = [
            Bill(insured_id=person, quote=await self.bureau.quote(await get_person(person), dues))
            for person in people
        ]
        return await self.payment.draft(conversation_id=conversation, payer_id=people[0], bills=bills)

    async def place(
        self, dues: Dues = RESIDENT_MEDICAL, *, conversation: str = "rest:a", person: str = "p1"
    ) -> OrderView:
        draft = await self.draft(dues, conversation=conversation, person=person)
        placed = await self.payment.place(draft.draft_id, conversation_id=conversation)
        assert isinstance(placed, Placed)
        return placed.order

    async def scan(self, order_no: str) -> None:
        """The payer goes to the cashier by our link and looks at it."""
        checkout = await self.payment.open_cashier(order_no)
        assert checkout is not None
        assert checkout.link != (await self.payment.find_order(order_no)).cashier.cashier_url  # type: ignore[union-attr]
        self.gateway.scan(order_no)

    async def status(self, order_no: str) -> str:
        order = await self.payment.find_order(order_no)
        assert order is not None
        return order.status

    async def run(self, **ahead: float) -> None:
        """Let time pass, and the workers work."""
        if ahead:
            self.clock.advance(**ahead)
        await self.durable.run_due()

    async def told(self, conversation: str = "rest:a") -> list[str]:
        return [notice.kind for notice in await self.notices.take(conversation)]

    async def check_invariants(self) -> None:
        """I1, I2, I3, against the peers' own books."""
        async with self.database.read() as session:
            unbalanced = (
                select(PostingRow.entry_id)
                .group_by(PostingRow.entry_id)
                .having(func.sum(PostingRow.amount) != Decimal(0))
            )
            assert (await session.scalars(unbalanced)).all() == []
            sums = select(PostingRow.account, func.sum(PostingRow.amount)).group_by(PostingRow.account)
            balances = {row[0]: row[1] for row in (await session.execute(sums)).all()}
            assert balances.get("gateway_cash", Decimal(0)) == self.gateway.captured()
            claims = (await session.scalars(select(ClaimRow).where(ClaimRow.state == "applied"))).all()
            units = [(c.insured_id, c.insured_group, c.insurance, c.unit) for c in claims]
            assert len(units) == len(set(units))
            kept_there = ["applied", "office_refund", "office_refunded"]
            applied = (await session.scalars(select(OrderRow).where(OrderRow.state.in_(kept_there)))).all()
            posted = self.bureau.table("payments")
            lines = (
                await session.scalars(select(OrderLineRow).where(OrderLineRow.returned_at.is_(None)))
            ).all()
            numbers = {order.order_no for order in applied}
            held = [line for line in lines if line.order_no in numbers]
            assert set(posted) <= {line.key for line in held}
            open_refunds = (
                await session.scalars(select(RefundRow).where(RefundRow.state.in_(["approved", "sent"])))
            ).all()
            if not open_refunds:
                kept = sum((line.amount for line in held), Decimal(0))
                stuck = -balances.get("suspense", Decimal(0))
                assert balances.get("gateway_cash", Decimal(0)) == kept + stuck

    async def moves(self, order_no: str) -> list[str]:
        async with self.database.read() as session:
            rows = await session.scalars(
                select(MoveRow).where(MoveRow.order_no == order_no).order_by(MoveRow.seq)
            )
            return [row.new.value for row in rows]

    async def entries(self, order_no: str) -> list[str]:
        async with self.database.read() as session:
            rows = await session.scalars(select(EntryRow.kind).where(EntryRow.order_no == order_no))
            return sorted(rows.all())


def make_town(
    database: Database,
    clock: FixedClock,
    gateway: FakeGateway,
    bureau: FakeBureau,
    settings: Settings | None = None,
) -> Town:
    """A desk of its own on a store: as one process has it."""
    durable, notices = Durable(database=database, clock=clock), Notices(database, clock)
    payment = Payment(
        database=database, clock=clock, gateways={gateway.provider: gateway}, bureau=bureau, durable=durable, notices=notices,
        get_person=get_person, settings=settings or _settings(),
    )  # fmt: skip
    return Town(database, clock, gateway, bureau, durable, notices, payment)


@cache
def _settings() -> Settings:
    return Settings()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of tests stands still, so nobody waits long for the next permitted query."""
    monkeypatch.setattr(watching, "APART", timedelta(milliseconds=5))


@pytest.fixture
def town(database: Database, clock: FixedClock) -> Town:
    return make_town(database, clock, FakeGateway(clock), FakeBureau(clock))


@pytest.fixture
def another_process(town: Town) -> Callable[[], Town]:
    """A second process on the same store and the same peers."""
    return lambda: make_town(Database(town.database.url), town.clock, town.gateway, town.bureau)
