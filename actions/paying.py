"""Ask → review → pay → result, for every row of the flow table that pays."""

from collections.abc import Sequence

from actions import cards
from actions.choices import choose
from actions.flows import Flow, find_flow
from actions.say import say
from actions.slots import Case, No, Option, Slot
from actions.state import CONFIRM, PAYMENT, Task
from actions.talk import Talk
from services.domain.errors import Refused
from services.domain.kinds import EnrolmentStatus, Insurance, PaymentType
from services.identity import BoundPerson
from services.payment import Changed, OrderView
from services.ports import Enrolment

FACTS = (
    "insured_group", "insurance", "agency", "payment_type", "arrears_item", "fee_period", "fee_year", "tier",
)  # fmt: skip


def take_facts(talk: Talk, task: Task) -> set[str]:
    """Put what was said into the task; the names of the facts that are new or different."""
    new = set()
    for name in FACTS:
        value = talk.turn.last(name)
        if value is not None and str(task.facts.get(name)) != str(value):
            task.put(name, str(value))
            new.add(name)
    if "arrears_item" in new:
        task.put("payment_type", PaymentType.ARREARS)
    return new


async def go_on(talk: Talk, task: Task, bound: BoundPerson) -> None:
    """Say the next thing of a payment: the first open question, the review, or how to pay."""
    if task.asked == PAYMENT and talk.state.order_no:
        await show_order(talk, talk.state.order_no)
        return
    enrolments = await talk.services.enrolments.of(bound.person_id)
    flow = find_flow(task.facts)
    while True:
        if not await _fill(talk, task, flow, bound, enrolments):
            return
        row = find_flow(task.facts)
        if row is flow:
            break
        flow = row
    await _review(talk, task, bound, enrolments)


async def answer_question(talk: Talk, task: Task) -> bool:
    """Take the turn as the answer to the open question; True if it is one of the offered answers."""
    bound = await talk.services.identity.find_bound(talk.conversation_id)
    if not task.asked or task.asked in {CONFIRM, PAYMENT} or bound is None:
        return False
    slot = find_flow(task.facts).slots.get(task.asked)
    if slot is None:
        return False
    case = _case(talk, task, bound, await talk.services.enrolments.of(bound.person_id))
    value = choose(talk.turn, slot.name, await slot.options(case))
    if value is None:
        return False
    task.put(slot.name, value)
    return True


async def confirm(talk: Talk, task: Task) -> None:
    """确认: the bureau is read again; what differs is shown and nothing is charged."""
    draft_id = talk.turn.last("draft_id") or task.draft_id
    if draft_id is None:
        return
    try:
        placed = await talk.services.payment.place(str(draft_id), conversation_id=talk.conversation_id)
    except Refused as refused:
        if refused.code == "earlier_order_open":  # it is the one that can be paid until then
            talk.state.order_no, task.asked = str(refused.facts["order_no"]), PAYMENT
        raise
    if isinstance(placed, Changed):
        task.draft_id = placed.draft.draft_id
        talk.tell("pay.changed", old=placed.old.total, new=placed.draft.quote.total)
        await show_review(talk, task)
        return
    talk.state.order_no = placed.order.order_no
    task.asked = PAYMENT
    show(talk, placed.order)


async def show_order(talk: Talk, order_no: str) -> None:
    order = await talk.services.payment.find_order(order_no)
    if order:
        show(talk, order)


def show(talk: Talk, order: OrderView) -> None:
    """How it stands with an order; told once a turn, and done with when it is no longer open."""
    if order.order_no in talk.told_orders:
        return
    talk.told_orders.add(order.order_no)
    what = say(f"insurance.{order.dues.insured_group}.{order.dues.insurance}")
    facts = {"total": order.total, "what": what}
    if order.status == "pending" and order.cashier:
        talk.add(cards.payment_request(say("pay.request", until=order.expires_at, **facts), order))
        return
    again = (say("button.refresh"), "/check_payment_status")
    if order.status == "pending":
        key = "pay.preparing" if order.preparing else "pay.pending"
        talk.add(cards.payment_status(say(key, **facts), order, again))
    elif order.status == "paid":
        key = "pay.booked" if order.booked else "pay.paid"
        talk.add(cards.payment_status(say(key, available=order.records_available_on, **facts), order))
    else:
        talk.add(cards.payment_status(say(f"pay.{order.status}", **facts), order))
    if order.status != "pending":
        _finish(talk, order.order_no)


def _finish(talk: Talk, order_no: str) -> None:
    task = talk.state.task
    if task and task.asked == PAYMENT and talk.state.order_no == order_no:
        talk.state.task = None


async def _fill(
    talk: Talk, task: Task, flow: Flow, bound: BoundPerson, enrolments: Sequence[Enrolment]
) -> bool:
    """Settle each fact of the row in turn; False when something had to be asked or can't go on."""
    for slot in flow.asks:
        case = _case(talk, task, bound, enrolments)
        if not case.matching:
            _stop(talk, task, case)
            return False
        if not slot.when(case):
            task.forget(slot.name)
            continue
        default = slot.default(case)
        if slot.name not in task.facts and default is not None and task.reask != slot.name:
            task.put(slot.name, default)
        if default is not None and task.facts.get(slot.name) == default:
            continue
        options = await slot.options(case)
        if slot.name in task.facts and _accept(talk, task, slot, case, options):
            continue
        if not options:
            await _nothing_to_choose(talk, task, slot, case)
            return False
        if len(options) > 1:
            _ask(talk, task, slot, case, options)
            return False
        if task.reask == slot.name:
            talk.tell("change.only_one", title=options[0].title)
            task.reask = None
        task.put(slot.name, options[0].value)
    return True


