"""After an order: 重新付 takes up what was closed or left; 选错档了 can't change what is paid."""

import re

from actions import paying, returning, steps
from actions.choices import plain
from actions.reviewing import order_facts
from actions.say import say
from actions.state import CONFIRM, PAYMENT
from actions.talk import Talk
from services.domain.kinds import Insurance, InsuredGroup
from services.payment import OrderView

WRONG = re.compile(
    r"(?:选|点|填|弄|搞|缴|交|付)(?:得|的)?(?:错|低|高|少|多)了?|档次?.{0,4}(?:错|不对|太?[低高])|换.{0,3}档"
)
PAID = re.compile(r"我?(?:都|已经)?(?:付|交|缴|弄|搞)?(?:好|完|过|款)?了")
CHANGES = frozenset({"change_answer", "inform", "out_of_scope", "nlu_fallback", "complain", "faq"})


async def takes(talk: Talk) -> bool:
    """Whether the turn is about what was paid, or closed, last; then it is done."""
    state, turn = talk.state, talk.turn
    if turn.poke:
        return False
    if returning.tries_again(talk) and (state.task or state.login):
        await steps.go_on(talk)
        return True
    if state.login or state.question:
        return False
    if returning.pays_again(talk):
        return await _pays_again(talk)
    if state.task or turn.intent not in CHANGES or not _changes_choice(talk):
        return False
    order = await _paid(talk)
    if order:
        await _tell_settled(talk, order)
    return order is not None


async def tells_of_another(talk: Talk) -> bool:
    """好了, while somebody else is asked for: it is about the order that was made before."""
    task, order_no = talk.state.task, talk.state.order_no
    if order_no is None or task is None or task.order_no == order_no or talk.state.login:
        return False
    if talk.state.question or not PAID.fullmatch(plain(talk.turn.text)):
        return False
    order = await talk.services.payment.refresh(order_no)
    if order.status not in {"paid", "pending"} or order_no in talk.told_orders:
        return False
    if order.status == "paid":
        await paying.show(talk, order)
    else:
        talk.tell("instead.waits", total=order.total, until=order.expires_at)
    await steps.ask_again(talk)
    return True


async def _pays_again(talk: Talk) -> bool:
    """What is open is shown again, what was left is taken up; what is paid is not paid twice."""
    task = talk.state.task
    if task is None and talk.state.left:
        returning.take_up(talk.state)
    elif task is None and await _paid(talk):
        await steps.show_status(talk)
    elif task is None or task.kind != "pay" or task.asked not in {CONFIRM, PAYMENT}:
        return False
    await steps.go_on(talk)
    return True


def _changes_choice(talk: Talk) -> bool:
    """我选错档了, 改成2000: about what was chosen for the payment."""
    if WRONG.search(talk.turn.text):
        return talk.turn.last("beneficiary") is None
    said = talk.turn.last("tier") or talk.turn.last("amount")
    return said is not None and talk.turn.intent == "change_answer"


async def _paid(talk: Talk) -> OrderView | None:
    """The last order of the conversation, if it is paid, and nothing else was done since that this may be about."""
    about_it = talk.state.done.get("kind") == "pay" or "档" in talk.turn.text
    if talk.state.order_no is None or not about_it or talk.state.left:
        return None
    order = await talk.services.payment.find_order(talk.state.order_no)
    return order if order and order.status == "paid" else None


async def _tell_settled(talk: Talk, order: OrderView) -> None:
    """It can't be changed here any more: who may, and how to ask for the money back."""
    dues = order.bills[0].quote.dues
    talk.tell(
        "pay.settled",
        (say("button.refund"), "/request_refund"),
        what=(await order_facts(talk, order))["what"],
        yearly=dues.insured_group is InsuredGroup.RESIDENT,
        medical=dues.insurance is Insurance.MEDICAL,
    )
