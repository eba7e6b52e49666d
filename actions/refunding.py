"""Ask → review → case: money back by chat. What is shown is masked; who did not pay gets nothing to see."""

from collections.abc import Sequence

from actions import cards, refund_words
from actions.choices import choose
from actions.refund_states import sentence_of, what_of, who_of
from actions.say import say
from actions.slots import Option
from actions.state import CONFIRM, Task
from actions.talk import Talk
from services.domain.errors import Refused
from services.domain.kinds import Insurance
from services.domain.money import wire
from services.domain.refunds import CaseState, Reason, Route
from services.identity import BoundPerson
from services.refunds import CaseView, Refundable

ORDER, REASON, CASE = "refund_order", "refund_reason", "refund_case"
VIEW, STATE, WITHDRAW = "refund_view", "state", "withdraw"
HINTS = ("insured_group", "insurance", "fee_year", "beneficiary", "amount")
"""What a sentence says of the payment that is meant; it narrows down what is offered."""
LATEST = "latest"
SHOWN = 3


# --- what is said -------------------------------------------------------------------------------------


def take_facts(talk: Talk, task: Task) -> None:
    """Put what was said into the task: which payment, why; or that a case is looked at or taken back."""
    turn = talk.turn
    for name in (*HINTS, ORDER, REASON, CASE, VIEW):
        if turn.last(name) is not None:
            task.put(name, str(turn.last(name)))
    reason = refund_words.reason_in(turn.text)
    if reason is not None and turn.last(REASON) is None:
        task.put(REASON, reason.value)
    if refund_words.LATEST.search(turn.text) and ORDER not in task.facts:
        task.put(LATEST, "yes")
    if task.asked == CONFIRM:
        task.asked = None


async def answer_question(talk: Talk, task: Task) -> bool:
    """Take the turn as the answer to the open question; True if it is one."""
    if task.asked == REASON:
        reason = refund_words.reason_in(talk.turn.text)
        value = choose(talk.turn, REASON, reasons()) or (reason.value if reason else None)
    elif task.asked == ORDER:
        value = await _payment_meant(talk, task)
    elif task.asked == CASE:
        value = choose(talk.turn, CASE, [Option(value=v, title=t) for v, t in task.facts.get("offered", ())])
    else:
        return False
    if value is None:
        return False
    task.put(task.asked, value)
    return True


async def _payment_meant(talk: Talk, task: Task) -> str | None:
    bound = await talk.services.identity.find_bound(talk.conversation_id)
    if bound is None:
        return None
    listed = await talk.services.refunds.list_refundable(bound.person_id)
    value = choose(talk.turn, ORDER, await _options(talk, _narrowed(task.facts, listed, bound)))
    said = {name: str(talk.turn.last(name)) for name in HINTS if talk.turn.last(name) is not None}
    if value is None and said:
        fitting = _narrowed(said, listed, bound)
        value = value_of(fitting[0]) if len(fitting) == 1 else None
    return value


def reasons() -> list[Option]:
    return [Option(value=reason.value, title=say(f"refund.reason.{reason.value}")) for reason in Reason]


def value_of(payment: Refundable) -> str:
    return f"{payment.order_no}/{payment.line}" if payment.line else payment.order_no


# --- what is said next ----------------------------------------------------------------------------------


async def go_on(talk: Talk, task: Task, bound: BoundPerson) -> None:
    """The first open question, the review, or the case that there is already."""
    if task.facts.get(VIEW) == STATE:
        await _show_cases(talk, task, bound)
        return
    if task.facts.get(VIEW) == WITHDRAW:
        await _withdraw(talk, task, bound)
        return
    payment = await _settle_payment(talk, task, bound)
    if payment is None:
        return
    if payment.case_no is not None:
        talk.state.finish()
        case = await talk.services.refunds.find(payment.case_no)
        if case is not None:
            talk.tell("refund.same", number=case.case_no)
            await tell_state(talk, case)
        return
    if REASON not in task.facts:
        _ask(task, REASON)
        talk.add(
            cards.choice(say("refund.ask_reason", titles=[o.title for o in reasons()]), REASON, reasons())
        )
        return
    await _review(talk, task, bound, payment)


