"""What of the durable work is dead or fails again and again: a list that an operator reads and has tried again.

A job names its subject by our own number of it, never by anything of a person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_, select

from services.ports import Clock
from services.store.durable import DEAD, QUEUED, JobRow
from services.store.session import Database

FAILING_FROM = 3
"""So many failures in a row are no passing outage."""
MOST = 500
FAILING = "failing"
_dead = JobRow.state == DEAD
_failing = and_(JobRow.state == QUEUED, JobRow.failures >= FAILING_FROM)


@dataclass(frozen=True, kw_only=True)
class StuckJob:
    """`state` is `dead` (nobody tries it any more) or `failing`; `since` when it was asked for, or died."""

    job_id: str
    kind: str
    subject: str
    state: str
    code: str
    since: datetime
    tries: int


class JobList:
    """For people; what works on jobs is `services.durable`."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def find(self) -> Sequence[StuckJob]:
        """The dead first, the oldest first."""
        found = (
            select(JobRow).where(or_(_dead, _failing)).order_by(JobRow.state, JobRow.created_at).limit(MOST)
        )
        async with self._database.read() as session:
            rows = (await session.scalars(found)).all()
        zone = self._clock.now().tzinfo
        return [
            StuckJob(
                job_id=row.job_id,
                kind=row.kind,
                subject=row.subject,
                state=DEAD if row.state == DEAD else FAILING,
                code=row.last_error or "",
                since=(row.ended_at or row.created_at).astimezone(zone),
                tries=row.failures,
            )
            for row in rows
        ]

    async def count(self) -> dict[str, int]:
        """How many are dead, and how many fail."""
        async with self._database.read() as session:
            return {
                state: await session.scalar(select(func.count()).select_from(JobRow).where(condition)) or 0
                for state, condition in ((DEAD, _dead), (FAILING, _failing))
            }

    async def replay(self, job_id: str | None = None) -> int:
        """Have one tried again now, or all of them; how many. One that is being worked on is left alone.

        Safe to repeat: handlers are made for that, and the next lease knows that it is not the first.
        """
        now = self._clock.now()
        wanted = select(JobRow).where(
            or_(_dead, _failing), or_(JobRow.lease_until.is_(None), JobRow.lease_until <= now)
        )
        if job_id is not None:
            wanted = wanted.where(JobRow.job_id == job_id)
        async with self._database.begin() as session:
            jobs = (await session.scalars(wanted.with_for_update())).all()
            for job in jobs:
                job.state, job.next_at, job.ended_at = QUEUED, now, None
                job.failures = job.crashes = 0
        return len(jobs)
