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
    cards,
    family,
    faq,
    halves,
    login,
    lookups,
    loosely,
    meant,
    members,
    moving,
    news,
    others,
    owed,
    papers,
    queries,
    refund_words,
    refunding,
    returning,
    starting,
    steps,
    stopping,
    whose,
)
from actions.cards import Message
from actions.say import say
from actions.state import CHANGE, CONFIRM, RETURN, STATUS, UNBIND, Dialogue, Task
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
    handler = _affirm if agreeing.is_bare_yes(talk) else HANDLERS.get(talk.turn.intent, _unclear)
    if _asks_to_pay(talk) or others.comes_along(talk) or (talk.turn.intent in HALVES and halves.begins(talk)):
        handler = starting.pay
    anew = handler is moving.change_answer and talk.state.task is None  # 不对，只要去年的
    return _inform if (handler in {_pay, starting.pay} or anew) and lookups.is_meant(talk) else handler


async def _respond(talk: Talk) -> None:
    lookups.hear_second_half(talk)
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
    if not in_work or turn.intent in MOVING or not await _answer(talk, talk.state.task):
        return False
    await steps.go_on(talk)
    return True


async def _has_case(talk: Talk) -> bool:
    bound = await talk.services.identity.find_bound(talk.conversation_id)
    return bound is not None and bool(await talk.services.refunds.list_of(bound.person_id))


async def _inform(talk: Talk) -> None:
    task = talk.state.task
    if task is None:
        await _inform_anew(talk)
    elif others.take_next(talk):  # 我妈也一起
        await starting.pay(talk)
    elif await _answer(talk, task):
        await steps.go_on(talk)
    elif await steps.answered_anew(talk, task):
        return
    else:
        await starting.change(talk, task)


async def _inform_anew(talk: Talk) -> None:
    """A mere value, with nothing open: it begins something, or goes on from what was done last."""
    about = any(talk.turn.last(name) for name in ("insured_group", "insurance", "beneficiary"))
    pays = talk.turn.last("payment_type") is not None
    if papers.goes_on(talk):
        await starting.certificate(talk)
    elif starting.has_done(talk, "pay") and others.take_next(talk):  # 我也交六百的
        await starting.pay(talk)
    elif about and not pays and lookups.is_meant(talk):  # nobody has asked to pay
        is_query = starting.has_done(talk, "query")
        await (starting.query(talk) if is_query else starting.certificate(talk))
    elif about or pays or starting.names_tier(talk):
        await starting.pay(talk)
    elif talk.turn.last("certificate_kind") or (
        talk.turn.last("fee_year") and starting.has_done(talk, "certificate")
    ):
        await starting.certificate(talk)
    elif starting.has_done(talk, "pay") and any(
        talk.turn.last(name) for name in ("tier", "fee_period", "fee_year", "agency")
    ):
        await starting.pay_again(talk)
    elif before.goes_on(talk):
        await starting.pay(talk)
    elif not halves.keep(talk):
        await starting.resume(talk)


async def _answer(talk: Talk, task: Task | None) -> bool:
    if task is None or task.kind == STATUS:
        return False
    if task.kind == "refund":
        return await refunding.answer_question(talk, task)
    if task.kind == "pay":
        return await answering.answer_question(talk, task)
    if task.kind == "query":
        return await queries.answer_question(talk, task)
    return await papers.answer_question(talk, task)


async def _affirm(talk: Talk) -> None:
    task = talk.state.task
    if talk.state.question == UNBIND:
        await _unbind_now(talk)
    elif task and task.kind == "pay" and (task.asked == CONFIRM or talk.turn.last("draft_id")):
        if await login.go_on(talk):
            await agreeing.affirm(talk, task)
    elif talk.turn.last(refunding.ORDER) or (task and task.kind == "refund" and task.asked == CONFIRM):
        await agreeing.confirm_refund(talk)
    else:
        await starting.resume(talk)


async def _deny(talk: Talk) -> None:
    task = talk.state.task
    if talk.state.question == UNBIND:
        talk.state.question = None
        talk.tell("unbind.kept")
    elif talk.state.login == login.CONSENT:
        await login.refuse(talk)
    elif await steps.answered_anew(talk, task):
        return
    elif task and task.kind == "pay" and task.asked == CONFIRM:
        agreeing.deny(talk, task)
    elif task and talk.turn.values:
        await starting.change(talk, task)  # 不不不，五百 is no wish to leave
    elif task:
        await moving.cancel(talk)
    else:
        talk.tell("fine", *steps.menu_buttons())


