"""Who names himself means himself: 我叫…，查我的; one's own name or number where those of another may stand."""

from dataclasses import replace

from actions import persons
from actions.slots import ID_NUMBER, INSURED, PERSON_NAME
from actions.state import Task
from actions.talk import Talk

PEOPLE = (ID_NUMBER, PERSON_NAME)
LOOKUP = frozenset({"query_records", "get_certificate"})


async def introduce(talk: Talk) -> None:
    """我是…，我要查我的缴费记录: who speaks is known by the login, so his name and number ask for nobody else. Whose
    login it is, is told where that is another."""
    turn = talk.turn
    if turn.intent not in LOOKUP or talk.state.login:
        return
    own = persons.tokens_of_oneself(turn.text)
    if not own:
        return
    bound = await talk.services.identity.find_bound(talk.conversation_id)
    identity = talk.services.identity
    if bound and not all(
        [await identity.is_own(talk.conversation_id, token, bound.person_id) for token in own]
    ):
        talk.tell("login.is_another", name=bound.masked_name)
    text = turn.text
    for token in own:
        text = text.replace(token, "")
    values = {
        name: tuple(value for value in said if value not in own) if name in PEOPLE else said
        for name, said in turn.values.items()
    }
    talk.turn = replace(turn, text=text, values=values)


async def is_meant(talk: Talk, task: Task, person_id: str) -> bool:
    """Whether the number that was said, or the name without a number, is one's own; 我妈 of the same name is not."""
    facts = task.facts
    token = facts.get(ID_NUMBER) or (None if facts.get("relation") else facts.get(PERSON_NAME))
    if token is None or INSURED in facts:
        return False
    return await talk.services.identity.is_own(talk.conversation_id, token, person_id)


def take_off(task: Task) -> None:
    """It is for nobody else any more."""
    for name in ("beneficiary", "relation", "called", "id_type", *PEOPLE):
        task.forget(name)
    task.asked = None
