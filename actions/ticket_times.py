"""Of which time, and of which insurance, tax tickets are wanted: what was said of it, and whether a ticket fits."""

from collections.abc import Sequence
from datetime import date

from actions import listing
from actions.say import say
from actions.state import Task
from services.certificates import Holder, TaxTicket
from services.domain.kinds import RecordKind

REISSUE = "tax_certificate_reissue"
TIMES = ("date_range", "fee_period", "fee_year")
FILTERS = (*TIMES, "insured_group", "insurance")
ALWAYS = "0000-01/9999-12"
NUMBER = "ticket_no"
"""Of the one record that was in view: 帮这笔开完税证明."""


def by_issue(kind: str, holder: Holder) -> bool:
    """One's own reissues are found by the day of issue, those of another by the fee period (the guide)."""
    return kind == REISSUE and holder.payer_id is None


def year_of(ticket: TaxTicket, kind: str, holder: Holder) -> int:
    if by_issue(kind, holder) and ticket.last_issued_on:
        return ticket.last_issued_on.year
    return ticket.first_day.year


def fits(ticket: TaxTicket, task: Task) -> bool:
    """Is the ticket of the time and the insurance that were said? A day of issuing counts for a range of days;
    a period or a year may be that of the fees, and of a reissue also that of the issue."""
    of_ticket = {"insured_group": ticket.insured_group, "insurance": ticket.insurance}
    if any(task.facts.get(name, value) != value for name, value in of_ticket.items()):
        return False
    if task.facts.get(NUMBER, ticket.number) != ticket.number:
        return False
    facts, issued = task.facts, [day for day in (ticket.first_issued_on, ticket.last_issued_on) if day]
    if "date_range" in facts:
        first, last = _days(str(facts["date_range"]))
        days = issued or [ticket.booked_on]
        return any(first <= day <= last for day in days)
    if "fee_period" in facts:
        start, _, end = str(facts["fee_period"]).partition("/")
        months = f"{ticket.first_day:%Y-%m}", f"{ticket.last_day:%Y-%m}"
        again = facts.get("certificate_kind") == REISSUE
        issued_then = again and any(start <= f"{day:%Y-%m}" <= (end or start) for day in issued)
        return issued_then or (months[0] <= (end or start) and months[1] >= start)
    if "fee_year" in facts:
        years = years_said(task)
        issued_then = facts.get("certificate_kind") == REISSUE and any(day.year in years for day in issued)
        return issued_then or any(ticket.first_day.year <= year <= ticket.last_day.year for year in years)
    return True


def of_month(tickets: Sequence[TaxTicket], task: Task) -> list[TaxTicket]:
    """Of those to be issued again that fit a single month: which show it, as their own or as that of the issue. Without
    any, all of them: the fee of a whole year has it inside."""
    start, _, end = str(task.facts.get("fee_period", "")).partition("/")
    if task.facts.get("certificate_kind") != REISSUE or not start or start != (end or start):
        return list(tickets)
    return [ticket for ticket in tickets if start in _months_shown(ticket)] or list(tickets)


def _months_shown(ticket: TaxTicket) -> set[str]:
    months = {f"{day:%Y-%m}" for day in (ticket.first_issued_on, ticket.last_issued_on) if day}
    first, last = f"{ticket.first_day:%Y-%m}", f"{ticket.last_day:%Y-%m}"
    return months | {first} if first == last else months


def covers(task: Task, year: int) -> bool:
    """Whether the year is of the time that was said."""
    if "fee_year" in task.facts:
        return year in years_said(task)
    said = task.facts.get("fee_period")
    return said in (None, ALWAYS) or str(said)[:4] == str(year)


def years_said(task: Task) -> list[int]:
    """The fee years that were said: one, or several with commas between."""
    return [int(year[:4]) for year in str(task.facts.get("fee_year", "")).split(",") if year]


def in_words(years: Sequence[int]) -> str:
    return "、".join(say("option.record_year", year=year) for year in years)


def time_said(task: Task) -> str:
    """In words; nothing where no time was said."""
    if years := years_said(task):
        return in_words(years)
    times = {name: task.facts[name] for name in TIMES if task.facts.get(name, ALWAYS) != ALWAYS}
    return listing.describe({"query_kind": RecordKind.PAID, **times}, wide="").removesuffix(say("query.of"))


def _days(said: str) -> tuple[date, date]:
    first, _, last = said.partition("/")
    return date.fromisoformat(first), date.fromisoformat(last or first)
