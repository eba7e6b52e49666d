"""What moved outside since the last turn is told first: a payment made, booked, given back; a paper that is there."""

from collections.abc import Sequence
from contextlib import suppress

from actions import awaited, orders, papers, refunding, reminding, returning
from actions.state import CONFIRM, PAYMENT
from actions.talk import Talk
from services.domain.errors import ServiceError
from services.reminders import ENDS, OPENS


async def tell_news(talk: Talk) -> None:
    """What moved outside since the last turn: a payment made, an order ready, a payment booked."""
    task = talk.state.task
    await _look_at_earlier(talk)
    if talk.state.order_no and task and task.asked == PAYMENT and talk.turn.intent != "check_payment_status":
        unsure = (
            talk.state.unsure == talk.state.order_no
        )  # whoever paid is not asked to pay: not before it is known
        done = talk.turn.intent in {"resume_bot", "affirm"} or returning.pays_again(talk)
        patient = unsure or done  # 好了: the truth is worth a wait
        try:
            await talk.services.payment.refresh(talk.state.order_no, patient=patient)
            talk.state.unsure = None
        except ServiceError as error:  # the sweeper asks again by itself; who asks for the state is told more
            await _note_unknown(talk, talk.state.order_no, error)
            if patient and not talk.turn.poke and talk.unknown:
                await orders.show_order(talk, talk.state.order_no)
    told, talk.state.told = talk.state.told, []
    await tell_notices(talk, told)


async def _look_at_earlier(talk: Talk) -> None:
    """好了, while something else is open: an order that was opened before may have been paid."""
    task, order_no = talk.state.task, talk.state.order_no
    if order_no is None or task is None or task.asked in {CONFIRM, PAYMENT} or talk.turn.poke:
        return
    if talk.turn.intent not in {"resume_bot", "affirm"}:
        return
    order = await talk.services.payment.find_order(order_no)
    if order and order.status == "pending" and order.opened:
        with suppress(ServiceError):
            order = await talk.services.payment.refresh(order_no)
        if order.status != "pending":
            await orders.show(talk, order)


async def _note_unknown(talk: Talk, order_no: str, error: ServiceError) -> None:
    """Whoever was at the cashier may have paid: not to be asked to pay while nobody knows."""
    order = await talk.services.payment.find_order(order_no)
    if order and order.opened and order.status == "pending":
        talk.unknown[order_no] = error


async def tell_notices(talk: Talk, told: Sequence[str] = ()) -> None:
    """`told` are the ids that the last turn has told."""
    taken = await talk.services.notices.take(talk.conversation_id, told)
    notices = [notice for notice in taken if notice.notice_id not in talk.state.told]
    papers_there = [notice.facts for notice in notices if notice.kind == "paper_ready"]
    for notice in notices:
        talk.state.told.append(notice.notice_id)
        if notice.kind in {"payment_request", "payment_status"}:
            await orders.show_order(talk, notice.facts["order_no"])
        elif notice.kind == "payment_booked":
            await papers.tell_booked(talk, notice.facts["order_no"], papers_there)
        elif notice.kind == "refund_case":
            await refunding.tell_news(talk, notice.facts["case_no"])
        elif notice.kind in {OPENS, ENDS}:
            await reminding.tell(talk, **notice.facts)
    for facts in papers_there:  # those that the news of a booking has not told along with it
        await awaited.tell_ready(talk, **facts)
