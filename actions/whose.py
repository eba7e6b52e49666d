"""Whom a payment is for, when that is said at a card or a question of one's own: 他叫韦二妹, a number, 换个人."""

import re

from actions import basket, earlier, family, meant, members, moving, others, starting, steps, undecided
from actions.choices import choose
from actions.say import say
from actions.slots import FOR_OTHER, ID_NUMBER, INSURED, PERSON_NAME
from actions.state import CONFIRM, PAYMENT, WHOSE, Task
from actions.talk import Talk

SOMEBODY_ELSE = re.compile(
    r"参保(?:的)?人.{0,2}(?:错|不对)|人(?:搞|弄|选|填)?错了|错人了|换(?:个|一个|一位|成?别的?|成?另外?一?个)人(?!.{0,2}登)|不是(?:给|帮|替)我(?!妈|爸|老|爷|奶|孩|儿|女|哥|姐|弟|妹|公|婆|家|屋)"
)
FURTHER = re.compile(r"还有|加上|也|再(?:给|帮|加|交|缴)|连")
ACCOUNT = re.compile(r"[用换登].{0,8}(?:账号|帐号|账户|登[录陆])|(?:账号|帐号|手机|支付宝).{0,3}登[录陆]?")
ITS_ME = re.compile(r"是(?:给|帮|替)?我(?:自己|本人)|(?:缴|交)我(?:自己|本人)的")
TELLING = frozenset(
    {"inform", "pay_insurance", "change_answer", "affirm", "deny", "out_of_scope", "nlu_fallback"}
)
"""Intents of sentences in which somebody may be named whom the payment is for."""
LEAVING = frozenset(
    {"cancel", "go_back", "restart", "get_certificate", "query_records", "request_refund", "unbind_identity"}
)
"""Intents with which the question is left unanswered."""


async def takes(talk: Talk) -> bool:
    """Whether the turn says that the payment is for somebody else than it is now; then it is done."""
    task, turn = talk.state.task, talk.turn
    if task is None or task.kind != "pay" or talk.state.login or turn.poke:
        return False
    if talk.state.question == WHOSE:
        return await _answers(talk, task)
    if turn.last("beneficiary") and ACCOUNT.search(turn.text):
        await _tell_of_accounts(talk)
        return True
    return await _is_somebody_else(talk, task) or (_may_tell(talk) and await _takes_told(talk, task))


def _may_tell(talk: Talk) -> bool:
    """Whether somebody may be named whom the payment is for; ⟦…⟧的也要 looks like asking for a paper."""
    turn = talk.turn
    along = others.ALONG.search(turn.text) and turn.last("certificate_kind") is None
    return turn.intent in TELLING or bool(turn.intent == "get_certificate" and along)


async def _is_somebody_else(talk: Talk, task: Task) -> bool:
    """是给我自己的; 换个人, and not whom."""
    turn = talk.turn
    ordered = task.asked == PAYMENT  # an order for the other person has to be closed first (`afterwards`)
    if ITS_ME.search(turn.text) and others.is_for_other(task) and not (task.member or ordered):
        others.take_back(task)
        await steps.go_on(talk)
        return True
    named = turn.last("beneficiary") or turn.token(PERSON_NAME)
    if not SOMEBODY_ELSE.search(turn.text) or named:
        return False
    await _ask_who(talk, task)
    return True


async def _takes_told(talk: Talk, task: Task) -> bool:
    """A number or a name that is somebody else's."""
    if await _takes_further(talk, task):
        return True
    if others.is_for_other(task) or task.joint or talk.turn.last("beneficiary"):
        return False
    return await _takes_named(talk, task)


