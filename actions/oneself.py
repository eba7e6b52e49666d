"""Oneself, at a card or a question of others: 再加上我, 我的也交六百, 算了只交我的."""

import re

from actions import basket, clauses, meant, others, starting
from actions.choices import plain
from actions.state import CONFIRM, PAYMENT, Task
from actions.talk import Talk

ADDS_ME = re.compile(
    r"(?:那|再|还|也|把|就|都|要|想|还有|另外|顺便|请|麻烦)*(?:加上?|带上|算上|连|添上|还有)(?:一个)?我(?:自己|本人)?(?:的|那份|一个|一份|也|一起|[交缴]|进去|进来)*"
)
MINE = re.compile(r"我(?:自己|本人)?的?(?:那份)?(?:也|要|想|就|得)*(?:[交缴选]|[改换](?:成|为|到))")
ONLY_ME = re.compile(
    r"[只光](?:要|给|帮|替|想|先|是)*(?:[交缴办付算弄]一?[下哈]?)?我(?:自己|本人)?(?:的|[交缴]|一个|那份|$)|就[交缴]我(?:自己|本人|的)"
)
ASKS = re.compile(r"吗|多少|好多|怎么|行不|能不|可不|[?？]")


async def takes(talk: Talk) -> bool:
    """Whether oneself is meant who is not among those who are paid for; then it is done."""
    task, turn = talk.state.task, talk.turn
    if task is None or task.kind != "pay" or talk.state.login or turn.poke or ASKS.search(turn.text):
        return False
    if not _is_for_others(talk, task):
        return False
    text = clauses.marked(turn.text)
    if ONLY_ME.search(text):
        return await _goes_on_alone(talk, task)
    if ADDS_ME.fullmatch(plain(text)) or (_is_shown(task) and _has_own_tier(talk, text)):
        await _comes_along(talk, task)
        return talk.state.task is not task or task.member
    return False


def _is_for_others(talk: Talk, task: Task) -> bool:
    """Whether everybody who is paid for is somebody else."""
    members = basket.everybody(talk.state) if basket.is_open(talk.state) else [task]
    return bool(members) and all(others.is_for_other(one) for one in members)


def _is_shown(task: Task) -> bool:
    """Whether a tier that is said is no answer to a question."""
    return task.joint or task.asked in {CONFIRM, PAYMENT}


def _has_own_tier(talk: Talk, text: str) -> bool:
    """我的也交，600; 我的改成三千: said of nobody else."""
    alone = "◆" not in text and "◇" not in text and talk.turn.last("beneficiary") != "other"
    return alone and MINE.search(text) is not None and clauses.tier_in(talk.turn) is not None


async def _comes_along(talk: Talk, task: Task) -> None:
    """With what is the same for all who are there; a tier that is said is one's own."""
    if not await basket.is_unpaid(talk, task):
        return
    known = [*talk.state.basket, *([] if task.joint else [task])]
    await starting.pay_next(talk, Task(kind="pay", facts=meant.shared(basket.in_common(known))))


async def _goes_on_alone(talk: Talk, task: Task) -> bool:
    """Nobody else is paid for; a tier that was the other's is asked."""
    if not await basket.is_unpaid(talk, task):
        return False
    known = [*talk.state.basket, *([] if task.joint else [task])]
    facts = meant.shared(basket.in_common(known))
    facts.pop("tier", None)
    talk.tell("basket.left_out", titles=list(dict.fromkeys(basket.name_of(one) for one in known)))
    talk.state.leave_basket()
    talk.state.left_out = []
    talk.state.task = Task(kind="pay", facts=facts)
    tier = clauses.tier_in(talk.turn)
    if tier:
        talk.state.task.put("tier", tier)
    await starting.change(talk, talk.state.task)
    return True
