"""Ask → review → pay → result, for every row of the flow table that pays."""

import re
from collections.abc import Sequence
from dataclasses import replace

from actions import (
    basket,
    before,
    choosing,
    earlier,
    family,
    orders,
    others,
    periods,
    returning,
    stopping,
    undecided,
    years,
)
from actions.cases import case_of, insured_id
from actions.flows import UNDECIDED, Flow, find_flow
from actions.reviewing import show_review
from actions.say import say
from actions.slots import INSURED, Case, No, Option, Slot
from actions.state import PAYMENT, WHOSE, Task
from actions.talk import Talk
from services.domain.errors import Refused
from services.domain.kinds import Insurance, InsuredGroup, PaymentType
from services.identity import BoundPerson
from services.payment import Bill, OrderView
from services.ports import Enrolment

FACTS = (
    "insured_group", "insurance", "agency", "payment_type", "arrears_item", "fee_period", "fee_year", "tier",
)  # fmt: skip
ARREARS = re.compile(r"(?<![不别没])补(?![贴助充办发偿录打开报])")
"""还是补医保"""
NOT_ASKED_FOR = {"tier": "problem.no_tiers", "payment_type": "problem.no_arrears"}
"""What is told to who says something that the row does not ask."""
IN_FULL = frozenset({"repeat", "resume_bot", "help", "greet"})
"""After these a question that was asked before is asked in full once more."""
CONFUSED = re.compile(r"(?:啥子?|什么|哪样)意思|不懂|不明白|搞不清|分不清|晓不得|不晓得|不知道")
"""Who says so is helped to choose."""


def take_facts(talk: Talk, task: Task) -> set[str]:
    """Put what was said into the task; the names of the facts that are new or different."""
    new = set()
    if is_other_insurance(talk, task):
        said = [name for name in ("insured_group", "insurance") if name not in task.taken]
        task.facts = {name: task.facts[name] for name in (*said, *others.WHO) if name in task.facts}
        task.answered, task.taken = [name for name in task.answered if name in said], []
    for name in FACTS:
        value = _period_said(talk) if name == "fee_period" else talk.turn.last(name)
        if name == "payment_type" and value is None and ARREARS.search(talk.turn.text):
            value = PaymentType.ARREARS
        if value is not None and str(task.facts.get(name)) != str(value):
            task.put(name, str(value))
            new.add(name)
    count = periods.count(talk.turn)
    if count is not None and "fee_period" not in new:
        task.forget("fee_period")
        task.facts[periods.COUNT] = count
        new.add(periods.COUNT)
    new |= years.take(talk, task)
    if "agency" in new and "fee_period" not in new:
        periods.keep_end(task)
    tier = choosing.tier_said(talk.turn, task.facts)
    if tier is not None and task.facts.get("tier") != tier:
        task.put("tier", tier)
        new.add("tier")
    if _is_this_year(talk, task):
        task.put("payment_type", PaymentType.NORMAL)
        task.forget("arrears_item")
    new |= others.take(talk, task)
    if "arrears_item" in new:
        task.put("payment_type", PaymentType.ARREARS)
    return new


def _period_said(talk: Talk) -> str | None:
    """The months that were said; none that go on into a year that nobody named."""
    if not periods.is_backwards(talk.turn):
        return periods.said(talk.turn)
    first, _, last = str(talk.turn.last("fee_period")).partition("/")
    talk.tell("problem.backwards", first=int(first[-2:]), last=int(last[-2:]))
    return None


def _is_this_year(talk: Talk, task: Task) -> bool:
    """不补了，交今年的: of a pension this year is no arrears, unless they are named."""
    said, arrears = talk.turn.last("fee_year"), task.facts.get("payment_type") == PaymentType.ARREARS
    if said is None or not arrears or talk.turn.last("payment_type") is not None:
        return False
    return int(str(said)[:4]) >= talk.today.year


def is_other_insurance(talk: Talk, task: Task) -> bool:
    """Whether the turn names another insurance than the one in work."""
    said = ((name, talk.turn.last(name)) for name in ("insured_group", "insurance"))
    return any(value is not None and task.facts.get(name) not in (None, str(value)) for name, value in said)


async def go_on(talk: Talk, task: Task, bound: BoundPerson) -> None:
    """Say the next thing of a payment: the first open question, the review, or how to pay."""
    await _go_on(talk, task, bound)
    if (
        talk.state.task is task and task.asked is None and talk.state.question != WHOSE
    ):  # that was refused, of another: what was wished for before
        await _go_on(talk, task, bound)