async def _takes_further(talk: Talk, task: Task) -> bool:
    """A number and a name at the card of several, or 还有 and a number at the card of one: this one comes along."""
    further = task.joint or (task.asked in {CONFIRM, PAYMENT} and FURTHER.search(talk.turn.text))
    along = FURTHER.search(talk.turn.text) is not None
    if not further or not (await _another(talk, ID_NUMBER) or (along and await _another(talk, PERSON_NAME))):
        return False
    relation = next(iter(family.relations(talk.turn.text)), None)
    shared = basket.in_common(talk.state.basket) if task.joint else meant.shared(task.facts)
    facts = {**shared, "beneficiary": FOR_OTHER, **({"relation": relation} if relation else {})}
    talk.state.basket = [
        one for one in talk.state.basket if not relation or one.facts.get("relation") != relation
    ]
    await starting.pay_next(talk, Task(kind="pay", facts=facts))
    return True


async def _tell_of_accounts(talk: Talk) -> None:
    """我要用我老婆的账号: everybody logs in with his own, and here she can be paid for."""
    relation = next(iter(family.relations(talk.turn.text)), "")
    pay = say("button.pay_for", who=relation)
    talk.tell("login.own_account", *(((pay, pay),) if relation else ()), relation=relation)
    await steps.ask_again(talk)


async def _takes_named(talk: Talk, task: Task) -> bool:
    """A number means that one is paid for; of a name alone it is asked."""
    number, name = await _another(talk, ID_NUMBER), await _another(talk, PERSON_NAME)
    if number:
        await _for_other(talk, task)
    elif name:
        task.put(PERSON_NAME, name)
        undecided.ask_whose(talk)
    return bool(number or name)


async def _answers(talk: Talk, task: Task) -> bool:
    """The answer to 这笔给这位缴吗. To confirm a payment is none: 确认支付 asks again; what comes between, too."""
    picked = choose(talk.turn, "beneficiary", undecided.whose_options())
    if picked is None and talk.turn.token(ID_NUMBER):
        picked = FOR_OTHER
    if picked is None and talk.turn.intent in {"affirm", "deny"} and not is_about_paying(talk):
        picked = FOR_OTHER if talk.turn.intent == "affirm" else others.OWN
    if picked is None and talk.turn.intent not in TELLING:
        if talk.turn.intent in LEAVING:
            talk.state.question = None
            task.forget(ID_NUMBER)
            task.forget(PERSON_NAME)
        if talk.turn.intent == "go_back":  # to what was open before that one was named
            await steps.go_on(talk)
            return True
        return False
    talk.state.question = None
    task.forget(others.FOR_ME)
    if picked == FOR_OTHER:
        await _for_other(talk, task)
    elif picked == others.OWN:
        task.forget(ID_NUMBER)
        task.forget(PERSON_NAME)
        await steps.go_on(talk)
    else:
        undecided.ask_whose(talk)
    return True


async def _for_other(talk: Talk, task: Task) -> None:
    await earlier.close(talk, task)
    if not others.is_for_other(task):
        task.before = {WHOSE: task.facts.get(PERSON_NAME, "")}
    task.put("beneficiary", FOR_OTHER)
    task.asked = None
    await starting.change(talk, task)


async def _ask_who(talk: Talk, task: Task) -> None:
    """换个人: whom it is paid for."""
    if task.joint:
        members.show_members(talk)
    elif others.is_for_other(task) and task.facts.get("insurance"):
        task.forget("relation")
        await earlier.close(talk, task)
        await moving.ask_anew(talk, INSURED)
    else:
        await _for_other(talk, task)


async def _another(talk: Talk, kind: str) -> str | None:
    """The token of this kind in the turn, unless it is one's own."""
    token = talk.turn.token(kind)
    bound = await talk.services.identity.find_bound(talk.conversation_id)
    if token is None or bound is None:
        return None
    own = await talk.services.identity.is_own(talk.conversation_id, token, bound.person_id)
    return None if own else token


def is_about_paying(talk: Talk) -> bool:
    """确认支付 and the button of a card say yes to a payment, and to nothing else."""
    return talk.turn.last("draft_id") is not None or bool(re.search(r"支付|付|缴|交", talk.turn.text))
