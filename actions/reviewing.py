"""What is shown of bills: the review before they are paid (缴费确认), and how an order is called afterwards."""

from typing import Any

from actions import cards, cautions, family, others, windows
from actions.say import say
from actions.state import CONFIRM, PAYMENT, Task
from actions.talk import Talk
from services.domain.kinds import Insurance
from services.payment import Bill, Draft, OrderBill, OrderView


async def show_review(talk: Talk, task: Task) -> None:
    """Everything that will be charged, before it is."""
    draft = await talk.services.payment.find_draft(task.draft_id or "")
    bound = await talk.services.identity.find_bound(talk.conversation_id)
    if draft is None or bound is None:
        return
    task.asked, task.before, task.doubt = CONFIRM, {}, None
    if len(draft.bills) == 1:
        await _show_one(talk, task, draft, draft.bills[0], bound.masked_name)
    else:
        await _show_several(talk, task, draft, bound.masked_name)


async def is_shown(talk: Talk, task: Task, draft_id: str) -> bool:
    """Whether the draft is what was shown last, or the same figures shown before."""
    if task.asked not in {CONFIRM, PAYMENT}:
        return False
    if draft_id == task.draft_id:
        return True
    found = [await talk.services.payment.find_draft(one) for one in (draft_id, task.draft_id or "")]
    bills = [[(b.insured_id, b.quote.dues, b.quote.total) for b in one.bills] if one else [] for one in found]
    return bool(bills[0]) and bills[0] == bills[1]


async def _show_one(talk: Talk, task: Task, draft: Draft, bill: Bill, payer: str) -> None:
    quote, for_other = bill.quote, bill.insured_id != draft.payer_id
    insured = await talk.services.insured.masked_name(bill.insured_id) if for_other else payer
    task.payable = dict(task.facts) if for_other else {}
    hidden = cards.NOT_OF_OTHERS if for_other else frozenset()
    if "agency" not in task.single:
        hidden -= {"agency"}
    summary = say(
        "pay.review_for_other" if for_other else "pay.review",
        insured=insured,
        what=insurance_of(bill),
        quote=quote,
        dues=quote.dues,
        agency="" if "agency" in task.single else quote.agency_name,
    )
    notes = _public_notes(bill) if for_other else _notes(bill)  # waiting tells of their history
    what = quote.dues.insured_group, quote.dues.insurance
    until = windows.note(talk, task, quote.window, *what, for_other=for_other)
    more = cautions.before_paying(quote, for_other=for_other, today=talk.today)
    sentence = _sentences(summary, notes, *more, until, say("pay.review_question"))
    lines = cards.bill_lines(quote, payer, insured, hidden)
    talk.add(
        cards.payment_confirmation(sentence, draft, payer=payer, insured=insured, lines=lines, hidden=hidden)
    )


async def _show_several(talk: Talk, task: Task, draft: Draft, payer: str) -> None:
    """One confirmation, a line a bill. Of the others only the masked name, the insurance, the time, the amount."""
    relations = {others.find_id(member): family.title_of(member) for member in talk.state.basket}
    spoken, shown = [], []
    for bill in draft.bills:
        name = await masked_name(talk, draft.payer_id, bill)
        relation = relations.get(bill.insured_id, "")
        who = f"{relation}（{name}）" if relation else name
        spoken.append(
            say("pay.bill", who=who, what=insurance_of(bill), quote=bill.quote, dues=bill.quote.dues)
        )
        shown.append(
            (who, say("pay.bill_value", what=insurance_of(bill), quote=bill.quote, dues=bill.quote.dues))
        )
    notes = _notes_of_several(talk, task, draft)
    summary = say("pay.review_several", count=len(draft.bills), lines=spoken, total=draft.total)
    insured = "、".join(
        dict.fromkeys(
            [
                payer if bill.insured_id == draft.payer_id else await masked_name(talk, draft.payer_id, bill)
                for bill in draft.bills
            ]
        )
    )
    sentence = _sentences(summary, *notes, say("pay.review_question"))
    lines = cards.several_lines(payer, shown, draft.total)
    hidden = cards.NOT_OF_OTHERS
    talk.add(
        cards.payment_confirmation(sentence, draft, payer=payer, insured=insured, lines=lines, hidden=hidden)
    )


def _notes_of_several(talk: Talk, task: Task, draft: Draft) -> list[str]:
    """What is told beside the figures: of one's own bills in full, of the others' what is no history."""
    notes: list[str] = []
    for bill in draft.bills:
        own, dues = bill.insured_id == draft.payer_id, bill.quote.dues
        note = _notes(bill) if own else ""
        notes += [say("pay.own_note", note=note)] if note else [_public_notes(bill)]
        notes += cautions.before_paying(bill.quote, for_other=not own, today=talk.today)
        what = dues.insured_group, dues.insurance
        notes.append(windows.note(talk, task, bill.quote.window, *what, for_other=not own))
    return list(dict.fromkeys(notes))


def changed(old: Draft, new: Draft) -> str:
    """What is different from what was shown: the sum, or of a single bill of one's own the base."""
    before, now = old.bills[0], new.bills[0]
    bases = (before.quote.base, now.quote.base)
    own = len(old.bills) == 1 and before.insured_id == old.payer_id
    base = bases if own and None not in bases and bases[0] != bases[1] else None
    return say("pay.changed", old=old.total, new=new.total, base=base)


async def order_facts(talk: Talk, order: OrderView) -> dict[str, Any]:
    """What the sentences about an order need: what it pays, and each bill of several."""
    bill = order.bills[0]
    if len(order.bills) > 1:
        same = {insurance_of(bill) for bill in order.bills}
        what = say(
            "line.several",
            count=len(order.bills),
            what=same.pop() if len(same) == 1 else say("line.social_insurance"),
        )
    elif bill.insured_id != order.payer_id:
        what = say(
            "line.of_other", what=insurance_of(bill), insured=await masked_name(talk, order.payer_id, bill)
        )
    else:
        what = insurance_of(bill)
    several = await bill_lines(talk, order) if len(order.bills) > 1 else []
    wallet = say(f"pay.wallet.{order.provider}")
    people = len({bill.insured_id for bill in order.bills})
    return {"total": order.total, "what": what, "wallet": wallet, "bills": several, "people": people}


async def bill_lines(talk: Talk, order: OrderView) -> list[str]:
    """A line for each bill of an order; one that the bureau did not take says so."""
    return [
        say(
            "pay.bill_returned" if bill.returned else "pay.bill",
            who=await masked_name(talk, order.payer_id, bill),
            what=insurance_of(bill),
            quote=bill.quote,
            dues=bill.quote.dues,
        )
        for bill in order.bills
    ]


async def masked_name(talk: Talk, payer_id: str, bill: Bill | OrderBill) -> str:
    if bill.insured_id == payer_id:
        return say("others.myself")
    return await talk.services.insured.masked_name(bill.insured_id)


def insurance_of(bill: Bill) -> str:
    return say(f"insurance.{bill.quote.dues.insured_group}.{bill.quote.dues.insurance}")


def _notes(bill: Bill) -> str:
    medical = bill.quote.dues.insurance is Insurance.MEDICAL
    return say("pay.review_notes", quote=bill.quote, medical=medical)


def _public_notes(bill: Bill) -> str:
    """What everybody may know: that the base is not published yet."""
    return say("pay.review_notes", quote=bill.quote, medical=False)


def _sentences(*parts: str) -> str:
    return "\n".join(part for part in parts if part)
