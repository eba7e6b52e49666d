"""Asked too early: from which day on a paper can be had, and a message to who wants one when it is there."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, time, timedelta
from typing import Protocol

import structlog

from services.certificates.model import Holder, NotYet
from services.domain.ids import new_id
from services.domain.workdays import add_workdays, is_provisional, records_available
from services.durable import Durable, Lease
from services.notices import Notices
from services.ports import Clock
from services.store.certificates import PaperWatchRow, find_watch
from services.store.session import Database

log = structlog.get_logger("certificates")

JOB = "paper_watch"
NOTICE = "paper_ready"
OFTEN, SELDOM = timedelta(minutes=10), timedelta(hours=1)
REREAD = timedelta(hours=6)
OPENS, CLOSES = time(8), time(20)
PATIENCE = timedelta(days=30)
"""How long after the last promised day somebody is still going to be told."""


class PendingPayments(Protocol):
    async def __call__(
        self, person_id: str, fee_year: int, *, payer_id: str | None = None
    ) -> Sequence[datetime]: ...


class Waiting:
    """`is_there(holder, kind, fee_year)` asks the bureau; `conversations(person_id)` are those that speak
    for the person now."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        durable: Durable,
        notices: Notices,
        pending_payments: PendingPayments,
        conversations: Callable[[str], Awaitable[Sequence[str]]],
        is_there: Callable[[Holder, str, int], Awaitable[bool]],
    ) -> None:
        self._database = database
        self._clock = clock
        self._durable = durable
        self._notices = notices
        self._pending_payments = pending_payments
        self._conversations = conversations
        self._is_there = is_there
        durable.register(JOB, self._look, lane="bureau")

    async def not_yet(self, holder: Holder, fee_year: int) -> NotYet | None:
        """From the first pending payment on; a day that has passed without a record is not promised again."""
        paid = await self._pending_payments(holder.person_id, fee_year, payer_id=holder.payer_id)
        if not paid:
            return None
        today = self._clock.now().date()
        earliest, _ = records_available(min(paid).date())
        _, latest = records_available(max(paid).date())
        earliest = max(earliest, today)
        latest = max(latest, add_workdays(today, 1), earliest)
        return NotYet(earliest=earliest, latest=latest, fee_year=fee_year, provisional=is_provisional(latest))

    async def watch(self, holder: Holder, conversation_id: str, kind: str, not_yet: NotYet) -> None:
        """Tell this conversation once the paper can be had. Asked again: once all the same."""
        now = self._clock.now()
        async with self._database.begin() as session:
            known = await find_watch(
                session,
                conversation_id=conversation_id,
                person_id=holder.person_id,
                kind=kind,
                fee_year=not_yet.fee_year,
            )
            if known is not None:
                return
            watch = PaperWatchRow(
                watch_id=new_id("w"),
                conversation_id=conversation_id,
                person_id=holder.person_id,
                payer_id=holder.payer_id,
                kind=kind,
                fee_year=not_yet.fee_year,
                made_at=now,
                until=datetime.combine(not_yet.latest, CLOSES, now.tzinfo) + PATIENCE,
                ended_at=None,
            )
            session.add(watch)
            await self._durable.enqueue(session, JOB, watch.watch_id, at=_next_look(now, not_yet))
        log.info("paper_awaited", kind=kind)

    async def _look(self, lease: Lease) -> datetime | None:
        """The job: can it be had? Who was unbound meanwhile is told nothing."""
        async with self._database.read() as session:
            watch = await session.get(PaperWatchRow, lease.subject)
        now = self._clock.now()
        if watch is None or watch.ended_at is not None:
            return None
        holder = Holder(person_id=watch.person_id, payer_id=watch.payer_id)
        speaks = watch.conversation_id in await self._conversations(holder.reader_id)
        not_yet = await self.not_yet(holder, watch.fee_year) if speaks else None
        if not_yet and now < _opening(not_yet, now):
            return _next_look(now, not_yet)
        there = speaks and await self._is_there(holder, watch.kind, watch.fee_year)
        if speaks and not there and now < watch.until:
            return now + (OFTEN if OPENS <= now.time() <= CLOSES else SELDOM)
        async with self._database.begin() as session:
            await lease.check(session)
            held = await session.get_one(PaperWatchRow, lease.subject, with_for_update=True)
            held.ended_at = now
            if there:
                await self._notices.announce_in(
                    session,
                    watch.conversation_id,
                    NOTICE,
                    paper=watch.kind,
                    fee_year=watch.fee_year,
                    person_id=watch.person_id,
                )
        log.info("paper_watch_ended", kind=watch.kind, told=there)
        return None


def _opening(not_yet: NotYet, now: datetime) -> datetime:
    """The morning of the first day on which it may be there."""
    return datetime.combine(not_yet.earliest, OPENS, now.tzinfo)


def _next_look(now: datetime, not_yet: NotYet) -> datetime:
    """Not later than in some hours: the operator may correct the calendar, and then the day moves."""
    return min(max(_opening(not_yet, now), now + OFTEN), now + REREAD)
