"""Yes and no at the card, and 等一下: what orders something, and what a doubt keeps from doing so."""

import re

from actions import (
    answering,
    basket,
    beside,
    confirming,
    login,
    members,
    moving,
    others,
    paying,
    refunding,
    starting,
    steps,
    whose,
)
from actions.choices import plain
from actions.flows import find_flow
from actions.say import say
from actions.state import CHANGING, CONFIRM, DENIED, HELD, PAYMENT, Task
from actions.talk import Talk

WAITS = re.compile(r"等等|等(?:我?一?下|一?会)|等我|慢点|慢着|先别|先不|再(?:想|看|考虑|商量)")
PAYS = re.compile(r"支付|付款|付钱")
OTHER_ONE = re.compile(
    r"(?:不是|不对|那|就|我?要|改成?|换成?|还是)*(?:(?:换|改)(?:成|为|到)?(?:另外?)?[一那]?个|另外?(?:那|这)?一?(?:个|边|家|头))"
)
BARE = re.compile(r"(?:那|就|我|现在|马上|可以|好)*[交缴付](?:了|吧|嘛|哈|啊|咯|噻)*")
"""交, at the card: a yes to what was shown, no more than 嗯 is."""
ALSO = re.compile(r"也|还要|加上|再[加交缴补]|一起|一块")
SAID = ("insured_group", "insurance")
"""What is said of any payment, beside the answers of its row."""


def is_bare_yes(talk: Talk) -> bool:
    """交, and nothing else, at the card of a payment."""
    task = talk.state.task
    at_card = task is not None and task.kind == "pay" and task.asked == CONFIRM
    return at_card and not talk.state.login and BARE.fullmatch(plain(talk.turn.text)) is not None


async def affirm(talk: Talk, task: Task) -> None:
    """What was shown is ordered; not by who asks, waits, says something new, or has just said no to it."""
    if talk.turn.last("draft_id") is None:
        if answering.asks(talk):
            await steps.go_on(talk)  # 对不对嘛, 确认一下是多少钱 confirm nothing
            return
        if _says_more(talk, task):
            await starting.pay(talk)
            return
        if WAITS.search(talk.turn.text):
            await moving.hold(talk)
            return
        if task.doubt and not PAYS.search(talk.turn.text):
            await _ask_what_now(talk, task)
            return
    await confirming.confirm(talk, task)


async def _ask_what_now(talk: Talk, task: Task) -> None:
    """嗯 after a no, or after 我先想想: it is asked again, or shown again, what the yes shall be to."""
    if task.doubt == HELD or whose.is_about_paying(talk):
        await steps.go_on(talk)
    elif task.doubt == DENIED:
        deny(talk, task)
    elif task.doubt == CHANGING:
        await moving.change_what(talk, task)


async def confirm_refund(talk: Talk) -> None:
    """What was shown last is confirmed; the button of another payment shows that one, a doubt the same once more."""
    task, tapped = talk.state.task, talk.turn.last(refunding.ORDER)
    at_review = task is not None and task.kind == "refund" and task.asked == CONFIRM
    shown = task.facts.get(refunding.ORDER) if task and at_review else None
    if task is None or shown is None or tapped not in {None, shown}:
        await starting.refund(talk)
        return
    if task.doubt and tapped is None:
        await steps.go_on(talk)
        return
    bound = await login.go_on(talk)
    if bound is not None:
        await refunding.confirm(talk, task, bound)


def deny(talk: Talk, task: Task) -> None:
    """不是, at the card."""
    task.doubt = DENIED
    talk.tell(
        "pay.not_confirmed", (say("button.change"), "/change_answer"), (say("button.cancel"), "/cancel")
    )


async def changes_card(talk: Talk) -> bool:
    """不是三 我说三百, 换一个: what is said at the card, or after it, changes it, whatever else it looks like."""
    task = talk.state.task
    if task is None or task.kind != "pay" or talk.state.login or talk.turn.poke:
        return False
    if task.asked not in {CONFIRM, PAYMENT} or talk.turn.intent in whose.LEAVING:
        return False
    if task.joint:
        return talk.turn.intent != "affirm" and members.takes_amount(talk)
    if _takes_also(talk, task):
        await steps.go_on(talk)
        return True
    if beside.names_another(talk, task) or not (
        await _takes_other(talk, task) or await answering.take_tier(talk, task)
    ):
        return False
    task.asked = None
    await steps.go_on(talk)
    return True


def _takes_also(talk: Talk, task: Task) -> bool:
    """养老也补, at the card of the medical insurance: both are paid at once."""
    insurance, said = talk.turn.last("insurance"), talk.turn.last("beneficiary")
    if task.asked != CONFIRM or insurance in {None, task.facts.get("insurance")} or said is not None:
        return False
    if not ALSO.search(talk.turn.text) or answering.asks(talk):
        return False
    who = {name: task.facts[name] for name in (*others.WHO, "insured_group") if name in task.facts}
    more = Task(kind="pay", facts=who)
    paying.take_facts(talk, more)
    basket.add(talk, [more])
    return True


async def _takes_other(talk: Talk, task: Task) -> bool:
    """换一个, where one thing can be changed, and there are two of it."""
    fields = list(moving.fields(task))
    if len(fields) != 1 or not OTHER_ONE.fullmatch(plain(talk.turn.text)):
        return False
    return await answering.take_other(talk, task, fields[0])


def _says_more(talk: Talk, task: Task) -> bool:
    """确认 等等 我妈的养老也要: whether something is named that is not what was shown."""
    if others.take_next(talk):
        return True
    shown = talk.state.basket if task.joint else [task]
    if talk.turn.last("beneficiary") == others.OWN and all(others.is_for_other(one) for one in shown):
        return True
    if talk.turn.last("beneficiary") == "other" and not any(others.is_for_other(one) for one in shown):
        return True
    names = {*SAID, *(name for one in shown for name in find_flow(one.facts).slots)}
    return any(
        value is not None and str(value) not in {str(one.facts.get(name)) for one in shown}
        for name in names
        if (value := talk.turn.last(name)) is not None
    )
