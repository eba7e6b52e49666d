"""What was said as the answer to the open question of a payment, or anew to one that was answered."""

import re
from collections.abc import Sequence
from dataclasses import replace

from actions import basket, beside, choosing, others, paying, periods, slots, spoken, years
from actions.choices import choose, plain, whole_number
from actions.flows import find_flow
from actions.slots import Case, Option, Slot, due, span
from actions.state import CONFIRM, PAYMENT, Task
from actions.talk import Talk
from services.domain.kinds import Insurance, InsuredGroup

TAKEN_BACK = re.compile(
    r"^(?:(?:不是|不要|不对|不行|不)[,，.。!！、\s]+|(?:算了|还是|太?[贵高低少]了|改成?|换成?|我?说错了)[,，.。!！、\s]*)+"
)
"""What may stand before an answer that takes an earlier one back. 不要第二个, without a pause, is no answer."""
NAMES_ANOTHER = ("beneficiary", "insured_group", "insurance", "payment_type")
SEVERAL = ("arrears_item", "fee_year")
"""What several of can be paid at once."""
YEARS = re.compile(r"(?:两|二|2|几|每)个?年(?:度)?的?(?:都|全|一起|一并)")
ALL = re.compile(
    r"(?:都|全部?|所有|一起|一并|全都)(?:的|要|给|帮我|一起|一次)*(?:[交缴补付办要]|$|[,，。！!])"
)
PAYS_ALL = re.compile(r"(?:都|全部?|所有的?|一起|一并)(?:要|给我|帮我|一起|一次)*[交缴补付]")
ASKS = re.compile(r"多少|好多|几|吗|嘛[?？]|什么|哪|[?？]|(\w)(?:不|没)\1")

IN_PLAIN_WORDS: dict[str, dict[str, re.Pattern[str]]] = {
    "insured_group": {
        InsuredGroup.RESIDENT.value: re.compile(
            r"农村|乡下|种地|种田|务农|农民|没(?:有|得)?(?:工作|单位|上班)|学生|(?<!城乡)居民"
        ),
        InsuredGroup.FLEXIBLE.value: re.compile(r"零工|打工|个体|生意|自己干|摆摊|跑车|开店|自由职业"),
    },
    "insurance": {
        Insurance.MEDICAL.value: re.compile(r"看病|住院|生病|吃药|报销|打针"),
        Insurance.PENSION.value: re.compile(r"老了|领钱|退休|领工资"),
    },
}
"""What people say of themselves, or of what they pay for, where it is asked."""


async def answer_question(talk: Talk, task: Task) -> bool:
    """Take the turn as the answer to the open question; True if it is one of the offered answers."""
    if not task.asked or task.asked in {CONFIRM, PAYMENT} or paying.is_other_insurance(talk, task):
        return False
    if others.is_for_other(task) and beside.names_another(
        talk, task
    ):  # 我爸的交八百, where it is asked of 我妈
        return False
    found = await _slot_and_case(talk, task, task.asked)
    if found is None:
        return False
    text = plain(TAKEN_BACK.sub("", talk.turn.text))
    answered = (
        await _put(talk, task, *found)
        or await _put(replace(talk, turn=replace(talk.turn, text=text)), task, *found)
        or await _put_in_plain_words(talk, task, *found)
    )
    if answered and task.asked != "arrears_item":  # a time in that answer is the item's
        _take_the_rest(talk, task)
    return answered


def _take_the_rest(talk: Talk, task: Task) -> None:
    """居民养老 answers 哪一种, and says the insurance too: what is not known yet is taken from the same sentence."""
    new = {name: value for name, value in talk.turn.values.items() if name not in task.facts}
    paying.take_facts(replace(talk, turn=replace(talk.turn, values=new)), task)


