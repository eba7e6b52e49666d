"""What is said of several who are paid for at once: who is left out, who comes along, what changes for all of them."""

import re
from collections.abc import Sequence

from actions import basket, cards, family, others, persons, which
from actions.choices import choose, plain
from actions.say import say
from actions.slots import FOR_OTHER, ID_NUMBER, PERSON_NAME, Option
from actions.state import CHANGE, CHANGING, SHARED, Task
from actions.talk import Talk
from services.domain.kinds import Insurance

LEAVE_OUT = re.compile(
    r"去掉|拿掉|删掉|除开|除了|跳过|先?(?:不|别)(?:用|要|给|帮|算|管)|先?(?:不|别)(?:交|缴)|不(?:交|缴|要|办)了"
)
SWAP = re.compile(r"[换改](?:成|为|给)|不是")
ADD = re.compile(r"加上|再加|加个|加一|也加|算上|带上|还有")
BACK = re.compile(r"还是.{0,4}(?:交|缴|加|要|给|算|带)|(?:加|算|弄|放)(?:回来|进来|回去)")
ONLY = re.compile(r"只(?:要|给|帮)?(?:交|缴|办|付|算)|光(?:交|缴)|只要|就(?:交|缴)")
MYSELF = re.compile(
    r"我自己|我的|我本人|我(?:和|跟|与|、)|(?:去掉|除开|除了|不给|只给|和|跟)我(?!妈|爸|老|爷|奶|孩|儿|女|哥|姐|弟|妹|公|婆)"
)
THIS_ONE = re.compile(r"^(?:那|就|先|算了|不|别|给|帮|用|要)*(?:他|她|这个|这位|这一?个人?)|跳过")
HE_OR_SHE = re.compile(r"[他她]的?")
TOGETHER = re.compile(
    r"(?:我们|那|就|把)?(?:两|二|三|四|几|这)?(?:个|笔|样|位)?人?的?都?(?:一起|一块儿?|一并|同时)(?:付|交|缴)?[了嘛吧]?"
)
MEMBER = "member"
"""What the buttons at the joint review name instead of a slot, followed by the member's place."""
CHANGES = ("payment_type", "fee_year", "fee_period", "tier")
"""What is said at the joint review is meant for everybody."""


async def takes(talk: Talk) -> bool:
    """Whether the turn says who is left out, or changes something for everybody; then it is done."""
    state = talk.state
    if talk.turn.poke or state.login:
        return False
    asks = talk.turn.intent == "faq" and which.ASKS.search(talk.turn.text) is not None
    if state.task and not asks and (await _takes_back_in(talk) or await _tiers_of_each(talk)):
        return True
    left = state.task is None and state.left is not None and state.left.joint
    if not (basket.is_open(state) or left):
        return False
    asks = talk.turn.intent == "faq" or (left and not LEAVE_OUT.search(talk.turn.text))
    leaving = [] if asks and which.ASKS.search(talk.turn.text) else _left_out(talk)
    if not leaving and (asks or left):
        return False
    if left:  # the order was given up: without that one it may be wanted
        state.together, state.left = True, None
    if state.task and state.task.order_no and not (leaving and await _is_not_paid(talk, state.task)):
        return False
    if leaving:
        _leave_out(talk, leaving)
    return (
        bool(leaving)
        or _told_of_each(talk)
        or _told_of_one(talk)
        or _takes_named(talk)
        or _changes_all(talk)
        or _is_together(talk)
    )


def _is_together(talk: Talk) -> bool:
    """两个一起付, at the joint review: so it is; that is no 确认支付."""
    task = talk.state.task
    return bool(
        task and task.joint and not talk.turn.values and talk.turn.intent != "affirm"
        and TOGETHER.fullmatch(plain(talk.turn.text))
    )  # fmt: skip


async def _takes_back_in(talk: Talk) -> bool:
    """还是交, 还是加上: who was left out comes along after all."""
    state, task = talk.state, talk.state.task
    named = family.relations(talk.turn.text)
    back = [one for one in state.left_out if not named or one.facts.get("relation") in named]
    if not (back and task and task.kind == "pay" and BACK.search(talk.turn.text)):
        return False
    if not await basket.is_unpaid(talk, task):
        return False
    basket.add(talk, back)
    state.left_out = []
    talk.tell("basket.added", title="和".join(basket.name_of(one) for one in back))
    return True


def _takes_named(talk: Talk) -> bool:
    """再加上我女儿; who of them is named otherwise comes first."""
    named = family.relations(talk.turn.text)
    if _swaps(talk):
        return True
    if named and ADD.search(talk.turn.text) and not any(talk.turn.last(name) for name in SHARED):
        _add_named(talk, named)
        return True
    if len(named) == 1:
        _turn_to(talk, named[0])
    return False


def _swaps(talk: Talk) -> bool:
    """我爸的换成我妈: one of them is left out, and another comes along."""
    state = talk.state
    said = [one.title for one in persons.named(talk.turn.text, everybody=True)]
    if len(said) != len(("old", "new")) or not SWAP.search(talk.turn.text):
        return False
    leaving = [one for one in state.basket if one.facts.get("relation") == said[0]]
    if not leaving or any(one.facts.get("relation") == said[1] for one in basket.everybody(state)):
        return False
    state.basket = [one for one in state.basket if one not in leaving]
    _add_named(talk, said[1:])
    return True


