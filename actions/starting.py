"""A task begins, or takes in what was said of it."""

import re
from typing import Any

from actions import (
    answering,
    basket,
    before,
    beside,
    choosing,
    earlier,
    family,
    halves,
    login,
    meant,
    others,
    papers,
    paying,
    persons,
    queries,
    query_facts,
    query_followups,
    refunding,
    returning,
    steps,
)
from actions.query_words import asks_records
from actions.say import say
from actions.slots import FOR_OTHER, ID_NUMBER, INSURED
from actions.state import CONFIRM, LOOKUPS, PAYMENT, PERSON, STATUS, Task
from actions.talk import Talk
from services.domain.kinds import Insurance, InsuredGroup

INSTEAD = re.compile(r"不是|不对|[改换](?:成|为|给)|错了|应该")
"""不是给我妈交，是给我爸: what was ordered is not wanted."""
WANTS = re.compile(r"(?:要|想|得)[交缴]")
"""我妈要交养老，她自己没有手机"""


async def pay(talk: Talk) -> None:
    halves.recall(talk)
    task = talk.state.task
    members = family.take_family(talk)
    if members:
        await _pay_family(talk, members)
        return
    if family.is_whole(talk):
        await _pay_whole(talk)
        return
    if task and beside.goes_first(talk):
        task.asked = None
        talk.state.parked.insert(0, task)
        task = talk.state.task = Task(kind="pay", facts=meant.shared(task.facts))
        await change(talk, task)
        return
    following = others.take_next(talk)
    if following:
        await pay_next(talk, following)
        return
    both = _take_both(talk)
    if both:
        start(talk, "pay")
        await pay_both(talk, *both)
        return
    if task is None or task.kind != "pay" or another(talk, task):
        if task:
            await _leave_order(talk, task)
        known = task.facts if task and task.kind == "pay" else talk.state.last
        instead = talk.turn.last("beneficiary") == FOR_OTHER and INSTEAD.search(talk.turn.text)
        further = talk.turn.last("fee_year") and others.AGAIN.search(talk.turn.text)  # 2027的也一起交
        goes_on = before.same(talk) if before.goes_on(talk) else {}
        task = start(talk, "pay")
        before.hint(talk, task)
        more = talk.turn.last("payment_type") or talk.turn.last("beneficiary") == "self" or further
        if instead and not talk.turn.last("insurance"):
            task.facts = meant.shared(known)
        elif more and not (talk.turn.last("insurance") or talk.turn.last("insured_group")):
            task.facts = same_insurance(talk)  # 那正常缴, after a 补缴 that is not possible; 给自己缴
        elif goes_on and _fits_tier(talk, goes_on):
            task.facts = goes_on  # 今年的也交, 重新交 600的
        paying.take_facts(talk, task)
        if await answering.take_all_insurances(talk, task):  # 居民的都交
            await steps.go_on(talk)
            return
    await change(talk, task)


async def _leave_order(talk: Talk, task: Task) -> None:
    """What was ordered for one, when another is to be paid for: closed if it is instead, else told that it is there."""
    if INSTEAD.search(talk.turn.text):
        await earlier.close(talk, task)
    elif family.relations(talk.turn.text) not in ([], [task.facts.get("relation")]):
        await earlier.remind(talk, task)


async def _pay_whole(talk: Talk) -> None:
    """一家人的一起交: first of all, who they are. Where that is open, a family's 医保 is the residents'."""
    task = start(talk, "pay")
    paying.take_facts(talk, task)
    if task.facts.get("insurance") == Insurance.MEDICAL:
        task.facts.setdefault("insured_group", InsuredGroup.RESIDENT.value)
    task.asked = family.WHICH_ONES
    await steps.go_on(talk)


async def name_family(talk: Talk) -> bool:
    """我 老公 女儿: whether that answers which of the family; then it is begun with the first of them."""
    task = talk.state.task
    if task is None or task.asked != family.WHICH_ONES or talk.state.login or talk.turn.intent == "cancel":
        return False
    members = family.name_members(talk, task)
    if len(members) == 1:
        talk.state.task = members[0]
        await steps.go_on(talk)
    elif members:
        await _pay_family(talk, members)
    elif talk.turn.token(ID_NUMBER):
        task.asked = None
        await change(talk, task)
    return bool(members) or task.asked is None


