"""Who of the family a sentence is about: by what residents call them, several at once, each with a number or name."""

import re

from actions import clauses, meant
from actions.choices import whole_number
from actions.persons import Named, includes_oneself, named, names_oneself
from actions.slots import FOR_OTHER, ID_NUMBER, PERSON_NAME
from actions.state import SHARED, Task
from actions.talk import Talk
from actions.turn import without_tokens
from services.domain.kin import RELATION, RELATIONS
from services.domain.kinds import Insurance

INSURANCES = {"医保": Insurance.MEDICAL, "医疗": Insurance.MEDICAL, "养老": Insurance.PENSION}
OF_WHOM = re.compile(
    rf"(?:我?的?(?:{RELATION.pattern})|我(?:自己|本人)?)(?:⟦[^⟧]*⟧)*的?[交缴]?(?:[今明]年的?)?(?:居民|灵活(?:就业)?|城乡)?(?P<kind>{'|'.join(INSURANCES)})"
)
"""我妈的医保."""
TIER_OF_WHOM = re.compile(
    rf"(?:我?(?:家|屋头)?的?(?:{RELATION.pattern})|我(?:自己|本人)?)的?(?:那份)?(?:想|要|就|先|选|给|[交缴付])*(?:的)?"
    r"(?P<tier>[0-9]{3,4}|[一二两三四五六七八九][百千](?:五[十百]?)?|(?P<percent>[0-9]{2,3}(?=%)|[六七八九](?=成)))(?![月年号])"
)
"""妈三百，老汉六百: the tier of each."""
TOGETHER = re.compile(r"一起|一块儿?|一并|一路|同时|都交|都缴")
WITH_ME = re.compile(r"我(?:自己)?(?:和|跟|与|同|、|，|,|还有|以及)|[和跟连]我(?!说|讲)|我们")
WHOLE = re.compile(
    r"(?:一|全)家(?:人|子|老小|[二两三四五六七八\d]口)?|[一全]屋(?:人|头)|(?:屋头|家里)(?:头|面)?(?:的人|人|几个|所有人)"
    r"|(?:我们?家|屋头|家里)(?:头|面)?的?[两二三四五六七八\d](?:个人?|口人?)"
)
"""一家人, 一家四口: and not which."""
ONLY_MINE = re.compile(
    rf"(?P<kind>{'|'.join(INSURANCES)})(?:保险)?(?:就|的话)?(?:只|单)[要给帮交缴办付]*我(?:自己|本人)?(?:一个人?)?的?(?=$|[，,。！!])"
)
"""医保我和我妈都交，养老只交我的: the other insurance is for everybody."""
WHICH_ONES = "family"
"""What is asked then."""


def relations(text: str) -> list[str]:
    """The people of the family that a sentence is about: those named last, one beside the other."""
    found = (one.facts.get("relation") or one.facts.get("called", "") for one in named(text))
    return [title for title in dict.fromkeys(found) if title in RELATIONS]


def told_of_each(text: str) -> dict[str, dict[str, str]]:
    """我爸韦六妹 <number>，我妈 <number>: what is told of whom, where it is told of several."""
    people = [(one.facts.get("relation"), _tokens(one)) for one in named(text, everybody=True)]
    told = {relation: tokens for relation, tokens in people if relation and tokens}
    return told if len(told) > 1 else {}


def tiers_of_each(text: str) -> dict[str, str]:
    """The tiers of several, by relation (oneself is the empty word), where one is said of each."""
    titles, found = list(RELATIONS), dict[str, str]()
    for match in TIER_OF_WHOM.finditer(without_tokens(text)):
        groups = [name for name in match.groupdict() if name.startswith("r") and match[name]]
        title = titles[int(groups[0][1:])] if groups else ""
        percent = match["percent"]
        number = whole_number(percent or match["tier"])
        found[title] = str(number) if not percent else f"{number * 10 if number < 10 else number}%"
    return found if len(found) > 1 else {}


def name_in(task: Task) -> str:
    """What somebody is called in what is told of several: by relation, oneself as the empty word."""
    for_other = task.facts.get("beneficiary") == FOR_OTHER
    return str(task.facts.get("relation") or "-") if for_other else ""


def _tokens(one: Named) -> dict[str, str]:
    return {name: one.facts[name] for name in (ID_NUMBER, PERSON_NAME) if name in one.facts}


