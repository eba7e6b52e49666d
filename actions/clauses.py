"""Who gets what in a sentence about several people: what stands in somebody's clause is theirs, and nobody else's.

我交600的居民养老，我妈⟦…⟧交居民医保. Oneself is one of them. What is said before anybody is named is meant for all of
them, unless it is a wish of its own that somebody else is added to (交养老，还有我妈的医保): then it is oneself's.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from actions import persons, spoken
from actions.persons import Named
from actions.turn import TOKEN, Turn
from services.domain.kin import MY_RELATION, RELATION, RELATIONS
from services.domain.kinds import Insurance, InsuredGroup

PAUSE = re.compile(r"[，,。;；！!\s]+")
KIND = re.compile(r"(?P<group>居民|城乡|灵活(?:就业)?)?的?(?:基本)?(?P<kind>养老|医保|医疗)(?:保险)?")
KINDS = {"养老": Insurance.PENSION, "医保": Insurance.MEDICAL, "医疗": Insurance.MEDICAL}
SUM = r"[0-9一二两三四五六七八九]"
SELF = re.compile(
    r"(?:[给帮替])?我(?:自己|本人)(?!的?(?:支付宝|微信|钱|卡|手机|账号|帐号)|来?(?:付|出|掏|操作|弄))"
    r"|[给帮替]我(?=也|的|[交缴]|[，,]|$)"
    r"|我(?=[和跟与同、])|(?<=[和跟与同、])我(?=$|[的也都交缴，,、两三]|一起)"
    r"|我的(?!身份|名字|手机|支付宝|微信|银行|卡|号|钱)"
    rf"|我(?:也|要|想|就|只|先|来|得|还|选)*(?:[交缴](?!(?:一?[下哈])?(?:我|给|帮|替|◆))|(?={SUM}))"
)
"""Oneself, in a sentence in which 我妈 and the like are marks."""
HE_OR_SHE = re.compile(r"(?<!其)[他她](?!们|人|叫|是|姓)")
WEAK = re.compile(r"[给帮替]我(?!自己|本人|也|的)|我(?:要|想|来|得|先|就)+[交缴办]")
"""我要交居民养老 may be no more than what the sentence is about."""
FURTHER = re.compile(r"还有|还要|另外|也|再|顺便|加上|同时")
WISH = re.compile(r"[交缴办]")
UNCLEAR = re.compile(
    r"[不别莫](?:用|要|交|缴|是|想|对|给|帮|管|算)|没有?[交缴付]|已经|以后|[交缴]过|[交缴]了|吗|多少|好多|怎么|咋|什么|啥"
    r"|错|[改换]|还是|只[交缴要算]我|[?？]"
)
"""Denied, corrected, done or asked: that is read elsewhere."""
OTHER_FACTS = ("agency", "payment_type", "fee_period", "fee_year")


@dataclass
class Wish:
    """Something to be paid for `person` (None is oneself): facts of a task."""

    person: Named | None
    facts: dict[str, Any]


@dataclass
class _Share:
    people: list[Named | None]
    spans: list[tuple[int, int]] = field(default_factory=list)
    weak: bool = False


def each(turn: Turn) -> list[Wish]:
    """What is wished for whom, one after the other; empty when it is not said of each what is his."""
    text = turn.text
    if UNCLEAR.search(text) or persons.in_full(text) != text:
        return []
    people = persons.named(text, meant=turn.tokens, everybody=True)
    titles = [one.title for one in people if one.title]
    if not people or len(set(titles)) < len(titles) or any("called" in one.facts for one in people):
        return []
    frame, shares = _shares(text, people)
    shares = _with_lead(turn, frame, _apart(frame, _joined(turn, shares)))
    telling = [share for share in shares if _tells(turn, share.spans)]
    if len(telling) < len(("one", "other")) and not _is_besides(turn, shares, telling):
        return []
    return [
        Wish(person, dict(facts))
        for share in shares
        for person in share.people
        for facts in _facts(turn, share, frame, shares)
    ]


def _shares(text: str, people: list[Named]) -> tuple[list[tuple[int, int]], list[_Share]]:
    """The stretches before anybody is named, and whose the others are."""
    frame, shares = list[tuple[int, int]](), list[_Share]()
    points = sorted(_points(text, people), key=lambda point: point[0])
    for start, end in _segments(text):
        inside = [point for point in points if start <= point[0] < end]
        if not inside:
            (shares[-1].spans if shares else frame).append((start, end))
            continue
        groups = _beside(text, inside)
        if len(groups) > 1 and groups[0][0][0] > start:
            frame.append((start, groups[0][0][0]))
        for place, group in enumerate(groups):
            first = start if len(groups) == 1 else group[0][0]
            last = groups[place + 1][0][0] if place + 1 < len(groups) else end
            _give(shares, [who for _, _, who in group], (first, last), text)
    return frame, shares


def _give(shares: list[_Share], people: list[Named | None], span: tuple[int, int], text: str) -> None:
    same = next((share for share in shares if share.people == people), None)
    if same is None:
        weak = people == [None] and WEAK.search(text[slice(*span)]) is not None
        shares.append(_Share(people, [span], weak))
    else:
        same.spans.append(span)
        shares.append(shares.pop(shares.index(same)))


def _segments(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for pause in [*PAUSE.finditer(text), None]:
        end = pause.start() if pause else len(text)
        if end > start:
            yield start, end
        start = pause.end() if pause else end


def _points(text: str, people: list[Named]) -> Iterator[tuple[int, int, Named | None]]:
    """Where somebody is named."""
    titles = list(RELATIONS)
    by_title = {one.title: one for one in people if one.title}
    for match in RELATION.finditer(text):
        one = by_title.get(titles[int(str(match.lastgroup)[1:])])
        if one is not None:
            yield *match.span(), one
    for one in people:
        if not one.title:
            yield one.start, one.end, one
    for match in SELF.finditer(marked(text)):
        yield *match.span(), None
    for match in HE_OR_SHE.finditer(marked(text)):
        before = [one for one in people if one.start < match.start()]
        if before:
            yield *match.span(), max(before, key=lambda one: one.start)


def marked(text: str) -> str:
    """我妈 and tokens as marks of the same length."""
    text = TOKEN.sub(lambda match: "◇" * len(match[0]), text)
    for pattern in (MY_RELATION, RELATION):
        text = pattern.sub(lambda match: "◆" * len(match[0]), text)
    return text


def _beside(
    text: str, points: list[tuple[int, int, Named | None]]
) -> list[list[tuple[int, int, Named | None]]]:
    """我爸和我妈: those who are named together."""
    groups = [[points[0]]]
    for point in points[1:]:
        last = groups[-1][-1]
        gap = TOKEN.sub("", text[last[1] : point[0]])
        if point[2] == last[2]:
            continue
        if persons.AND.fullmatch(gap):
            groups[-1].append(point)
        else:
            groups.append([point])
    return groups


def _joined(turn: Turn, shares: list[_Share]) -> list[_Share]:
    """我爸⟦…⟧，我妈⟦…⟧交医保: of whom nothing is said, the same is wished as of the next."""
    joined, waiting = list[_Share](), list[Named | None]()
    for share in shares:
        tells = _tells(turn, share.spans)
        if not tells and share.weak:
            continue  # 我来交，我妈…
        if not tells and share is not shares[-1] and not WISH.search(_said(turn, share.spans)):
            waiting += share.people
            continue
        joined.append(replace(share, people=[*waiting, *share.people]))
        waiting = []
    return joined


def _apart(frame: list[tuple[int, int]], shares: list[_Share]) -> list[_Share]:
    """我和老公交居民养老，我交600，老公交1000: what is said of both is meant for each of them."""
    alone = [share.people[0] for share in shares if len(share.people) == 1]
    apart = list[_Share]()
    for share in shares:
        left = [one for one in share.people if len(share.people) == 1 or one not in alone]
        if len(left) < len(share.people):
            frame += share.spans
        if left:
            apart.append(replace(share, people=left))
    return apart


def _is_besides(turn: Turn, shares: list[_Share], telling: list[_Share]) -> bool:
    """给我爸交养老和医保，我妈也交; 我交一千，我妈也交: more than one bill although one clause alone tells what."""
    if len(telling) != 1 or len(shares) < len(("one", "other")):
        return False
    own = telling[0].people == [None] and not telling[0].weak
    wished = all(WISH.search(_said(turn, share.spans)) for share in shares)
    return (own and wished) or len(_kinds(turn, telling[0].spans)) > 1


def _with_lead(turn: Turn, frame: list[tuple[int, int]], shares: list[_Share]) -> list[_Share]:
    """交养老，还有我妈的医保: what is said before anybody is named is one's own; 我要交养老，爸一千，妈两千 isn't."""
    if not shares:
        return []
    first = shares[0]
    if first.weak and len(shares) > 1 and not _is_like(turn, first.spans, shares[1:]):
        frame += first.spans
        return shares[1:]
    lead = _said(turn, frame)
    oneself = any(None in share.people for share in shares)
    wished = WISH.search(lead) and FURTHER.search(_said(turn, first.spans)) and not oneself
    if wished and _is_like(turn, frame, shares):
        own = _Share([None], list(frame))
        frame.clear()
        return [own, *shares]
    return shares


def _is_like(turn: Turn, spans: list[tuple[int, int]], others: list[_Share]) -> bool:
    """Whether as much is said here as of the others: the insurance where they have one, or else a tier."""
    if any(_kinds(turn, share.spans) for share in others):
        return bool(_kinds(turn, spans) or _tier(turn, spans, {}))
    return _tier(turn, spans, {}) is not None


def _said(turn: Turn, spans: list[tuple[int, int]]) -> str:
    """The text of `spans` without numbers and names."""
    return "，".join(TOKEN.sub("", turn.text[start:end]) for start, end in spans)


def _within(turn: Turn, spans: list[tuple[int, int]], name: str) -> Any | None:
    """What was read in `spans`."""
    found = [one for one in turn.places if one[0] == name and any(s <= one[2] < e for s, e in spans)]
    return found[-1][1] if found else None


def _kinds(turn: Turn, spans: list[tuple[int, int]]) -> dict[Insurance, tuple[str, list[tuple[int, int]]]]:
    """The insurances in `spans`, each with its group, and the stretch up to the next."""
    found = dict[Insurance, tuple[str, list[tuple[int, int]]]]()
    group = ""
    for start, end in spans:
        matches = list(KIND.finditer(turn.text, start, end))
        for place, match in enumerate(matches):
            kind = KINDS[match["kind"]]
            if str(kind) not in {str(value) for value in turn.values.get("insurance", ())}:
                continue
            flexible = str(match["group"]).startswith("灵活")
            if match["group"]:
                group = (InsuredGroup.FLEXIBLE if flexible else InsuredGroup.RESIDENT).value
            last = matches[place + 1].start() if place + 1 < len(matches) else end
            known, stretch = found.get(kind, ("", []))
            found[kind] = known or group, [*stretch, (match.start(), last)]
    return found


def _tells(turn: Turn, spans: list[tuple[int, int]]) -> bool:
    return bool(_kinds(turn, spans)) or _tier(turn, spans, {}) is not None


def _tier(turn: Turn, spans: list[tuple[int, int]], facts: dict[str, Any]) -> str | None:
    read = _within(turn, spans, "tier")
    if read is not None:
        return str(read)
    resident = facts.get("insured_group") == InsuredGroup.RESIDENT
    for number in reversed(spoken.numbers(_said(turn, spans).translate(spoken.PLAIN))):
        if number >= spoken.LOWEST and (resident or number > max(spoken.PERCENTS) or not facts):
            return str(number)
        if facts.get("insured_group") == InsuredGroup.FLEXIBLE and number in spoken.PERCENTS:
            return f"{number}%"
    return None


def _facts(
    turn: Turn, share: _Share, frame: list[tuple[int, int]], shares: list[_Share]
) -> Iterator[dict[str, Any]]:
    """What each bill of this share is: its own, else what is meant for all of them; else it is asked."""
    kinds, shared = _kinds(turn, share.spans), not _kinds(turn, share.spans)
    if shared:
        kinds = _kinds(turn, frame) or _only(turn, shares)
        if set(kinds) == {Insurance.MEDICAL} and _tier(turn, share.spans, {}) is not None:
            kinds = {}  # 我妈交居民医保，我交600: that is none of the medical insurance
    common = {group for group, _ in _kinds(turn, [(0, len(turn.text))]).values() if group}
    for kind, (said, stretch) in kinds.items() or ((None, ("", [])),):
        facts = dict[str, Any]()
        if kind:
            facts["insurance"] = kind.value
        group = said or _within(turn, frame, "insured_group")
        if not group and common == {InsuredGroup.RESIDENT.value}:
            group = InsuredGroup.RESIDENT.value
        if group:
            facts["insured_group"] = str(group)
        own = share.spans if shared or len(kinds) == 1 else stretch
        for name in OTHER_FACTS:
            value = _within(turn, own, name) or _within(turn, frame, name)
            if value is not None:
                facts[name] = str(value)
        tier = _tier(turn, own, facts) or (_tier(turn, frame, facts) if frame else None)
        if kind is not Insurance.MEDICAL and tier:
            facts["tier"] = tier
        yield facts


def _only(turn: Turn, shares: list[_Share]) -> dict[Insurance, tuple[str, list[tuple[int, int]]]]:
    """The insurance that all of them have who say one."""
    found = [kinds for share in shares if (kinds := _kinds(turn, share.spans))]
    same = {tuple((kind, group) for kind, (group, _) in kinds.items()) for kinds in found}
    return found[0] if len(same) == 1 else {}


def tier_in(turn: Turn) -> str | None:
    """The tier that is said in a sentence about one person."""
    return _tier(turn, [(0, len(turn.text))], {})