async def _pay_family(talk: Talk, members: list[Task]) -> None:
    """All at once; each is told what the one before has settled."""
    task = talk.state.task
    for one in members:
        tier = choosing.tier_said(talk.turn, one.facts)
        if tier:
            one.facts.setdefault("tier", tier)
    if (
        task
        and task.kind == "pay"
        and others.ALONG.search(talk.turn.text)
        and await _come_along(talk, task, members)
    ):
        return
    basket.gather(talk, members)
    talk.tell("basket.family", titles=list(dict.fromkeys(basket.name_of(task) for task in members)))
    await steps.go_on(talk)


async def _come_along(talk: Talk, task: Task, members: list[Task]) -> bool:
    """我和我妈也要: with whoever is at the card, unless something else is to be paid for them."""
    shared = basket.in_common(talk.state.basket) if task.joint else meant.shared(task.facts)
    other = any(
        talk.turn.last(name) not in {None, shared.get(name)} for name in ("insured_group", "insurance")
    )
    if other or "insurance" not in shared or not await basket.is_unpaid(talk, task):
        return False
    for one in members:
        one.facts = shared | one.facts
    basket.add(talk, members)
    talk.tell("basket.added", title="和".join(basket.name_of(one) for one in members))
    await steps.go_on(talk)
    return True


async def pay_next(talk: Talk, following: Task) -> None:
    """再帮我爸也交一个: together with what is not paid yet, else anew. A tier that is said is this person's."""
    task = talk.state.task
    paying.take_facts(talk, following)
    tier = choosing.tier_within(talk.turn, following.facts)
    if tier is not None:
        following.put("tier", tier)
    if task is None or task.kind != "pay" or not await basket.is_unpaid(talk, task):
        if task and task.kind == "pay":
            await earlier.remind(talk, task)
        talk.state.task = following
        await steps.go_on(talk)
        return
    basket.add(talk, [following])
    talk.tell("basket.added", title=basket.name_of(following))
    await steps.go_on(talk)


def _take_both(talk: Talk) -> tuple[Task, Task] | None:
    """The two payments of a sentence that names both insurances (医保和养老); None for one."""
    said = list(dict.fromkeys(str(value) for value in talk.turn.values.get("insurance", ())))
    groups = [str(value) for value in talk.turn.values.get("insured_group", ())]
    if len(said) != len(Insurance) or not _is_for_one(talk):
        return None
    first, second = (Task(kind="pay", facts={"insurance": insurance}) for insurance in said)
    others.take(talk, first)
    if others.is_for_other(first):
        second.facts |= {name: first.facts[name] for name in PERSON if name in first.facts} | {
            meant.SAME: "yes"
        }
    elif told := {name: first.facts[name] for name in others.TOLD if name in first.facts}:
        second.facts |= told | {meant.SAME: "yes"}
    for place, task in enumerate((first, second)):
        if groups:
            task.put("insured_group", groups[min(place, len(groups) - 1)])
        pension = task.facts["insurance"] == Insurance.PENSION
        for name in ("agency", "fee_period", "tier" if pension else "fee_year"):
            value = talk.turn.last(name)
            if value is not None:
                task.put(name, str(value))
    return first, second


def _is_for_one(talk: Talk) -> bool:
    """Whether both are for the same person: not one for the mother and one for oneself, nor one instead of another."""
    if talk.turn.last("beneficiary") is None:
        return not others.is_for_other(talk.state.task) and talk.turn.intent == "pay_insurance"
    return not (talk.turn.last("beneficiary") == FOR_OTHER and persons.names_oneself(talk.turn.text))


async def pay_both(talk: Talk, first: Task, second: Task) -> None:
    """医保和养老 in one sentence: one after the other, paid at once."""
    basket.gather(talk, [first, second])
    talk.tell("basket.both", first=returning.describe(first), second=returning.describe(second))
    await steps.go_on(talk)


def another(talk: Talk, task: Task) -> bool:
    """Whether what was said is another payment than the one in work."""
    if task.asked == PAYMENT:
        return True
    return any(
        talk.turn.last(name) is not None
        and name in task.facts
        and str(talk.turn.last(name)) != task.facts[name]
        for name in ("insured_group", "insurance")
    )


def start(talk: Talk, kind: str) -> Task:
    """A new task; one of another kind that is open waits until this one is done."""
    old = talk.state.task
    if kind == "pay":
        talk.state.leave_basket()
    for_good = old and old.kind in LOOKUPS and kind in LOOKUPS
    if old and old.kind != kind and old.facts and old.asked != PAYMENT and not (old.joint or for_good):
        talk.state.parked.insert(0, old)
    talk.state.task = Task(kind=kind)
    return talk.state.task


