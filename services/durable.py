"""Durable work: jobs committed with the state that asks for them, leased, and tried again until done.

A handler gets a `Lease` and returns when it wants to run again, or None when there is nothing left to do.
It must be safe to repeat: after a crash it runs again from the start. `Unavailable` and `OutcomeUnknown` are
tried again for ever, at growing intervals; anything else that is raised is a defect, and after some tries the
job is put aside as dead, loudly.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from services.crashpoints import crashpoint
from services.domain.errors import OutcomeUnknown, ServiceError, Unavailable
from services.domain.ids import new_id
from services.ports import Clock
from services.store.durable import DEAD, DONE, QUEUED, JobRow
from services.store.session import Database

log = structlog.get_logger("durable")

LEASE = timedelta(seconds=8)
BEAT_SECONDS = 2.5
BACKOFF = (1, 2, 4, 8, 15, 30, 60, 120, 300)
CRASHES = 8
LANE_WIDTH = 6
"""At most so many jobs of one lane (one peer) at a time: a peer that hangs does not hold up the others."""

Handler = Callable[["Lease"], Awaitable[datetime | None]]


class LeaseLost(Unavailable):
    """Another process has taken the job over: what this one has not committed it must not commit."""

    code = "lease_lost"


@dataclass(frozen=True, kw_only=True)
class Lease:
    """The right to work on a job. `inline` when somebody waits for the result and will tell it himself."""

    job_id: str
    kind: str
    subject: str
    fence: int
    failures: int
    inline: bool = False

    @property
    def repeated(self) -> bool:
        """Somebody has worked on it before: what he began may have had its effect."""
        return self.fence > 1

    async def check(self, session: AsyncSession) -> None:
        """Make the caller's transaction depend on the lease. `LeaseLost` if it is no longer held."""
        held = update(JobRow).where(JobRow.job_id == self.job_id, JobRow.fence == self.fence)
        result = await session.execute(held.values(fence=self.fence))
        if result.rowcount != 1:  # type: ignore[attr-defined]
            raise LeaseLost


@dataclass(frozen=True)
class _Kind:
    handler: Handler
    lane: str
    longest_wait: float
    every: timedelta | None


