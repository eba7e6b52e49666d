"""What somebody has paid lately, or has still to pay: by person, whatever device or conversation it was in."""

from datetime import timedelta

from actions import orders
from actions.say import say
from actions.state import PAYMENT, Task
from actions.talk import Talk
from services.domain.money import wire
from services.identity import BoundPerson
from services.payment import OrderView

RECENT = timedelta(days=1)
"""What else is told beside the latest one."""


async def find(talk: Talk, bound: BoundPerson) -> list[OrderView]:
    """The latest order of this person and what is about as recent, the latest last; of the amount that was said, if
    there is one. What is closed is none."""
    found = list(await talk.services.payment.list_latest(bound.person_id))
    said = str(talk.turn.last("amount") or "")
    found = [order for order in found if wire(order.total) == said] or found
    since = talk.services.clock.now() - RECENT
    recent = [order for order in found if (order.paid_at or order.expires_at) >= since]
    return (recent or found[:1])[::-1]


async def tell(talk: Talk, bound: BoundPerson) -> None:
    """How it stands with each of them; where there is none, where else to look."""
    latest = await find(talk, bound)
    if not latest:
        talk.tell(
            "pay.no_order", (say("menu.query"), "/query_records"), (say("button.pay"), "/pay_insurance")
        )
        return
    for order in latest:
        await orders.show(talk, await talk.services.payment.refresh(order.order_no))
    if talk.state.task is None:
        talk.state.order_no = latest[-1].order_no  # what is said next is about it
        _take_up(talk, bound, latest[-1])


def _take_up(talk: Talk, bound: BoundPerson, order: OrderView) -> None:
    """One's own that is still to be paid is gone on with here: 好了 is about it."""
    bill = order.bills[0]
    if order.status != "pending" or len(order.bills) > 1 or bill.insured_id != bound.person_id:
        return
    dues = bill.quote.dues
    facts = {"insured_group": dues.insured_group.value, "insurance": dues.insurance.value}
    talk.state.task = Task(kind="pay", facts=facts, asked=PAYMENT, order_no=order.order_no)
