"""What a turn does to the conversation: start, answer, change, back, digress, cancel, resume. Once, for all.

`take_turn` is the only entrance. First what has happened outside is told, then what was said is done,
then the open question is asked again if something else came between.
"""

from collections.abc import Awaitable, Callable
from functools import partial

from actions import (
    afterwards,
    agreeing,
    answering,
    asides,
    basket,
    before,
    beside,
    family,
    faq,
    halves,
    intents,
    login,
    lookups,
    loosely,
    meant,
    members,
    moving,
    news,
    oneself,
    others,
    owed,
    owed_years,
    own_name,
    refund_words,
    refunding,
    returning,
    starting,
    steps,
    stopping,
    whose,
)
from actions.cards import Message
from actions.state import CHANGE, CONFIRM, RETURN, UNBIND, Dialogue
from actions.talk import Talk
from actions.turn import Turn
from services.bootstrap import Services
from services.domain.errors import ServiceError

GUESSED = frozenset({"faq", "out_of_scope", "nlu_fallback", "inform"})
HALVES = GUESSED | {"help"}
UNCLEAR = frozenset({"out_of_scope", "nlu_fallback"})
MOVING = frozenset({"cancel", "go_back", "restart", "repeat", "hold", "help"})


async def take_turn(services: Services, state: Dialogue, turn: Turn) -> list[Message]:
    """The answers to `turn`; `state` is moved on. Expected failures become an `error` card."""
    talk = Talk(services=services, turn=turn, state=state)
    talk.returning = returning.came_back(talk)
    if not turn.poke:
        talk.hint, state.hint = state.hint, {}
    await news.tell_news(talk)
    try:
        if state.question != RETURN or not talk.told_orders or returning.acts(talk):
            await _respond(talk)
        while state.task is None and (state.parked or state.together) and not (state.login or state.question):
            await _go_on_with_next(talk)
    except ServiceError as error:
        stopping.tell_failure(talk, error)
        if not error.retryable and state.task and state.task.asked in {None, CONFIRM}:
            if state.task.joint:
                state.leave_basket()
            state.task = None
    if talk.told_orders:
        await news.tell_notices(talk)  # of what this turn has found out: told once, not again in the next
    if not talk.replies and not turn.poke:
        talk.tell("nothing_open", *steps.menu_buttons())
    return talk.replies


async def _go_on_with_next(talk: Talk) -> None:
    """Who is paid for along with others, then what had to wait."""
    if talk.state.together:
        await basket.go_on(talk, partial(steps.go_on, talk))
        return
    talk.state.task = talk.state.parked.pop(0)
    talk.tell("resume", what=returning.describe(talk.state.task))
    await steps.go_on(talk)


def _handler(talk: Talk) -> Callable[[Talk], Awaitable[None]]:
    """What the intent asks for, unless somebody who is named to be paid for tells more."""
    handler = (
        intents.affirm
        if agreeing.is_bare_yes(talk)
        else intents.HANDLERS.get(talk.turn.intent, intents.unclear)
    )
    if _asks_to_pay(talk) or others.comes_along(talk) or (talk.turn.intent in HALVES and halves.begins(talk)):
        handler = starting.pay
    anew = handler is moving.change_answer and talk.state.task is None  # 不对，只要去年的
    return (
        intents.inform
        if (handler in {intents.pay, starting.pay} or anew) and lookups.is_meant(talk)
        else handler
    )


async def _respond(talk: Talk) -> None:
    lookups.hear_second_half(talk)
    await own_name.introduce(talk)
    meant.read_pronoun(talk)
    handler = _handler(talk)
    if talk.turn.intent not in UNCLEAR:
        talk.state.misses = 0
    if handler in {starting.certificate, starting.query}:
        await halves.recall_another(talk)
    if talk.state.login and talk.turn.last("beneficiary") != "other" and await login.take_typed(talk):
        return
    offered = talk.state.question == RETURN and talk.turn.poke
    if offered or asides.explains(talk) or await lookups.takes(talk):
        return
    if talk.state.question == RETURN:
        talk.state.question = None
        picked = returning.picked(talk)
        if picked:
            await (moving.cancel(talk) if picked == returning.DROP else steps.go_on(talk))
            return
    if talk.state.question == CHANGE:
        talk.state.question = None
        if talk.state.task and talk.state.task.joint and members.pick_left_out(talk):
            return
        field = moving.named_field(talk)
        if field:
            await moving.ask_anew(talk, field)
            return
    if (
        await _leaves_unbinding(talk)
        or await oneself.takes(talk)
        or await whose.takes(talk)
        or await asides.takes(talk)
        or await afterwards.tells_of_another(talk)
        or await afterwards.takes(talk)
        or await owed.takes(talk)
        or await starting.name_family(talk)
        or await _about_several(talk)
        or await _answers_whom_or_what(talk)
        or await _about_refunds(talk)
        or await agreeing.changes_card(talk)
        or await loosely.takes(talk)
    ):
        return
    await handler(talk)


