"""Ask → issue → document: certificates by chat (C1–C6), for oneself and for those one has paid for."""

import re
from collections.abc import Sequence

from actions import cards, login, tickets
from actions.choices import agrees_to_be_told, choose, plain
from actions.reviewing import masked_name, order_facts
from actions.say import say
from actions.slots import Option
from actions.state import TELL, Task
from actions.talk import Talk
from services.certificates import PAYMENT_RECORD as RECORD
from services.certificates import Document, Holder, NotYet
from services.domain.kinds import IdType
from services.domain.orders import bill_year
from services.identity import BoundPerson

PAYMENT_RECORD = '/get_certificate{"certificate_kind": "payment_record"}'
TAX_CERTIFICATE = '/get_certificate{"certificate_kind": "tax_certificate"}'
TAX_WORDS = re.compile(r"完税|税票|税收证明|纳税证明")
FOR_OTHERS = re.compile(r"代缴|代他人|代别人|替别人|帮别人|为他人")
ID_NUMBER, PERSON_NAME, INSURED, OTHER = "id_number", "person_name", "insured_person", "other"
PICKED = ("ticket", "issue", "page")
OF_ORDER = ":"
"""Between the number of an order and the place of a bill in it: how a button names who is insured there."""
LAST = "last"
"""What a button says for the person whose tickets were listed last: no id of a person leaves us."""


def take_facts(talk: Talk, task: Task) -> None:
    turn = talk.turn
    kind = turn.last("certificate_kind")
    if kind is None and TAX_WORDS.search(turn.text) and not tickets.is_tax(task):
        kind = tickets.ANY
    if kind is not None:
        task.put("certificate_kind", str(kind))
    times = [name for name in tickets.TIMES if turn.last(name) is not None]
    if times:
        for name in tickets.TIMES:
            task.forget(name)
        task.put(times[0], str(turn.last(times[0])))
    if kind is not None or times:
        for name in PICKED:
            task.forget(name)
    for name in PICKED:
        if turn.last(name) is not None:
            task.put(name, str(turn.last(name)))
    _take_person(talk, task)


def _take_person(talk: Talk, task: Task) -> None:
    turn = talk.turn
    said = {name: turn.token(name) for name in (ID_NUMBER, PERSON_NAME)}
    if turn.last("beneficiary") == "self":
        for name in ("beneficiary", ID_NUMBER, PERSON_NAME, INSURED):
            task.forget(name)
    elif turn.last("beneficiary") == OTHER or any(said.values()) or FOR_OTHERS.search(turn.text):
        if task.facts.get("beneficiary") != OTHER or any(said.values()):
            task.forget(INSURED)
        task.put("beneficiary", OTHER)
    if turn.last("id_type") is not None:
        task.put("id_type", str(turn.last("id_type")))
    for name, token in said.items():
        if token is not None:
            task.put(name, token)
    if OF_ORDER in str(turn.last(INSURED)):
        task.put("beneficiary", OTHER)
        task.put(INSURED, str(turn.last(INSURED)))
    elif turn.last(INSURED) == LAST and INSURED in talk.state.listed:
        task.put("beneficiary", OTHER)
        task.put(INSURED, talk.state.listed[INSURED])


def answers(talk: Talk) -> bool:
    """Whether the turn names the other person that was asked for, or picks from the list of tickets, whatever
    else it looks like; then it is in the task."""
    task = talk.state.task
    asked = task.asked if task and task.kind == "certificate" else None
    if task and asked in {ID_NUMBER, PERSON_NAME} and talk.turn.token(asked):
        _take_person(talk, task)
        return True
    if task is None and talk.state.listed and talk.state.done.get("kind") == "certificate":
        task = Task(kind="certificate", facts=tickets.recall(talk))
    elif asked != tickets.TICKET:
        return False
    if task is None or not tickets.pick(talk, task):
        return False
    talk.state.task = task
    return True