async def take_all(talk: Talk, task: Task) -> bool:
    """都交: every assessed item, or every open year, paid at once; True if that is what was said."""
    anew = task.asked in {CONFIRM, PAYMENT}
    if anew and await _takes_more_years(talk, task):
        return True
    name = next((name for name in SEVERAL if task.asked == name or (anew and name in task.answered)), None)
    if name is None:
        return False
    found = await _slot_and_case(talk, task, name)
    if found is None:
        return False
    slot, case = found
    options = [option for option in await slot.options(case) if option.value != slots.ALL]
    if not (
        _means_years(talk, anew=anew) if name == "fee_year" else _means_all(talk, len(options), anew=anew)
    ):
        return False
    if not await basket.is_unpaid(talk, task):
        options = [option for option in options if option.value != task.facts.get(slot.name)]
    if not options:
        return False
    items = [
        Task(kind="pay", facts={**task.facts, slot.name: option.value}, single=list(task.single))
        for option in options
    ]
    if task.member:
        talk.state.task = None
        basket.add(talk, items)
    else:
        basket.gather(talk, items)
    return True


async def _takes_more_years(talk: Talk, task: Task) -> bool:
    """两年都交, 今年的也交, after one was shown or ordered: the other comes along, or it is told why it can't."""
    if task.joint or asks(talk) or any(talk.turn.last(name) is not None for name in NAMES_ANOTHER):
        return False
    more = years.beside(talk, task.facts)
    if not more:
        return False
    shown, unpaid = task.facts.get("fee_year"), await basket.is_unpaid(talk, task)
    if shown is None:  # 补缴 of one year, and this year as well
        added = _same_insurance(task)
        paying.take_facts(talk, added)
        if unpaid:
            basket.add(talk, [added])
        else:
            talk.state.task = added
        return True
    if not unpaid:
        talk.state.task = task = Task(kind="pay", facts=dict(task.facts))
    task.forget("fee_year")
    task.facts[years.YEARS], task.asked = ([shown, *more] if unpaid else more), None
    return True


def _same_insurance(task: Task) -> Task:
    same = (*others.WHO, "insured_group", "insurance", "agency")
    return Task(kind="pay", facts={name: task.facts[name] for name in same if name in task.facts})


async def take_all_insurances(talk: Talk, task: Task) -> bool:
    """都补, 都交, where it is asked which insurance, or would be: all of them, paid at once."""
    is_open = task.asked == "insurance" or (task.asked is None and "insured_group" in task.facts)
    if not is_open or "insurance" in task.facts or task.member or asks(talk):
        return False
    if not ALL.search(talk.turn.text):
        return False
    found = await _slot_and_case(talk, task, "insurance")
    if found is None:
        return False
    slot, case = found
    facts = [{**task.facts, slot.name: option.value} for option in await slot.options(case)]
    if len(facts) < 2:
        return False
    basket.gather(talk, [Task(kind="pay", facts=one) for one in facts])
    return True


def _means_years(talk: Talk, *, anew: bool) -> bool:
    """两年都交; 都交 alone only while it is asked which year."""
    if asks(talk):
        return False
    return bool(
        YEARS.search(talk.turn.text) or (not anew and not talk.turn.values and ALL.search(talk.turn.text))
    )


def _means_all(talk: Talk, count: int, *, anew: bool) -> bool:
    """都交, the option that says so, or its place after the others. At the review 都对 means something else."""
    if talk.turn.last("arrears_item") == slots.ALL:
        return True
    if anew:
        return bool(PAYS_ALL.search(talk.turn.text)) and not asks(talk)
    if asks(talk):
        return False
    place = {talk.turn.text.strip(), str(talk.turn.last("ordinal") or "")}
    return bool(ALL.search(talk.turn.text)) or str(count + 1) in place


async def answer_anew(talk: Talk, task: Task) -> bool:
    """At the review, or after it: 第二档, 不，两千 and 太贵了，六十 answer what was asked last anew."""
    if task.asked not in {CONFIRM, PAYMENT}:
        return False
    until = str(talk.turn.last("fee_period") or "") if "fee_period" in task.answered else ""
    if any(talk.turn.last(name) is not None for name in find_flow(task.facts).slots) and "/" in (
        until or "/"
    ):
        return paying.take_facts(talk, task) != set()
    text = plain(TAKEN_BACK.sub("", talk.turn.text))
    if not text or (text.isdigit() and len(text) == 1) or asks(talk):
        return False
    for name in reversed(task.answered):
        found = await _slot_and_case(talk, task, name)
        if found and await _put(replace(talk, turn=replace(talk.turn, text=text)), task, *found):
            return True
    return False


