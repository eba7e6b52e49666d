"""Asked too early: from which day on a paper can be had, and a message to who wants one when it is there."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Protocol

from services.certificates.model import Holder, NotYet
from services.domain.orders import Unbooked
from services.domain.workdays import add_workdays, is_provisional, records_available
from services.durable import Durable
from services.notices import Notices
from services.ports import Clock
from services.store.session import Database
from services.watches import Seen, Watches, Wish

NOTICE = "paper_ready"
OFTEN, SELDOM = timedelta(minutes=10), timedelta(hours=1)
REREAD = timedelta(hours=6)
OPENS, CLOSES = time(8), time(20)
PATIENCE = timedelta(days=30)
"""How long after the last promised day somebody is still going to be told."""


class PendingPayments(Protocol):
    async def __call__(
        self, person_id: str, *, payer_id: str | None = None
    ) -> Mapping[int, Mapping[str, Unbooked]]: ...


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
        self._clock = clock
        self._pending_payments = pending_payments
        self._is_there = is_there
        self._watches = Watches(
            NOTICE,
            database=database,
            clock=clock,
            durable=durable,
            notices=notices,
            conversations=conversations,
            look=self._look,
            again=_again,
        )

    async def pending(self, holder: Holder, booked: Collection[str] = ()) -> dict[int, NotYet]:
        """The years that were paid and are not booked, newest first. `booked` are keys of payments that are in the
        books by now."""
        paid = await self._pending_payments(holder.person_id, payer_id=holder.payer_id)
        left = {
            year: [bill for key, bill in of_year.items() if key not in booked]
            for year, of_year in sorted(paid.items(), reverse=True)
        }
        return {year: self._promise(year, bills) for year, bills in left.items() if bills}

    async def not_yet(self, holder: Holder, fee_year: int) -> NotYet | None:
        return (await self.pending(holder)).get(fee_year)

    def _promise(self, fee_year: int, bills: Sequence[Unbooked]) -> NotYet:
        """From the first pending payment on; a day that has passed without a record is not promised again."""
        today = self._clock.now().date()
        paid = [bill.paid_at for bill in bills]
        earliest, _ = records_available(min(paid).date())
        _, latest = records_available(max(paid).date())
        earliest = max(earliest, today)
        latest = max(latest, add_workdays(today, 1), earliest)
        return NotYet(
            earliest=earliest,
            latest=latest,
            fee_year=fee_year,
            provisional=is_provisional(latest),
            bills=tuple(bills),
        )

    async def forget(self, holder: Holder, conversation_id: str, kind: str, fee_year: int) -> None:
        """The paper was handed out to this conversation: it is not told of it any more."""
        facts = {"paper": kind, "fee_year": fee_year, "person_id": holder.person_id}
        await self._watches.drop(
            Wish(conversation_id=conversation_id, reader_id=holder.reader_id, facts=facts)
        )

    async def watch(self, holder: Holder, conversation_id: str, kind: str, not_yet: NotYet) -> None:
        """Tell this conversation once the paper can be had. Asked again: once all the same."""
        now = self._clock.now()
        facts = {"paper": kind, "fee_year": not_yet.fee_year, "person_id": holder.person_id}
        await self._watches.wish(
            Wish(conversation_id=conversation_id, reader_id=holder.reader_id, facts=facts),
            first=min(max(_opening(not_yet, now), now + OFTEN), now + REREAD),
            until=datetime.combine(not_yet.latest, CLOSES, now.tzinfo) + PATIENCE,
        )

    async def _look(self, wish: Wish) -> Seen:
        """Can it be had? The bureau is asked from the first day on; the operator may have moved that day."""
        person_id, fee_year, now = str(wish.facts["person_id"]), wish.facts["fee_year"], self._clock.now()
        payer_id = wish.reader_id if wish.reader_id != person_id else None
        holder = Holder(person_id=person_id, payer_id=payer_id)
        not_yet = await self.not_yet(holder, fee_year)
        if not_yet and now < _opening(not_yet, now):
            return Seen.NOT_YET
        there = await self._is_there(holder, wish.facts["paper"], fee_year)
        return Seen.THERE if there else Seen.NOT_YET


def _opening(not_yet: NotYet, now: datetime) -> datetime:
    """The morning of the first day on which it may be there."""
    return datetime.combine(not_yet.earliest, OPENS, now.tzinfo)


def _again(now: datetime) -> datetime:
    return now + (OFTEN if OPENS <= now.time() <= CLOSES else SELDOM)
