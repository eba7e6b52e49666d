"""What a sentence says of a query, as facts of its task: which query, which time, who, which insurance."""

from calendar import monthrange
from typing import Any

from actions import same_person
from actions.query_words import (
    ALL,
    CHART,
    EXPORT,
    LATEST,
    OTHER,
    asks_booking,
    asks_declared,
    asks_for_other,
    asks_latest,
    asks_own,
    asks_times,
    asks_whole,
    extreme_asked,
    in_year_shown,
    is_lunar,
    names_every_insurance,
    recent_years,
    view_asked,
    widened,
)
from actions.slots import INSURED, Option
from actions.state import Task
from actions.talk import Talk
from services.domain.kinds import RecordKind
from services.domain.periods import bounds

TIMES = ("fee_year", "fee_period", "date_range")
FILTERS = (*TIMES, "insured_group", "insurance", "validity")
PEOPLE = ("id_number", "person_name")
PAYMENTS = frozenset({RecordKind.PAID.value, OTHER})
EMPTY = "empty"
"""Of a query that has found nothing: there is no list."""
PASSING = {
    "page",
    "from_page",
    "place",
    "record",
    "view",
    "offered",
    "charted",
    "of",
    "extreme",
    "within",
    EMPTY,
}
"""Facts of one turn, not of the query."""
EARLIEST = "2008-01"
"""Before that no fee is in the books that we ask."""


def take_facts(talk: Talk, task: Task) -> None:
    """The facts of the turn; another query than the one in work begins anew."""
    kind, before = _kind_said(talk, task), task.facts.get("query_kind")
    if kind and kind != before:
        same = {kind, before} == PAYMENTS and talk.turn.last("query_kind") is None  # 我自己的呢, 我妈的呢
        stays = ("view", "relation", *FILTERS) if same else ("view", "relation")
        task.facts = {name: value for name, value in task.facts.items() if name in stays}
        task.answered, task.asked = [], None
        task.put("query_kind", kind)
    if names_every_insurance(talk.turn):
        task.forget("insured_group")
        task.forget("insurance")
    for name in ("insured_group", "insurance", "validity", "id_type"):
        if (value := talk.turn.last(name)) is not None:
            task.put(name, str(value))
    if task.facts.get("query_kind") == RecordKind.TIER_CHOICE and asks_whole(talk.turn):
        task.put("validity", ALL)
    take_time(talk, task)
    if task.facts.get("query_kind") == OTHER:
        for name in PEOPLE:
            if token := talk.turn.token(name):
                task.put(name, token)
                task.forget(INSURED)
    _take_place(talk, task)
    view = view_asked(talk.turn)
    about_payments = task.facts.get("query_kind") in {None, RecordKind.PAID, OTHER}
    if view == EXPORT or (view == CHART and (about_payments or talk.turn.last("query_kind") is None)):
        task.put("view", view)
        if view == CHART and (extreme := extreme_asked(talk.turn)):
            task.put("extreme", extreme[0])


def _take_place(talk: Talk, task: Task) -> None:
    """最近一次, 报了几次: of all the time, where none is said."""
    whole = asks_latest(talk.turn) or (asks_declared(talk.turn) and asks_times(talk.turn))
    if not whole or task.facts.get("query_kind") in {None, RecordKind.TIER_CHOICE}:
        return
    if not any(talk.turn.last(name) for name in TIMES):
        task.forget("fee_period")
        take_all(task)
    if asks_latest(talk.turn):
        task.put("place", LATEST)


def take_all(task: Task) -> None:
    """No bounds in time, and every kind of payer."""
    declared = task.facts.get("query_kind") == RecordKind.DECLARATION
    task.put("date_range" if declared else "fee_period", ALL)
    if declared:
        task.facts.setdefault("insured_group", ALL)


def _kind_said(talk: Talk, task: Task) -> str | None:
    turn, known = talk.turn, task.facts.get("query_kind")
    said = turn.last("query_kind")
    kind = str(said) if said is not None else None
    kind = RecordKind.DECLARATION if kind is None and known is None and asks_declared(turn) else kind
    for_other = turn.last("beneficiary") == "other" or (
        known is None
        and turn.last("beneficiary") != "self"
        and (any(turn.token(name) for name in PEOPLE) or asks_for_other(turn))
    )
    for_other = for_other or (known in {None, RecordKind.PAID} and bool(same_person.THEIRS.search(turn.text)))
    if for_other and kind in {None, RecordKind.PAID}:
        return OTHER
    if kind == RecordKind.PAID and known == OTHER and turn.last("beneficiary") is None:
        return OTHER if talk.turn.intent == "inform" else kind
    if known == OTHER and kind is None and asks_own(turn):
        return RecordKind.PAID  # 我自己的呢
    if kind or known:
        return kind
    if turn.last("validity") or (turn.last("tier") and view_asked(turn) is None):
        return RecordKind.TIER_CHOICE
    about_money = any(turn.last(name) for name in (*TIMES, "insured_group", "insurance")) or asks_latest(turn)
    return RecordKind.PAID if about_money or view_asked(turn) or asks_whole(turn) else None


def take_time(talk: Talk, task: Task) -> None:
    """One stretch of time: days for declarations and bookings, months of the fee else; `all` has no bounds."""
    turn, today = talk.turn, talk.today
    if is_lunar(turn):
        for name in ("date_range", "fee_period"):
            task.forget(name)
        talk.tell("query.lunar")
        return
    days, months = turn.last("date_range"), turn.last("fee_period")
    years = sorted(str(year)[:4] for year in turn.values.get("fee_year", ()))
    if days is None:
        months = months or recent_years(turn, today)
    if years and months is None:
        months = widened(turn, f"{years[0]}-01/{years[-1]}-12", earliest=EARLIEST, latest=f"{today:%Y-%m}")
    if months is None and days is None:
        if not asks_whole(turn):
            return
        months = ALL
    seen = str(task.facts.get("date_range") or task.facts.get("fee_period") or ALL)
    if seen != ALL:
        days, months = (span and in_year_shown(turn, str(span), seen) for span in (days, months))
    declared = task.facts.get("query_kind") == RecordKind.DECLARATION
    if days is None and (declared or asks_booking(turn)):
        days, months = (ALL if months == ALL else days_of(str(months))), None
    for name, value in (("date_range", days), ("fee_period", months if days is None else None)):
        if value is None:
            task.forget(name)
        else:
            task.put(name, str(value))
    task.facts["by_booking"] = asks_booking(turn)


def days_of(period: str) -> str:
    """`2026-01/2026-06` → `2026-01-01/2026-06-30`."""
    first, last = bounds(period)
    year, month = map(int, last.split("-"))
    return f"{first}-01/{last}-{monthrange(year, month)[1]:02d}"


def kept(shown: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in shown.items() if name not in PASSING}


def widen(task: Task) -> None:
    """A chart is of payments: of those that were asked for, else of all years."""
    if task.facts.get("query_kind") not in PAYMENTS:
        extreme = {"extreme": task.facts["extreme"]} if "extreme" in task.facts else {}
        task.facts = {"query_kind": RecordKind.PAID.value, "view": CHART} | extreme
    if not task.facts.keys() & {"date_range", "fee_period"}:
        task.put("fee_period", ALL)


def options_of(task: Task) -> list[Option]:
    """The answers that were offered, as they were kept with the question."""
    return [Option(value=value, title=title) for value, title in task.facts.get("offered", ())]
