"""Who of the family a sentence is about: by what residents call them, several at once, each with a number or name."""

import re
from itertools import pairwise

from actions import meant
from actions.choices import whole_number
from actions.slots import FOR_OTHER, ID_NUMBER, PERSON_NAME
from actions.state import SHARED, Task
from actions.talk import Talk
from actions.turn import token_in, tokens_in
from services.domain.kin import MY_RELATION, RELATION, RELATIONS
from services.domain.kinds import Insurance

INSURANCES = {"医保": Insurance.MEDICAL, "医疗": Insurance.MEDICAL, "养老": Insurance.PENSION}
OF_WHOM = re.compile(
    rf"(?:我?的?(?:{RELATION.pattern})|我(?:自己|本人)?)的?(?:居民|灵活(?:就业)?|城乡)?(?P<kind>{'|'.join(INSURANCES)})"
)
"""我妈的医保."""
TIER_OF_WHOM = re.compile(
    rf"(?:我?(?:家|屋头)?的?(?:{RELATION.pattern})|我(?:自己|本人)?)的?(?:那份)?(?:想|要|就|先|选|给|[交缴付])*(?:的)?"
    r"(?P<tier>[0-9]{3,4}|[一二两三四五六七八九][百千](?:五[十百]?)?|(?P<percent>[0-9]{2,3}(?=%)|[六七八九](?=成)))(?![月年号])"
)
"""妈三百，老汉六百: the tier of each."""
AND = re.compile(r"(?:\s|和|跟|与|同|、|，|,|还有|以及|我|们|家|的|两|俩|加上|她|他|给|帮)*")
SELF_TOO = re.compile(
    r"我(?:自己)?(?:和|跟|与|同|、|，|,|还有|以及)|和我(?:自己)?(?:的|一起|$)|⟧(?:和|跟|与)我(?:自己)?[都交缴开办]|连我|我们"
)
TOGETHER = re.compile(r"一起|一块儿?|一并|一路|同时|都交|都缴")
WHOLE = re.compile(
    r"(?:一|全)家(?:人|子|老小|[二两三四五六七八\d]口)?|[一全]屋(?:人|头)|(?:屋头|家里)(?:头|面)?(?:的人|人|几个|所有人)"
    r"|(?:我们?家|屋头|家里)(?:头|面)?的?[两二三四五六七八\d](?:个人?|口人?)"
)
"""一家人, 一家四口: and not which."""
WHICH_ONES = "family"
"""What is asked then."""
PAIRS = (
    (re.compile("父母亲?|双亲"), "爸爸妈妈"),
    (re.compile("岳父母"), "岳父岳母"),
    (re.compile("公婆"), "公公婆婆"),
    (re.compile("我们(?:两口子|夫妻)"), "我们爱人"),
)
"""One word for two."""
COUNTED = re.compile(
    r"(?P<count>[两二俩三四234])(?:个|位|口)?(?:(?P<old>老人家?|老的|老$|老(?=的|交|缴|[，,。]))|(?P<young>娃娃?儿?|小?孩子?|崽崽?|儿子|女儿|姑娘|闺女))"
    r"|(?P<couple>老两口|二老|两老)"
)
"""两个老人, 二老, 两个娃: so many of them, and not which."""
COUNTS = {"两": 2, "二": 2, "俩": 2, "2": 2, "三": 3, "3": 3, "四": 4, "4": 4}


def relations(text: str) -> list[str]:
    """The people of the family that a sentence is about: those named last, one beside the other."""
    titles, found, end = list(RELATIONS), list[str](), 0
    for pair, both in PAIRS:
        text = pair.sub(both, text)
    for match in RELATION.finditer(text):
        if not AND.fullmatch(text[end : match.start()]):
            found = []  # 我妈说让我帮我爸交 is about one
        found.append(titles[int(str(match.lastgroup)[1:])])
        end = match.end()
    return list(dict.fromkeys(found))


def told_of_each(text: str) -> dict[str, dict[str, str]]:
    """我爸韦六妹 <number>，我妈 <number>: what is told of whom, where it is told of several."""
    titles, matches, told = list(RELATIONS), list(RELATION.finditer(text)), dict[str, dict[str, str]]()
    ends = [match.start() for match in matches[1:]] + [len(text)]
    for match, end in zip(matches, ends, strict=False):
        said = text[match.end() : end]
        tokens = {name: token for name in (ID_NUMBER, PERSON_NAME) if (token := token_in(said, name))}
        if tokens:
            told.setdefault(titles[int(str(match.lastgroup)[1:])], {}).update(tokens)
    return told if len(told) > 1 else {}


def tiers_of_each(text: str) -> dict[str, str]:
    """The tiers of several, by relation (oneself is the empty word), where one is said of each."""
    titles, found = list(RELATIONS), dict[str, str]()
    for match in TIER_OF_WHOM.finditer(text):
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


