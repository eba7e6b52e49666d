"""What is said beside the task and has one short answer: 为什么嘛, 公积金, 密码搞忘了, 网不好, 哪天起能报销."""

import re

from actions import benefits, steps
from actions.choices import plain
from actions.say import say
from actions.state import LOOKUPS, PAYMENT
from actions.talk import Talk

WHY = re.compile(
    r"(?:那|这|是|又|咋个?|怎么)*(?:为(?:什么|啥子?|哪样|何)|凭(?:什么|啥子?)|啥子?原因|什么原因)(?:会|要|不行|不能|不得行|呢|嘛|哦|啊|喃|了)*"
)
NOT_HERE = re.compile(r"失业(?:金|保险|补助)|公积金|工伤|生育(?:津贴|保险|金)")
PASSWORD = re.compile(
    r"密码.{0,6}(?:忘|不记得|记不|想不|找不|不晓得|不知道|错)|(?:忘|不记得|记不得|想不起).{0,4}密码"
)
NETWORK = re.compile(
    r"(?:网络?|信号).{0,4}(?:不好|不行|差|慢|断|卡|没得|没有)|打不开|(?:点|按)不(?:动|开|进)|进不去|加载不|卡(?:住|起)了?|转圈"
)
QUESTIONS = frozenset(
    {"faq", "out_of_scope", "nlu_fallback", "check_payment_status", "chitchat", "inform", "repeat"}
)
"""What such a sentence may look like."""


async def takes(talk: Talk) -> bool:
    """Whether something of the kind was said; then it is answered, and the open question asked again."""
    if talk.turn.poke or talk.state.login or not await _answers(talk):
        return False
    await steps.ask_again(talk)
    return True


async def _answers(talk: Talk) -> bool:
    task, text = talk.state.task, talk.turn.text
    if WHY.fullmatch(plain(text)):
        return _asks_why(talk)
    if task and task.kind == "pay" and task.asked == PAYMENT:
        key = "link.password" if PASSWORD.search(text) else "link.network" if NETWORK.search(text) else ""
        if key:
            order = await talk.services.payment.find_order(task.order_no or "")
            talk.tell(key, wallet=say(f"pay.wallet.{order.provider}") if order else "")
            return True
    if talk.turn.intent not in QUESTIONS:
        return False
    elsewhere = NOT_HERE.search(text)
    if elsewhere and talk.turn.last("insurance") is None and "医保" not in text:
        talk.tell("not_here", *steps.menu_buttons())
        return True
    return await benefits.answer(talk)


def explains(talk: Talk) -> bool:
    """为什么嘛, right after something was refused: why that is, and who can tell more."""
    key = talk.hint.get("why")
    if not key or talk.turn.poke or not WHY.fullmatch(plain(talk.turn.text)):
        return False
    talk.tell(f"why.{key}", medical=talk.hint.get("medical", False))
    talk.state.hint = talk.hint
    return True


def _asks_why(talk: Talk) -> bool:
    """为什么嘛 without anything that was refused. Where papers were spoken of it is why one has to wait."""
    task = talk.state.task
    kind = task.kind if task else talk.state.done.get("kind")
    if kind in LOOKUPS or (task is None and talk.state.order_no):
        return False
    talk.tell("why.unclear")
    return True
