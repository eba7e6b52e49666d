"""What is said in pieces: a number or a name before what it is for, 我想给我妈 before what shall be paid."""

import re
from dataclasses import replace

from actions.slots import FOR_OTHER, ID_NUMBER, PERSON_NAME
from actions.talk import Talk
from services.domain.kin import RELATION

FOR_SOMEBODY = re.compile(
    rf"(?:那|我|想|要|来|就|先|打算|准备)*(?:给|帮|替)(?:一?[下哈]|忙)?我?(?:们|家|屋头)*的?[大二三四小幺老]?(?:{RELATION.pattern})(?:来|去)?[交缴弄办]?(?:一下|[下哈])?"
)
"""我想给我妈."""
FOR_HIM = re.compile(r"我(?:来|想|要|就|去|准备|打算)*(?:帮|给|替)(?:[他她]|ta)(?:来|去|把)?[交缴付]")
"""邻居不会用手机，我帮她交."""
QUESTION = re.compile(r"吗|嘛[?？]|什么|啥|怎么|咋|能不能|可不可以|行不行|要不要|多少|好多|[?？]")
MARKS = re.compile(r"[\s,，.。!！~～…]+")


def begins(talk: Talk) -> bool:
    """Whether it is said for whom something shall be paid, and not yet what."""
    text = talk.turn.text
    if talk.turn.last("beneficiary") != FOR_OTHER or talk.state.task or QUESTION.search(text):
        return False
    return FOR_SOMEBODY.fullmatch(MARKS.sub("", text)) is not None or FOR_HIM.search(text) is not None


def keep(talk: Talk) -> bool:
    """Whether a number or a name was all that was said: it is kept for what it is for."""
    told = {name: token for name in (ID_NUMBER, PERSON_NAME) if (token := talk.turn.token(name))}
    if talk.state.task or talk.state.login or not told:
        return False
    talk.state.kept |= told
    talk.tell("others.kept", number=ID_NUMBER in told)
    return True


async def recall_another(talk: Talk) -> None:
    """Papers and records: what was kept of somebody else; one's own number is not needed for them."""
    bound = await talk.services.identity.find_bound(talk.conversation_id) if talk.state.kept else None
    number = talk.state.kept.get(ID_NUMBER)
    if bound is None or number is None:
        return
    if not await talk.services.identity.is_own(talk.conversation_id, number, bound.person_id):
        recall(talk)


def recall(talk: Talk) -> None:
    """What was kept counts as said now."""
    kept, talk.state.kept = talk.state.kept, {}
    if not kept:
        return
    said = {name: (token,) for name, token in kept.items() if not talk.turn.token(name)}
    talk.turn = replace(talk.turn, values={**talk.turn.values, **said})