def take_family(talk: Talk) -> list[Task]:
    """我和老婆孩子的医保一起交: a task for each of them; empty when it is not about several people."""
    text, told = talk.turn.text, told_of_each(talk.turn.text)
    kinds = _kind_of_each(text)
    each = [title for title in kinds if title]
    people = [{"relation": name} for name in list(told) or each] or _people(text)
    with_me = "" in kinds or SELF_TOO.search(text) is not None
    names = _side_by_side(text) if len(people) < 2 else []
    if not people and len(names) + with_me > 1:
        people = _named(names)
    elif with_me and not people and TOGETHER.search(text):
        people = [{"relation": ""}]  # 我和老宋的一起交: somebody whom we have no word for
    elif talk.turn.last("beneficiary") is None and not told and not (with_me and people):
        return []
    with_me = with_me or meant.MYSELF_TOO.search(text) is not None
    if len(people) + with_me < 2 or (talk.turn.token(ID_NUMBER) and not told):
        return []
    said = {name: str(value) for name in SHARED if (value := talk.turn.last(name)) is not None}
    tiers = tiers_of_each(text)
    if tiers:
        said.pop("tier", None)
    family = [
        Task(kind="pay", facts={**said, "beneficiary": FOR_OTHER, **who, "as_before": "yes"})
        for who in people
    ]
    for task in family:
        task.facts.update(kinds.get(task.facts["relation"], {}))
    for task, name in zip(family, names, strict=False):
        task.facts[PERSON_NAME] = name
    for task in family:
        task.facts.update(told.get(task.facts["relation"], {}))
    own = Task(kind="pay", facts=said | kinds.get("", {}))
    for task in (own, *family):
        if name_in(task) in tiers:
            task.facts["tier"] = tiers[name_in(task)]
    return [own, *family] if with_me else family


def _named(names: list[str]) -> list[dict[str, str]]:
    """我和王小芳, 王小芳和李梅: somebody for each name; several are told apart by their places."""
    if len(names) == 1:
        return [{"relation": ""}]
    return [{"relation": "", "called": f"第{place}位"} for place in "一二三四五六七八九"[: len(names)]]


def _side_by_side(text: str) -> list[str]:
    """The names of a sentence, if it has nothing but an and between them."""
    names = tokens_in(text, PERSON_NAME)
    ends = [(text.index(one) + len(one), text.index(other)) for one, other in pairwise(names)]
    return names if all(AND.fullmatch(text[end:start]) for end, start in ends) else []


def _kind_of_each(text: str) -> dict[str, dict[str, str]]:
    """我妈的医保和我的养老: the insurance of each (oneself is the empty word), where there is one of each."""
    titles, found = list(RELATIONS), dict[str, dict[str, str]]()
    for match in OF_WHOM.finditer(text):
        groups = [name for name in match.groupdict() if name.startswith("r") and match[name]]
        title = titles[int(groups[0][1:])] if groups else ""
        found[title] = {"insurance": INSURANCES[match["kind"]].value}
    return found if len({str(one) for one in found.values()}) > 1 else {}


def names_oneself(text: str) -> bool:
    """我妈的医保和我的养老."""
    return re.search(r"我(?!说|想|要|们)|我们(?!家)|本人", MY_RELATION.sub("", text)) is not None


def is_whole(talk: Talk) -> bool:
    """一家人的一起交: of whom that is said nothing else."""
    text = talk.turn.text
    others = talk.turn.last("beneficiary") == FOR_OTHER
    return (
        others and WHOLE.search(text) is not None and not relations(text) and not talk.turn.token(ID_NUMBER)
    )


def name_members(talk: Talk, task: Task) -> list[Task]:
    """我 老公 女儿, where it is asked which of the family: a task for each of them; empty when nobody is named."""
    text, told = talk.turn.text, told_of_each(talk.turn.text)
    said = {name: task.facts[name] for name in SHARED if name in task.facts}
    people = [{"relation": name} for name in told] or _people(text)
    members = [Task(kind="pay", facts=dict(said))] if names_oneself(text) else []
    for who in people:
        known = told.get(who["relation"], {})
        facts = {**said, "beneficiary": FOR_OTHER, **who, "as_before": "yes", **known}
        members.append(Task(kind="pay", facts=facts))
    return members


def title_of(task: Task) -> str:
    """What the resident calls this person; empty when nothing was said."""
    return str(task.facts.get("relation") or task.facts.get("called", ""))


def several(text: str) -> list[dict[str, str]]:
    """我爸和我妈, 两个老人: the facts of each; empty for one."""
    found = _people(text)
    return found if len(found) > 1 else []


def _people(text: str) -> list[dict[str, str]]:
    """老公和两个娃: those who are named, and those of whom it is said how many they are."""
    found = COUNTED.search(text)
    if not found:
        return [{"relation": name} for name in relations(text)]
    rest = text[: found.start()] + "、" + text[found.end() :]
    return [
        *[{"relation": name} for name in relations(rest)],
        *[{"relation": "", "called": title} for title in _counted(found)],
    ]


def _counted(found: re.Match[str]) -> list[str]:
    """第一位老人, 第二位老人."""
    count = COUNTS[found["count"]] if found["count"] else len("一二")
    what = "个孩子" if found["young"] else "位老人"
    return [f"第{place}{what}" for place in "一二三四"[:count]]
