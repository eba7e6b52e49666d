"""A desk with refunds on a real store, a few members of staff, and the peers of the payment tests."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from services.domain.refunds import Reason
from services.domain.staff import Role
from services.payment import OrderView
from services.refunds import CaseView, Refunds
from services.staff import Agent, Staff
from services.store.session import Database
from tests.conftest import FixedClock
from tests.payment.conftest import Town, impatient, make_town
from tests.payment.peers import RESIDENT_MEDICAL, FakeGateway
from tests.refunds.peers import RefundingBureau

__all__ = ["impatient"]

ANNA = Agent(name="anna", role=Role.SUPERVISOR)
BERT = Agent(name="bert", role=Role.SUPERVISOR)
CARL = Agent(name="carl", role=Role.AGENT)


@dataclass
class Office:
    """A town of the payment tests, with its refunds."""

    town: Town
    bureau: RefundingBureau
    refunds: Refunds
    staff: Staff

    async def paid(self, *, posted: bool = True, person: str = "p1") -> OrderView:
        """A payment of this person for next year's medical insurance."""
        order = await self.town.place(RESIDENT_MEDICAL, person=person, conversation=f"rest:{person}")
        await self.town.scan(order.order_no)
        self.town.gateway.pay(order.order_no)
        if posted:
            await self.town.payment.refresh(order.order_no)
            await self.town.run()
            return order
        self.bureau.fail("post_payment", "before", 50)
        await self.town.payment.refresh(order.order_no)
        return order

    async def booked(self, *, person: str = "p1") -> OrderView:
        order = await self.paid(person=person)
        self.bureau.book(order.order_no)
        await self.town.run(hours=49)
        view = await self.town.payment.find_order(order.order_no)
        assert view is not None
        assert view.booked
        return view

    async def ask(
        self, order_no: str, reason: Reason = Reason.WRONG_PERSON, *, person: str = "p1", line: int = 0
    ) -> CaseView:
        return await self.refunds.request(
            payer_id=person, conversation_id=f"rest:{person}", order_no=order_no, line=line, reason=reason
        )

    async def state(self, case_no: str) -> str:
        case = await self.refunds.find(case_no)
        assert case is not None
        return case.state.value


def make_office(store: Database, clock: FixedClock, gateway: FakeGateway, bureau: RefundingBureau) -> Office:
    town = make_town(store, clock, gateway, bureau)
    return Office(town, bureau, Refunds(town.payment.desk), Staff(database=store, clock=clock))


@pytest.fixture
def office(database: Database, clock: FixedClock) -> Office:
    return make_office(database, clock, FakeGateway(clock), RefundingBureau(clock))


@pytest.fixture
def another_process(office: Office) -> Callable[[], Office]:
    """A second process on the same store and the same peers."""
    return lambda: make_office(
        Database(office.town.database.url),
        office.town.clock,
        office.town.gateway,
        office.bureau,
    )
