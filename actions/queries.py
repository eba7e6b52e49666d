"""Ask → look up → list: Q1–Q4 by chat. `listing.py` shows what was found."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from actions import (
    called,
    cards,
    family,
    holders,
    listing,
    login,
    meant,
    own_name,
    persons,
    record_lists,
    same_person,
)
from actions.choices import choose
from actions.query_facts import (
    EMPTY,
    FILTERS,
    PASSING,
    PEOPLE,
    TIMES,
    kept,
    options_of,
    take_facts,
    take_time,
    widen,
)
from actions.query_words import (
    ALL,
    CHART,
    NEXT,
    OTHER,
    PREVIOUS,
    SETTLED,
    TOTAL,
    WITHIN,
    asks_whole,
    recent_years,
)
from actions.say import say
from actions.slots import INSURED, Option
from actions.state import Task
from actions.talk import Talk
from actions.turn import TOKEN
from services.certificates import Holder
from services.domain.kinds import IdType, Insurance, InsuredGroup, RecordKind
from services.domain.names import mask_name
from services.domain.people import Person
from services.identity import BoundPerson
from services.ports import FeeRecord
from services.records import Wanted, read_person, record_year

HISTORY_LEVEL = 3
"""What was paid needs a fresh verification (`reliability` 4.1)."""
KINDS = (RecordKind.PAID, RecordKind.DECLARATION, RecordKind.TIER_CHOICE, OTHER)


def take_both(talk: Talk) -> None:
    """我和王小芳的缴费记录: one's own first, then those of the other."""
    turn, relations = talk.turn, family.relations(talk.turn.text)
    said = {name: token for name in PEOPLE if (token := turn.token(name))}
    others = said or relations
    if talk.state.task and others:
        talk.state.task.facts["relation"] = relations[0] if len(relations) == 1 else ""
    people = family.several(turn.text)
    if talk.state.task and people and not said and not persons.includes_oneself(turn.text):
        _line_up(talk, talk.state.task, people)
        return
    if not others or not persons.includes_oneself(turn.text) or turn.last("query_kind") not in {None, "paid"}:
        return
    theirs = Task(kind="query", facts={"query_kind": OTHER, **said})
    take_time(talk, theirs)
    talk.state.parked.insert(0, theirs)
    values = {**turn.values, "beneficiary": ("self",), "query_kind": (RecordKind.PAID.value,)}
    values |= dict.fromkeys(PEOPLE, ())
    talk.turn = replace(turn, text=TOKEN.sub("", turn.text), values=values)


def _line_up(talk: Talk, task: Task, people: Sequence[dict[str, str]]) -> None:
    """两个老人的缴费记录: one after the other."""
    lined = []
    for who in people:
        called = who.get("called") or who.get("relation", "")
        one = Task(kind="query", facts={"query_kind": OTHER, **who, "called": called})
        take_time(talk, one)
        lined.append(one)
    task.facts |= lined[0].facts
    talk.state.parked[:0] = lined[1:]


# --- answers ----------------------------------------------------------------------------------------


async def answer_question(talk: Talk, task: Task) -> bool:
    """Take the turn as the answer to the open question; True if it is one."""
    if task.asked in PEOPLE:
        return _take_person(talk, task)
    if task.asked is None:
        return False
    before = dict(task.facts)
    value = choose(talk.turn, task.asked, options_of(task))
    if value is not None:
        if task.asked not in TIMES and any(talk.turn.last(name) for name in TIMES):
            take_facts(talk, task)  # 城乡居民，上周的
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


# --- asking -------------------------------------------------------------------------------------------


async def go_on(talk: Talk, task: Task, bound: BoundPerson) -> None:
    """Ask for what is not known yet, or show what was found."""
    kind = task.facts.get("query_kind")
    if kind is None:
        _ask(talk, task, "query_kind", [Option(value=k, title=say(f"query.kind.{k}")) for k in KINDS])
        return
    if task.facts.get("view") == CHART:
        widen(task)
    if kind == OTHER and await own_name.is_meant(talk, task, bound.person_id):
        own_name.take_off(task)
        kind = RecordKind.PAID.value
        task.put("query_kind", kind)
    if kind == OTHER and not await _knows_person(talk, task, bound):
        return
    if not await login.step_up(talk, bound, HISTORY_LEVEL, "login.step_up_history"):
        return
    person = await _person(talk, task) if kind == OTHER else None
    found: list[FeeRecord] = []
    if kind != OTHER or person is not None:
        found = await talk.services.records.find(bound.person_id, wanted_of(task, person, everything=True))
    if not found and kind == OTHER and INSURED not in task.facts:
        await _ask_who_again(talk, task)
        return
    if not found:
        await _show(talk, task, bound, [], person, everything=[])
        return
    if _is_open(talk, task, found):
        return
    fitting = await talk.services.records.find(bound.person_id, wanted_of(task, person))
    if task.facts.get("view") == CHART and len(record_lists.yearly(fitting)) == 1:
        fitting = await _every_year(talk, task, bound, person) or fitting
    await _show(talk, task, bound, fitting, person, everything=found)


async def _every_year(talk: Talk, task: Task, bound: BoundPerson, person: Person | None) -> list[FeeRecord]:
    """For a chart: one year has nothing to stand beside. What is listed stays as it is."""
    every = Task(kind="query", facts=task.facts | {"fee_period": ALL, "date_range": ALL})
    found = await talk.services.records.find(bound.person_id, wanted_of(every, person))
    if len(record_lists.yearly(found)) == 1:
        return []
    task.facts["charted"] = ALL
    talk.tell("query.chart_of_all")
    return found


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


