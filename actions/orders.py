"""How it stands with an order: to be paid, paid, booked, given back, closed. Told once a turn."""

from contextlib import suppress

from actions import cards, returning
from actions.reviewing import bill_lines, order_facts
from actions.say import say
from actions.state import PAYMENT, RETURN
from actions.talk import Talk
from services.domain.errors import ServiceError
from services.domain.orders import GRACE
from services.payment import OrderView

ASKS_STATUS = frozenset({"check_payment_status", "resume_bot", "affirm"})
"""好了, 刷新, 没付成: who says so wants to hear whether the payment has arrived."""


async def show_order(talk: Talk, order_no: str) -> None:
    order = await talk.services.payment.find_order(order_no)
    if order:
        await show(talk, order)


async def show(talk: Talk, order: OrderView, *, placed: bool = False) -> None:
    """How it stands with an order; told once a turn, and done with when it is no longer open. `placed`: just now."""
    if talk.told_orders.get(order.order_no) == order.status:
        return
    talk.told_orders[order.order_no] = order.status
    facts = await order_facts(talk, order)
    if order.status == "pending" and order.order_no in talk.unknown:
        talk.tell_error(talk.unknown[order.order_no])  # not to be asked to pay while nobody knows
        return
    if order.status == "pending" and order.cashier:
        unpaid = not placed and talk.turn.intent in ASKS_STATUS and not talk.turn.poke
        sentence = say("pay.request", unpaid=unpaid, until=order.expires_at, **facts)
        talk.add(cards.payment_request(sentence, order))
        return
    again = (say("button.refresh"), "/check_payment_status")
    if order.status == "pending":
        key = "pay.preparing" if order.preparing else "pay.pending"
        if talk.services.clock.now() >= order.expires_at:
            key = "pay.closing"
        talk.add(cards.payment_status(say(key, until=order.expires_at + GRACE, **facts), order, again))
    elif order.status == "closed" and await _is_replaced(talk, order, facts["what"]):
        pass
    elif order.status == "closed" and _can_pay_again(talk, order.order_no):
        again_or_not = [
            (option.title, f'/inform{{"payment_draft": "{option.value}"}}') for option in returning.options()
        ]
        key = "pay.expired" if talk.services.clock.now() >= order.expires_at else "pay.given_up"
        talk.add(cards.payment_status(say(key, **facts), order, *again_or_not))
    elif order.status == "paid":
        key = "pay.booked" if order.booked else "pay.paid"
        talk.add(cards.payment_status(say(key, available=order.records_available_on, **facts), order))
    else:
        key = f"pay.{order.status}_by_office" if order.by_office else f"pay.{order.status}"
        talk.add(cards.payment_status(say(key, **facts), order))
    if order.status != "pending" and _finish(talk, order.order_no) and order.status == "paid":
        await _overview(talk)


async def _is_replaced(talk: Talk, order: OrderView, what: str) -> bool:
    """Whether there is another order for the same, from another device or by somebody else: then this one is not gone
    on with. Who pays for oneself is no secret; of another person nothing more is told than that it is closed."""
    task = talk.state.task
    new = await talk.services.payment.find_successor(order.order_no)
    in_work = task is not None and task.asked == PAYMENT and task.order_no == order.order_no
    if new is None or not (in_work or new.payer_id != order.payer_id):
        return False
    with suppress(ServiceError):
        new = await talk.services.payment.refresh(new.order_no, patient=False)
    if new.payer_id != order.payer_id and len(order.bills) > 1:
        return False  # the others of them are still to be paid
    if new.payer_id != order.payer_id:
        own = all(bill.insured_id == order.payer_id for bill in order.bills)
        key = "pay.by_another" if own else "pay.closed"
        talk.add(cards.payment_status(say(key, what=what, paid=new.status == "paid"), order))
        return True
    sentence = say("pay.replaced", what=what, old=order.total, new=new.total, paid=new.status == "paid")
    talk.add(cards.payment_status(sentence, order))
    return True


def _can_pay_again(talk: Talk, order_no: str) -> bool:
    """The order of the open task has expired: the task stays, and it is asked whether to go on with it."""
    task = talk.state.task
    if task is None or task.asked != PAYMENT or task.order_no != order_no:
        return False
    task.asked, task.order_no = None, None
    talk.state.question = RETURN
    return True


def _finish(talk: Talk, order_no: str) -> bool:
    """Done with the task that the order pays; whether there was one."""
    task = talk.state.task
    if task is None or task.order_no != order_no:
        return False
    talk.state.finish()
    return True


async def _overview(talk: Talk) -> None:
    """After several were paid for one after the other: what was paid today, once nobody is left to pay for."""
    if any(task.kind == "pay" for task in talk.state.parked):
        return
    orders = await talk.services.payment.paid_today(talk.conversation_id)
    if len(orders) < 2 or len({bill.insured_id for order in orders for bill in order.bills}) < 2:
        return
    lines = [line for order in orders for line in await bill_lines(talk, order)]
    talk.tell("pay.overview", lines=lines, total=sum(order.total for order in orders))
