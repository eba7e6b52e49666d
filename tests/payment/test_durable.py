"""Jobs: once, in time, again after a failure, never by two at once, and never lost with a process."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from bot import worker
from services import durable as durable_module
from services.domain.errors import OutcomeUnknown, Refused, Unavailable
from services.durable import LANE_WIDTH, Durable, Lease, LeaseLost
from services.store.durable import DEAD, DONE, QUEUED, JobRow
from services.store.session import Database
from tests.conftest import FixedClock


class Bench:
    """A `Durable` with one kind of job whose handler does what the test says."""

    def __init__(self, database: Database, clock: FixedClock) -> None:
        self.database, self.clock = database, clock
        self.durable = Durable(database=database, clock=clock)
        self.durable.register("work", self.handle, lane="peer", longest_wait=30)
        self.runs: list[str] = []
        self.answers: list[datetime | Exception | None] = []
        self.gate: asyncio.Event | None = None

    async def handle(self, lease: Lease) -> datetime | None:
        self.runs.append(lease.subject)
        if self.gate:
            await self.gate.wait()
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def ask(self, subject: str = "a", **ahead: float) -> None:
        async with self.database.begin() as session:
            await self.durable.enqueue(session, "work", subject, at=self.clock.now() + timedelta(**ahead))

    async def job(self, subject: str = "a") -> JobRow:
        async with self.database.read() as session:
            row = await session.scalar(select(JobRow).where(JobRow.subject == subject))
        assert row is not None
        return row


@pytest.fixture
def bench(database: Database, clock: FixedClock) -> Bench:
    return Bench(database, clock)


async def test_a_job_runs_once_when_it_is_due(bench: Bench) -> None:
    await bench.ask(seconds=5)
    await bench.ask(seconds=9)
    assert await bench.durable.run_due() == 0
    bench.clock.advance(seconds=5)
    assert await bench.durable.run_due() == 1
    assert (await bench.job()).state == DONE
    assert await bench.durable.run_due() == 0


async def test_a_job_that_is_done_can_be_asked_for_again(bench: Bench) -> None:
    await bench.ask()
    await bench.durable.run_due()
    await bench.ask()
    await bench.durable.run_due()
    assert bench.runs == ["a", "a"]


async def test_a_job_asked_for_in_a_transaction_that_fails_is_not_there(bench: Bench) -> None:
    with suppress(ZeroDivisionError):
        async with bench.database.begin() as session:
            await bench.durable.enqueue(session, "work", "a", at=bench.clock.now())
            raise ZeroDivisionError
    assert await bench.durable.run_due() == 0


@pytest.mark.parametrize("error", [Unavailable(), OutcomeUnknown(), OSError()])
async def test_what_passes_is_tried_for_ever_at_growing_intervals(bench: Bench, error: Exception) -> None:
    await bench.ask()
    bench.answers = [error] * 20
    waits = []
    for _ in range(20):
        await bench.durable.run_due()
        waits.append(((await bench.job()).next_at - bench.clock.now()).total_seconds())
        bench.clock.advance(seconds=30)
    assert waits[0] <= 1
    assert max(waits) <= 30
    assert waits[-1] >= 24
    await bench.durable.run_due()
    assert (await bench.job()).state == DONE


@pytest.mark.parametrize("error", [Refused("never"), ValueError()])
async def test_a_defect_is_put_aside_after_some_tries(bench: Bench, error: Exception) -> None:
    await bench.ask()
    bench.answers = [error] * 30
    for _ in range(30):
        await bench.durable.run_due()
        bench.clock.advance(seconds=30)
    assert (await bench.job()).state == DEAD
    assert len(bench.runs) == durable_module.CRASHES
    bench.answers.clear()
    await bench.ask()
    await bench.durable.run_due()
    assert (await bench.job()).state == DONE


async def test_a_wish_that_comes_during_the_work_is_not_lost(bench: Bench) -> None:
    await bench.ask()
    bench.gate = asyncio.Event()
    bench.answers = [bench.clock.now() + timedelta(hours=1)]
    running = asyncio.create_task(bench.durable.run_due())
    while not bench.runs:
        await asyncio.sleep(0.01)
    await bench.ask()
    bench.gate.set()
    await running
    assert bench.runs == ["a", "a"]


async def test_two_processes_share_the_work(bench: Bench, clock: FixedClock) -> None:
    other = Bench(Database(bench.database.url), clock)
    for n in range(12):
        await bench.ask(str(n))
    await asyncio.gather(bench.durable.run_due(), other.durable.run_due())
    assert sorted(bench.runs + other.runs, key=int) == [str(n) for n in range(12)]
    await other.database.close()


async def test_the_job_of_a_dead_process_is_taken_over_and_its_commit_refused(
    bench: Bench, clock: FixedClock
) -> None:
    await bench.ask()
    [lost] = await bench.durable.claim_due()
    other = Bench(Database(bench.database.url), clock)
    assert await other.durable.run_due() == 0
    clock.advance(seconds=9)
    assert await other.durable.run_due() == 1
    with pytest.raises(LeaseLost):
        async with bench.database.begin() as session:
            await lost.check(session)
    await other.database.close()


async def test_work_that_takes_long_keeps_its_lease(
    bench: Bench, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable_module, "BEAT_SECONDS", 0.02)
    other = Bench(Database(bench.database.url), clock)
    bench.gate = asyncio.Event()
    await bench.ask()
    running = asyncio.create_task(bench.durable.run_due())
    for _ in range(3):
        await asyncio.sleep(0.15)
        clock.advance(seconds=6)
    assert await other.durable.run_due() == 0
    bench.gate.set()
    await running
    assert bench.runs == ["a"]
    await other.database.close()


async def test_a_hanging_peer_leaves_room_for_the_others(bench: Bench) -> None:
    quick: list[str] = []

    async def handle(lease: Lease) -> None:
        quick.append(lease.subject)

    bench.durable.register("quick", handle, lane="other")
    bench.gate = asyncio.Event()
    for n in range(LANE_WIDTH + 5):
        await bench.ask(str(n))
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(bench.durable, stop))
    await asyncio.sleep(0.5)
    async with bench.database.begin() as session:
        await bench.durable.enqueue(session, "quick", "b", at=bench.clock.now())
    await asyncio.sleep(0.8)
    assert quick == ["b"]
    assert len(bench.runs) == LANE_WIDTH
    bench.gate.set()
    stop.set()
    await running


async def test_a_jump_of_the_clock_is_noticed_by_itself(bench: Bench) -> None:
    await bench.ask(days=3)
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(bench.durable, stop))
    await asyncio.sleep(0.1)
    bench.clock.advance(days=3)
    async with asyncio.timeout(30):
        while not bench.runs:
            await asyncio.sleep(0.02)
    stop.set()
    await running


async def test_what_repeats_goes_on_for_ever(database: Database, clock: FixedClock) -> None:
    times = []

    async def work() -> None:
        times.append(clock.now())

    durable = Durable(database=database, clock=clock)
    durable.repeat("sweep", timedelta(seconds=60), work)
    for _ in range(3):
        await durable.run_due()
        clock.advance(seconds=60)
    assert len(times) == 3
    async with database.read() as session:
        assert [row.state for row in await session.scalars(select(JobRow))] == [QUEUED]