async def answer_question(talk: Talk, task: Task) -> bool:
    bound = await talk.services.identity.find_bound(talk.conversation_id)
    if task.asked != "fee_year" or bound is None:
        return False
    options = [Option(value=str(year), title=say("option.record_year", year=year)) for year in task.single]
    year = choose(talk.turn, "fee_year", options)
    if year is None and plain(talk.turn.text).isdigit() and len(plain(talk.turn.text)) == 4:
        year = plain(talk.turn.text)
    if year is not None:
        task.put("fee_year", year)
    elif tickets.is_tax(task) and tickets.ALL.search(talk.turn.text):
        task.put("fee_period", tickets.ALWAYS)
    else:
        return False
    return True


async def go_on(talk: Talk, task: Task, bound: BoundPerson) -> None:
    holder = await _holder(talk, task, bound)
    if holder is None:
        return
    if tickets.is_tax(task):
        await tickets.go_on(talk, task, bound, holder)
    else:
        await _payment_record(talk, task, bound, holder)


# --- for whom ---------------------------------------------------------------------------------------


async def _holder(talk: Talk, task: Task, bound: BoundPerson) -> Holder | None:
    """Whose payments it is about; None after the next question, or after what ends it, has been said."""
    facts = task.facts
    if facts.get("beneficiary") != OTHER:
        return Holder(person_id=bound.person_id)
    if INSURED in facts:
        return await _named_by_button(talk, task, bound)
    could_be = await _complete(talk, task)
    if not could_be or not await login.step_up(talk, bound, tickets.LEVEL):
        return None
    task.asked = None
    found = None
    for id_type in could_be:
        found = found or await talk.services.certificates.find_paid_for(
            bound.person_id,
            conversation_id=talk.conversation_id,
            id_token=facts[ID_NUMBER],
            name_token=facts[PERSON_NAME],
            id_type=id_type,
        )
    for name in (ID_NUMBER, PERSON_NAME):
        task.forget(name)
    if found is None:
        talk.state.finish()
        talk.tell("paper.nothing_for_other")
        return None
    task.put(INSURED, found.person_id)
    return found


async def _named_by_button(talk: Talk, task: Task, bound: BoundPerson) -> Holder | None:
    """Who was found before, or is named by an order of this payer and the place of the bill in it."""
    person_id = str(task.facts[INSURED])
    order_no, _, place = person_id.partition(OF_ORDER)
    if place:
        order = await talk.services.payment.find_order(order_no)
        if order is None or order.payer_id != bound.person_id or not 1 <= int(place) <= len(order.bills):
            talk.state.finish()
            talk.tell("paper.nothing_for_other")
            return None
        person_id = order.bills[int(place) - 1].insured_id
        task.put(INSURED, person_id)
    if person_id == bound.person_id:
        return Holder(person_id=person_id)
    return Holder(person_id=person_id, payer_id=bound.person_id)


async def _complete(talk: Talk, task: Task) -> Sequence[IdType]:
    """The documents that the number may belong to, when number and name are there; else what is missing was
    asked for."""
    facts = task.facts
    id_type = IdType(facts.get("id_type", IdType.RESIDENT_ID_CARD))
    if ID_NUMBER not in facts:
        _ask(talk, task, ID_NUMBER, "paper.ask_id_number")
        return ()
    checked = await talk.services.insured.check_number(talk.conversation_id, facts[ID_NUMBER], id_type)
    if not checked.ok and not checked.could_be:
        task.forget(ID_NUMBER)
        _ask(talk, task, ID_NUMBER, f"id_problem.{checked.reason}")
        return ()
    if PERSON_NAME not in facts:
        _ask(talk, task, PERSON_NAME, "paper.ask_name")
        return ()
    return checked.could_be or (id_type,)


def _ask(talk: Talk, task: Task, name: str, key: str) -> None:
    task.asked = name
    talk.tell(key, (say("button.cancel"), "/cancel"))


# --- the payment record voucher -----------------------------------------------------------------------


