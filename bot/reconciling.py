"""`shebao reconcile`: a day matched by hand, what is open, and what two people have decided."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar

from bot.serving import check, prepare_store
from services.adapters.clock import make_clock
from services.bootstrap import Services, bootstrap
from services.reconciliation import REASONS, Finding, Kind, Report
from services.settings import Settings

__all__ = ["REASONS", "accept_finding", "list_open", "read_day", "reconcile_day"]

T = TypeVar("T")
NOTHING_OPEN = "nothing is open"
TITLES = ("finding", "day", "at", "class", "number", "ours", "theirs", "how it stands")


def read_day(settings: Settings, text: str) -> date:
    """`ValueError` in one line for what is no day."""
    if text == "yesterday":
        return make_clock(settings).now().date() - timedelta(days=1)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text} is no day: write 2026-11-23, or yesterday") from None


def reconcile_day(settings: Settings, day: date) -> tuple[list[str], int]:
    """The lines to print, and how many findings need a person."""

    async def work(services: Services) -> Report:
        return await services.reconciliation.run(day)

    report = _run(settings, work)
    return [*_counts(report), "", *_table(report.open)], len(report.open)


def list_open(settings: Settings) -> tuple[list[str], int]:
    """Open findings of all days, oldest first."""

    async def work(services: Services) -> list[Finding]:
        return await services.reconciliation.find_open()

    found = _run(settings, work)
    return _table(found), len(found)


def accept_finding(settings: Settings, finding_id: str, name: str, secret: str, reason: str) -> str:
    """What has come of somebody's word that nothing is left to do."""

    async def work(services: Services) -> Finding:
        agent = await services.staff.log_in(name, secret)
        return await services.reconciliation.accept(finding_id, agent=agent, reason=reason)

    finding = _run(settings, work)
    about = f"{finding.finding_id} ({finding.kind} {finding.number})"
    return (
        f"{about}: one more person has to agree" if finding.open else f"{about} is accepted: {finding.note}"
    )


def _run(settings: Settings, work: Callable[[Services], Awaitable[T]]) -> T:
    check(settings, "cannot reconcile")
    prepare_store(settings)
    return asyncio.run(_with_services(settings, work))


async def _with_services(settings: Settings, work: Callable[[Services], Awaitable[T]]) -> T:
    services = bootstrap(settings)
    try:
        await services.open()
        return await work(services)
    finally:
        await services.close()


def _counts(report: Report) -> list[str]:
    """What was compared, and how many findings there are of each class and state."""
    compared = report.payments + report.refunds + report.bookings
    lines = [
        f"{report.day.isoformat()}: {report.payments} payments, {report.refunds} refunds, {report.bookings} bookings; "
        f"{report.matched} of {compared} matched"
    ]
    rows = [("class", "mended", "accepted", "open")]
    for kind in Kind:
        states = [finding.state for finding in report.findings if finding.kind is kind]
        if states:
            rows.append((kind.value, *(str(states.count(state)) for state in rows[0][1:])))  # type: ignore[arg-type]
    return lines if len(rows) == 1 else [*lines, "", *_aligned(rows)]


def _table(findings: Sequence[Finding]) -> list[str]:
    if not findings:
        return [NOTHING_OPEN]
    rows = [
        (
            finding.finding_id, finding.day.isoformat(), finding.source, finding.kind.value, finding.number,
            _yuan(finding.expected), _yuan(finding.found), finding.note.replace("_", " "),
        )
        for finding in findings
    ]  # fmt: skip
    return _aligned([TITLES, *rows])


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _yuan(amount: Decimal | None) -> str:
    return "-" if amount is None else f"{amount:.2f}"
