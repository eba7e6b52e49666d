"""Ask → look up → list: Q1–Q4 by chat. `listing.py` shows what was found."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from actions import cards, listing, login, record_lists
from actions.choices import choose
from actions.query_facts import FILTERS, PEOPLE, TIMES, take_facts
from actions.query_words import (
    ALL,
    CHART,
    OTHER,
    SAME,
    TOTAL,
    asks_own,
    asks_total,
    asks_whole,
    page_asked,
    recent_years,
    view_asked,
)
from actions.say import say
from actions.slots import Option
from actions.state import LOOKUPS, Task
from actions.talk import Talk
from actions.turn import Turn
from services.domain.kinds import IdType, Insurance, InsuredGroup, RecordKind
from services.domain.names import mask_name
from services.domain.people import Person
from services.identity import BoundPerson
from services.ports import FeeRecord
from services.records import Wanted, read_person, record_year

HISTORY_LEVEL = 3
"""What was paid needs a fresh verification (`reliability` 4.1)."""
KINDS = (RecordKind.PAID, RecordKind.DECLARATION, RecordKind.TIER_CHOICE, OTHER)
_PASSING = {"page", "from_page", "place", "record", "view", "offered"}
"""Facts of one turn, not of the query."""


# --- answers ----------------------------------------------------------------------------------------


async def answer_question(talk: Talk, task: Task) -> bool:
    """Take the turn as the answer to the open question; True if it is one."""
    if task.asked in PEOPLE:
        return _take_person(talk, task)
    if task.asked is None:
        return False
    before = dict(task.facts)
    value = choose(talk.turn, task.asked, _options(task))
    if value is not None:
        task.put(task.asked, value)
        return True
    if any(talk.turn.last(name) is not None for name in FILTERS) or (
        task.asked in TIMES and (asks_whole(talk.turn) or recent_years(talk.turn, talk.today))
    ):
        take_facts(talk, task)
    return task.facts != before


def _take_person(talk: Talk, task: Task) -> bool:
    found = [name for name in PEOPLE if talk.turn.token(name)]
    for name in found:
        task.put(name, talk.turn.token(name))
    return bool(found)


def _options(task: Task) -> list[Option]:
    """The answers that were offered, as they were kept with the question."""
    return [Option(value=value, title=title) for value, title in task.facts.get("offered", ())]


# --- what is shown already ----------------------------------------------------------------------------


def take_followup(talk: Talk) -> bool:
    """Another page, a record, a chart or a file of the list that was shown last, or the list narrowed down.

    True: the task is set up, and is to be gone on with.
    """
    state, turn = talk.state, talk.turn
    if not state.shown or state.question:
        return False
    more = _tapped(turn) or (_said(talk) if _is_about_list(talk) else {})
    if more:
        open_page = state.shown.get("page", 1)
        start(talk, {**_kept(state.shown), "page": open_page, "from_page": open_page, **more})
        if more.get("view") == CHART:
            _widen(_task(talk))
        return True
    if state.task is None and _is_about_list(talk) and _narrows(talk):
        start(talk, _kept(state.shown))
        take_facts(talk, _task(talk))
        return True
    return False


def is_gone(talk: Talk) -> bool:
    """Whether a button of a list was tapped that is not kept any more."""
    return bool(_tapped(talk.turn)) and not talk.state.shown


def _tapped(turn: Turn) -> dict[str, Any]:
    names = {"record_id": "record", "query_page": "page", "query_view": "view"}
    return {fact: str(turn.last(name)) for name, fact in names.items() if turn.last(name) is not None}


def _said(talk: Talk) -> dict[str, Any]:
    if (page := page_asked(talk.turn)) is not None:
        return {"page": page}
    if talk.turn.intent == "go_back" and talk.state.task is None:
        return {"page": SAME}  # from one record to the list
    view = view_asked(talk.turn)
    if view is not None and talk.turn.intent != "pay_insurance" and _is_bare(talk):
        return {"view": view}
    if asks_total(talk.turn) and _is_bare(talk):
        return {"view": TOTAL}
    place = listing.place_asked(talk.turn) if talk.state.task is None else None
    return {"place": place} if place else {}


def _is_about_list(talk: Talk) -> bool:
    """Whether the list is what was shown last; a payment that was interrupted by it may be open again."""
    task = talk.state.task
    return talk.state.done.get("kind") == "query" and (task is None or task.kind == "pay")


def _is_bare(talk: Talk) -> bool:
    """Whether nothing is said of which records: then those that were shown are meant."""
    said = any(talk.turn.last(name) for name in (*FILTERS, "query_kind", "beneficiary"))
    return not said or talk.turn.last("query_kind") in {None, talk.state.shown.get("query_kind")}


def _narrows(talk: Talk) -> bool:
    turn = talk.turn
    own = asks_own(turn) and talk.state.shown.get("query_kind") == OTHER
    if own and turn.last("query_kind") is None:
        return True
    if turn.intent not in {"inform", "query_records", "change_answer"} or turn.last("payment_type"):
        return False
    if turn.last("query_kind") not in {None, talk.state.shown.get("query_kind")}:
        return False
    if (turn.last("beneficiary") is not None and not own) or turn.last("tier"):
        return False
    about_time = any(turn.last(name) is not None for name in FILTERS) or recent_years(turn, talk.today)
    return own or bool(about_time) or (turn.intent != "query_records" and asks_whole(turn))


def _kept(shown: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in shown.items() if name not in _PASSING}


def _widen(task: Task) -> None:
    """A chart by years is of all years, and of payments."""
    if task.facts.get("query_kind") not in {RecordKind.PAID, OTHER}:
        task.facts = {"query_kind": RecordKind.PAID.value, "view": CHART}
    task.forget("date_range")
    task.put("fee_period", ALL)


def start(talk: Talk, facts: dict[str, Any]) -> None:
    """A query in work; what was in work before waits, unless it is to be paid already."""
    old = talk.state.task
    if old and old.kind not in LOOKUPS and old.facts:
        talk.state.parked.insert(0, old)
    talk.state.task = Task(kind="query", facts=facts)


def _task(talk: Talk) -> Task:
    if talk.state.task is None:
        raise ValueError("no query is in work")
    return talk.state.task


# --- asking -------------------------------------------------------------------------------------------


async def go_on(talk: Talk, task: Task, bound: BoundPerson) -> None:
    """Ask for what is not known yet, or show what was found."""
    kind = task.facts.get("query_kind")
    if kind is None:
        _ask(talk, task, "query_kind", [Option(value=k, title=say(f"query.kind.{k}")) for k in KINDS])
        return
    if task.facts.get("view") == CHART:
        _widen(task)
    if kind == OTHER and not await _knows_person(talk, task):
        return
    if not await login.step_up(talk, bound, HISTORY_LEVEL, "login.step_up_history"):
        return
    person = await _person(talk, task) if kind == OTHER else None
    if kind == OTHER and person is None:
        _nothing(talk, task)
        return
    found = await talk.services.records.find(bound.person_id, wanted_of(task, person, everything=True))
    if not found:
        await _show(talk, task, bound, [], person, everything=[])
        return
    if _is_open(talk, task, found):
        return
    fitting = await talk.services.records.find(bound.person_id, wanted_of(task, person))
    await _show(talk, task, bound, fitting, person, everything=found)


def wanted_of(task: Task, person: Person | None, *, everything: bool = False) -> Wanted:
    """What the facts ask for; `everything`: of this kind, whatever else was said."""
    facts = task.facts
    kind = RecordKind.PAID if facts["query_kind"] == OTHER else RecordKind(facts["query_kind"])
    if everything:
        return Wanted(kind=kind, paid_for=person)
    days, period, validity = facts.get("date_range"), facts.get("fee_period"), facts.get("validity")
    bounds_of_days = str(days).split("/") if days and days != ALL else None
    group, insurance = facts.get("insured_group"), facts.get("insurance")
    is_choice = kind is RecordKind.TIER_CHOICE
    return Wanted(
        kind=kind,
        days=(
            (date.fromisoformat(bounds_of_days[0]), date.fromisoformat(bounds_of_days[-1]))
            if bounds_of_days
            else None
        ),
        period=str(period) if period and period != ALL else None,
        by_booking=bool(facts.get("by_booking")),
        insured_group=InsuredGroup(group) if group and group != ALL and not is_choice else None,
        insurance=Insurance(insurance) if insurance and not is_choice else None,
        valid=validity == "valid" if is_choice and validity in {"valid", "invalid"} else None,
        paid_for=person,
    )


def _is_open(talk: Talk, task: Task, found: Sequence[FeeRecord]) -> bool:
    """Ask for the next condition of the guide that is not known; what has one answer is taken."""
    kind = task.facts["query_kind"]
    if kind == RecordKind.DECLARATION:
        if "date_range" not in task.facts:
            _ask(talk, task, "date_range", _days_offered(found))
            return True
        groups = list(dict.fromkeys(record.insured_group for record in found))
        if "insured_group" not in task.facts and len(groups) > 1:
            options = [Option(value=group, title=say(f"query.payer.{group}")) for group in groups]
            _ask(talk, task, "insured_group", [*options, Option(value=ALL, title=say("option.all"))])
            return True
    elif kind == RecordKind.TIER_CHOICE:
        if "validity" not in task.facts:
            values = ("valid", "invalid", ALL)
            _ask(talk, task, "validity", [Option(value=v, title=say(f"option.validity.{v}")) for v in values])
            return True
    elif not {"fee_period", "date_range"} & task.facts.keys():
        years = sorted({record_year(record) for record in found}, reverse=True)
        options = [Option(value=f"{y}-01/{y}-12", title=say("option.record_year", year=y)) for y in years]
        if len(options) > 1:
            _ask(talk, task, "fee_period", [*options, Option(value=ALL, title=say("option.all"))])
            return True
        task.put("fee_period", options[0].value)
    return False


def _days_offered(found: Sequence[FeeRecord]) -> list[Option]:
    years = sorted({record.declared_on.year for record in found if record.declared_on}, reverse=True)
    options = [Option(value=f"{y}-01-01/{y}-12-31", title=say("option.record_year", year=y)) for y in years]
    return [*options, Option(value=ALL, title=say("option.all"))]


def _ask(talk: Talk, task: Task, name: str, options: Sequence[Option]) -> None:
    task.asked = name
    task.facts["offered"] = [[option.value, option.title] for option in options]
    if name not in task.answered:
        task.answered.append(name)
    titles = [option.title for option in options]
    talk.add(cards.choice(say(f"query.ask.{name}", titles=titles), name, options))


# --- somebody else ------------------------------------------------------------------------------------


async def _knows_person(talk: Talk, task: Task) -> bool:
    """Number and name of the other, asked one after the other; a number that can't be one is asked again."""
    cancel = (say("button.cancel"), "/cancel")
    if "id_number" not in task.facts:
        task.asked = "id_number"
        talk.tell("query.ask.id_number", cancel, named="person_name" in task.facts)
        return False
    checked = await talk.services.insured.check_number(
        talk.conversation_id, task.facts["id_number"], _id_type(task)
    )
    if not checked.ok and len(checked.could_be) >= 1:
        task.put("id_type", checked.could_be[0].value)
    elif not checked.ok:
        task.forget("id_number")
        task.asked = "id_number"
        talk.tell(f"id_problem.{checked.reason}", cancel)
        return False
    if "person_name" not in task.facts:
        task.asked = "person_name"
        talk.tell("query.ask.person_name", cancel)
        return False
    task.asked = None if task.asked in PEOPLE else task.asked
    return True


