"""What is asked of arrears: which were assessed and are not paid, and where one applies for them."""

import re
from typing import Any

from actions import answering, basket, before, starting, steps, years
from actions.say import say
from actions.slots import FOR_OTHER
from actions.state import Task
from actions.talk import Talk
from services.domain.kinds import PaymentType
from services.ports import ArrearsItem

LEFT = re.compile(
    r"(?:还有?|以前|往年|前几?年|早先|哪几?年|哪一年|有没[得有]|有哪|我).{0,6}(?:没补|差(?:不差|没|吗|嘛|哪|啥)|欠|漏)"
    r"|(?:还有|有没[得有]|有哪|哪几?年|哪一年).{0,6}[要能可该]以?补(?![贴助充办发])"
)
"""还有哪年没补, 以前的还差不差"""
HOW = re.compile(
    r"(?:怎么|怎样|咋个?|如何|哪[里儿点个]|去哪|到哪|[找问]哪个|[找问]谁|在哪).{0,4}(?:申请|核定|办|弄|搞|补)?[啊呢嘛呀]?$|申请.{0,4}(?:怎|咋|流程|哪)"
)
ALL_OF_THEM = re.compile(
    r"(?:有的话|要是有|如果有|若有|有就)[^，,。不没]{0,6}[都全][^，,。不没]{0,4}[补交缴]"
)
"""我有没有欠费，有的话都补了."""
OTHER_TALK = re.compile(r"滞纳|利息|影响|后果|怎么办|退|凭证|证明|付款|付钱|登录|授权")


async def takes(talk: Talk) -> bool:
    """Whether the turn asks so; then it is answered."""
    state, turn = talk.state, talk.turn
    if turn.poke or state.login or OTHER_TALK.search(turn.text):
        return False
    if before.ARREARS in state.about and state.task is None and HOW.search(turn.text):
        insurance = turn.last("insurance") or state.about.get("insurance", "")
        talk.tell("arrears.apply", insurance=insurance)
        return True
    if not answering.asks(talk) or not LEFT.search(turn.text) or turn.last("beneficiary") == FOR_OTHER:
        return False
    await _tell_left(talk)
    return True


async def _tell_left(talk: Talk) -> None:
    """Every item of one's own; who is not known yet logs in first, and is asked which of them."""
    bound = await talk.services.identity.find_bound(talk.conversation_id)
    every = ALL_OF_THEM.search(talk.turn.text) is not None
    if bound is None:
        task = starting.start(talk, "pay")
        task.put("payment_type", PaymentType.ARREARS.value)
        if every:
            task.put(years.EVERY, "yes")
        await steps.go_on(talk)
        return
    items = await talk.services.declarations.arrears(bound.person_id)
    if items and every:
        starting.start(talk, "pay")
        basket.gather(talk, [Task(kind="pay", facts=_facts_of(item)) for item in items])
        await steps.go_on(talk)
        return
    lines = [
        say(
            "arrears.line",
            what=say(f"insurance.{item.insured_group}.{item.insurance}"),
            period=item.period,
            amount=item.amount,
        )
        for item in items
    ]
    button = (say("payment_type.arrears"), '/pay_insurance{"payment_type": "arrears"}')
    talk.tell("arrears.left" if lines else "arrears.none", *([button] if lines else []), lines=lines)
    await steps.ask_again(talk)


def _facts_of(item: ArrearsItem) -> dict[str, Any]:
    return {
        "payment_type": PaymentType.ARREARS.value,
        "insured_group": item.insured_group.value,
        "insurance": item.insurance.value,
        "agency": item.agency,
        "arrears_item": item.item_id,
    }
