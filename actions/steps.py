"""What is said next: the open question, the menu, how it stands with an order."""

from actions import (
    answering,
    awaited,
    basket,
    cards,
    login,
    papers,
    paying,
    queries,
    refunding,
    returning,
    undecided,
)
from actions.say import say
from actions.state import CONFIRM, PAYMENT, TELL, UNBIND, WHOSE, Task
from actions.talk import Talk

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
    ("menu.pay_for_other", '/pay_insurance{"beneficiary": "other"}'),
    ("menu.payment_record", papers.PAYMENT_RECORD),
    ("menu.tax_certificate", papers.TAX_CERTIFICATE),
    ("menu.query", "/query_records"),
    ("menu.status", "/check_payment_status"),
)


async def go_on(talk: Talk) -> None:
    """Say what is open: a question, the next step of logging in, the review, the payment."""
    if talk.state.question == UNBIND:
        talk.tell("unbind.ask", (say("button.unbind"), "/affirm"), (say("button.keep"), "/deny"))
        return
    if talk.state.question == TELL and not talk.turn.poke:
        await awaited.offer_again(talk)
        return
    if talk.state.question == WHOSE:
        undecided.ask_whose(talk)
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
        talk.tell("login.done", *menu_buttons())
    elif task.joint:
        await _go_on_together(talk, task)
    elif task.kind == "pay":
        await paying.go_on(talk, task, bound)
    elif task.kind == "query":
        await queries.go_on(talk, task, bound)
    elif task.kind == "refund":
        await refunding.go_on(talk, task, bound)
    else:
        await papers.go_on(talk, task, bound)


async def _go_on_together(talk: Talk, task: Task) -> None:
    if task.asked == PAYMENT and task.order_no:
        await paying.show_order(talk, task.order_no)
    else:
        await basket.review(talk)


async def ask_again(talk: Talk) -> None:
    """After something in between the open question is asked again."""
    if talk.state.task or talk.state.login or talk.state.question:
        await go_on(talk)


async def answered_anew(talk: Talk, task: Task | None) -> bool:
    """Whether the turn answers the open question, or one anew at the review; then it goes on."""
    if task is None or task.kind != "pay" or task.joint:
        return False
    if not await answering.answer_question(talk, task) and not await answering.answer_anew(talk, task):
        return False
    if task.asked in {CONFIRM, PAYMENT}:
        task.asked = None
    await go_on(talk)
    return True


async def show_status(talk: Talk) -> None:
    """刷新: ask the gateway for the truth."""
    order_no = talk.state.order_no
    if order_no is None:
        latest = await talk.services.payment.find_latest(talk.conversation_id)
        order_no = latest.order_no if latest else None
    if order_no is None:
        if talk.state.task or talk.state.login:
            if talk.turn.intent == "check_payment_status":
                talk.tell("pay.none_yet")
            await go_on(talk)
        else:
            talk.tell("pay.no_order", *menu_buttons())
        return
    order = await talk.services.payment.refresh(order_no)
    await paying.show(talk, order)


def show_menu(talk: Talk, key: str) -> None:
    talk.add(cards.menu(say(key), [(say(name), payload) for name, payload in MENU]))


def menu_buttons() -> tuple[tuple[str, str], ...]:
    return ((say("button.pay"), "/pay_insurance"), (say("button.payment_record"), papers.PAYMENT_RECORD))