async def _go_on(talk: Talk, task: Task, bound: BoundPerson) -> None:
    if task.asked == PAYMENT and talk.state.order_no:
        await orders.show_order(talk, talk.state.order_no)
        return
    if not await undecided.decide(talk, task, bound.person_id):
        return
    if others.is_for_other(task) and not await _settle_person(talk, task, bound):
        return
    enrolments = await _enrolments(talk, task, bound)
    flow = find_flow(task.facts)
    while True:
        if not await _fill(talk, task, flow, bound, enrolments):
            return
        row = find_flow(task.facts)
        if row is flow:
            break
        flow = row
    order = await _order_of(talk, task)
    case = case_of(talk, task, bound, enrolments)
    if order and order.cashier and _pays(order, case):
        task.asked, task.order_no = PAYMENT, order.order_no
        await orders.show(talk, order)
        return
    await _review(talk, task, bound, enrolments)


async def _settle_person(talk: Talk, task: Task, bound: BoundPerson) -> bool:
    """Who the other person is: after the insurance, before everything else (P3, P6)."""
    if task.asked == family.WHICH_ONES:
        talk.tell("basket.which_ones", (say("button.cancel"), "/cancel"))
        return False
    enrolments = await _enrolments(talk, task, bound)
    if not await _fill(talk, task, UNDECIDED, bound, enrolments):
        return False
    if task.facts["insurance"] == Insurance.PENSION:
        years.past_is_arrears(talk, task)
    if await others.settle(talk, task, case_of(talk, task, bound, enrolments)) is None:
        return False
    if task.payable.get(INSURED) != task.facts.get(INSURED):
        task.payable = dict(task.facts)
    return True


async def current_case(talk: Talk, task: Task, bound: BoundPerson) -> Case:
    return case_of(talk, task, bound, await _enrolments(talk, task, bound))


async def _enrolments(talk: Talk, task: Task, bound: BoundPerson) -> Sequence[Enrolment]:
    """Those of the insured person, as far as that one is known."""
    person_id = insured_id(task, bound)
    return await talk.services.enrolments.of(person_id) if person_id else ()


async def _order_of(talk: Talk, task: Task) -> OrderView | None:
    """The one that pays the task, or the last one of this conversation: it may be for the same."""
    order_no = task.order_no or (None if task.member else talk.state.order_no)
    return await talk.services.payment.find_order(order_no) if order_no else None


def _pays(order: OrderView, case: Case) -> bool:
    """Whether the order is for just this."""
    return [(bill.insured_id, bill.quote.dues) for bill in order.bills] == [(case.person_id, case.dues)]


async def _fill(
    talk: Talk, task: Task, flow: Flow, bound: BoundPerson, enrolments: Sequence[Enrolment]
) -> bool:
    """Settle each fact of the row in turn; False when something had to be asked or can't go on."""
    task.single = []
    _drop_foreign(talk, task, flow)
    for slot in [slot for slot in flow.asks if not slot.personal]:
        if insured_id(task, bound):
            _match_agency(talk, task, case_of(talk, task, bound, enrolments))
        case = case_of(talk, task, bound, enrolments)
        if not case.matching and case.person_id:
            await stopping.stop(talk, task, case)
            return False
        await years.settle(talk, task, slot.name, case)
        if slot.name == "fee_period":
            years.drop(talk, task, case)
            years.take_count(talk, task, case)
        case = case_of(talk, task, bound, enrolments)
        if not slot.when(case):
            task.forget(slot.name)
            continue
        default = slot.default(case)
        if slot.name not in task.facts and default is not None and task.reask != slot.name:
            task.put(slot.name, default)
        if default is not None and task.facts.get(slot.name) == default:
            continue
        options = await slot.options(case)
        if len(await _choices(slot, case, options)) == 1:
            task.single.append(slot.name)
        if await stopping.cannot_choose(talk, task, slot, case, options):
            return False
        _take_told(talk, task, slot, options)
        if slot.name in task.facts and _accept(talk, task, slot, case, options):
            continue
        if len(options) > 1:
            await _ask(talk, task, slot, case, options)
            return False
        if task.reask == slot.name:
            talk.tell("change.only_one", title=options[0].title)
            task.reask = None
        task.put(slot.name, options[0].value)
        task.taken.append(slot.name)
    return True


