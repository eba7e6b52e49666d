"""Reminders of the times in which something can be paid: when a window opens, and before it ends."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta

from services.domain.errors import Refused
from services.domain.kinds import Insurance, InsuredGroup
from services.durable import Durable
from services.enrolment import Enrolments
from services.notices import Notices
from services.ports import Clock
from services.store.session import Database
from services.watches import Seen, Watches, Wish, give_up

OPENS, ENDS = "window_opens", "window_ends"
MORNING = time(8)
"""Nobody is woken by a reminder."""
BEFORE = timedelta(days=7)
PATIENCE = timedelta(days=400)
"""How long a window whose opening nobody has announced yet is waited for: until the next year's has come."""


@dataclass(frozen=True, kw_only=True)
class Payable:
    """What shall be paid; `year` is that of the fee."""

    insured_group: InsuredGroup
    insurance: Insurance
    year: int


class Reminders:
    """For one's own payments only: what is due for another person is not told by a reminder."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        durable: Durable,
        notices: Notices,
        enrolments: Enrolments,
        conversations: Callable[[str], Awaitable[Sequence[str]]],
    ) -> None:
        self._database = database
        self._clock = clock
        self._enrolments = enrolments
        shared = {
            "database": database, "clock": clock, "durable": durable, "notices": notices,
            "conversations": conversations, "again": _next_morning,
        }  # fmt: skip
        self._openings = Watches(OPENS, look=self._is_open, **shared)  # type: ignore[arg-type]
        self._endings = Watches(ENDS, look=self._is_unpaid, **shared)  # type: ignore[arg-type]

    async def when_open(
        self, what: Payable, *, person_id: str, conversation_id: str, opens_on: date | None
    ) -> None:
        """Tell once `what` can be paid, on the morning of `opens_on`; asked daily while that is not known."""
        now = self._clock.now()
        first = _morning(opens_on, now) if opens_on else _next_morning(now)
        wish = Wish(conversation_id=conversation_id, reader_id=person_id, facts=asdict(what))
        await self._openings.wish(wish, first=max(first, now), until=first + PATIENCE)

    async def before_end(
        self, what: Payable, *, person_id: str, conversation_id: str, ends_on: date
    ) -> date | None:
        """Tell some days before `ends_on`, if it is not paid by then; the day on which it will be told. None: it is
        so near that no morning is left."""
        now = self._clock.now()
        first = max(_morning(ends_on - BEFORE, now), _next_morning(now))
        if first.date() > ends_on:
            return None
        facts = {**asdict(what), "ends_on": ends_on.isoformat()}
        wish = Wish(conversation_id=conversation_id, reader_id=person_id, facts=facts)
        await self._endings.wish(wish, first=first, until=_morning(ends_on, now) + timedelta(days=1))
        return first.date()

    async def stop(self, conversation_id: str) -> bool:
        """No more reminders, of papers neither; False if there were none."""
        return await give_up(self._database, self._clock, conversation_id) > 0

    async def _is_open(self, wish: Wish) -> Seen:
        return Seen.THERE if await self._is_due(wish) else Seen.NOT_YET

    async def _is_unpaid(self, wish: Wish) -> Seen:
        over = self._clock.now().date() > date.fromisoformat(wish.facts["ends_on"])
        return Seen.NEVER if over or not await self._is_due(wish) else Seen.THERE

    async def _is_due(self, wish: Wish) -> bool:
        """The bureau's word: months or the year that can be paid now."""
        facts = wish.facts
        try:
            found = await self._enrolments.of(wish.reader_id)
        except Refused:
            return False
        what = (facts["insured_group"], facts["insurance"])
        return any(
            (e.insured_group, e.insurance) == what and any(due[:4] == str(facts["year"]) for due in e.due)
            for e in found
        )


def _morning(day: date, now: datetime) -> datetime:
    return datetime.combine(day, MORNING, now.tzinfo)


def _next_morning(now: datetime) -> datetime:
    today = _morning(now.date(), now)
    return today if now < today else today + timedelta(days=1)