def _id_type(task: Task) -> IdType:
    return IdType(task.facts.get("id_type", IdType.RESIDENT_ID_CARD))


async def _person(talk: Talk, task: Task) -> Person | None:
    return await read_person(
        talk.services.vault,
        talk.conversation_id,
        id_token=task.facts["id_number"],
        name_token=task.facts["person_name"],
        id_type=_id_type(task),
        today=talk.today,
    )


# --- the end ------------------------------------------------------------------------------------------


async def _show(
    talk: Talk,
    task: Task,
    bound: BoundPerson,
    found: Sequence[FeeRecord],
    person: Person | None,
    *,
    everything: Sequence[FeeRecord],
) -> None:
    if not found:
        _nothing(talk, task, everything)
    else:
        shown = listing.Shown(
            kind=task.facts["query_kind"],
            records=found,
            facts=task.facts,
            owner=mask_name(person.name) if person else bound.masked_name,
        )
        task.facts.pop("offered", None)
        task.facts["page"] = await listing.show(talk, shown, bound)
        talk.state.shown = {name: v for name, v in task.facts.items() if name not in _PASSING - {"page"}}
    if person is None and task.facts.get("page", 1) == 1 and not {"record", "place"} & task.facts.keys():
        await listing.tell_pending(talk, task.facts["query_kind"], bound)
    talk.state.finish()


def _nothing(talk: Talk, task: Task, everything: Sequence[FeeRecord] = ()) -> None:
    """For another person the same sentence, whatever is the matter. Of one's own records the latest is told,
    and another time may be said next."""
    kind = task.facts["query_kind"]
    buttons = () if kind == OTHER else ((say("query.button.all"), cards.query(kind)),)
    narrowed = any(task.facts.get(name, ALL) != ALL for name in FILTERS)
    talk.tell(
        f"query.nothing.{kind}",
        *(buttons if narrowed else ()),
        what=listing.describe(task.facts, wide="").removesuffix(say("query.of")),
        latest=record_lists.when(everything[0]) if everything else None,
    )
    talk.state.shown = _kept(task.facts) | {"page": 1}
    if kind == OTHER:
        talk.state.finish()