async def change(talk: Talk, task: Task) -> None:
    """Take the facts of the turn into the task and go on from there."""
    if task.kind == "pay":
        before = others.who(task)
        if paying.take_facts(talk, task) and task.asked in {CONFIRM, PAYMENT}:
            task.asked = None
        if others.who(task) != before and not task.joint:
            await earlier.close(talk, task)
    elif task.kind == "query":
        query_facts.take_facts(talk, task)
    elif task.kind == "refund":
        refunding.take_facts(talk, task)
    elif task.kind != STATUS:
        papers.take_facts(talk, task)
    await steps.go_on(talk)


async def certificate(talk: Talk) -> None:
    task = talk.state.task
    if task is None or task.kind != "certificate":
        task = start(talk, "certificate")
    papers.take_both(talk)
    await change(talk, task)


async def query(talk: Talk) -> None:
    task, named = talk.state.task, any(talk.turn.last(name) for name in query_facts.TIMES)
    just_paid = talk.state.order_no and not named and talk.turn.last("query_kind") in {None, "paid"}
    his = family.relations(talk.turn.text) == [talk.state.last.get("relation")]  # 我老公的交了没
    if just_paid and (his or talk.turn.last("beneficiary") != FOR_OTHER) and not asks_records(talk.turn):
        await steps.show_status(talk)  # 交了没有: the payment that was just made
        return
    if query_followups.is_gone(talk):
        talk.tell("query.gone", (say("menu.query"), "/query_records"))
        await steps.ask_again(talk)
        return
    if task is None or task.kind != "query":
        task = start(talk, "query")
    queries.take_both(talk)
    await change(talk, task)


async def refund(talk: Talk, **facts: str) -> None:
    """退费; `facts` for one that only looks at a case, or takes it back."""
    task = talk.state.task
    if task is None or task.kind != "refund" or facts:
        task = start(talk, "refund")
    task.facts.update(facts)
    await change(talk, task)


async def log_in(talk: Talk) -> None:
    bound = await talk.services.identity.find_bound(talk.conversation_id)
    if bound and not talk.state.login:
        talk.tell("login.already", *steps.menu_buttons())
        await steps.ask_again(talk)
    elif talk.state.login in {login.ID_NUMBER, login.PERSON_NAME}:
        await login.consent_again(talk)
    else:
        talk.state.login = talk.state.login or login.CONSENT
        await steps.go_on(talk)


async def resume(talk: Talk) -> None:
    """好了, 继续, a bare 好的: whatever is open goes on."""
    if talk.state.task or talk.state.login or talk.state.question:
        await steps.go_on(talk)
    elif returning.wants_back(talk):
        returning.take_up(talk.state)
        if talk.state.task:
            returning.offer(talk)
    elif not talk.replies and not talk.turn.poke:
        talk.tell("nothing_open", *steps.menu_buttons())


def has_done(talk: Talk, kind: str) -> bool:
    """Whether what was finished last is of this kind."""
    return talk.state.done.get("kind") == kind


def names_tier(talk: Talk) -> bool:
    """我要交两千的那档, and nothing was paid before that this may be about."""
    told = talk.turn.last("tier") is not None and re.search(r"[交缴付档选改要就]", talk.turn.text)
    return bool(told) and not has_done(talk, "pay")


def same_insurance(talk: Talk) -> dict[str, str]:
    """What was finished last, for the one it was for; of somebody else who was not found, nothing."""
    done = {name: value for name, value in talk.state.done.items() if name != "kind"}
    if talk.turn.last("beneficiary") == others.OWN:
        return {name: value for name, value in done.items() if name not in PERSON}
    return done if "beneficiary" not in done or INSURED in done else {}


async def pay_again(talk: Talk) -> None:
    """到年底, 三百: said after a payment it is about the same one once more, never about anybody else."""
    facts = same_insurance(talk)
    if not facts:
        await resume(talk)
        return
    if not _fits_tier(talk, facts):
        facts = {}  # 两千那档, after flexible employment: another insurance
    tier = choosing.tier_at_end(talk.turn, facts)
    talk.state.task = Task(kind="pay", facts=facts | ({"tier": tier} if tier else {}))
    await change(talk, talk.state.task)


def _fits_tier(talk: Talk, facts: dict[str, Any]) -> bool:
    """Whether the tier that was said, if any, is one of this group."""
    tier = {"tier": talk.turn.last("tier") or ""}
    told = choosing.told_by_tier(talk.turn, "insured_group", tier, talk.today)
    return told in {None, facts.get("insured_group")}
