"""Who is named in a sentence, one after the other: by what they are to the speaker, by name, by number; and oneself."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from actions.slots import ID_NUMBER, PERSON_NAME
from actions.turn import TOKEN
from services.domain.kin import MY_RELATION, RELATION, RELATIONS

TITLES = list(RELATIONS)
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
AND = re.compile(r"(?:\s|和|跟|与|同|、|，|,|还有|以及|我|们|家|的|两|俩|加上|她|他|给|帮|个|先|再|也)*")
_DOING = r"[^不没别莫错改换]{0,24}[交缴办付][^不没别莫错改换]{0,16}"
ALSO = re.compile(
    rf"{_DOING}(?:再|也|还|然后|接着|另外|顺便|同时)(?:要|想|得)?(?:给|帮|替)?我?(?:们|家|屋头)*的?"
)
DONE = re.compile(rf"{_DOING}[，,。;；\s]我?(?:们|家|屋头)*的?")
TOO = re.compile(r"的?(?:那份|医保|养老|社保)?也")
"""给我爸交医保，也给我妈交; 给我爸交医保，我妈也要."""
APART = re.compile(r"[\s，,]*(?:和|跟|与|同|还有|以及|加上)我?(?:们|家)*的?[\s，,]*")
WISH = re.compile("[交缴办付]|医保|养老|社保")
OLDER = "大小二三四五六幺满"
"""大女儿和小女儿 are two."""
OWN = re.compile(
    r"(?:^|[，,。;；\s])(?:我|本人)(?:是|叫|的)*[，,\s]*(?:名字|姓名)?(?:身份证|证件)?(?:号码?)?(?:是|为|叫|:|：)*\s*$"
)
"""我是…，身份证…: name and number of the speaker."""
MYSELF = re.compile(
    r"我(?:自己|本人)?(?:和|跟|与|同|、|，|,|还有|以及)|连我|我们"
    r"|(?:和|跟|与|同|、|还有|以及|加上?|连同?|算上|包括|带上|[再也还](?:给|帮))我(?:自己|本人)?(?=$|[的也都两三和跟交缴办付，,。、！!\s]|一起|一块)"
    r"|我(?:自己|本人)(?:的)?[也还]|我也(?:要|想|得|一起)*[交缴]"
)
"""我和…, 还有我自己, 也给我交, in a sentence in which 我妈 and the like are one mark."""


IS_OF = re.compile(r"[\s,，]*(?:[这那]?[个张份]?就?[是系])\s*(?:我|我们)?(?:家|屋头)?的?\s*")
"""⟦…⟧这个是我娃的身份证: number and relation are of one."""
BESIDE = re.compile(r"[\s,，(（]*[这那]?[个张份]?(?:我|我们)?(?:家|屋头)?的?\s*")
DOCUMENT = re.compile(r"的?(?:身份证|证件|号码?)(?:号码?)?(?![是为:：\s]*⟦)")


@dataclass
class _Mention:
    """A word, name or number for somebody: what it says, where it stands."""

    start: int
    end: int
    facts: dict[str, str]
    older: str = ""


@dataclass
class Named:
    """Somebody who is named: `facts` of a task, `relation` or `called`, name and number."""

    start: int
    end: int
    facts: dict[str, str] = field(default_factory=dict)
    older: str = ""

    @property
    def title(self) -> str:
        return self.facts.get("relation") or self.facts.get("called", "")


def named(text: str, *, meant: Collection[str] | None = None, everybody: bool = False) -> list[Named]:
    """Who a sentence is about, in the order in which they are named; of several runs (我妈说让我帮我爸交) the last one,
    and whose number is told; `everybody` who is named at all. `meant` are the tokens that were not taken back."""
    text = in_full(text)
    found, before = list[Named](), list[Named]()
    for one in _grouped(text, meant):
        again = one.title and any(person.title == one.title for person in found)
        if found and not (everybody or again or _goes_on(text, found[-1].end, one)):
            before += [person for person in found if ID_NUMBER not in person.facts]
            found = [person for person in found if ID_NUMBER in person.facts]
        found.append(one)
    return _distinct(found, before)


def includes_oneself(text: str) -> bool:
    """Whether the speaker is one of those who are named: 帮我爸和我交, 还有我自己."""
    return MYSELF.search(TOKEN.sub("◇", MY_RELATION.sub("◆", text))) is not None


def tokens_of_oneself(text: str) -> frozenset[str]:
    """我是…，身份证…: name and number that the speaker tells of himself."""
    found = (match for match in TOKEN.finditer(text) if _is_of_oneself(text, match))
    return frozenset(match[0] for match in found)


def _is_of_oneself(text: str, token: re.Match[str]) -> bool:
    return OWN.search(TOKEN.sub("", text[: token.start()])) is not None


def names_oneself(text: str) -> bool:
    """我妈的医保和我的养老."""
    return re.search(r"我(?!说|想|要|们)|我们(?!家)|本人", MY_RELATION.sub("", text)) is not None


def in_full(text: str) -> str:
    """父母 as 爸爸妈妈."""
    for pair, both in PAIRS:
        text = pair.sub(both, text)
    return text


def _mentions(text: str, meant: Collection[str] | None) -> Iterator[_Mention]:
    """Everything that tells of somebody; those who are only counted (两个娃) each get a title."""
    counted = list(COUNTED.finditer(text))
    for match in counted:
        count = COUNTS[match["count"]] if match["count"] else len("一二")
        what = "个孩子" if match["young"] else "位老人"
        for place in "一二三四"[:count]:
            yield _Mention(*match.span(), {"called": f"第{place}{what}"})
    for match in RELATION.finditer(text):
        if not any(one.start() < match.end() and match.start() < one.end() for one in counted):
            before = text[max(0, match.start() - 1) : match.start()]
            title = TITLES[int(str(match.lastgroup)[1:])]
            yield _Mention(*match.span(), {"relation": title}, before if before in OLDER else "")
    for match in TOKEN.finditer(text):
        kept = match[1] in {ID_NUMBER, PERSON_NAME} and (meant is None or match[0] in meant)
        if kept and not _is_of_oneself(text, match):
            yield _Mention(*match.span(), {match[1]: match[0]})


def _grouped(text: str, meant: Collection[str] | None) -> list[Named]:
    """What is told of one and the same person, together."""
    found: list[Named] = []
    for one in sorted(_mentions(text, meant), key=lambda mention: mention.start):
        person = _who(text, found, one)
        if person is None:
            found.append(Named(one.start, one.end, dict(one.facts), one.older))
        else:
            person.facts |= one.facts
            person.end = one.end
    return _in_order(found)


def _who(text: str, found: list[Named], one: _Mention) -> Named | None:
    """The person of `found` of whom `one` tells more; None when it begins another."""
    if not found:
        return None
    last, kind = found[-1], next(iter(one.facts))
    if kind in {"relation", "called"}:
        before = text[last.end : one.start]
        of_number = IS_OF.fullmatch(before) or (BESIDE.fullmatch(before) and DOCUMENT.match(text, one.end))
        fits = not last.title and kind == "relation" and (of_number or ID_NUMBER not in last.facts)
        return last if fits and not APART.fullmatch(before) else None
    waiting = [person for person in found if "called" in person.facts and kind not in person.facts]
    if waiting and "called" in last.facts:
        return waiting[0]
    gap = text[last.end : one.start]
    if len(_untold(found)) > 1 and WISH.search(gap):
        return None  # 给我爸妈交医保 and a number: of whom it is shows when all of them are told
    return last if kind not in last.facts and not APART.fullmatch(gap) else None


def _untold(found: list[Named]) -> list[Named]:
    return [person for person in found if person.title and not person.facts.keys() & {ID_NUMBER, PERSON_NAME}]


def _in_order(found: list[Named]) -> list[Named]:
    """给我爸妈交 and as many numbers: each is of one of them, in that order."""
    untold, nameless = _untold(found), [one for one in found if not one.title]
    if len(untold) != len(nameless) or len(untold) < len(("father", "mother")):
        return found
    for person, told in zip(untold, nameless, strict=True):
        person.facts |= told.facts
    return [one for one in found if one.title]


def _goes_on(text: str, end: int, one: Named) -> bool:
    gap = text[end : one.start - len(one.older)] if one.start > end else ""
    if AND.fullmatch(gap) or ALSO.fullmatch(gap):
        return True
    return DONE.fullmatch(gap) is not None and TOO.match(text[one.end :]) is not None


def _distinct(found: list[Named], before: list[Named]) -> list[Named]:
    """Whoever is named twice is one, unless it is 大女儿和小女儿, or each has a number; what was told of one `before`
    counts."""
    kept: list[Named] = []
    for one in found:
        same = next((k for k in kept if one.title and k.facts.get("relation") == one.title), None)
        if same is None:
            kept.append(one)
        elif one.older != same.older or (ID_NUMBER in one.facts and ID_NUMBER in same.facts):
            for person in (same, one):
                person.facts["called"] = person.older + person.facts.pop("relation")
            kept.append(one)
        else:
            same.facts |= one.facts
            same.end = one.end
    if all(ID_NUMBER in one.facts for one in kept):
        kept.sort(key=lambda one: one.end)  # in the order in which their numbers are told
    for one in kept:
        for told in (person.facts for person in before if one.title and person.title == one.title):
            one.facts = told | one.facts
    return kept
