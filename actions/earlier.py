"""An order that was made before another choice: it is taken back, or it is told not to pay it."""

from actions.state import Task
from actions.talk import Talk
from services.payment import Bill, Draft


async def give_up(talk: Talk, draft: Draft) -> None:
    """The last order, if it can be paid and is for the same as `draft`: nobody shall pay both."""
    order_no = talk.state.order_no
    order = await talk.services.payment.find_order(order_no) if order_no else None
    if order is None or order.status != "pending" or not _about(order.bills) & _about(draft.bills):
        return
    if not await talk.services.payment.take_back(order.order_no):
        talk.tell("pay.earlier_open", total=order.total)
        return
    talk.state.order_no = None
    if talk.state.task and talk.state.task.order_no == order.order_no:
        talk.state.task.order_no = None


async def close(talk: Talk, task: Task) -> None:
    """Somebody else is paid for instead: the order of `task` is closed, and it is told how it stands with it."""
    order_no, task.order_no = task.order_no, None
    if order_no is None:
        return
    order = await talk.services.payment.abandon(order_no)
    talk.told_orders[order_no] = order.status
    talk.tell(f"instead.{order.status}", total=order.total, until=order.expires_at)
    if order.status == "closed" and talk.state.order_no == order_no:
        talk.state.order_no = None


async def remind(talk: Talk, task: Task) -> None:
    """Somebody else comes next: the order of `task` can still be paid."""
    order = await talk.services.payment.find_order(task.order_no) if task.order_no else None
    if order and order.status == "pending":
        talk.tell("instead.waits", total=order.total, until=order.expires_at)


def _about(bills: tuple[Bill, ...]) -> set[tuple[str, str, str]]:
    """Who is insured in what."""
    return {(bill.insured_id, bill.quote.dues.insured_group, bill.quote.dues.insurance) for bill in bills}