async def _settle_payment(talk: Talk, task: Task, bound: BoundPerson) -> Refundable | None:
    """The payment that is meant; None after it was asked for, or after it was said that there is none."""
    listed = await talk.services.refunds.list_refundable(bound.person_id)
    chosen = [payment for payment in listed if value_of(payment) == task.facts.get(ORDER)]
    fitting = chosen or _narrowed(task.facts, listed, bound)
    if not fitting:
        await _nothing(talk)
        return None
    if len(fitting) == 1:
        task.put(ORDER, value_of(fitting[0]))
        return fitting[0]
    task.forget(ORDER)
    _ask(task, ORDER)
    options = await _options(talk, fitting)
    talk.add(cards.choice(say("refund.ask_order", titles=[o.title for o in options]), ORDER, options))
    return None


def _narrowed(
    facts: dict[str, str], listed: Sequence[Refundable], bound: BoundPerson
) -> Sequence[Refundable]:
    """Those that fit what was said; a word that fits none says nothing."""
    found = list(listed)
    for name in HINTS:
        if name in facts:
            found = [p for p in found if _fits(p, name, str(facts[name]), bound)] or found
    open_ = [payment for payment in found if payment.case_no is None]
    found = open_ or found  # what is asked for already is offered only where nothing else is
    return found[:1] if LATEST in facts else found


def _fits(payment: Refundable, name: str, said: str, bound: BoundPerson) -> bool:
    if name == "amount":
        return wire(payment.amount) == said
    if name == "beneficiary":
        for_other = any(part.insured_id != bound.person_id for part in payment.parts)
        return for_other == (said == "other")
    if name == "fee_year":
        years = {str(part.dues.fee_year or (part.fee_period or "")[:4]) for part in payment.parts}
        return said[:4] in years
    return any(str(getattr(part.dues, name)) == said for part in payment.parts)


async def _options(talk: Talk, payments: Sequence[Refundable]) -> list[Option]:
    return [
        Option(
            value=value_of(payment),
            title=say(
                "refund.option", who=await who_of(talk, payment.parts), what=what_of(payment.parts),
                amount=payment.amount, paid_on=payment.paid_at.date(), asked=payment.case_no is not None,
            ),
        )
        for payment in payments
    ]  # fmt: skip


def _ask(task: Task, name: str) -> None:
    task.asked = name
    if name not in task.answered:
        task.answered.append(name)


async def pay_instead(talk: Talk, task: Task, wish: Task) -> None:
    """不是给他交，是给我自己, at the review: that is why, and what was meant is paid for afterwards."""
    task.put(REASON, Reason.WRONG_PERSON.value)
    task.asked = None
    talk.state.parked.append(wish)
    talk.tell("refund.then_pay")


async def _nothing(talk: Talk) -> None:
    """Nothing that was paid here; perhaps what is meant is not paid yet."""
    latest = await talk.services.payment.find_latest(talk.conversation_id)
    talk.state.finish()
    if latest is not None and latest.status == "pending":
        talk.tell("refund.not_paid", (say("button.refresh"), "/check_payment_status"))
    elif latest is not None and latest.status in {"refunding", "refunded"}:
        talk.tell(f"pay.{latest.status}", total=latest.total, wallet=say(f"pay.wallet.{latest.provider}"))
    else:
        talk.tell("refund.nothing", (say("button.human"), "/request_human"))


async def _review(talk: Talk, task: Task, bound: BoundPerson, payment: Refundable) -> None:
    """What will happen, before it is asked for; or why it can't be, and where to turn to."""
    reason = Reason(task.facts[REASON])
    verdict = await talk.services.refunds.judge(bound.person_id, payment.order_no, payment.line, reason)
    insurance = payment.parts[0].dues.insurance.value
    if not verdict.ok:
        talk.state.finish()
        again = f'/request_refund{{"{ORDER}": "{value_of(payment)}"}}'
        talk.tell(
            f"refund.refused.{verdict.code}", (say("refund.button.other_reason"), again),
            (say("button.human"), "/request_human"), what=what_of(payment.parts), insurance=insurance,
        )  # fmt: skip
        talk.state.hint = {"why": verdict.code, "medical": insurance == Insurance.MEDICAL}
        return
    task.asked, task.doubt = CONFIRM, None
    key = "refund.review" if verdict.route is Route.GATEWAY else "refund.review_office"
    sentence = say(
        key, who=await who_of(talk, payment.parts), what=what_of(payment.parts), amount=payment.amount,
        reason=say(f"refund.reason.{reason.value}"), wallet=say(f"pay.wallet.{payment.provider}"),
        medical=any(part.dues.insurance == "medical" for part in payment.parts),
    )  # fmt: skip
    confirm = f'/affirm{{"{ORDER}": "{value_of(payment)}"}}'
    talk.add(
        cards.text(
            sentence, (say("refund.button.confirm"), confirm), (say("button.change"), "/change_answer"),
            (say("refund.button.keep"), "/cancel"),
        )
    )  # fmt: skip


