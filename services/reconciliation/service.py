"""Reconciling a day: fetch both sides, match, keep each finding, mend what evidence allows; safe to repeat."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import TypeVar

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from services.domain.bills import newest_day
from services.domain.errors import OutcomeUnknown, Refused, Unavailable
from services.domain.staff import Right
from services.durable import Durable
from services.payment import Payment
from services.ports import Bill, BillKind, Booking, Clock, PaymentGateway, TaxBureau, TradeStatus
from services.reconciliation.bills import keep_bill
from services.reconciliation.facts import BUREAU, ORDER_REFUNDED, Difference, Facts, Kind
from services.reconciliation.findings import Finding, Findings, id_of, tell
from services.reconciliation.matching import match, number_of
from services.reconciliation.mending import Mender, Outcome
from services.reconciliation.reading import read_facts
from services.settings import Settings
from services.staff import Agent
from services.store.reconciliation import ACCEPTED, MENDED, OPEN, FindingRow, ReconciledDayRow
from services.store.session import Database

log = structlog.get_logger("reconciliation")

T = TypeVar("T")
LOOK_EVERY = timedelta(minutes=10)
MOST_DAYS = 31
"""So many days are caught up by itself at most."""
NOT_ASKED = "not_asked_yet"
"""The peer that could mend it did not answer: the day is matched again."""
REASONS = (
    "error_in_file",
    "other_system",
    "settled_with_bureau",
    "settled_with_gateway",
    "settled_with_resident",
)
"""Why people accept a finding. Words from a list, so that no personal data gets in."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """One day: what was compared, and every finding that it concerns."""

    day: date
    payments: int
    refunds: int
    bookings: int
    matched: int
    findings: tuple[Finding, ...]

    @property
    def open(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.open)


class Reconciliation:
    """Registers its daily look with `durable`."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        gateways: Mapping[str, PaymentGateway],
        bureau: TaxBureau,
        payment: Payment,
        durable: Durable,
        settings: Settings,
    ) -> None:
        self._database, self._clock = database, clock
        self._gateways, self._bureau = gateways, bureau
        self._own_letters = settings.order_prefix.rstrip("0123456789")
        self._payment = payment.mending
        self._findings = Findings(database=database, clock=clock)
        durable.repeat("reconcile", LOOK_EVERY, self.catch_up)

    async def run(self, day: date) -> Report:
        """Reconcile `day`, again if it was before.

        `Unavailable("bill_not_ready")` before a gateway's bill is there; other errors of the peers when a side
        can't be had whole: then nothing is compared.
        """
        bills = {provider: await gateway.fetch_bill(day) for provider, gateway in self._gateways.items()}
        bookings = await self._bureau.find_bookings(day)
        for provider, bill in bills.items():
            await _or_again(partial(keep_bill, self._database, self._clock, provider, bill))
        facts = await self._read(day, bills, bookings)
        await self._check_late(facts, bills)
        differences = match(facts)
        touched = [await self._handle(difference) for difference in differences]
        if any(finding.state == MENDED for finding in touched):  # what was taken in counts now
            facts, seen = await self._read(day, bills, bookings), {finding.finding_id for finding in touched}
            differences = match(facts)
            touched += [await self._handle(each) for each in differences if id_of(each) not in seen]
        await self._mend_gone(facts, {id_of(difference) for difference in differences})
        await _or_again(partial(self._mark_done, day))
        return await self._report(facts, differences, touched)

    async def catch_up(self) -> None:
        """Reconcile every day whose bill should be there and that has not been done, and those on which a peer
        did not answer."""
        newest = newest_day(self._clock.now())
        for day in sorted({*await self._not_done(newest), *await self._unfinished()}):
            try:
                report = await self.run(day)
            except (
                Refused
            ) as refused:  # a contract or a key is wrong: it is looked at again when that is mended
                log.error("reconciliation_refused", day=day.isoformat(), code=refused.code)
                raise Unavailable(refused.code) from refused
            log.info("day_reconciled", day=day.isoformat(), matched=report.matched, open=len(report.open))

    async def find_open(self) -> list[Finding]:
        """What needs a person, oldest first."""
        return await self._findings.open()

    async def count_open(self) -> Mapping[str, int]:
        """How many of each kind."""
        return await self._findings.count_open()

    async def history(self, finding_id: str) -> Sequence[tuple[str, str, str]]:
        return await self._findings.history(finding_id)

    async def accept(self, finding_id: str, *, agent: Agent, reason: str) -> Finding:
        """One of two people says that nothing is left to do; the second one with the same reason closes it. It
        moves no money and no order (`reliability` P21).

        `Refused`: `not_allowed`, `unknown_reason`, `unknown_finding` (also when it is not open), `agreed_already`.
        """
        agent.need(Right.SETTLE_FINDING)
        if reason not in REASONS:
            raise Refused("unknown_reason")
        return await self._findings.agree(finding_id, by=agent.name, reason=reason)

    # --- inside -----------------------------------------------------------------------------------------

    async def _read(self, day: date, bills: Mapping[str, Bill], bookings: Sequence[Booking]) -> Facts:
        return await read_facts(
            self._database,
            self._clock,
            day=day,
            own_letters=self._own_letters,
            bills={provider: bill.lines for provider, bill in bills.items()},
            bookings=bookings,
        )

    async def _check_late(self, facts: Facts, bills: Mapping[str, Bill]) -> None:
        """No file at all, though money came that day by the gateway's own word: it is late, not empty (R8)."""
        for provider, bill in bills.items():
            ours = [
                order.order_no
                for order in facts.orders.values()
                if order.provider == provider and order.paid_on == facts.day
            ]
            if bill.sha256 or not ours or (provider, ours[0]) in facts.elsewhere:
                continue
            said = await self._payment.ask(ours[0])
            if said.status is TradeStatus.PAID and said.paid_at and said.paid_at.date() == facts.day:
                raise Unavailable("bill_not_ready")

    async def _handle(self, difference: Difference) -> Finding:
        finding, new = await _or_again(partial(self._findings.record, difference))
        asked = not new and finding.note != NOT_ASKED
        if finding.state == ACCEPTED or (asked and difference.order_no is None):
            return finding  # nothing more can be asked about it than was asked already
        try:
            outcome = await Mender(payment=self._payment).mend(difference)
        except (Unavailable, OutcomeUnknown) as error:
            log.warning("mending_put_off", finding_id=finding.finding_id, code=error.code)
            outcome = Outcome(OPEN, NOT_ASKED)
        moved = await self._findings.move(finding, outcome.state, outcome.note, tells=not new)
        if new:
            tell(moved)  # only now: what mends itself at once is no error
        return moved

    async def _mend_gone(self, facts: Facts, still: Collection[str]) -> None:
        """Open findings that this day shows to be over: matched now, booked now, or in this day's bill after all."""
        here = set(_compared(facts))
        for finding in await self._findings.open():
            if finding.finding_id in still:
                continue
            if finding.kind is Kind.SHORT and (finding.source, finding.number) in here:
                await self._findings.move(finding, MENDED, "in_bill_of_another_day")
            elif finding.day == facts.day and finding.source in {*facts.bills, BUREAU}:
                await self._findings.move(finding, MENDED, "agrees_now")
            elif finding.kind is Kind.EXTERNAL_REFUND and _is_taken_back(facts, finding.order_no):
                await self._findings.move(finding, MENDED, ORDER_REFUNDED)
            elif finding.kind is Kind.BUREAU_MISSING and finding.day < facts.day:
                await self._findings.move(finding, MENDED, "booked")

    async def _report(
        self, facts: Facts, differences: Iterable[Difference], touched: Iterable[Finding]
    ) -> Report:
        lines = [line for bill in facts.bills.values() for line in bill]
        apart = {
            (difference.source, difference.number)
            for difference in differences
            if difference.kind not in {Kind.SHORT, Kind.BUREAU_MISSING, Kind.JOURNAL}
        }
        return Report(
            day=facts.day,
            payments=sum(line.kind is BillKind.PAID for line in lines),
            refunds=sum(line.kind is BillKind.REFUND for line in lines),
            bookings=len(facts.bookings),
            matched=sum(one not in apart for one in _compared(facts)),
            findings=tuple(await self._findings.of(facts.day, {finding.finding_id for finding in touched})),
        )

    async def _mark_done(self, day: date) -> None:
        async with self._database.begin() as session:
            if await session.get(ReconciledDayRow, day) is None:
                session.add(ReconciledDayRow(day=day, done_at=self._clock.now()))

    async def _not_done(self, newest: date) -> list[date]:
        """From the last day that was done to the newest; at the very first only that one."""
        async with self._database.read() as session:
            last = await session.scalar(select(func.max(ReconciledDayRow.day)))
        if last is None:
            return [newest]
        days = min((newest - last).days, MOST_DAYS)
        if days < (newest - last).days:
            log.error("days_left_out", count=(newest - last).days - days)
        return [newest - timedelta(days=back) for back in reversed(range(days))]

    async def _unfinished(self) -> list[date]:
        wanted = select(FindingRow.day).where(FindingRow.state == OPEN, FindingRow.note == NOT_ASKED)
        async with self._database.read() as session:
            return list((await session.scalars(wanted.distinct())).all())


async def _or_again(work: Callable[[], Awaitable[T]]) -> T:
    """Once more when another process has just put the same row in: then it is found."""
    try:
        return await work()
    except IntegrityError:
        return await work()


def _is_taken_back(facts: Facts, order_no: str | None) -> bool:
    order = facts.orders.get(order_no or "")
    return order is not None and order.given_back_outside


def _compared(facts: Facts) -> list[tuple[str, str]]:
    """Everything that gateways and bureau have said of this day, by who said it and the number."""
    moved = [(provider, number_of(line)) for provider, lines in facts.bills.items() for line in lines]
    return moved + [(BUREAU, booking.key) for booking in facts.bookings]
