"""Who is named beside the one in work: somebody else at a card, a name that is told too early, who goes first."""

import re

from actions import family, others
from actions.slots import FOR_OTHER
from actions.state import PAYMENT, Task
from actions.talk import Talk
from actions.turn import TOKEN

FIRST = re.compile(r"先(?:给|帮|替|把|[交缴付])")


def names_another(talk: Talk, task: Task) -> bool:
    """我自己也要交 六百, 我爸的交八百: whether somebody else is named than the one of the task."""
    said, named = talk.turn.last("beneficiary"), family.relations(talk.turn.text)
    if not others.is_for_other(task):
        return bool(said == FOR_OTHER)
    before = task.facts.get("relation")
    other = said == FOR_OTHER and named and before and before not in named
    return bool(said == others.OWN or other or others.take_next(talk))


def is_put_in_place(talk: Talk) -> bool:
    """换回我妈, while another is paid for."""
    return (
        others.is_for_other(talk.state.task)
        and bool(family.relations(talk.turn.text))
        and others.INSTEAD.search(talk.turn.text) is not None
    )


def goes_first(talk: Talk) -> bool:
    """等哈，先给我娃儿交: somebody else before the one in work, who is not forgotten."""
    task = talk.state.task
    if task is None or task.kind != "pay" or task.joint or task.member or task.asked == PAYMENT:
        return False
    first = talk.turn.last("beneficiary") is not None and FIRST.search(talk.turn.text) is not None
    return first and names_another(talk, task)


def is_named_early(talk: Talk) -> bool:
    """A bare name or number while it is still asked what is paid for another: 王小芳, at 居民还是灵活就业."""
    task = talk.state.task
    bare = re.sub(r"[\s,，。.!！？?]|(?:他|她)?(?:名字)?(?:是|叫)", "", TOKEN.sub("", talk.turn.text))
    return not talk.state.login and others.is_for_other(task) and not bare