async def _knows_person(talk: Talk, task: Task, bound: BoundPerson) -> bool:
    """Number and name of the other, asked one after the other; a number that can't be one is asked again."""
    if not task.facts.keys() & {INSURED, *PEOPLE}:
        task.facts |= _known(talk)
    if not task.facts.keys() & {INSURED, *PEOPLE} and (
        only := await holders.only_other(talk, task, bound.person_id)
    ):
        task.put(INSURED, only)
    if INSURED in task.facts:
        return True
    cancel = (say("button.cancel"), "/cancel")
    await holders.tell_not_heard(talk, task)
    if "id_number" not in task.facts:
        task.asked = "id_number"
        named, who = "person_name" in task.facts, task.facts.get("called", "")
        talk.tell("query.ask.id_number", cancel, named=named, who=who)
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


def _known(talk: Talk) -> dict[str, Any]:
    """Whom 我妈 or 她 means, if this conversation has paid or issued papers for that person, or looked up records."""
    relations = family.relations(talk.turn.text)
    if len(relations) == 1:
        person = meant.find_known(talk, relations[0])
        return {INSURED: person} if person else {"relation": relations[0]}
    return {} if relations or not same_person.THEIRS.search(talk.turn.text) else same_person.known(talk)


async def _ask_who_again(talk: Talk, task: Task) -> None:
    """Nothing was found: the number or the name that is said next takes the place of the wrong one."""
    task.asked = "person_name"
    pet_name = await called.by_pet_name(talk, task.facts["person_name"])
    talk.tell("query.not_found", (say("button.cancel"), "/cancel"), pet_name=pet_name)


def _id_type(task: Task) -> IdType:
    return IdType(task.facts.get("id_type", IdType.RESIDENT_ID_CARD))


async def _person(talk: Talk, task: Task) -> Person | None:
    if INSURED in task.facts:
        return await talk.services.identity.get_person(task.facts[INSURED])
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
    kind, holder = task.facts["query_kind"], Holder(person_id=bound.person_id)
    if INSURED in task.facts:
        holder = Holder(person_id=task.facts[INSURED], payer_id=bound.person_id)
    if kind == RecordKind.DECLARATION:
        found = record_lists.mark_paid(found, (await talk.services.certificates.pending(holder)).values())
    if not found:
        _nothing(talk, task, everything)
    else:
        shown = listing.Shown(
            kind=task.facts["query_kind"],
            records=found,
            facts=task.facts,
            owner=mask_name(person.name) if person else bound.masked_name,
        )
        if kind == OTHER:
            await _remember(talk, task, bound)
        task.facts.pop("offered", None)
        task.facts["page"] = await listing.show(talk, shown, bound)
        talk.state.shown = {name: v for name, v in task.facts.items() if name not in PASSING - {"page"}}
        talk.state.shown.pop("seen", None)
        if WITHIN in task.facts:
            talk.state.shown = task.facts[WITHIN] | {"page": 1}
        beside = task.facts.get("place") in {NEXT, PREVIOUS} and task.facts.get("seen")
        seen = listing.chosen(shown, task.facts["page"]) if {"record", "place"} & task.facts.keys() else None
        if seen is not None:
            talk.state.shown["seen"] = {"record": seen.record_id, "ticket_no": seen.ticket_no}
        elif beside:  # there is no other: the one that was shown stays in view
            talk.state.shown["seen"] = beside
    figures = task.facts.get("view") in {SETTLED, TOTAL}
    first_page = task.facts.get("page", 1) == 1 and not {"record", "place"} & task.facts.keys()
    if (person is None or INSURED in task.facts) and (figures or first_page):
        await listing.tell_pending(talk, kind, holder, again=task.facts.get("view") == SETTLED)
    talk.state.finish()


async def _remember(talk: Talk, task: Task, bound: BoundPerson) -> None:
    """Who was found: papers and other records may be asked for next, of 她 or 我妈."""
    if INSURED not in task.facts:
        found = await talk.services.certificates.find_paid_for(
            bound.person_id,
            conversation_id=talk.conversation_id,
            id_token=task.facts["id_number"],
            name_token=task.facts["person_name"],
            id_type=_id_type(task),
        )
        if found is None:
            return
        task.put(INSURED, found.person_id)
    talk.state.looked_up = {INSURED: str(task.facts[INSURED])}
    known = talk.state.relatives.get(task.facts[INSURED], "")
    talk.state.relatives[task.facts[INSURED]] = task.facts.get("relation") or known


def _nothing(talk: Talk, task: Task, everything: Sequence[FeeRecord] = ()) -> None:
    """For another person the same sentence, whatever is the matter. Of one's own records the latest is told,
    and another time may be said next."""
    kind = task.facts["query_kind"]
    buttons = () if kind == OTHER else ((say("query.button.all"), cards.query(kind)),)
    narrowed = any(task.facts.get(name, ALL) != ALL for name in FILTERS)
    said = {name: task.facts.get(name, ALL) for name in ("insured_group", "insurance")}
    alike = [r for r in everything if all(v in {ALL, getattr(r, name)} for name, v in said.items())]
    latest = next(iter(alike), None)
    talk.tell(
        f"query.nothing.{kind}",
        *(buttons if narrowed else ()),
        what=listing.describe(task.facts, wide="").removesuffix(say("query.of")),
        latest=record_lists.when(latest) if latest else None,
    )
    talk.state.shown = task.facts.get(WITHIN, kept(task.facts) | {EMPTY: "yes"}) | {"page": 1}
    if kind == OTHER:
        talk.state.finish()
