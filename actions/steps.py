"""What is said next: the open question, the menu, how it stands with an order."""

from actions import (
    answering,
    awaited,
    basket,
    cards,
    lately,
    login,
    orders,
    papers,
    paying,
    queries,
    refunding,
    returning,
    undecided,
)
from actions.say import say
from actions.state import CONFIRM, PAYMENT, STATUS, TELL, UNBIND, WHOSE, Task
from actions.talk import Talk
from services.identity import BoundPerson
from services.payment import OrderView

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
    else:
        await _go_on_with(talk, task, bound)


async def _go_on_with(talk: Talk, task: Task, bound: BoundPerson) -> None:
    """The next step of the task, once it is known who speaks."""
    if task.joint:
        await _go_on_together(talk, task)
    elif task.kind == "pay":
        await paying.go_on(talk, task, bound)
    elif task.kind == "query":
        await queries.go_on(talk, task, bound)
    elif task.kind == "refund":
        await refunding.go_on(talk, task, bound)
    elif task.kind == STATUS:
        talk.state.task = None
        await lately.tell(talk, bound)
    else:
        await papers.go_on(talk, task, bound)


async def _go_on_together(talk: Talk, task: Task) -> None:
    if task.asked == PAYMENT and task.order_no:
        await orders.show_order(talk, task.order_no)
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
    order = await talk.services.payment.find_order(order_no) if order_no else None
    order = order or await talk.services.payment.find_latest(talk.conversation_id)
    bound = await talk.services.identity.find_bound(talk.conversation_id)
    latest = await lately.find(talk, bound) if bound else []
    elsewhere = latest and (order is None or _is_newer(latest[-1], order))
    task = talk.state.task
    beside = task is not None and task.order_no is None
    if order is not None and not elsewhere:
        await orders.show(talk, await talk.services.payment.refresh(order.order_no))
        if beside:
            await go_on(talk)
    elif bound is None:
        await _ask_who(talk)
    elif latest or not talk.state.task:
        await lately.tell(talk, bound)
        await ask_again(talk)
    else:
        talk.tell("pay.none_yet")
        await go_on(talk)


def _is_newer(latest: OrderView, order: OrderView) -> bool:
    """Whether the latest one was made after the one of this conversation, which is not to be paid any more."""
    return order.status != "pending" and latest.expires_at > order.expires_at


async def _ask_who(talk: Talk) -> None:
    """What was paid is told once it is known who asks; what was open goes on afterwards."""
    task = talk.state.task
    if task is None or task.kind != STATUS:
        if task and task.facts:
            talk.state.parked.insert(0, task)
        talk.state.task = Task(kind=STATUS)
        talk.tell("pay.who_asks")
    await go_on(talk)


def show_menu(talk: Talk, key: str) -> None:
    talk.add(cards.menu(say(key), [(say(name), payload) for name, payload in MENU]))


def menu_buttons() -> tuple[tuple[str, str], ...]:
    return ((say("button.pay"), "/pay_insurance"), (say("button.payment_record"), papers.PAYMENT_RECORD))
