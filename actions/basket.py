"""Several bills paid at once (我和老婆孩子的医保一起交): each is settled on its own, then one review, one payment.

The members stand in the dialogue: the one in work is the task, those to come are parked, those that are settled
are the basket. When nobody is left to settle, `review` shows all of them as one joint task.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from actions import cards, earlier, family, login, meant, others, returning
from actions.cases import case_of
from actions.reviewing import show_review
from actions.say import say
from actions.slots import Case
from actions.state import PAYMENT, SHARED, Dialogue, Task
from actions.talk import Talk
from services.domain.errors import Refused
from services.payment import Bill
from services.ports import Quote


def is_open(state: Dialogue) -> bool:
    """Whether somebody of several is in work, or all of them are at their review."""
    return state.task is not None and (state.task.member or state.task.joint)


def gather(talk: Talk, tasks: Sequence[Task]) -> None:
    """Begin with the first of them; the others follow. Their names are told when something is asked of them."""
    state = talk.state
    state.leave_basket()
    state.left_out = []
    for task in tasks:
        task.member = True
    state.task, state.parked, state.together = tasks[0], [*tasks[1:], *state.parked], True
    meant.share(talk, tasks[0])


def add(talk: Talk, more: Sequence[Task]) -> None:
    """Somebody else as well, before anything is paid: who is in work or reviewed now comes along."""
    state, task = talk.state, talk.state.task
    if task is None or task.joint:
        state.task = None
    else:
        task.member, task.draft_id = True, None
        task.asked = None if task.asked == "confirm" else task.asked
    for one in more:
        one.member = True
    state.together = True
    state.parked = [
        *[one for one in state.parked if one.member],
        *more,
        *[o for o in state.parked if not o.member],
    ]


def follow(talk: Talk, more: Sequence[Task]) -> None:
    """More bills of who is in work, right after this one."""
    state = talk.state
    if state.task is None:
        return
    for one in (state.task, *more):
        one.member = True
    state.task.draft_id = None
    state.parked, state.together = [*more, *state.parked], True


def put(talk: Talk, task: Task, case: Case, quote: Quote) -> None:
    """This one is settled: next."""
    task.facts["insured_id"] = case.person_id
    task.facts["about"] = say(
        "basket.about",
        what=say(f"insurance.{quote.dues.insured_group}.{quote.dues.insurance}"),
        quote=quote,
        dues=quote.dues,
    )
    task.facts["total"] = str(quote.total)
    task.asked = None
    if any(_same(one, task) for one in talk.state.basket):
        talk.tell("basket.twice")
    else:
        talk.state.basket.append(task)
    talk.state.remember(task)
    talk.state.task = None


async def go_on(talk: Talk, ask: Callable[[], Awaitable[None]]) -> None:
    """The next one (`ask` says what is open of it), or the review when all are settled."""
    state = talk.state
    if not (state.parked and state.parked[0].member):
        await review(talk)
        return
    task = state.task = state.parked.pop(0)
    meant.share(talk, task)
    said, title = len(talk.replies), name_of(task)
    await ask()
    if state.task is not task:
        return
    before = state.basket[-1] if state.basket else None
    if before is None or name_of(before) != title:
        talk.replies.insert(said, cards.text(say("basket.next", title=title)))
    elif before.facts.get("insurance") != task.facts.get("insurance"):
        sentence = say("basket.next_insurance", what=returning.describe(task))
        talk.replies.insert(said, cards.text(sentence))


async def review(talk: Talk) -> None:
    """All of them with the figures of now; whom the bureau refuses now is left out, and that is told."""
    bound = await login.go_on(talk)
    if bound is None:
        return
    state, kept, bills, gone = talk.state, list[Task](), list[Bill](), list[Task]()
    for member in state.basket:
        case = case_of(talk, member, bound)
        try:
            quote = await talk.services.declarations.quote(case.person_id, case.dues)
        except Refused:
            gone.append(member)
            continue
        kept.append(member)
        bills.append(Bill(insured_id=case.person_id, quote=quote))
    if any(others.is_for_other(member) for member in gone):
        await talk.services.insured.hold()
    for member in gone:
        talk.tell("basket.dropped", title=name_of(member))
    state.basket = kept
    if not bills:
        state.leave_basket()
        state.task = None
        return
    draft = await talk.services.payment.draft(
        conversation_id=talk.conversation_id, payer_id=bound.person_id, bills=bills
    )
    if len(kept) == 1:
        state.task = kept[0]
        state.task.member = False
        state.leave_basket()
    else:
        state.task = Task(kind="pay", joint=True, facts=in_common(kept))
    state.task.draft_id = draft.draft_id
    await earlier.give_up(talk, draft)
    await show_review(talk, state.task)


async def is_unpaid(talk: Talk, task: Task) -> bool:
    """Whether nobody can have begun to pay: an order whose link was not opened is taken back for that."""
    if task.asked != PAYMENT:
        return True
    if task.order_no is None or not await talk.services.payment.take_back(task.order_no):
        return False
    talk.state.order_no = task.order_no = None
    task.asked = None
    return True


def name_of(task: Task) -> str:
    """How the resident calls this one."""
    if not others.is_for_other(task):
        return say("others.myself")
    return family.title_of(task) or say("basket.somebody")


def everybody(state: Dialogue) -> list[Task]:
    """Who is settled, who is in work, and who is to come."""
    return [*state.basket, *([state.task] if state.task and state.task.member else []), *to_come(state)]


def to_come(state: Dialogue) -> list[Task]:
    return [one for one in state.parked if one.member]


def in_common(members: Sequence[Task]) -> dict[str, Any]:
    """What is the same for all of them."""
    first = members[0].facts
    return {
        name: first[name]
        for name in SHARED
        if name in first and all(one.facts.get(name) == first[name] for one in members)
    }


def _same(one: Task, other: Task) -> bool:
    about = ("insured_id", "insured_group", "insurance", "arrears_item", "payment_type", "fee_year")
    return all(one.facts.get(name) == other.facts.get(name) for name in about)