async def take_tier(talk: Talk, task: Task) -> bool:
    """At the review, or after it: another tier that is offered, named by its number; True if there is one."""
    at_the_end = talk.turn.intent in {"faq", "check_payment_status", "query_records"}
    if task.asked not in {CONFIRM, PAYMENT} or asks(talk) or "tier" not in task.facts:
        return False
    if talk.turn.last("tier") is not None or not spoken.numbers(talk.turn.text, at_the_end=at_the_end):
        return False
    found = await _slot_and_case(talk, task, "tier")
    if found is None:
        return False
    slot, case = found
    tier = choosing.tier_named(talk.turn.text, await slot.options(case), at_the_end=at_the_end)
    if tier is None or tier == task.facts["tier"]:
        return False
    task.put("tier", tier)
    return True


async def options_of(talk: Talk, task: Task, name: str) -> Sequence[Option]:
    """The possible answers to one of the questions of the row."""
    found = await _slot_and_case(talk, task, name)
    return await found[0].options(found[1]) if found else ()


async def take_count(talk: Talk, task: Task) -> bool:
    """三个月, 半年: so many from the first unpaid month on; False if there are fewer."""
    found = await _slot_and_case(talk, task, "fee_period")
    period = _last_month(talk, found[1]) if found else None
    if period:
        task.put("fee_period", period)
    return period is not None


async def take_other(talk: Talk, task: Task, name: str) -> bool:
    """The other one of two possible answers; False if there are more."""
    found = await _slot_and_case(talk, task, name)
    if found is None:
        return False
    slot, case = found
    rest = {key: value for key, value in case.facts.items() if key != name}
    options = await slot.options(replace(case, facts=rest))
    others = [option.value for option in options if option.value != task.facts[name]]
    if len(options) != 2 or len(others) != 1:
        return False
    task.put(name, others[0])
    if name == "agency":
        periods.keep_end(task)
    return True


async def _put(talk: Talk, task: Task, slot: Slot, case: Case) -> bool:
    options = [option for option in await slot.options(case) if option.value != slots.ALL]
    value = choose(talk.turn, slot.name, options)
    if slot.name == "fee_period":
        value = _last_month(talk, case) or value
    if value is not None:
        task.put(slot.name, value)
    return value is not None


async def _put_in_plain_words(talk: Talk, task: Task, slot: Slot, case: Case) -> bool:
    """我老汉是农村的, 看病那个: an answer by what it means."""
    if slot.name not in IN_PLAIN_WORDS or asks(talk):
        return False
    words = IN_PLAIN_WORDS[slot.name]
    meant = [value for value, pattern in words.items() if pattern.search(talk.turn.text)]
    offered = {option.value for option in await slot.options(case)}
    if len(meant) != 1 or meant[0] not in offered:
        return False
    task.put(slot.name, meant[0])
    return True


def asks(talk: Talk) -> bool:
    """Whether the sentence is a question: 确认一下是多少钱 confirms nothing."""
    return bool(ASKS.search(talk.turn.text))


async def _slot_and_case(talk: Talk, task: Task, name: str) -> tuple[Slot, Case] | None:
    slot = find_flow(task.facts).slots.get(name)
    bound = await talk.services.identity.find_bound(talk.conversation_id)
    if slot is None or bound is None:
        return None
    return slot, await paying.current_case(talk, task, bound)


def _last_month(talk: Talk, case: Case) -> str | None:
    """The answer to 缴到哪个月: 十月 means up to October, 三个月 three months from the first unpaid one."""
    unpaid, said = due(case), str(talk.turn.last("fee_period") or "")
    if periods.begins(talk.turn):
        return None
    if said in unpaid:
        return span(unpaid[0], said)
    count = periods.MONTHS.search(talk.turn.text)
    if not count or said:
        return None
    number = count[1] or "6"
    months = whole_number(number)
    return span(unpaid[0], unpaid[months - 1]) if 1 <= months <= len(unpaid) else None
