"""What each intent asks for when nothing else in the turn was heard before it (`dialogue`)."""

from collections.abc import Awaitable, Callable

from actions import (
    agreeing,
    answering,
    before,
    cards,
    faq,
    halves,
    login,
    lookups,
    moving,
    others,
    papers,
    queries,
    refunding,
    starting,
    steps,
)
from actions.say import say
from actions.state import CONFIRM, STATUS, UNBIND, Task
from actions.talk import Talk


async def inform(talk: Talk) -> None:
    task = talk.state.task
    if task is None:
        await _inform_anew(talk)
    elif others.take_next(talk):  # 我妈也一起
        await starting.pay(talk)
    elif await answer(talk, task):
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


async def answer(talk: Talk, task: Task | None) -> bool:
    if task is None or task.kind == STATUS:
        return False
    if task.kind == "refund":
        return await refunding.answer_question(talk, task)
    if task.kind == "pay":
        return await answering.answer_question(talk, task)
    if task.kind == "query":
        return await queries.answer_question(talk, task)
    return await papers.answer_question(talk, task)


async def affirm(talk: Talk) -> None:
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


async def unclear(talk: Talk) -> None:
    """Not understood: perhaps it is one of the offered answers in other words; else the question again."""
    task = talk.state.task
    if task and await answer(talk, task):
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


async def pay(talk: Talk) -> None:
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
    "pay_insurance": pay,
    "get_certificate": starting.certificate,
    "query_records": starting.query,
    "check_payment_status": steps.show_status,
    "inform": inform,
    "affirm": affirm,
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
