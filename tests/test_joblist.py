"""Dead letters: an operator sees what is stuck, has it tried again, and nothing is done twice."""

from collections.abc import Callable

import pytest

from services.domain.errors import Unavailable
from services.durable import Durable, Lease
from services.joblist import JobList
from services.store.session import Database
from tests.conftest import FixedClock


@pytest.fixture
def jobs(database: Database, clock: FixedClock) -> JobList:
    return JobList(database=database, clock=clock)


@pytest.fixture
def worker(database: Database, clock: FixedClock) -> Durable:
    return Durable(database=database, clock=clock)


def breaking(errors: list[Exception], done: list[int]) -> Callable[[Lease], object]:
    async def handle(lease: Lease) -> None:
        if errors:
            raise errors.pop(0)
        done.append(lease.fence)

    return handle


async def work_on(worker: Durable, database: Database, clock: FixedClock, hours: int = 1) -> None:
    for _ in range(hours * 12):
        await worker.run_due()
        clock.advance(minutes=5)


async def ask(worker: Durable, database: Database, clock: FixedClock) -> None:
    async with database.begin() as session:
        await worker.enqueue(session, "post", "GZ1A", at=clock.now())


async def test_a_dead_job_is_listed_and_replayed(
    jobs: JobList, worker: Durable, database: Database, clock: FixedClock
) -> None:
    errors, done = [ValueError("a defect") for _ in range(8)], list[int]()
    worker.register("post", breaking(errors, done), lane="bureau")  # type: ignore[arg-type]
    await ask(worker, database, clock)
    assert (await jobs.find(), await jobs.count()) == ([], {"dead": 0, "failing": 0})
    await work_on(worker, database, clock)
    [stuck] = await jobs.find()
    assert (stuck.state, stuck.kind, stuck.subject, stuck.code, stuck.tries) == (
        "dead",
        "post",
        "GZ1A",
        "ValueError",
        8,
    )
    assert await jobs.count() == {"dead": 1, "failing": 0}

    assert await jobs.replay("job_of_nobody") == 0
    assert await jobs.replay(stuck.job_id) == 1
    await worker.run_due()
    assert done == [9], "the next lease knows that it is not the first"
    assert (await jobs.find(), await jobs.replay()) == ([], 0)


async def test_a_failing_job_is_listed_and_goes_on_by_itself_or_at_once(
    jobs: JobList, worker: Durable, database: Database, clock: FixedClock
) -> None:
    errors, done = [Unavailable("bureau_unavailable") for _ in range(13)], list[int]()
    worker.register("post", breaking(errors, done), lane="bureau")  # type: ignore[arg-type]
    await ask(worker, database, clock)
    await work_on(worker, database, clock)
    [stuck] = await jobs.find()
    assert (stuck.state, stuck.code) == ("failing", "bureau_unavailable")
    assert await jobs.replay() == 1
    errors.clear()
    assert await worker.run_due() == 1
    assert len(done) == 1


async def test_what_is_being_worked_on_is_left_alone(
    jobs: JobList, worker: Durable, database: Database, clock: FixedClock
) -> None:
    errors = [Unavailable() for _ in range(5)]
    worker.register("post", breaking(errors, []), lane="bureau")  # type: ignore[arg-type]
    await ask(worker, database, clock)
    for _ in range(5):
        await worker.run_due()
        clock.advance(minutes=6)
    lease = await worker.lease("post", "GZ1A")
    assert lease is not None
    assert await jobs.replay() == 0
    async with database.begin() as session:
        await lease.check(session)