def _take_told(talk: Talk, task: Task, slot: Slot, options: Sequence[Option]) -> None:
    """两千, where it is asked which insurance: only one of them has such a tier. 三个月: only one is paid by months."""
    told = choosing.told_by_tier(talk.turn, slot.name, task.facts, talk.today)
    if told is None and slot.name == "insured_group" and talk.turn.intent not in choosing.ASKS_ANEW:
        told = before.told_by_months(talk, task.facts) or task.likely.get(slot.name)
    if slot.name not in task.facts and task.reask is None and told in [option.value for option in options]:
        task.put(slot.name, told)


async def _choices(slot: Slot, case: Case, options: Sequence[Option]) -> Sequence[Option]:
    """The possible answers, also when one of them has been given: enrolments are narrowed down by it."""
    if slot.name not in {"insured_group", "insurance", "agency"} or slot.name not in case.facts:
        return options
    rest = {name: value for name, value in case.facts.items() if name != slot.name}
    return await slot.options(replace(case, facts=rest))


def _accept(talk: Talk, task: Task, slot: Slot, case: Case, options: Sequence[Option]) -> bool:
    accepted = slot.accept(case, task.facts[slot.name], options)
    if not isinstance(accepted, No):
        task.facts[slot.name] = accepted
        return True
    task.forget(slot.name)
    if options:
        talk.tell(accepted.reason, **accepted.facts)
    return False


def _drop_foreign(talk: Talk, task: Task, flow: Flow) -> None:
    """What was said and is not asked in this row: 居民医保 has no tiers, and no 补缴."""
    if flow.insurance is None:
        return
    if flow.insurance is Insurance.PENSION:
        years.past_is_arrears(talk, task)
    for name in [name for name in FACTS if name in task.facts and name not in flow.slots]:
        if name == "fee_year" and flow.insured_group is InsuredGroup.FLEXIBLE:
            continue  # looked at with the period
        value = task.facts[name]
        task.forget(name)
        if name in NOT_ASKED_FOR and value != PaymentType.NORMAL:
            talk.tell(NOT_ASKED_FOR[name], what=returning.describe(task))


def _match_agency(talk: Talk, task: Task, case: Case) -> None:
    """A city that was said means the one agency in it; a place without enrolment is told and forgotten."""
    if case.matching or "agency" not in task.facts:
        return
    said = str(task.facts["agency"])
    task.forget("agency")
    wanted = replace(case, facts={name: value for name, value in case.facts.items() if name != "agency"})
    inside = {e.agency for e in wanted.matching if said.endswith("00") and e.agency.startswith(said[:4])}
    if len(inside) == 1:
        task.put("agency", inside.pop())
    elif wanted.matching and not inside:
        found = list(dict.fromkeys(e.agency_name for e in wanted.matching))
        talk.tell("problem.agency", titles=found, what=returning.describe(task))


async def _ask(talk: Talk, task: Task, slot: Slot, case: Case, options: Sequence[Option]) -> None:
    confused = CONFUSED.search(talk.turn.text) is not None
    again = task.asked == slot.name and (talk.turn.intent not in IN_FULL or confused)
    place = talk.turn.last("ordinal")
    if again and place is not None and int(place) > len(options):
        talk.tell("problem.no_such_place", place=place, count=len(options))
    if again and slot.name != "tier" and "tier" in task.facts and talk.turn.last("tier") is not None:
        talk.tell("others.noted")
    task.asked, task.reask = slot.name, None
    if slot.name not in task.answered:
        task.answered.append(slot.name)
    talk.add(await choosing.question(talk, task, slot.name, case, options, again=again))


async def _review(talk: Talk, task: Task, bound: BoundPerson, enrolments: Sequence[Enrolment]) -> None:
    case = case_of(talk, task, bound, enrolments)
    try:
        quote = await talk.services.declarations.quote(case.person_id, case.dues)
    except Refused as refused:
        if not case.for_other:
            raise
        await others.refuse(talk, task, refused)
        return
    if task.member:
        basket.put(talk, task, case, quote)
        return
    draft = await talk.services.payment.draft(
        conversation_id=talk.conversation_id,
        payer_id=bound.person_id,
        bills=[Bill(insured_id=case.person_id, quote=quote)],
    )
    task.draft_id = draft.draft_id
    await earlier.give_up(talk, draft)
    await show_review(talk, task)