async def _is_not_paid(talk: Talk, task: Task) -> bool:
    """Whether one can still be left out: of an order that was opened it is told then not to pay it."""
    if await basket.is_unpaid(talk, task):
        return True
    order = await talk.services.payment.find_order(task.order_no or "")
    return order is not None and order.status == "pending"


def _told_of_each(talk: Talk) -> bool:
    """The numbers and names of several of them in one sentence: each gets his own."""
    state, told = talk.state, family.told_of_each(talk.turn.text)
    waiting = [*([state.task] if state.task and state.task.member else []), *basket.to_come(state)]
    meant = [one for one in waiting if one.facts.get("relation") in told]
    for one in meant:
        for name, token in told[one.facts["relation"]].items():
            one.put(name, token)
    meant = meant or _told_in_order(talk, waiting)
    if len(meant) < 2 or state.task is None:
        return False
    state.task.asked = None
    state.parked.insert(0, state.task)
    state.task = None
    return True


def _told_of_one(talk: Talk) -> bool:
    """我妈叫…, while something of another is asked: it is hers, and the question stays."""
    state, task = talk.state, talk.state.task
    if task is None or not task.member or task.asked in others.PERSONAL:
        return False
    people = persons.named(talk.turn.text, meant=talk.turn.tokens, everybody=True)
    told = [one for one in people if one.facts.keys() & {ID_NUMBER, PERSON_NAME}]
    if len(told) != 1 or told[0].title == family.title_of(task) != "":
        return False
    waiting = [
        one for one in basket.to_come(state) if others.is_for_other(one) and ID_NUMBER not in one.facts
    ]
    if told[0].title:
        waiting = [one for one in waiting if family.title_of(one) == told[0].title]
    elif others.is_for_other(task):
        return False
    if len(waiting) != 1:
        return False
    waiting[0].facts |= told[0].facts
    tier = talk.turn.last("tier")
    if tier is not None:
        waiting[0].put("tier", str(tier))
    talk.tell("others.noted")
    return True


def _told_in_order(talk: Talk, waiting: Sequence[Task]) -> list[Task]:
    """Numbers of several of them, and not whose: in the order in which they are waiting."""
    people = persons.named(talk.turn.text, meant=talk.turn.tokens, everybody=True)
    told = [one for one in people if not one.title and ID_NUMBER in one.facts]
    untold = [one for one in waiting if ID_NUMBER not in one.facts and others.is_for_other(one)]
    if len(told) != len(people) or len(told) < len(("first", "second")) or len(told) > len(untold):
        return []
    for one, person in zip(untold, told, strict=False):
        one.facts |= person.facts
    return untold[: len(told)]


async def _tiers_of_each(talk: Talk) -> bool:
    """妈三百，老汉六百: each gets his own; who was settled with another tier is settled again."""
    state, told = talk.state, family.tiers_of_each(talk.turn.text)
    meant = [one for one in basket.everybody(state) if family.name_in(one) in told]
    if not meant or which.ASKS.search(talk.turn.text):
        return False
    if state.task and not await basket.is_unpaid(talk, state.task):
        return False
    for one in meant:
        one.put("tier", told[family.name_in(one)])
    again = [one for one in state.basket if one in meant]
    state.basket = [one for one in state.basket if one not in meant]
    state.parked = [*again, *state.parked]
    if state.task and state.task.joint:
        state.task = None
    return True


def _turn_to(talk: Talk, relation: str) -> None:
    """我妈叫…, while somebody else of them is asked for: she comes first."""
    state, task = talk.state, talk.state.task
    if task is None or not task.member or task.asked not in others.PERSONAL:
        return
    for place, one in enumerate(state.parked):
        if one.member and one.facts.get("relation") == relation != task.facts.get("relation"):
            one.facts = {**{name: task.facts[name] for name in SHARED if name in task.facts}, **one.facts}
            one.asked, task.asked = task.asked, None
            state.task, state.parked[place] = one, task
            return


def _changes_all(talk: Talk) -> bool:
    """At the joint review: another year, months or tier, for who is named, else for everybody."""
    task = talk.state.task
    if task is None or not task.joint:
        return False
    changes = {name: str(talk.turn.last(name)) for name in CHANGES if talk.turn.last(name) is not None}
    meant = _meant(talk, talk.state.basket)
    somebody_new = not meant or others.AGAIN.search(talk.turn.text)
    if not changes or talk.turn.last("insurance") or talk.turn.intent in {"get_certificate", "query_records"}:
        return False
    if talk.turn.last("beneficiary") == FOR_OTHER and somebody_new:
        return False
    _settle_again(talk, changes, meant or talk.state.basket)
    return True


def takes_amount(talk: Talk) -> bool:
    """一万零四百七十二那笔, at the joint review: what shall be with it is asked."""
    task = talk.state.task
    if (
        task is None
        or not task.joint
        or talk.state.login
        or not which.by_amount(talk.turn, talk.state.basket)
    ):
        return False
    show_members(talk)
    return True


