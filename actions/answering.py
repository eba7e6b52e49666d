"""What was said as the answer to the open question of a payment, or anew to one that was answered."""

import re
from dataclasses import replace

import cn2an

from actions import paying
from actions.choices import choose, plain
from actions.flows import find_flow
from actions.slots import Case, Slot, due, span
from actions.state import CONFIRM, PAYMENT, Task
from actions.talk import Talk

TAKEN_BACK = re.compile(r"^(不是|不要|不对|不行|不|算了|还是|太贵了?|贵了?|改成?|换成?|我?说错了)+")
MONTHS = re.compile(r"([0-9]+|[一二两三四五六七八九十]+)个月")
ASKS = re.compile(r"多少|好多|几|吗|嘛[?？]|什么|哪|[?？]")


async def answer_question(talk: Talk, task: Task) -> bool:
    """Take the turn as the answer to the open question; True if it is one of the offered answers."""
    if not task.asked or task.asked in {CONFIRM, PAYMENT}:
        return False
    found = await _slot_and_case(talk, task, task.asked)
    if found is None:
        return False
    slot, case = found
    value = choose(talk.turn, slot.name, await slot.options(case))
    if slot.name == "fee_period":
        value = _last_month(talk, case) or value
    if value is None:
        return False
    task.put(slot.name, value)
    return True


async def answer_anew(talk: Talk, task: Task) -> bool:
    """At the review, or after it: 第二档, 不，两千 and 太贵了，六十 answer what was asked last anew."""
    if task.asked not in {CONFIRM, PAYMENT}:
        return False
    if any(talk.turn.last(name) is not None for name in find_flow(task.facts).slots):
        return paying.take_facts(talk, task) != set()
    text = TAKEN_BACK.sub("", plain(talk.turn.text))
    if not task.answered or not text or (text.isdigit() and len(text) == 1) or asks(talk):
        return False
    found = await _slot_and_case(talk, task, task.answered[-1])
    if found is None:
        return False
    slot, case = found
    value = choose(replace(talk.turn, text=text), slot.name, await slot.options(case))
    if slot.name == "fee_period":
        value = _last_month(talk, case) or value
    if value is None:
        return False
    task.put(slot.name, value)
    return True


def asks(talk: Talk) -> bool:
    """Whether the sentence is a question: 确认一下是多少钱 confirms nothing."""
    return bool(ASKS.search(talk.turn.text))


async def _slot_and_case(talk: Talk, task: Task, name: str) -> tuple[Slot, Case] | None:
    slot = find_flow(task.facts).slots.get(name)
    bound = await talk.services.identity.find_bound(talk.conversation_id)
    if slot is None or bound is None:
        return None
    return slot, paying.case_of(talk, task, bound, await talk.services.enrolments.of(bound.person_id))


def _last_month(talk: Talk, case: Case) -> str | None:
    """The answer to 缴到哪个月: 十月 means up to October, 三个月 three months from the first unpaid one."""
    unpaid, said = due(case), str(talk.turn.last("fee_period") or "")
    if said in unpaid:
        return span(unpaid[0], said)
    count = MONTHS.search(talk.turn.text)
    if not count or said:
        return None
    months = int(count[1]) if count[1].isdigit() else int(cn2an.cn2an(count[1], "smart"))
    return span(unpaid[0], unpaid[months - 1]) if 1 <= months <= len(unpaid) else None
