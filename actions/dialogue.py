"""What a turn does to the conversation: start, answer, change, back, digress, cancel, resume. Once, for all.

`take_turn` is the only entrance. First what has happened outside is told, then what was said is done,
then the open question is asked again if something else came between.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from actions import answering, cards, faq, login, papers, paying, returning
from actions.cards import Message
from actions.choices import choose
from actions.flows import find_flow
from actions.say import say
from actions.slots import Option
from actions.state import CHANGE, CONFIRM, LEFT, PAYMENT, RETURN, UNBIND, Dialogue, Task
from actions.talk import Talk
from actions.turn import Turn
from services.bootstrap import Services
from services.domain.errors import ServiceError

MENU = (
    (
        "menu.pay_resident_medical",
        '/pay_insurance{"insured_group": "urban_rural_resident", "insurance": "medical"}',
    ),
    (
        "menu.pay_resident_pension",
        '/pay_insurance{"insured_group": "urban_rural_resident", "insurance": "pension"}',
    ),
    (
        "menu.pay_flexible_pension",
        '/pay_insurance{"insured_group": "flexible_employment", "insurance": "pension"}',
    ),
    (
        "menu.pay_flexible_medical",
        '/pay_insurance{"insured_group": "flexible_employment", "insurance": "medical"}',
    ),
    ("menu.payment_record", papers.PAYMENT_RECORD),
    ("menu.status", "/check_payment_status"),
)


async def take_turn(services: Services, state: Dialogue, turn: Turn) -> list[Message]:
    """The answers to `turn`; `state` is moved on. Expected failures become an `error` card."""
    talk = Talk(services=services, turn=turn, state=state)
    talk.returning = returning.came_back(talk)
    await _news(talk)
    try:
        if state.question != RETURN or not talk.told_orders or turn.intent in returning.ACTING:
            await _respond(talk)
        while state.parked and state.task is None and not state.login and not state.question:
            state.task = state.parked.pop(0)
            talk.tell("resume", what=returning.describe(state.task))
            await go_on(talk)
    except ServiceError as error:
        talk.tell_error(error)
        if not error.retryable and state.task and state.task.asked in {None, CONFIRM}:
            state.task = None
    if talk.told_orders:
        await _tell_notices(talk)  # of what this turn itself has found out: told once, not again in the next
    if not talk.replies and not turn.poke:
        talk.tell("nothing_open", *_menu_buttons())
    return talk.replies


async def _news(talk: Talk) -> None:
    """What moved outside since the last turn: a payment made, an order ready, a payment booked."""
    task = talk.state.task
    if talk.state.order_no and task and task.asked == PAYMENT and talk.turn.intent != "check_payment_status":
        with suppress(ServiceError):  # the sweeper asks again by itself; who asks for the state is told more
            patient = talk.turn.intent in {"resume_bot", "affirm"}  # 好了: the truth is worth a wait
            await talk.services.payment.refresh(talk.state.order_no, patient=patient)
    told, talk.state.told = talk.state.told, []
    await _tell_notices(talk, told)


async def _tell_notices(talk: Talk, told: Sequence[str] = ()) -> None:
    """`told` are the ids that the last turn has told."""
    for notice in await talk.services.notices.take(talk.conversation_id, told):
        if notice.notice_id in talk.state.told:
            continue
        talk.state.told.append(notice.notice_id)
        if notice.kind in {"payment_request", "payment_status"}:
            await paying.show_order(talk, notice.facts["order_no"])
        elif notice.kind == "payment_booked":
            talk.tell("pay.news_booked", (say("button.payment_record"), papers.PAYMENT_RECORD))


async def _respond(talk: Talk) -> None:
    handler = HANDLERS.get(talk.turn.intent, _unclear)
    if talk.turn.intent not in {"out_of_scope", "nlu_fallback"}:
        talk.state.misses = 0
    if talk.state.login and await login.take_typed(talk):
        return
    if talk.state.question == RETURN:
        talk.state.question = None
        picked = returning.picked(talk)
        if picked:
            await (_cancel(talk) if picked == returning.DROP else go_on(talk))
            return
    if talk.state.question == CHANGE:
        talk.state.question = None
        field = _named_field(talk)
        if field:
            await _ask_anew(talk, field)
            return
    await handler(talk)


async def go_on(talk: Talk) -> None:
    """Say what is open: a question, the next step of logging in, the review, the payment."""
    if talk.state.question == UNBIND:
        talk.tell("unbind.ask", (say("button.unbind"), "/affirm"), (say("button.keep"), "/deny"))
        return
    if talk.returning:
        talk.returning = False
        returning.offer(talk)
        return
    task = talk.state.task
    if task is None and not talk.state.login:
        return
    bound = await login.go_on(talk)
    if bound is None:
        return
    if task is None:
        talk.tell("login.done", *_menu_buttons())
    elif task.kind == "pay":
        await paying.go_on(talk, task, bound)
    else:
        await papers.go_on(talk, task, bound)


# --- starting ---------------------------------------------------------------------------------------


async def _pay(talk: Talk) -> None:
    task = talk.state.task
    if task is None or task.kind != "pay" or _another(talk, task):
        task = _start(talk, "pay")
        if talk.turn.last("payment_type") and not (
            talk.turn.last("insurance") or talk.turn.last("insured_group")
        ):
            task.facts = _same_insurance(talk)  # 那正常缴, after a 补缴 that is not possible
        second = paying.take_second(talk)
        if second:
            await _pay_both(talk, *second)
            return
    await _change(talk, task)


async def _pay_both(talk: Talk, first: Task, second: Task) -> None:
    """医保和养老 in one sentence: one after the other."""
    talk.state.task = first
    talk.state.parked.insert(0, second)
    talk.tell("pay.one_by_one", first=returning.describe(first), second=returning.describe(second))
    await go_on(talk)


def _another(talk: Talk, task: Task) -> bool:
    """Whether what was said is another payment than the one in work."""
    if task.asked == PAYMENT:
        return True
    return any(
        talk.turn.last(name) is not None
        and name in task.facts
        and str(talk.turn.last(name)) != task.facts[name]
        for name in ("insured_group", "insurance")
    )


def _start(talk: Talk, kind: str) -> Task:
    """A new task; one of another kind that is open waits until this one is done."""
    old = talk.state.task
    if old and old.kind != kind and old.facts and old.asked != PAYMENT:
        talk.state.parked.insert(0, old)
    talk.state.task = Task(kind=kind)
    return talk.state.task


async def _change(talk: Talk, task: Task) -> None:
    """Take the facts of the turn into the task and go on from there."""
    if task.kind == "pay":
        if talk.turn.last("beneficiary") == "other":
            talk.state.task = None
            talk.tell("pay.others_not_open", (say("button.pay_self"), "/pay_insurance"))
            return
        if paying.take_facts(talk, task) and task.asked in {CONFIRM, PAYMENT}:
            task.asked = None
    else:
        papers.take_facts(talk, task)
    await go_on(talk)


async def _certificate(talk: Talk) -> None:
    task = talk.state.task
    if task is None or task.kind != "certificate":
        task = _start(talk, "certificate")
    await _change(talk, task)


async def _query(talk: Talk) -> None:
    if talk.state.order_no and not any(talk.turn.last(name) for name in ("fee_year", "date_range")):
        await _status(talk)  # 交了没有: the payment that was just made
        return
    talk.tell("query.not_open", (say("button.payment_record"), papers.PAYMENT_RECORD))
    await _ask_again(talk)


async def _login(talk: Talk) -> None:
    bound = await talk.services.identity.find_bound(talk.conversation_id)
    if bound and not talk.state.login:
        talk.tell("login.already", *_menu_buttons())
        await _ask_again(talk)
    elif talk.state.login in {login.ID_NUMBER, login.PERSON_NAME}:
        await login.consent_again(talk)
    else:
        talk.state.login = talk.state.login or login.CONSENT
        await go_on(talk)


# --- answering --------------------------------------------------------------------------------------


async def _inform(talk: Talk) -> None:
    task = talk.state.task
    if task is None:
        if any(
            talk.turn.last(name) for name in ("insured_group", "insurance", "payment_type", "beneficiary")
        ):
            await _pay(talk)
        elif talk.turn.last("certificate_kind") or (
            talk.turn.last("fee_year") and _done(talk, "certificate")
        ):
            await _certificate(talk)
        elif _done(talk, "pay") and any(
            talk.turn.last(name) for name in ("tier", "fee_period", "fee_year", "agency")
        ):
            talk.state.task = Task(kind="pay", facts=_same_insurance(talk))
            await _change(talk, talk.state.task)
        else:
            await _continue(talk)
    elif await _answer(talk, task):
        await go_on(talk)
    elif await _answered_anew(talk, task):
        return
    else:
        await _change(talk, task)


def _done(talk: Talk, kind: str) -> bool:
    """Whether what was finished last is of this kind."""
    return talk.state.done.get("kind") == kind


def _same_insurance(talk: Talk) -> dict[str, str]:
    return {name: value for name, value in talk.state.done.items() if name not in {"kind", LEFT}}


async def _answer(talk: Talk, task: Task) -> bool:
    if task.kind == "pay":
        return await answering.answer_question(talk, task)
    return await papers.answer_question(talk, task)


async def _answered_anew(talk: Talk, task: Task | None) -> bool:
    """Whether the turn answers the open question, or one anew at the review; then it goes on."""
    if task is None or task.kind != "pay":
        return False
    if not await answering.answer_question(talk, task) and not await answering.answer_anew(talk, task):
        return False
    if task.asked in {CONFIRM, PAYMENT}:
        task.asked = None
    await go_on(talk)
    return True


async def _affirm(talk: Talk) -> None:
    task = talk.state.task
    if talk.state.question == UNBIND:
        await _unbind_now(talk)
    elif task and task.kind == "pay" and (task.asked == CONFIRM or talk.turn.last("draft_id")):
        if await login.go_on(talk):
            await paying.confirm(talk, task)
    else:
        await _continue(talk)


async def _deny(talk: Talk) -> None:
    task = talk.state.task
    if talk.state.question == UNBIND:
        talk.state.question = None
        talk.tell("unbind.kept")
    elif talk.state.login == login.CONSENT:
        await login.refuse(talk)
    elif await _answered_anew(talk, task):
        return
    elif task and task.asked == CONFIRM:
        talk.tell(
            "pay.not_confirmed", (say("button.change"), "/change_answer"), (say("button.cancel"), "/cancel")
        )
    elif task:
        await _cancel(talk)
    else:
        talk.tell("fine", *_menu_buttons())


async def _continue(talk: Talk) -> None:
    """好了, 继续, a bare 好的: whatever is open goes on."""
    if talk.state.task or talk.state.login or talk.state.question:
        await go_on(talk)
    elif returning.wants_back(talk):
        talk.state.task = Task(kind="pay", facts=_same_insurance(talk))
        returning.offer(talk)
    elif not talk.replies and not talk.turn.poke:
        talk.tell("nothing_open", *_menu_buttons())


async def _unclear(talk: Talk) -> None:
    """Not understood: perhaps it is one of the offered answers in other words; else the question again."""
    task = talk.state.task
    if task and await _answer(talk, task):
        talk.state.misses = 0
        await go_on(talk)
        return
    if await _answered_anew(talk, task):
        talk.state.misses = 0
        return
    talk.state.misses += 1
    if talk.state.misses >= 2:
        talk.tell("unclear_again", (say("button.human"), "/request_human"), (say("button.menu"), "/help"))
    else:
        talk.tell("unclear")
    await _ask_again(talk)


# --- moving -----------------------------------------------------------------------------------------


async def _go_back(talk: Talk) -> None:
    task = talk.state.task
    if task is None:
        talk.tell("nothing_to_go_back", *_menu_buttons())
        return
    if talk.state.login == login.PERSON_NAME:
        talk.state.id_token, talk.state.name_token, talk.state.login = None, None, login.ID_NUMBER
        await go_on(talk)
        return
    if task.asked in task.before:
        task.put(task.asked, task.before[task.asked])
        task.asked, task.before = None, {}
        await go_on(talk)
        return
    answered = [name for name in task.answered if name != task.asked]
    if not answered:
        await _change_what(talk, task)
        return
    if task.asked in task.answered:
        task.forget(task.asked)
    task.forget(answered[-1])
    task.asked = None
    await go_on(talk)


async def _change_answer(talk: Talk) -> None:
    task = talk.state.task
    if task is None:
        await (_pay(talk) if talk.turn.values else _continue(talk))
        return
    field = talk.turn.last("field")
    if field:
        await _ask_anew(talk, str(field))
    elif talk.turn.values:
        await _change(talk, task)
    elif not await _answered_anew(talk, task):
        await _change_what(talk, task)


async def _ask_anew(talk: Talk, field: str) -> None:
    """Ask for one answer again, also one that could be taken for granted."""
    task = talk.state.task
    if task and field in find_flow(task.facts).slots:
        task.before = {field: task.facts[field]} if field in task.facts else {}
        task.forget(field)
        task.reask = field
        task.asked = None
    await go_on(talk)


async def _change_what(talk: Talk, task: Task) -> None:
    if task.kind != "pay" or task.asked not in {CONFIRM, PAYMENT}:
        await go_on(talk)
        return
    items = [(title, f'/change_answer{{"field": "{name}"}}') for name, title in _fields(task).items()]
    if not items:
        talk.tell("change.nothing")
        await go_on(talk)
        return
    talk.state.question = CHANGE
    talk.add(cards.menu(say("change.what", titles=[title for title, _ in items]), items))


def _fields(task: Task) -> dict[str, str]:
    """The answers of the task that can be changed, by slot, as the review names them."""
    asks = find_flow(task.facts).asks
    names = [slot.name for slot in asks if slot.name in task.facts and slot.name not in task.single]
    return {name: say(f"line.label.{name}") for name in names}


def _named_field(talk: Talk) -> str | None:
    """Which answer was meant by its name ("缴费档次", "档次") or its place ("第二个")."""
    task = talk.state.task
    if task is None:
        return None
    options = [Option(value=name, title=title) for name, title in _fields(task).items()]
    return choose(talk.turn, "field", options)


async def _cancel(talk: Talk) -> None:
    task = talk.state.task
    if talk.state.question == UNBIND:
        talk.state.question = None
        talk.tell("unbind.kept")
        return
    if task and task.order_no:
        order = await talk.services.payment.abandon(task.order_no)
        key = "cancel.closed" if order.status == "closed" else f"cancel.{order.status}"
        talk.told_orders[order.order_no] = order.status
        talk.tell(key, until=order.expires_at, total=order.total)
        talk.state.finish(left=order.status in {"closed", "pending"})
    elif task or talk.state.login:
        talk.state.finish(left=True)
        talk.state.forget_login()
        talk.tell("cancel.done", *_menu_buttons())
    else:
        talk.tell("cancel.nothing", *_menu_buttons())


async def _restart(talk: Talk) -> None:
    talk.state.parked = []
    task = talk.state.task
    if task and task.order_no:
        await _cancel(talk)
    talk.state.task, talk.state.question = None, None
    talk.state.forget_login()
    _show_menu(talk, "restarted")


async def _hold(talk: Talk) -> None:
    talk.tell("hold", (say("button.go_on"), "/resume_bot"))


async def _repeat(talk: Talk) -> None:
    if talk.state.task or talk.state.login or talk.state.question:
        await go_on(talk)
    else:
        _show_menu(talk, "help")


async def _status(talk: Talk) -> None:
    """刷新: ask the gateway for the truth."""
    order_no = talk.state.order_no
    if order_no is None:
        latest = await talk.services.payment.find_latest(talk.conversation_id)
        order_no = latest.order_no if latest else None
    if order_no is None:
        if talk.state.task or talk.state.login:
            await go_on(talk)
        else:
            talk.tell("pay.no_order", *_menu_buttons())
        return
    order = await talk.services.payment.refresh(order_no)
    paying.show(talk, order)


# --- digressions ------------------------------------------------------------------------------------


async def _ask_again(talk: Talk) -> None:
    """After something in between the open question is asked again."""
    if talk.state.task or talk.state.login or talk.state.question:
        await go_on(talk)


def _aside(key: str) -> Callable[[Talk], Awaitable[None]]:
    async def handler(talk: Talk) -> None:
        talk.tell(key)
        await _ask_again(talk)

    return handler


async def _greet(talk: Talk) -> None:
    if talk.state.task or talk.state.login:
        talk.tell("greet_again")
        await go_on(talk)
    else:
        _show_menu(talk, "greet")


async def _goodbye(talk: Talk) -> None:
    talk.tell("goodbye_open" if talk.state.task else "goodbye")


async def _help(talk: Talk) -> None:
    _show_menu(talk, "help")
    if talk.state.task and talk.state.task.asked:
        await go_on(talk)


async def _faq(talk: Talk) -> None:
    task = talk.state.task
    if not faq.is_sure(talk.turn) and await _answered_anew(talk, task):
        return
    talk.add(cards.text(faq.answer_in_context(talk.turn, task.facts if task else {}) or say("faq.unsure")))
    await _ask_again(talk)


async def _complain(talk: Talk) -> None:
    if not await _answered_anew(talk, talk.state.task):  # 太贵了，六十 says what it shall be
        await _aside("complain")(talk)


async def _unbind(talk: Talk) -> None:
    if await talk.services.identity.find_bound(talk.conversation_id) is None:
        talk.tell("unbind.nobody")
        return
    talk.state.question = UNBIND
    await go_on(talk)


async def _unbind_now(talk: Talk) -> None:
    await talk.services.identity.unbind(talk.conversation_id)
    talk.state.question, talk.state.task, talk.state.parked, talk.state.order_no = None, None, [], None
    talk.tell("unbind.done", (say("button.login"), "/login"))


def _show_menu(talk: Talk, key: str) -> None:
    talk.add(cards.menu(say(key), [(say(name), payload) for name, payload in MENU]))


def _menu_buttons() -> tuple[tuple[str, str], ...]:
    return ((say("button.pay"), "/pay_insurance"), (say("button.payment_record"), papers.PAYMENT_RECORD))


HANDLERS: dict[str, Callable[[Talk], Awaitable[None]]] = {
    "greet": _greet,
    "goodbye": _goodbye,
    "thank": _aside("thank"),
    "bot_challenge": _aside("bot_challenge"),
    "chitchat": _aside("chitchat"),
    "complain": _complain,
    "request_human": _aside("human"),
    "request_refund": _aside("refund"),
    "help": _help,
    "faq": _faq,
    "login": _login,
    "pay_insurance": _pay,
    "get_certificate": _certificate,
    "query_records": _query,
    "check_payment_status": _status,
    "inform": _inform,
    "affirm": _affirm,
    "deny": _deny,
    "go_back": _go_back,
    "change_answer": _change_answer,
    "cancel": _cancel,
    "restart": _restart,
    "repeat": _repeat,
    "hold": _hold,
    "resume_bot": _continue,
    "unbind_identity": _unbind,
}