def show_members(talk: Talk) -> None:
    """改一下 at the joint review: who shall be left out, or what shall be different."""
    talk.state.question = CHANGE
    if talk.state.task:
        talk.state.task.doubt = CHANGING
    items = [
        (option.title, f'/change_answer{{"field": "{option.value}"}}')
        for option in _members(talk.state.basket)
    ]
    talk.add(cards.menu(say("basket.change"), items))


def pick_left_out(talk: Talk) -> bool:
    """第二个, after `show_members`: whether one of them was picked; then it is left out."""
    basket = talk.state.basket
    picked = choose(talk.turn, "field", _members(basket))
    leaving = [basket[int(picked.removeprefix(MEMBER)) - 1]] if picked else which.by_what(talk.turn, basket)
    if not leaving or ONLY.search(talk.turn.text):
        return False
    _leave_out(talk, leaving)
    return True


def _members(members: Sequence[Task]) -> list[Option]:
    """Whom one may leave out, by name; what is paid as well, where one name is not enough."""
    return [
        Option(
            value=f"{MEMBER}{place}",
            title=say("basket.leave_out", title=basket.name_of(member), about=_about(member, members)),
        )
        for place, member in enumerate(members, start=1)
    ]


def _about(member: Task, members: Sequence[Task]) -> str:
    """What is paid for this one, where the name is not enough: several are for the same person."""
    alone = [basket.name_of(one) for one in members].count(basket.name_of(member)) == 1
    return "" if alone else str(member.facts.get("about", ""))


def _left_out(talk: Talk) -> list[Task]:
    """Those who shall not be paid for."""
    state = talk.state
    members = basket.everybody(state)
    field = str(talk.turn.last("field") or "")
    if field.startswith(MEMBER) and field.removeprefix(MEMBER).isdigit():
        return members[int(field.removeprefix(MEMBER)) - 1 :][:1]
    text = talk.turn.text
    only = ONLY.search(text)
    if not only and not LEAVE_OUT.search(text):
        settled = any(not others.is_for_other(one) for one in state.basket)
        only_me = settled and talk.turn.last("beneficiary") == others.OWN  # 那我先交我自己的
        return [one for one in members if one not in state.basket] if only_me else []
    found = _meant(talk, members)
    if only:
        return [one for one in members if one not in found] if found else []
    return found


def _meant(talk: Talk, members: Sequence[Task]) -> list[Task]:
    """The members that the sentence names: by relation, as oneself, by their place at the review, as "this one"."""
    state, text = talk.state, talk.turn.text
    named = family.relations(text)
    found = [one for one in members if one.facts.get("relation") in named and others.is_for_other(one)]
    if MYSELF.search(text):
        found += [one for one in members if not others.is_for_other(one)]
    if not found and state.task and state.task.joint:
        options = [Option(value=str(place), title=str(place)) for place in range(len(members))]
        place = choose(talk.turn, "field", options) if talk.turn.last("ordinal") is not None else None
        found = [members[int(place)]] if place is not None else []
    if found or not named:
        found = which.by_what(talk.turn, found or members) or found
    if not found and HE_OR_SHE.search(text) and not others.is_for_other(state.task):
        found = [one for one in members if others.is_for_other(one)][-1:]
    if not found and state.task and state.task.member and (THIS_ONE.search(text) or not named):
        found = [state.task] if LEAVE_OUT.search(text) and THIS_ONE.search(text) else []
    return found


def _leave_out(talk: Talk, leaving: Sequence[Task]) -> None:
    state, members = talk.state, basket.everybody(talk.state)
    titles = [say("basket.bill_of", title=basket.name_of(one), about=_about(one, members)) for one in leaving]
    state.left_out = list(leaving)
    state.basket = [one for one in state.basket if one not in leaving]
    state.parked = [one for one in state.parked if one not in leaving]
    if state.task and (state.task.joint or state.task in leaving):
        state.task = None
    talk.tell("basket.left_out", titles=titles)
    if not state.basket and not basket.to_come(state) and state.task is None:
        state.leave_basket()
        talk.tell("cancel.nothing")


def _add_named(talk: Talk, named: Sequence[str]) -> None:
    """再加上我女儿: with what is the same for those who are there."""
    state = talk.state
    known = [*state.basket, *([state.task] if state.task and state.task.member else [])]
    shared = basket.in_common(known) if known else {}
    more = [Task(kind="pay", facts={**shared, "beneficiary": FOR_OTHER, "relation": name}) for name in named]
    basket.add(talk, more)
    talk.tell("basket.added", title="和".join(named))


def _settle_again(talk: Talk, changes: dict[str, str], members: Sequence[Task]) -> None:
    """All of them anew, `members` with what was said."""
    state = talk.state
    for member in members:
        for name, value in changes.items():
            if name != "tier" or member.facts.get("insurance") != Insurance.MEDICAL:
                member.put(name, value)
    state.parked = [*state.basket, *state.parked]
    state.task, state.basket = None, []