async def _unclear(talk: Talk) -> None:
    """Not understood: perhaps it is one of the offered answers in other words; else the question again."""
    task = talk.state.task
    if task and await _answer(talk, task):
        talk.state.misses = 0
        await steps.go_on(talk)
        return
    if await steps.answered_anew(talk, task):
        talk.state.misses = 0
        return
    talk.state.misses += 1
    if talk.state.misses >= 2:
        talk.tell("unclear_again", (say("button.human"), "/request_human"), (say("button.menu"), "/help"))
    else:
        open_ = bool(talk.state.task or talk.state.login or talk.state.question)
        talk.tell("unclear", open=open_)
    await steps.ask_again(talk)


def _aside(key: str) -> Callable[[Talk], Awaitable[None]]:
    async def handler(talk: Talk) -> None:
        talk.tell(key)
        await steps.ask_again(talk)

    return handler


async def _greet(talk: Talk) -> None:
    if talk.state.task or talk.state.login:
        talk.tell("greet_again")
        await steps.go_on(talk)
    else:
        steps.show_menu(talk, "greet")


async def _goodbye(talk: Talk) -> None:
    talk.tell("goodbye_open" if talk.state.task else "goodbye")


async def _help(talk: Talk) -> None:
    steps.show_menu(talk, "help")
    if talk.state.task and talk.state.task.asked:
        await steps.go_on(talk)


async def _faq(talk: Talk) -> None:
    task = talk.state.task
    if not faq.is_sure(talk.turn) and await steps.answered_anew(talk, task):
        return
    _answer_question(talk)
    before.remember_topic(talk)
    await steps.ask_again(talk)


def _answer_question(talk: Talk) -> None:
    """A question asked without a task is about what was done last; 那就交 after it is about the same insurance."""
    task, turn = talk.state.task, talk.turn
    facts = task.facts if task else talk.state.done
    found = faq.answer_in_context(turn, facts, talk.today, offers=task is None)
    talk.add(cards.text(found or say("faq.unsure")))
    about = faq.insurance_of(faq.topic_in_context(turn, facts)) if faq.is_sure(turn) else {}
    if about:
        talk.state.hint = {"about": about}


async def _pay(talk: Talk) -> None:
    """交居民医保，顺便问一下…: the question is answered, and the payment goes on."""
    if talk.turn.last("faq_topic") and faq.is_sure(talk.turn):
        found = faq.answer_in_context(talk.turn, {}, talk.today, offers=False)
        talk.add(cards.text(found or say("faq.unsure")))
    await starting.pay(talk)


async def _complain(talk: Talk) -> None:
    if not await steps.answered_anew(talk, talk.state.task):  # 太贵了，六十 says what it shall be
        await _aside("complain")(talk)


async def _unbind(talk: Talk) -> None:
    if await talk.services.identity.find_bound(talk.conversation_id) is None:
        talk.tell("unbind.nobody")
        return
    talk.state.question = UNBIND
    await steps.go_on(talk)


async def _leaves_unbinding(talk: Talk) -> bool:
    """确认支付 while it is asked 要解绑吗: that is no yes to it; what is to be paid is shown again."""
    if talk.state.question != UNBIND or talk.turn.intent != "affirm" or not whose.is_about_paying(talk):
        return False
    talk.state.question = None
    talk.tell("unbind.kept")
    await steps.go_on(talk)
    return True


async def _unbind_now(talk: Talk) -> None:
    await talk.services.identity.unbind(talk.conversation_id)
    talk.state.forget_person()
    talk.tell("unbind.done", (say("button.login"), "/login"))


HANDLERS: dict[str, Callable[[Talk], Awaitable[None]]] = {
    "greet": _greet,
    "goodbye": _goodbye,
    "thank": _aside("thank"),
    "bot_challenge": _aside("bot_challenge"),
    "chitchat": _aside("chitchat"),
    "complain": _complain,
    "request_human": _aside("human"),
    "request_refund": starting.refund,
    "help": _help,
    "faq": _faq,
    "login": starting.log_in,
    "pay_insurance": _pay,
    "get_certificate": starting.certificate,
    "query_records": starting.query,
    "check_payment_status": steps.show_status,
    "inform": _inform,
    "affirm": _affirm,
    "deny": _deny,
    "go_back": moving.go_back,
    "change_answer": moving.change_answer,
    "cancel": moving.cancel,
    "restart": moving.restart,
    "repeat": moving.repeat,
    "hold": moving.hold,
    "resume_bot": starting.resume,
    "unbind_identity": _unbind,
}
