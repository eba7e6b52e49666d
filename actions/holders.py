"""Whose papers are wanted (C4–C6): somebody this conversation knows, or the number and name that are asked for."""

from collections.abc import Mapping, Sequence
from typing import Any

from actions import called, login, own_name, same_person, tickets
from actions.say import say
from actions.state import Task
from actions.talk import Talk
from services.certificates import Holder
from services.domain.kinds import IdType
from services.domain.names import canonical_name
from services.identity import BoundPerson

ID_NUMBER, PERSON_NAME, OTHER = "id_number", "person_name", "other"
INSURED = tickets.INSURED
OF_ORDER = ":"
"""Between the number of an order and the place of a bill in it: how a button names who is insured there."""
MINE = '/get_certificate{"beneficiary": "self"}'


async def find(talk: Talk, task: Task, bound: BoundPerson) -> Holder | None:
    """Whose payments it is about; None after the next question, or after what ends it, has been said. What was
    not found may be put right: the number or the name that is said next takes the place of the wrong one."""
    facts = task.facts
    if facts.get("beneficiary") != OTHER or await _is_oneself(talk, task, bound.person_id):
        return Holder(person_id=bound.person_id)
    if INSURED in facts:
        return await _named_before(talk, task, bound)
    if await _is_the_same(talk, task, bound.person_id):
        return Holder(person_id=task.facts[INSURED], payer_id=bound.person_id)
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
    if found is None:
        pet_name = await called.by_pet_name(talk, facts[PERSON_NAME])
        await _ask(talk, task, PERSON_NAME, "paper.not_found", pet_name=pet_name)
        return None
    for name in (ID_NUMBER, PERSON_NAME):
        task.forget(name)
    task.put(INSURED, found.person_id)
    known = talk.state.relatives.get(found.person_id, "")
    talk.state.relatives[found.person_id] = facts.get("relation", known)
    return found


async def _is_oneself(talk: Talk, task: Task, person_id: str) -> bool:
    """Whether one's own name or number was said as that of somebody else; then it is for nobody else any more."""
    own = await own_name.is_meant(talk, task, person_id)
    if own:
        own_name.take_off(task)
    return own


async def only_other(talk: Talk, task: Task, payer_id: str) -> str:
    """Whom 她 means where the last order has paid for one other, along with oneself; empty for nobody."""
    said = task.facts.keys() & {ID_NUMBER, PERSON_NAME}
    paid = [] if said or not same_person.THEIRS.search(talk.turn.text) else await paid_for(talk, payer_id)
    return paid[0] if len(paid) == 1 else ""


async def _is_the_same(talk: Talk, task: Task, payer_id: str) -> bool:
    """Whether a name without a number is that of somebody whom this conversation has found or paid for before."""
    if only := await only_other(talk, task, payer_id):
        task.put(INSURED, only)
        return True
    named, last = task.facts.get(PERSON_NAME), talk.state.listed.get(INSURED)
    if not named or ID_NUMBER in task.facts:
        return False
    paid = await paid_for(talk, payer_id)
    for person_id in dict.fromkeys([*talk.state.relatives, *([last] if last else []), *paid]):
        if await talk.services.certificates.is_named(
            person_id, conversation_id=talk.conversation_id, name_token=named
        ):
            task.forget(PERSON_NAME)
            task.put(INSURED, person_id)
            task.asked = None
            return True
    queried = talk.state.shown
    if ID_NUMBER in queried and await _is_one_name(talk, named, queried[PERSON_NAME]):
        task.put(ID_NUMBER, queried[ID_NUMBER])
    return False


async def paid_for(talk: Talk, payer_id: str) -> list[str]:
    """Whom the order of this conversation has paid for."""
    order = await talk.services.payment.find_order(talk.state.order_no) if talk.state.order_no else None
    mine = order is not None and order.payer_id == payer_id
    return [bill.insured_id for bill in order.bills if bill.insured_id != payer_id] if order and mine else []


async def _is_one_name(talk: Talk, first: str, second: str) -> bool:
    names = [await talk.services.vault.open(talk.conversation_id, token) for token in (first, second)]
    return canonical_name(names[0]) == canonical_name(names[1])


async def _named_before(talk: Talk, task: Task, bound: BoundPerson) -> Holder | None:
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
        await _ask(
            talk, task, ID_NUMBER, "paper.ask_id_number", named=PERSON_NAME in facts, who=_called(facts)
        )
        return ()
    checked = await talk.services.insured.check_number(talk.conversation_id, facts[ID_NUMBER], id_type)
    if not checked.ok and not checked.could_be:
        task.forget(ID_NUMBER)
        await _ask(talk, task, ID_NUMBER, f"id_problem.{checked.reason}")
        return ()
    if PERSON_NAME not in facts:
        await _ask(talk, task, PERSON_NAME, "paper.ask_name")
        return ()
    return checked.could_be or (id_type,)


def _called(facts: Mapping[str, Any]) -> str:
    """What the resident calls this person, where it is one of several."""
    return str(facts.get("called") or "")


async def tell_not_heard(talk: Talk, task: Task) -> None:
    """The answer to the question after a number or a name was neither."""
    told = any(talk.turn.token(name) for name in (ID_NUMBER, PERSON_NAME))
    if task.asked in {ID_NUMBER, PERSON_NAME} and not told:
        await called.tell_not_heard(talk, task.asked)


async def _ask(talk: Talk, task: Task, name: str, key: str, **facts: object) -> None:
    await tell_not_heard(talk, task)
    task.asked = name
    talk.tell(key, (say("button.mine"), MINE), (say("button.cancel"), "/cancel"), **facts)