def take_family(talk: Talk) -> list[Task]:
    """我和老婆孩子的医保一起交: a task for each of them; empty when it is not about several people."""
    each = _each_his_own(talk)
    if each:
        return each
    text, kinds = talk.turn.text, _kind_of_each(talk.turn.text)
    people = [one.facts for one in named(text, meant=talk.turn.tokens)]
    if kinds:
        known = {one.get("relation"): one for one in people}
        people = [known.get(title, {"relation": title}) for title in kinds if title]
    with_me = "" in kinds or includes_oneself(text)
    told = any(name in one for one in people for name in (ID_NUMBER, PERSON_NAME))
    if not people and WITH_ME.search(text) and TOGETHER.search(text) and not WHOLE.search(text):
        people, with_me = [{}], True  # 我和老宋的一起交: somebody whom we have no word for
    elif talk.turn.last("beneficiary") is None and not told and not (with_me and people):
        return []
    with_me = with_me or meant.MYSELF_TOO.search(text) is not None
    if len(people) + with_me < 2:
        return []
    unknown = [one for one in people if not (one.get("relation") or one.get("called"))]
    for place, one in zip("一二三四五六", unknown if len(unknown) > 1 else [], strict=False):
        one["called"] = f"第{place}位"
    said = {name: str(value) for name in SHARED if (value := talk.turn.last(name)) is not None}
    mine = _only_mine(talk)
    said |= {"insurance": mine[0]} if mine else {}
    tiers = tiers_of_each(text)
    if tiers:
        said.pop("tier", None)
    family = [
        Task(
            kind="pay",
            facts=_with_kind(
                {**said, "beneficiary": FOR_OTHER, "as_before": "yes", **one}, kinds, one.get("relation", "-")
            ),
        )
        for one in people
    ]
    own = Task(kind="pay", facts=_with_kind(said, kinds, ""))
    for task in (own, *family):
        if name_in(task) in tiers:
            task.facts["tier"] = tiers[name_in(task)]
    further = [Task(kind="pay", facts={**said, "insurance": mine[1]})] if mine else []
    return [*([own] if with_me else []), *further, *family]


def _only_mine(talk: Talk) -> tuple[str, str] | None:
    """The insurance that is for everybody, and the one that is for oneself only; None where none is."""
    only, said = ONLY_MINE.search(talk.turn.text), talk.turn.values.get("insurance", ())
    if only is None or len(set(said)) != len(Insurance):
        return None
    mine = INSURANCES[only["kind"]]
    return next(one.value for one in Insurance if one is not mine), mine.value


def _each_his_own(talk: Talk) -> list[Task]:
    """我交600的居民养老，我妈交居民医保: a task for each bill of each; the second of one person is for the same one."""
    tasks, before = list[Task](), list[object]()
    for wish in clauses.each(talk.turn):
        facts = {**wish.facts, "as_before": meant.EACH}
        if wish.person is not None:
            facts |= {"beneficiary": FOR_OTHER, **wish.person.facts}
            if before and before[-1] is wish.person:
                facts[meant.SAME] = "yes"
        before.append(wish.person)
        tasks.append(Task(kind="pay", facts=facts))
    return tasks


def _with_kind(facts: dict[str, str], kinds: dict[str, dict[str, str]], title: str) -> dict[str, str]:
    """`facts` with the insurance of this one; the tier that was said is of the pension."""
    kind = kinds.get(title, {})
    untold = {"tier"} if kind.get("insurance") == Insurance.MEDICAL else set()
    return {name: value for name, value in facts.items() if name not in untold} | kind


def _kind_of_each(text: str) -> dict[str, dict[str, str]]:
    """我妈的医保和我的养老: the insurance of each (oneself is the empty word), where there is one of each."""
    titles, found = list(RELATIONS), dict[str, dict[str, str]]()
    for match in OF_WHOM.finditer(text):
        groups = [name for name in match.groupdict() if name.startswith("r") and match[name]]
        title = titles[int(groups[0][1:])] if groups else ""
        found[title] = {"insurance": INSURANCES[match["kind"]].value}
    return found if len({str(one) for one in found.values()}) > 1 else {}


def is_whole(talk: Talk) -> bool:
    """一家人的一起交: of whom that is said nothing else."""
    text = talk.turn.text
    others = talk.turn.last("beneficiary") == FOR_OTHER
    return (
        others and WHOLE.search(text) is not None and not relations(text) and not talk.turn.token(ID_NUMBER)
    )


def name_members(talk: Talk, task: Task) -> list[Task]:
    """我 老公 女儿, where it is asked which of the family: a task for each of them; empty when nobody is named."""
    text = talk.turn.text
    said = {name: task.facts[name] for name in SHARED if name in task.facts}
    members = [Task(kind="pay", facts=dict(said))] if names_oneself(text) else []
    for one in named(text, meant=talk.turn.tokens, everybody=True):
        facts = {**said, "beneficiary": FOR_OTHER, "as_before": "yes", **one.facts}
        members.append(Task(kind="pay", facts=facts))
    return members


def title_of(task: Task) -> str:
    """What the resident calls this person; empty when nothing was said."""
    return str(task.facts.get("relation") or task.facts.get("called", ""))


def several(text: str) -> list[dict[str, str]]:
    """我爸和我妈, 两个老人: the facts of each; empty for one."""
    found = [{"relation": "", **person.facts} for person in named(text) if person.title]
    return found if len(found) > 1 else []
