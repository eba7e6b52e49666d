"""Whom 他 and 她 mean: the person in work, or who was paid for last; and 我也: oneself along with them.

A sentence about somebody else is never about oneself: when nobody is known who could be meant, it is asked.
"""

import re
from dataclasses import replace
from typing import Any

from actions.slots import ANOTHER, FOR_OTHER, INSURED
from actions.state import PERSON, SHARED, Task
from actions.talk import Talk

HE_OR_SHE = re.compile(
    r"(?:给|帮|替|为|代)(?<!其)(?:[他她]|ta)(?!们|人|叫|名叫|是|姓)"
    r"|(?<!其)(?:[他她]|ta)(?:的(?!名|姓|身份|证|号|电话|手机|码|钱)|也|还有|还要|(?:是|就|只|想|要|得)*[交缴])",
    re.IGNORECASE,
)
MY_OWN = re.compile(r"我(?:自己|本人)(?:的?(?:支付宝|微信|钱|卡|手机|账号|帐号)|来?(?:付|出|掏|操作))")
"""What is paid with is not who is paid for."""
MYSELF_TOO = re.compile(
    r"我(?:自己|本人)?的?(?:那份)?(?:居民|灵活就业|灵活)?(?:医保|养老|社保|医疗)?(?:保险)?"
    r"(?:也(?!不|没|是|觉|想问|想知|晓|知|懂|搞|可以吗|(?:想|要|来|再|得)*(?:给|帮|替|为))"
    r"|一起|一块|一并|一路|[呢嘞喃咧][?？]?$)"
)
ONE_MORE = re.compile(
    r"(?:那|我)?(?:还有|还要|还|再)(?:要|加|帮|给)*一?[个位]人?(?:也?要?[交缴])?[的了嘛哈。.!！]*"
)
TELLING = frozenset({"pay_insurance", "inform", "change_answer", "affirm", "out_of_scope", "nlu_fallback"})
ONLY_ONE = frozenset(
    ["妈妈", "爸爸", "公公", "婆婆", "岳父", "岳母", "爷爷", "奶奶", "外公", "外婆", "老公", "老婆", "爱人"]
)
"""Of whom one has one: who was found as 我妈 before is meant by it again."""
EACH = "each"
"""Of `as_before`: who has his own is asked what was not said of him; the year alone is as before."""
SAME = "same_person"
"""A task for whoever is settled just before it."""


def read_pronoun(talk: Talk) -> None:
    """她的医保也交 is for another, as 给她交 is; 给我妈交，用我自己的支付宝 is not for oneself."""
    turn = talk.turn
    talk.meant = person(talk)
    if {FOR_OTHER, "self"} <= set(turn.values.get("beneficiary", ())) and MY_OWN.search(turn.text):
        talk.turn = replace(turn, values={**turn.values, "beneficiary": (FOR_OTHER,)})
        return
    if ONE_MORE.fullmatch(turn.text):
        talk.turn = replace(turn, values={**turn.values, "beneficiary": (FOR_OTHER,)})
        return
    said = turn.last("beneficiary") is not None or turn.intent not in TELLING
    if not said and HE_OR_SHE.search(turn.text):
        talk.turn = replace(turn, values={**turn.values, "beneficiary": (FOR_OTHER,)})


def person(talk: Talk) -> dict[str, Any]:
    """The facts of who is meant by 他 and 她; empty when nobody is."""
    if not HE_OR_SHE.search(talk.turn.text):
        return {}
    task = talk.state.task
    in_work = task is not None and task.kind == "pay" and task.facts.get("beneficiary") == FOR_OTHER
    facts = task.facts if task and in_work else talk.state.last
    if facts.get("beneficiary") != FOR_OTHER:
        return {}
    found = {name: facts[name] for name in PERSON if name in facts and facts[name] != ANOTHER}
    return {**found, SAME: "yes"} if in_work and INSURED not in found else found


def find_known(talk: Talk, relation: str) -> str:
    """The id of who was found as 我妈 in this conversation; empty when nobody was."""
    found = [one for one, called in talk.state.relatives.items() if called == relation]
    return found[0] if relation in ONLY_ONE and len(found) == 1 else ""


def wants_oneself_too(talk: Talk) -> bool:
    """我自己也交, while somebody else is paid for."""
    return talk.turn.intent in TELLING and MYSELF_TOO.search(talk.turn.text) is not None


def shared(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: facts[name] for name in SHARED if name in facts}


def share(talk: Talk, task: Task) -> None:
    """The next of a family: what the one before has settled is not asked again."""
    how, last = task.facts.pop("as_before", None), talk.state.last
    if how:
        same = task.facts.get("insurance") in {None, last.get("insurance")}
        names: tuple[str, ...] = SHARED if same else SHARED[:1]
        if how == EACH:
            alike = all(task.facts.get(name) == last.get(name, "") for name in SHARED[:2])
            names = ("fee_year",) if alike else ()
        for name in names:
            if name in last:
                task.facts.setdefault(name, last[name])
    if task.facts.pop(SAME, None) and INSURED in last and last.get("relation") == task.facts.get("relation"):
        task.facts |= {name: last[name] for name in PERSON if name in last}
