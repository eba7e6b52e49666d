"""Several years in one sentence: each that can be paid is, one after the other; of each that can't it is told why."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from actions import basket, others, periods, returning
from actions.slots import Case, arrears_items, due, span
from actions.state import Task
from actions.talk import Talk
from services.domain.errors import Refused
from services.domain.kinds import Insurance, InsuredGroup, PaymentType

YEARS = "years"
"""The fact that names them, in the order in which they were said."""
EVERY = "every_item"
"""The fact that all arrears are wanted, whatever there is."""
BOTH = re.compile(r"(?:两|二|2|俩)个?年(?:度)?的?(?:都|全|一起|一并)")
"""两年都交: of the residents' medical insurance that is this year and the next."""
ALSO = re.compile(r"也|还要|还有|加上|一起|一并|一路|再[加交缴补]")
SPLIT_AT = frozenset({"payment_type", "fee_year"})
"""The first questions that a year answers."""


def take(talk: Talk, task: Task) -> set[str]:
    """Keep all years of the turn; a single one takes the place of those that were said before."""
    said = list(dict.fromkeys(str(value)[:4] for value in talk.turn.values.get("fee_year", ())))
    medical = task.facts.get("insurance") == Insurance.MEDICAL
    if not said and medical and BOTH.search(talk.turn.text):
        said = [str(talk.today.year), str(talk.today.year + 1)]
    if len(said) == 1:
        task.facts.pop(YEARS, None)
    if len(said) < 2:
        return set()
    task.forget("fee_year")
    task.facts[YEARS] = said
    return {YEARS}


def beside(talk: Talk, facts: Mapping[str, Any]) -> list[str]:
    """The years that shall be paid beside what is shown: one year, or an item of arrears."""
    shown, item = facts.get("fee_year"), facts.get("arrears_item")
    if not (shown or item):
        return []
    said = list(dict.fromkeys(str(value)[:4] for value in talk.turn.values.get("fee_year", ())))
    if not said and shown and facts.get("insurance") == Insurance.MEDICAL and BOTH.search(talk.turn.text):
        said = [str(talk.today.year), str(talk.today.year + 1)]
    elif not ALSO.search(talk.turn.text):
        return []
    return [year for year in said if year != shown]


async def settle(talk: Talk, task: Task, name: str, case: Case) -> None:
    """Once it is known what is paid for whom: the task becomes the first of what was said, the rest follows it."""
    if name == "arrears_item":
        await _choose_item(talk, task, case)
        return
    said = task.facts.get(YEARS, [])
    past = all(int(year) < talk.today.year for year in said)
    if name not in SPLIT_AT or not said or (past and _is_arrears(task)):
        return
    del task.facts[YEARS]
    payable = {year: found for year in said if (found := await _dues(talk, task, case, year))}
    for year in said:
        if year not in payable and (payable or year != said[-1]):
            await tell_why_not(talk, task, case, year)
    if not payable:
        _go_on_with(talk, task, said[-1])
        return
    base = {name: value for name, value in task.facts.items() if name != "payment_type"}
    first, *more = [facts for found in payable.values() for facts in found]
    task.facts.update(first)
    if more:
        basket.follow(talk, [Task(kind="pay", facts=base | facts) for facts in more])
        talk.tell("basket.years", years=list(payable), what=returning.describe(task))


def _go_on_with(talk: Talk, task: Task, year: str) -> None:
    """Nothing of it can be paid: of the last one it is told as if it had been said alone."""
    if task.facts["insurance"] == Insurance.PENSION and int(year) < talk.today.year:
        task.put("payment_type", PaymentType.ARREARS)
    else:
        task.put("fee_year", year)


def _is_arrears(task: Task) -> bool:
    return bool(task.facts.get("payment_type") == PaymentType.ARREARS)


async def _dues(talk: Talk, task: Task, case: Case, year: str) -> list[dict[str, Any]]:
    """What can be paid of this year: facts for each bill."""
    if task.facts["insurance"] == Insurance.PENSION and int(year) < talk.today.year:
        return [
            {"payment_type": PaymentType.ARREARS.value, "arrears_item": item}
            for item in await items_of(case, [year])
        ]
    if task.facts["insured_group"] == InsuredGroup.FLEXIBLE:
        return [_normal()] if any(month.startswith(year) for month in due(case)) else []
    return [_normal(fee_year=year)] if year in due(case) else []


