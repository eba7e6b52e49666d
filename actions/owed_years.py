"""Arrears by their year: another item than that of the card (不对，是2023年的), several of the list (25年的两笔)."""

import re

from actions import answering, basket, paying, years
from actions.choices import whole_number
from actions.state import CONFIRM, PAYMENT, Task
from actions.talk import Talk
from services.domain.kinds import PaymentType

CHANGES = re.compile(r"[改换]成?|不对|不是|错了|应该|我?要的?是")
SEVERAL = re.compile(r"(?P<count>[两二俩三四五六2-6])[笔条个项]|[都全]")
ITEM = "arrears_item"


async def takes(talk: Talk, task: Task) -> bool:
    """Whether items of one year are meant; then they are in the task, or it is told that there are none."""
    if task.facts.get("payment_type") != PaymentType.ARREARS or task.joint or answering.asks(talk):
        return False
    if any(talk.turn.last(name) is not None for name in answering.NAMES_ANOTHER):
        return False
    said = {str(v)[:4] for name in ("fee_year", "fee_period") for v in talk.turn.values.get(name, ())}
    year = said.pop() if len(said) == 1 else ""
    if not year or int(year) >= talk.today.year:
        return False
    if task.asked == ITEM:
        return await _takes_several(talk, task, year)
    changes = talk.turn.intent == "change_answer" or CHANGES.search(talk.turn.text)
    at_card = task.asked in {CONFIRM, PAYMENT} and ITEM in task.facts
    return bool(at_card and changes) and await _changes(talk, task, year)


async def _takes_several(talk: Talk, task: Task, year: str) -> bool:
    """25年的两笔, 25年的都补: paid at once."""
    counted, items = SEVERAL.search(talk.turn.text), await _items(talk, task, year)
    if counted is None or len(items) < 2:
        return False
    if counted["count"] and _number(counted["count"]) != len(items):
        return False
    pays = [Task(kind="pay", facts={**task.facts, ITEM: item}, single=list(task.single)) for item in items]
    if task.member:
        talk.state.task = None
        basket.add(talk, pays)
    else:
        basket.gather(talk, pays)
    return True


async def _changes(talk: Talk, task: Task, year: str) -> bool:
    """The item of that year instead; of several it is asked which."""
    items = await _items(talk, task, year)
    if task.facts[ITEM] in items or not await basket.is_unpaid(talk, task):
        return False
    bound = await talk.services.identity.find_bound(talk.conversation_id)
    if not items and bound:
        await years.tell_why_not(talk, task, await paying.current_case(talk, task, bound), year)
        return True
    task.forget(ITEM)
    if len(items) == 1:
        task.put(ITEM, items[0])
    task.asked = None
    return True


async def _items(talk: Talk, task: Task, year: str) -> list[str]:
    bound = await talk.services.identity.find_bound(talk.conversation_id)
    return await years.items_of(await paying.current_case(talk, task, bound), [year]) if bound else []


def _number(word: str) -> int:
    return 2 if word == "俩" else whole_number(word)