class Durable:
    """One per process. Handlers are registered at start, by the capability that owns the work."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._kinds: dict[str, _Kind] = {}
        self._running: dict[str, str] = {}  # job id -> lane
        self._prepared = False

    def register(self, kind: str, handler: Handler, *, lane: str, longest_wait: float = 300) -> None:
        """`longest_wait`: seconds between two tries at most, however often it has failed."""
        self._kinds[kind] = _Kind(handler, lane, longest_wait, None)

    def repeat(self, kind: str, every: timedelta, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` again and again, by one process at a time."""

        async def handler(_lease: Lease) -> datetime | None:
            await work()
            return self._clock.now() + every

        self._kinds[kind] = _Kind(handler, kind, every.total_seconds(), every)

    async def enqueue(self, session: AsyncSession, kind: str, subject: str, *, at: datetime) -> None:
        """Ask for a run not later than `at`, in the caller's transaction; one job per kind and subject."""
        job = await _find(session, kind, subject)
        if job is None:
            await self._insert(session, kind, subject, at)
            return
        if job.state != QUEUED:
            job.state, job.next_at, job.ended_at, job.failures, job.crashes = QUEUED, at, None, 0, 0
        else:
            job.next_at = min(job.next_at, at)
        job.wake_at = min(job.wake_at or at, at)

    async def enqueue_leased(self, session: AsyncSession, kind: str, subject: str) -> Lease:
        """A new job that the caller works on at once (`run`); if he dies, a worker takes it over."""
        now = self._clock.now()
        job = JobRow(
            job_id=new_id("job"), kind=kind, subject=subject, next_at=now, created_at=now,
            lease_until=now + LEASE, fence=1, failures=0, crashes=0, state=QUEUED,
        )  # fmt: skip
        session.add(job)
        return Lease(job_id=job.job_id, kind=kind, subject=subject, fence=1, failures=0, inline=True)

    async def lease(self, kind: str, subject: str) -> Lease | None:
        """The right to work on a queued job now, whenever it is due; None if another has it or it is done."""
        async with self._database.begin() as session:
            job = await _find(session, kind, subject)
            if job is None or job.state != QUEUED:
                return None
            lease = await self._take(session, job, inline=True)
        if lease is not None:
            self._running[lease.job_id] = self._kinds[kind].lane
        return lease

    async def run(self, lease: Lease) -> None:
        """Work on a leased job and settle it. Raises what the handler raised, after settling."""
        kind = self._kinds[lease.kind]
        self._running[lease.job_id] = kind.lane
        beat = asyncio.create_task(self._beat(lease))
        try:
            again = await kind.handler(lease)
        except Exception as error:
            await self._fail(lease, kind, error)
            raise
        else:
            crashpoint("durable.before_settle")
            await self._settle(lease, again)
        finally:
            beat.cancel()
            with suppress(asyncio.CancelledError):
                await beat
            self._running.pop(lease.job_id, None)

    async def claim_due(self, limit: int = 20) -> Sequence[Lease]:
        """Leases on what is due, oldest first, as many as the lanes have room for."""
        if not self._prepared:
            await self._prepare()
        now = self._clock.now()
        due = (
            select(JobRow.job_id, JobRow.kind)
            .where(
                JobRow.state == QUEUED,
                JobRow.next_at <= now,
                or_(JobRow.lease_until.is_(None), JobRow.lease_until <= now),
                JobRow.kind.in_(self._kinds),
                JobRow.job_id.not_in(list(self._running)),
            )
            .order_by(JobRow.next_at)
            .limit(limit)
        )
        async with self._database.read() as session:
            found = [(job_id, kind) for job_id, kind in (await session.execute(due)).all()]
        wanted = self._with_room(found)
        if not wanted:
            return []
        async with self._database.begin() as session:
            rows = await session.scalars(
                select(JobRow).where(JobRow.job_id.in_(wanted)).with_for_update(skip_locked=True)
            )
            taken = [await self._take(session, job, inline=False) for job in rows]
        leases = [lease for lease in taken if lease is not None]
        self._running.update({lease.job_id: self._kinds[lease.kind].lane for lease in leases})
        return leases

    async def run_quietly(self, lease: Lease) -> None:
        """`run` for a worker: failures are settled and logged, never raised."""
        try:
            await self.run(lease)
        except ServiceError:
            pass  # logged and put off by `run`
        except Exception as error:
            log.error("job_crashed", kind=lease.kind, error=type(error).__name__)

    async def run_due(self) -> int:
        """Work until nothing is due any more; how many runs. For tests and for the shell."""
        runs = 0
        while leases := await self.claim_due():
            await asyncio.gather(*(self.run_quietly(lease) for lease in leases))
            runs += len(leases)
        return runs

    # --- inside -----------------------------------------------------------------------------------------

    def _with_room(self, found: list[tuple[str, str]]) -> list[str]:
        room: dict[str, int] = {}
        for lane in self._running.values():
            room[lane] = room.get(lane, LANE_WIDTH) - 1
        wanted = []
        for job_id, kind in found:
            lane = self._kinds[kind].lane
            room[lane] = room.get(lane, LANE_WIDTH) - 1
            if room[lane] >= 0 and job_id not in self._running:
                wanted.append(job_id)
        return wanted

    async def _take(self, session: AsyncSession, job: JobRow, *, inline: bool) -> Lease | None:
        """Compare-and-swap on the fence, so that of two processes one gets the job."""
        now = self._clock.now()
        if job.job_id in self._running or (job.lease_until and job.lease_until > now):
            return None
        taken = (
            update(JobRow)
            .where(JobRow.job_id == job.job_id, JobRow.fence == job.fence, JobRow.state == QUEUED)
            .values(fence=job.fence + 1, lease_until=now + LEASE, wake_at=None)
            .execution_options(synchronize_session=False)
        )
        result = await session.execute(taken)
        if result.rowcount != 1:  # type: ignore[attr-defined]
            return None
        return Lease(
            job_id=job.job_id, kind=job.kind, subject=job.subject, fence=job.fence + 1,
            failures=job.failures, inline=inline,
        )  # fmt: skip

    async def _settle(self, lease: Lease, again: datetime | None) -> None:
        async with self._database.begin() as session:
            job = await _held(session, lease)
            if job is None:
                return
            job.lease_until, job.failures, job.crashes, job.last_error = None, 0, 0, None
            times = [moment for moment in (again, job.wake_at) if moment is not None]
            if times:
                job.next_at = min(times)
            else:
                job.state, job.ended_at = DONE, self._clock.now()
            job.wake_at = None

    async def _fail(self, lease: Lease, kind: _Kind, error: Exception) -> None:
        """Put the job off, or aside when it can't be done as it stands."""
        code = error.code if isinstance(error, ServiceError) else type(error).__name__
        passing = isinstance(error, Unavailable | OutcomeUnknown | SQLAlchemyError | OSError)
        try:
            async with self._database.begin() as session:
                job = await _held(session, lease)
                if job is None:
                    return
                job.failures += 1
                job.crashes += 0 if passing else 1
                job.lease_until, job.last_error, job.wake_at = None, code[:64], None
                job.next_at = self._clock.now() + _wait(job.failures, kind.longest_wait)
                if job.crashes >= CRASHES:
                    job.state, job.ended_at = DEAD, self._clock.now()
                    log.error("job_dead", kind=job.kind, code=code)
                elif job.failures in {3, 10, 30, 100} or not passing:
                    log.warning("job_failing", kind=job.kind, code=code, failures=job.failures)
        except SQLAlchemyError as store_error:  # the lease runs out by itself, and the job is tried again
            log.error("job_not_settled", kind=lease.kind, error=type(store_error).__name__)

    async def _beat(self, lease: Lease) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            with suppress(SQLAlchemyError):  # a lease that can't be renewed runs out; the fence does the rest
                async with self._database.begin() as session:
                    job = await _held(session, lease)
                    if job is None:
                        return
                    job.lease_until = self._clock.now() + LEASE

    async def _prepare(self) -> None:
        for kind, entry in self._kinds.items():
            if entry.every is not None:
                async with self._database.begin() as session:
                    await self.enqueue(session, kind, kind, at=self._clock.now())
        self._prepared = True

    async def _insert(self, session: AsyncSession, kind: str, subject: str, at: datetime) -> None:
        row = JobRow(
            job_id=new_id("job"), kind=kind, subject=subject, next_at=at, created_at=self._clock.now(),
            fence=0, failures=0, crashes=0, state=QUEUED,
        )  # fmt: skip
        try:
            async with session.begin_nested():
                session.add(row)
        except IntegrityError:  # another process was quicker
            await self.enqueue(session, kind, subject, at=at)


async def _find(session: AsyncSession, kind: str, subject: str) -> JobRow | None:
    found = select(JobRow).where(JobRow.kind == kind, JobRow.subject == subject).with_for_update()
    job: JobRow | None = await session.scalar(found)
    return job


async def _held(session: AsyncSession, lease: Lease) -> JobRow | None:
    """The job, locked, if the lease is still the last one."""
    held = select(JobRow).where(JobRow.job_id == lease.job_id, JobRow.fence == lease.fence).with_for_update()
    job: JobRow | None = await session.scalar(held)
    return job


def _wait(failures: int, longest: float) -> timedelta:
    seconds = min(BACKOFF[min(failures, len(BACKOFF)) - 1], longest)
    return timedelta(seconds=seconds * random.uniform(0.8, 1.0))  # noqa: S311 - jitter