def _accept(talk: Talk, task: Task, slot: Slot, case: Case, options: Sequence[Option]) -> bool:
    accepted = slot.accept(case, task.facts[slot.name], options)
    if not isinstance(accepted, No):
        task.put(slot.name, accepted)
        return True
    task.forget(slot.name)
    if talk.turn.last(slot.name) is not None and options:
        talk.tell(accepted.reason, **accepted.facts)
    return False


def _ask(talk: Talk, task: Task, slot: Slot, case: Case, options: Sequence[Option]) -> None:
    task.asked, task.reask = slot.name, None
    if slot.name not in task.answered:
        task.answered.append(slot.name)
    listed = options if len(options) <= 6 else [options[0], options[-1]]
    sentence = say(
        f"ask.{slot.name}",
        titles=[option.title for option in listed],
        many=len(options) > len(listed),
        what=_what(case),
    )
    talk.add(cards.choice(sentence, slot.name, options))


async def _review(talk: Talk, task: Task, bound: BoundPerson, enrolments: Sequence[Enrolment]) -> None:
    case = _case(talk, task, bound, enrolments)
    quote = await talk.services.declarations.quote(bound.person_id, case.dues)
    draft = await talk.services.payment.draft(
        conversation_id=talk.conversation_id,
        payer_id=bound.person_id,
        insured_id=bound.person_id,
        quote=quote,
    )
    task.draft_id = draft.draft_id
    await show_review(talk, task)


async def show_review(talk: Talk, task: Task) -> None:
    """The review (缴费确认): everything that will be charged, before it is."""
    draft = await talk.services.payment.find_draft(task.draft_id or "")
    bound = await talk.services.identity.find_bound(talk.conversation_id)
    if draft is None or bound is None:
        return
    task.asked = CONFIRM
    name, quote = bound.masked_name, draft.quote
    summary = say(
        "pay.review",
        what=say(f"insurance.{quote.dues.insured_group}.{quote.dues.insurance}"),
        quote=quote,
        dues=quote.dues,
    )
    notes = say("pay.review_notes", quote=quote, medical=quote.dues.insurance is Insurance.MEDICAL)
    sentence = "\n".join(part for part in (summary, notes, say("pay.review_question")) if part)
    talk.add(cards.payment_confirmation(sentence, draft, payer=name, insured=name))


def _case(talk: Talk, task: Task, bound: BoundPerson, enrolments: Sequence[Enrolment]) -> Case:
    return Case(
        services=talk.services,
        person_id=bound.person_id,
        facts=task.facts,
        enrolments=enrolments,
        today=talk.today,
    )


def _what(case: Case) -> str:
    """The insurance in words, as far as it is known."""
    group, insurance = case.facts.get("insured_group"), case.facts.get("insurance")
    if group and insurance:
        return say(f"insurance.{group}.{insurance}")
    return say(f"group.{group}") if group else say("line.social_insurance")


def _stop(talk: Talk, task: Task, case: Case) -> None:
    """No active enrolment fits: say where to go, and end politely (R7)."""
    fitting = [
        e
        for e in case.enrolments
        if all(
            str(getattr(e, name)) == str(case.facts[name])
            for name in ("insured_group", "insurance")
            if name in case.facts
        )
    ]
    suspended = any(e.status is not EnrolmentStatus.ACTIVE for e in fitting)
    key = "stop.suspended" if suspended else "stop.not_enrolled"
    talk.tell(key, what=_what(case), medical=case.facts.get("insurance") == Insurance.MEDICAL)
    talk.state.task = None


async def _nothing_to_choose(talk: Talk, task: Task, slot: Slot, case: Case) -> None:
    medical = case.facts.get("insurance") == Insurance.MEDICAL
    talk.state.task = None
    if slot.name == "arrears_item":
        talk.tell("stop.no_arrears", what=_what(case), medical=medical)
        return
    try:
        await _why_not_due(talk, slot, case)
    except Refused as refused:
        talk.tell_error(refused)
        return
    talk.tell("stop.nothing_due", what=_what(case))


async def _why_not_due(talk: Talk, slot: Slot, case: Case) -> None:
    """Ask the bureau for the year that people mean now; its refusal says why nothing is due."""
    if slot.name != "fee_year":
        return
    said = talk.turn.last("fee_year")
    ahead = case.facts.get("insurance") == Insurance.MEDICAL and talk.today.month >= 9
    year = str(said)[:4] if said else str(talk.today.year + ahead)
    asked = Case(
        services=case.services, person_id=case.person_id, facts={**case.facts, "fee_year": year},
        enrolments=case.enrolments, today=case.today,
    )  # fmt: skip
    await talk.services.declarations.quote(case.person_id, asked.dues)