def _asks_to_pay(talk: Talk) -> bool:
    """Whether somebody shall be paid for, whatever else it looks like: 我、老公、两个娃; 等哈，先给我娃儿交."""
    intent, names = talk.turn.intent, talk.turn.last("beneficiary") is not None
    if intent in UNCLEAR and names and (family.take_family(talk) or beside.is_put_in_place(talk)):
        return True
    unsure = intent == "faq" and names and not faq.is_sure(talk.turn) and not answering.asks(talk)
    goes_on = talk.state.task is None and not (talk.state.login or talk.state.question)
    if goes_on and intent in GUESSED and before.goes_on(talk) and before.PAYS.search(talk.turn.text):
        return not answering.asks(talk)  # 还有一年也缴
    return (
        (unsure and starting.WANTS.search(talk.turn.text) is not None)
        or (intent in GUESSED and others.names_somebody(talk))
        or (intent == "hold" and beside.goes_first(talk))
    )


async def _about_several(talk: Talk) -> bool:
    """Who is left out of several, or comes along: then whoever is in work goes on."""
    if not await members.takes(talk):
        return False
    await steps.go_on(talk)
    return True


async def _answers_whom_or_what(talk: Talk) -> bool:
    """What is no other sentence while it is asked who is paid for, or which arrears: 另一个人, 护照, 都交."""
    task = talk.state.task
    if task is None or task.kind != "pay" or talk.state.login or talk.turn.intent in MOVING:
        return False
    if (
        before.takes_mine(talk)
        or await owed_years.takes(talk, task)
        or await answering.take_all(talk, task)
        or await answering.take_all_insurances(talk, task)
        or (others.is_asking(talk) and await answering.answer_question(talk, task))
    ):
        await steps.go_on(talk)
        return True
    if others.answers(talk) and (others.is_asking(talk) or beside.is_named_early(talk)):
        await starting.change(talk, task)
        return True
    return False


async def _about_refunds(talk: Talk) -> bool:
    """退费办到哪了, 不退了, and answers to what is asked about a refund, whatever else they look like."""
    task, turn = talk.state.task, talk.turn
    if talk.state.login or turn.poke:
        return False
    in_work = task is not None and task.kind == "refund" and task.asked is not None
    if refund_words.takes_back(turn) and not (turn.last("refund_view")):
        await (moving.cancel(talk) if in_work else starting.refund(talk, refund_view=refunding.WITHDRAW))
        return True
    if refund_words.asks_state(turn) and (turn.intent != "faq" or await _has_case(talk)):
        number = refund_words.number_in(turn.text)
        named = {refunding.CASE: number} if number else {}
        await starting.refund(talk, refund_view=refunding.STATE, **named)
        return True
    if not in_work or turn.intent in MOVING or not await intents.answer(talk, talk.state.task):
        return False
    await steps.go_on(talk)
    return True


async def _has_case(talk: Talk) -> bool:
    bound = await talk.services.identity.find_bound(talk.conversation_id)
    return bound is not None and bool(await talk.services.refunds.list_of(bound.person_id))


async def _leaves_unbinding(talk: Talk) -> bool:
    """确认支付 while it is asked 要解绑吗: that is no yes to it; what is to be paid is shown again."""
    if talk.state.question != UNBIND or talk.turn.intent != "affirm" or not whose.is_about_paying(talk):
        return False
    talk.state.question = None
    talk.tell("unbind.kept")
    await steps.go_on(talk)
    return True
