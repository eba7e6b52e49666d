"""A reminder comes once, to who asked and still is who he was, on the morning on which it is time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import pytest

from services.domain.errors import Refused, Unavailable
from services.domain.kinds import EnrolmentStatus, Insurance, InsuredGroup
from services.durable import Durable
from services.notices import Notices
from services.ports import Enrolment
from services.reminders import ENDS, OPENS, Payable, Reminders
from services.store.session import Database
from tests.conftest import FixedClock

CHAT, ME = "rest:resident-1", "person-1"
MEDICAL = Payable(insured_group=InsuredGroup.RESIDENT, insurance=Insurance.MEDICAL, year=2027)
MONTHS = Payable(insured_group=InsuredGroup.FLEXIBLE, insurance=Insurance.PENSION, year=2027)


@dataclass
class Bureau:
    """What is due, and whether it answers."""

    due: dict[tuple[InsuredGroup, Insurance], tuple[str, ...]] = field(default_factory=dict)
    error: Exception | None = None
    asked: int = 0

    async def of(self, _person_id: str) -> Sequence[Enrolment]:
        self.asked += 1
        if self.error:
            raise self.error
        return [
            Enrolment(
                insured_group=group, insurance=insurance, agency="520103", agency_name="云岩区医保经办机构",
                status=EnrolmentStatus.ACTIVE, since="2020-01", due=due,
            )
            for (group, insurance), due in self.due.items()
        ]  # fmt: skip


@dataclass
class Desk:
    reminders: Reminders
    durable: Durable
    notices: Notices
    clock: FixedClock
    bureau: Bureau
    speaks: set[str]

    async def told(self) -> list[tuple[str, object]]:
        await self.durable.run_due()
        return [(notice.kind, notice.facts["year"]) for notice in await self.notices.find_open(CHAT)]

    async def opens(self, what: Payable = MEDICAL, on: date | None = date(2026, 11, 28)) -> None:
        await self.reminders.when_open(what, person_id=ME, conversation_id=CHAT, opens_on=on)

    async def ends(self, on: date = date(2026, 12, 31)) -> date | None:
        return await self.reminders.before_end(MEDICAL, person_id=ME, conversation_id=CHAT, ends_on=on)


@pytest.fixture
def desk(database: Database, clock: FixedClock) -> Desk:
    durable, notices, bureau = Durable(database=database, clock=clock), Notices(database, clock), Bureau()
    speaks = {CHAT}

    async def conversations(person_id: str) -> Sequence[str]:
        return list(speaks) if person_id == ME else []

    reminders = Reminders(
        database=database, clock=clock, durable=durable, notices=notices,
        enrolments=bureau,  # type: ignore[arg-type]
        conversations=conversations,
    )  # fmt: skip
    return Desk(reminders, durable, notices, clock, bureau, speaks)


async def test_on_the_morning_of_the_opening_it_is_told_once(desk: Desk) -> None:
    await desk.opens()
    await desk.opens()  # asked again
    desk.bureau.due[InsuredGroup.RESIDENT, Insurance.MEDICAL] = ("2027",)
    desk.clock.advance(days=4, hours=21)  # 28 November, seven o'clock
    assert await desk.told() == []
    assert desk.bureau.asked == 0
    desk.clock.advance(hours=1)
    assert await desk.told() == [(OPENS, 2027)]
    desk.clock.advance(days=30)
    assert await desk.told() == [(OPENS, 2027)]


async def test_a_window_that_opens_later_than_announced_is_looked_at_daily(desk: Desk) -> None:
    await desk.opens()
    desk.clock.advance(days=6)
    assert await desk.told() == []
    desk.bureau.due[InsuredGroup.RESIDENT, Insurance.MEDICAL] = ("2026", "2027")
    desk.clock.advance(days=1)
    assert await desk.told() == [(OPENS, 2027)]


async def test_a_year_of_months_is_open_when_one_of_them_is_due(desk: Desk) -> None:
    await desk.opens(MONTHS, on=None)
    desk.bureau.due[InsuredGroup.FLEXIBLE, Insurance.PENSION] = ("2026-12",)
    desk.clock.advance(days=1)
    assert await desk.told() == []
    desk.bureau.due[InsuredGroup.FLEXIBLE, Insurance.PENSION] = ("2027-01", "2027-02")
    desk.clock.advance(days=1)
    assert await desk.told() == [(OPENS, 2027)]


async def test_a_bureau_that_is_silent_is_asked_again(desk: Desk) -> None:
    await desk.opens()
    desk.bureau.error = Unavailable()
    desk.clock.advance(days=5)
    assert await desk.told() == []
    desk.bureau.error, desk.bureau.due = None, {(InsuredGroup.RESIDENT, Insurance.MEDICAL): ("2027",)}
    desk.clock.advance(minutes=10)
    assert await desk.told() == [(OPENS, 2027)]


async def test_who_is_not_registered_any_more_is_told_nothing(desk: Desk) -> None:
    await desk.opens()
    desk.bureau.error = Refused("not_registered")
    desk.clock.advance(days=6)
    assert await desk.told() == []


async def test_who_was_unbound_or_has_given_it_up_is_told_nothing(desk: Desk) -> None:
    desk.bureau.due[InsuredGroup.RESIDENT, Insurance.MEDICAL] = ("2027",)
    await desk.opens()
    assert await desk.reminders.stop(CHAT)
    assert not await desk.reminders.stop(CHAT)
    await desk.opens(on=date(2026, 11, 29))
    desk.speaks.clear()
    desk.clock.advance(days=10)
    assert await desk.told() == []


async def test_after_giving_up_one_may_ask_again(desk: Desk) -> None:
    desk.bureau.due[InsuredGroup.RESIDENT, Insurance.MEDICAL] = ("2027",)
    await desk.opens()
    await desk.reminders.stop(CHAT)
    await desk.opens()
    desk.clock.advance(days=6)
    assert await desk.told() == [(OPENS, 2027)]


@pytest.mark.parametrize("due, told", [(("2027",), [(ENDS, 2027)]), ((), [])])
async def test_a_week_before_the_end_who_has_not_paid_is_told(
    desk: Desk, due: tuple[str, ...], told: list[tuple[str, int]]
) -> None:
    assert await desk.ends() == date(2026, 12, 24)
    desk.bureau.due[InsuredGroup.RESIDENT, Insurance.MEDICAL] = due
    desk.clock.advance(days=30, hours=21)
    assert await desk.told() == []
    desk.clock.advance(hours=1)
    assert await desk.told() == told


async def test_in_the_last_week_it_is_told_tomorrow_and_on_the_last_day_not_at_all(desk: Desk) -> None:
    assert await desk.ends(on=date(2026, 11, 25)) == date(2026, 11, 24)
    assert await desk.ends(on=date(2026, 11, 23)) is None


async def test_a_clock_that_has_jumped_over_the_end_tells_nothing(desk: Desk) -> None:
    await desk.ends()
    desk.bureau.due[InsuredGroup.RESIDENT, Insurance.MEDICAL] = ("2027",)
    desk.clock.advance(days=60)
    assert await desk.told() == []


async def test_what_is_kept_is_no_personal_data(desk: Desk, database: Database) -> None:
    await desk.opens()
    async with database.read() as session:
        from sqlalchemy import select

        from services.store.watches import WatchRow

        facts = (await session.scalars(select(WatchRow.facts))).all()
    assert facts == ['{"insurance": "medical", "insured_group": "urban_rural_resident", "year": 2027}']