def _normal(**facts: str) -> dict[str, Any]:
    return {"payment_type": PaymentType.NORMAL.value, **facts}


async def items_of(case: Case, years: Sequence[str]) -> list[str]:
    """The assessed items of these years."""
    found = await case.services.declarations.arrears(case.person_id)
    offered = {option.value for option in await arrears_items(case)}
    return [item.item_id for item in found if item.item_id in offered and item.period[:4] in years]


async def _years_of(case: Case) -> list[str]:
    return [item.period[:4] for item in await case.services.declarations.arrears(case.person_id)]


async def _choose_item(talk: Talk, task: Task, case: Case) -> None:
    """补缴2025年的: the item of that year; all of them for several years."""
    said, every = task.facts.pop(YEARS, []), task.facts.pop(EVERY, None)
    if every and "arrears_item" not in task.facts:
        said = list(dict.fromkeys(await _years_of(case)))
    if not said or "arrears_item" in task.facts:
        return
    items = await items_of(case, said)
    for year in said if await arrears_items(case) else []:
        if not await items_of(case, [year]):
            await tell_why_not(talk, task, case, year)
    if not items:
        return
    base = dict(task.facts)
    task.put("arrears_item", items[0])
    if len(items) > 1 and (every or len(said) > 1):
        basket.follow(talk, [Task(kind="pay", facts=base | {"arrears_item": item}) for item in items[1:]])
        talk.tell("basket.years", years=said, what=returning.describe(task))
    elif len(items) > 1:
        task.forget("arrears_item")


async def tell_why_not(talk: Talk, task: Task, case: Case, year: str) -> None:
    """One sentence: paid, closed, not open yet, or not assessed. Of somebody else only that it can't be."""
    what, insurance = returning.describe(task), task.facts["insurance"]
    if others.is_for_other(task):
        talk.tell("years.not_now", year=year, what=what)
        return
    if insurance == Insurance.PENSION and int(year) < talk.today.year:
        talk.tell("years.not_assessed", year=year, what=what)
        return
    if task.facts["insured_group"] == InsuredGroup.FLEXIBLE:
        ahead = int(year) > talk.today.year
        talk.tell("years.ahead" if ahead else "years.paid", year=year, what=what, opens_on=None)
        return
    asked = replace(case, facts={**case.facts, "fee_year": year})
    try:
        await case.services.declarations.quote(case.person_id, asked.dues)
    except Refused as refused:
        closed_on, opens_on = refused.facts.get("closed_on"), refused.facts.get("opens_on")
        if refused.code == "already_paid":
            talk.tell("years.paid", year=year, what=what)
            return
        if refused.code == "window_closed" and closed_on:
            talk.tell("years.closed", year=year, what=what, closed_on=closed_on)
            return
        if refused.code == "window_closed" or int(year) > talk.today.year:
            talk.tell("years.ahead", year=year, what=what, opens_on=opens_on)
            return
    talk.tell("years.not_now", year=year, what=what)


def past_is_arrears(talk: Talk, task: Task) -> None:
    """交去年的: of a pension an earlier year is 补缴, never another year (`spec` 1)."""
    year = task.facts.get("fee_year")
    if year is not None and int(str(year)[:4]) < talk.today.year:
        task.facts.setdefault(YEARS, [str(year)[:4]])
        task.forget("fee_year")
        task.forget("fee_period")
        task.put("payment_type", PaymentType.ARREARS)


def drop(talk: Talk, task: Task, case: Case) -> None:
    """Flexible employment is paid by months of this year; that another one was said is told."""
    year = str(task.facts.get("fee_year", case.today.year))[:4]
    normal = task.facts.get("payment_type", PaymentType.NORMAL) == PaymentType.NORMAL
    task.forget("fee_year")
    if normal and year != str(case.today.year):
        talk.tell("problem.flexible_year", year=year, past=year < str(case.today.year))


def take_count(talk: Talk, task: Task, case: Case) -> None:
    """半年: so many from the first unpaid month on; the whole year as far as it is unpaid."""
    count, unpaid = task.facts.pop(periods.COUNT, None), due(case)
    if count is None or not unpaid or "fee_period" in task.facts:
        return
    if periods.WHOLE > count > len(unpaid):
        talk.tell("problem.months_left", count=len(unpaid))
    else:
        task.put("fee_period", span(unpaid[0], unpaid[:count][-1]))
