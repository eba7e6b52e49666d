"""确认: what was shown is read again and becomes an order. The button of a card that was replaced confirms nothing."""

from contextlib import suppress

from actions import basket, cards, orders, others, paying, reviewing, steps
from actions.say import say
from actions.state import PAYMENT, Task
from actions.talk import Talk
from services.domain.errors import Refused, ServiceError, Unavailable
from services.payment import Changed


async def confirm(talk: Talk, task: Task) -> None:
    """确认: the bureau is read again; what differs is shown and nothing is charged."""
    tapped = talk.turn.last("draft_id")
    if task.draft_id is None or (tapped and not await reviewing.is_shown(talk, task, str(tapped))):
        talk.tell("pay.old_card")
        await steps.go_on(talk)
        return
    try:
        placed = await talk.services.payment.place(task.draft_id, conversation_id=talk.conversation_id)
    except Unavailable:
        await _wait_for_order(talk, task)  # it may be there, and go on by itself
        raise
    except Refused as refused:
        if "order_no" in refused.facts:  # it is the one that can be paid until then
            talk.state.order_no = task.order_no = str(refused.facts["order_no"])
            task.asked = PAYMENT
        if refused.code == "draft_expired" and (task.facts or task.joint):
            await _review_again(talk, task)
        elif task.joint and "order_no" not in refused.facts:
            await basket.review(talk)  # without whom the bureau refuses now
        elif others.is_for_other(task) and "order_no" not in refused.facts:
            await others.refuse(talk, task, refused)
        else:
            raise
        return
    if isinstance(placed, Changed):
        task.draft_id = placed.draft.draft_id
        talk.add(cards.text(reviewing.changed(placed.old, placed.draft)))
        await reviewing.show_review(talk, task)
        return
    before, task.order_no = task.order_no, placed.order.order_no
    talk.state.order_no, task.asked = task.order_no, PAYMENT
    if before and before != task.order_no:  # perhaps for another person: it shall not be paid as well
        with suppress(ServiceError):
            await talk.services.payment.abandon(before)
    if placed.order.status == "pending" and not placed.order.cashier:
        raise Unavailable("order_preparing")  # it goes on by itself
    await orders.show(talk, placed.order, placed=True)


async def _wait_for_order(talk: Talk, task: Task) -> None:
    draft = await talk.services.payment.find_draft(task.draft_id or "")
    if draft and draft.order_no:
        talk.state.order_no = task.order_no = draft.order_no
        task.asked = PAYMENT


async def _review_again(talk: Talk, task: Task) -> None:
    """The review was too old to be confirmed: the same with the figures of now, and what has changed in them."""
    bound = await talk.services.identity.find_bound(talk.conversation_id)
    if bound is None:
        return
    before, place = await talk.services.payment.find_draft(task.draft_id or ""), len(talk.replies)
    task.asked = None
    await (basket.review(talk) if task.joint else paying.go_on(talk, task, bound))
    shown = talk.state.task or task
    now = await talk.services.payment.find_draft(shown.draft_id or "")
    if before and now and before.total != now.total:
        sentence = reviewing.changed(before, now)
    else:
        sentence = say("pay.review_again")
    talk.replies.insert(place, cards.text(sentence))