async def confirm(talk: Talk, task: Task, bound: BoundPerson) -> None:
    """确认: the case is opened, and its number said."""
    order_no, _, line = str(task.facts[ORDER]).partition("/")
    try:
        case = await talk.services.refunds.request(
            payer_id=bound.person_id, conversation_id=talk.conversation_id, order_no=order_no,
            line=int(line or 0), reason=Reason(task.facts[REASON]),
        )  # fmt: skip
    except Refused as refused:
        talk.state.finish()
        talk.tell_error(refused)
        return
    talk.state.finish()
    talk.state.done[CASE] = case.case_no
    if case.state is CaseState.REQUESTED:
        talk.tell("refund.opened_office", number=case.case_no)
    elif case.route is Route.GATEWAY and case.state is not CaseState.REJECTED:
        await _show_going_back(talk, case)
    else:
        await tell_state(talk, case)


async def _show_going_back(talk: Talk, case: CaseView) -> None:
    order = await talk.services.payment.find_order(case.order_no)
    facts = {"number": case.case_no, "amount": case.amount, "wallet": say(f"pay.wallet.{case.provider}")}
    if order is None or order.status == "paid":
        talk.tell("refund.opened_soon", **facts)
        return
    talk.told_orders[order.order_no] = order.status
    talk.add(cards.payment_status(say("refund.opened", **facts), order))


# --- cases that there are -------------------------------------------------------------------------------


async def _show_cases(talk: Talk, task: Task, bound: BoundPerson) -> None:
    """How far it is: of the case that was named, or of the latest ones."""
    talk.state.finish()
    cases = await talk.services.refunds.list_of(bound.person_id)
    named = [case for case in cases if case.case_no == task.facts.get(CASE)]
    if not cases:
        talk.tell("refund.no_case")
    for case in named or cases[:SHOWN]:
        await tell_state(talk, await talk.services.refunds.refresh(case))


async def _withdraw(talk: Talk, task: Task, bound: BoundPerson) -> None:
    cases = await talk.services.refunds.list_of(bound.person_id)
    open_ = [case for case in cases if case.state is CaseState.REQUESTED]
    meant = [case for case in open_ if case.case_no == task.facts.get(CASE)] or open_
    if len(meant) > 1:
        options = [Option(value=case.case_no, title=await _title(talk, case)) for case in meant]
        task.facts["offered"] = [[option.value, option.title] for option in options]
        _ask(task, CASE)
        talk.add(cards.choice(say("refund.ask_case", titles=[o.title for o in options]), CASE, options))
        return
    talk.state.finish()
    if not meant:
        talk.tell("refund.too_late_to_withdraw" if cases else "refund.no_case")
        for case in cases[:1]:
            await tell_state(talk, case)
        return
    try:
        case = await talk.services.refunds.withdraw(meant[0].case_no, payer_id=bound.person_id)
    except Refused as refused:
        talk.tell_error(refused)
        return
    talk.tell("refund.withdrawn", number=case.case_no)


async def _title(talk: Talk, case: CaseView) -> str:
    return say(
        "refund.case", number=case.case_no, who=await who_of(talk, case.parts), what=what_of(case.parts),
        amount=case.amount,
    )  # fmt: skip


async def tell_state(talk: Talk, case: CaseView) -> None:
    """One short sentence on how a case stands; a button to take it back while that is possible."""
    back = f'/request_refund{{"{VIEW}": "{WITHDRAW}", "{CASE}": "{case.case_no}"}}'
    buttons = [(say("refund.button.withdraw"), back)] if case.state is CaseState.REQUESTED else []
    talk.add(cards.text(await sentence_of(talk, case), *buttons))


async def tell_news(talk: Talk, case_no: str) -> None:
    """What has become of a case, to the one who asked for it."""
    case = await talk.services.refunds.find(case_no)
    bound = await talk.services.identity.find_bound(talk.conversation_id)
    if case is not None and bound is not None and bound.person_id == case.payer_id:
        await tell_state(talk, case)