async def _payment_record(talk: Talk, task: Task, bound: BoundPerson, holder: Holder) -> None:
    years = await talk.services.certificates.years(holder)
    pending = await tickets.find_pending(talk, holder)
    if "fee_year" not in task.facts and "fee_period" in task.facts:
        task.put("fee_year", str(task.facts["fee_period"])[:4])
    if "fee_year" not in task.facts:
        known = sorted({*years, *pending}, reverse=True)
        if len(known) > 1:
            tickets.ask_year(talk, task, "ask.record_year", known)
            return
        task.put("fee_year", str(known[0] if known else talk.today.year))
    year = int(str(task.facts["fee_year"])[:4])
    if year not in years and year in pending:
        tickets.tell_not_yet(talk, holder, RECORD, pending[year])
        return
    if not await login.step_up(talk, bound, tickets.LEVEL):
        return
    issued = await talk.services.certificates.issue_payment_record(
        holder, conversation_id=talk.conversation_id, fee_year=year
    )
    talk.state.finish()
    if isinstance(issued, Document):
        who = await tickets.whose(talk, holder)
        talk.add(cards.document(say("paper.ready", who=who, title=issued.title, year=year), issued))
    elif isinstance(issued, NotYet):
        tickets.tell_not_yet(talk, holder, RECORD, issued)
    else:
        talk.tell("paper.nothing_for_other" if holder.payer_id else "paper.nothing", year=year)


async def tell_booked(talk: Talk, order_no: str) -> None:
    """The tax bureau has entered a payment: a button for the record of each person in it."""
    order = await talk.services.payment.find_order(order_no)
    if order is None:
        return
    buttons, seen = [], set[str]()
    for place, bill in enumerate(order.bills, start=1):
        if bill.returned or bill.insured_id in seen:
            continue
        seen.add(bill.insured_id)
        year = bill_year(bill.quote.dues, bill.quote.fee_period)
        about = f'"fee_year": "{year}", "{INSURED}": "{order_no}{OF_ORDER}{place}"'
        payload = f'/get_certificate{{"certificate_kind": "payment_record", {about}}}'
        own = bill.insured_id == order.payer_id
        title = "button.payment_record" if own else "button.record_of"
        buttons.append((say(title, who=await masked_name(talk, order.payer_id, bill)), payload))
    talk.tell("pay.news_booked", *buttons, **await order_facts(talk, order))


# --- too early ----------------------------------------------------------------------------------------


async def wants_to_be_told(talk: Talk) -> bool:
    """好了告诉我: whether the offer was answered, yes or no."""
    if talk.state.question != TELL or talk.turn.poke:
        return False
    talk.state.question = None
    awaited, talk.state.awaited = talk.state.awaited, {}
    if talk.turn.intent == "deny":
        talk.tell("paper.not_told")
        return True
    if not agrees_to_be_told(talk.turn):
        return False
    bound = await login.go_on(talk)
    if bound is None:
        return True
    other = awaited.get(INSURED)
    promised = await talk.services.certificates.tell_when_there(
        Holder(person_id=other or bound.person_id, payer_id=bound.person_id if other else None),
        conversation_id=talk.conversation_id,
        kind=awaited["paper"],
        fee_year=awaited["fee_year"],
    )
    talk.tell("paper.will_tell" if promised else "paper.there_already", year=awaited["fee_year"])
    return True


async def tell_ready(talk: Talk, *, paper: str, fee_year: int, person_id: str) -> None:
    """The news that a paper can be had that was asked for too early."""
    bound = await talk.services.identity.find_bound(talk.conversation_id)
    if bound is None:
        return
    about = ""
    if person_id != bound.person_id:
        talk.state.listed = {INSURED: person_id}
        about = f', "{INSURED}": "{LAST}"'
    kind = RECORD if paper == RECORD else tickets.FIRST
    payload = f'/get_certificate{{"certificate_kind": "{kind}", "fee_year": "{fee_year}"{about}}}'
    talk.tell(
        "paper.now_there", (say("button.issue_now"), payload), year=fee_year, title=say(f"paper.title.{kind}")
    )
