"""Whose a number or a name is that was said without for whom: one's own, or who is paid for."""

from actions import cards, others
from actions.say import say
from actions.slots import FOR_OTHER, ID_NUMBER, PERSON_NAME, Option
from actions.state import WHOSE, Task
from actions.talk import Talk


async def decide(talk: Talk, task: Task, person_id: str) -> bool:
    """Whose number or name was said without for whom: nobody pays for himself who has named somebody else.
    False when that is asked."""
    if others.is_for_other(task):
        return True
    for name in (ID_NUMBER, PERSON_NAME):
        token = task.facts.get(name)
        if token and await talk.services.identity.is_own(talk.conversation_id, token, person_id):
            task.forget(name)
    if ID_NUMBER in task.facts and others.FOR_ME not in task.facts:
        task.facts["beneficiary"] = FOR_OTHER
    elif ID_NUMBER in task.facts or PERSON_NAME in task.facts:
        ask_whose(talk)
        return False
    return True


def ask_whose(talk: Talk) -> None:
    """这笔给这位缴吗？"""
    talk.state.question = WHOSE
    options = whose_options()
    sentence = say("ask.beneficiary", titles=[option.title for option in options])
    talk.add(cards.choice(sentence, "beneficiary", options))


def whose_options() -> list[Option]:
    return [Option(value=value, title=say(f"option.whose.{value}")) for value in (FOR_OTHER, others.OWN)]


def leave(talk: Talk, task: Task) -> bool:
    """上一步 at the first question about somebody else: what was there before that one was named, if anything was."""
    if WHOSE not in task.before or set(task.answered) & others.PERSONAL - {task.asked}:
        return False
    name = task.before.pop(WHOSE)
    others.take_back(task)
    if name:
        task.put(PERSON_NAME, name)
        ask_whose(talk)
    return True
