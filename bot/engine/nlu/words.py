"""Values that are named by words (`data/words.yml`, `data/people.yml`): insurances, groups, people, papers."""

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

import yaml

from bot.engine.nlu.values import Value

DATA = Path(__file__).parent / "data"

PAPER = r"完税(?:证明|凭证|证)"
_RECORD = re.compile(
    r"(?:社保费?|社会保险费?|参保)?的?(?:缴费|缴纳|交费|付款|缴款)的?(?:记录)?的?"
    r"(?:凭证|证明|凭据|证实|票据|单据|回单|依据|凭条|收据)|社保(?:费)?(?:缴费)?(?:的)?(?:证明|凭证)|(?<=医保|养老|保险)的?(?:凭证|证明)|参保(?:缴费)?(?:证明|凭证)|缴费单(?!子没|位)|(?<=医保|养老|社保)的(?:单子|单据|票据)"
)
_RECORD_TO_ISSUE = re.compile(r"[缴交]费记录|社保记录")
_ISSUING = re.compile(r"开|打印|打一|导出|下载|出具|凭证|[要来给]我?[一1]份|盖章")
_FIRST = re.compile(r"首次|首开|第一次|头一次|头一回|第一回|没开过|未开过|没有开过|初次|(?<!重)新开")
_AGAIN = re.compile(
    r"补开|重开|重新开|再开|补打|重打|补[一个]|补办|再补|换开|重新打|再打|弄?丢|掉了|不见|遗失|弄没|找不到|再[来要发]一|再给[我一]|开过"
)
_FOR_ANOTHER = re.compile(r"再(?:开|打|[来要发]一|给[我一])$")
"""再给我妈开: one more for somebody else, not the same one again."""
_ABOUT_PAPERS = re.compile(r"完税|证明|凭证|票")
_BARE_FIRST = re.compile(r"首次开具|首开|第一次开|首次")
_BARE_AGAIN = re.compile(r"补开|重新开一[张份]|重开")

_GIVEN_UP = re.compile(
    r"[^,，。;；]*(?:不(?:用|想|是)?[要开打办查看弄是]|莫[要开打查看]|别[开打查看]|先不|算了)[^,，。;；]{0,6}[,，。;；]"
)
_CHOICES_ONLY = re.compile(
    r"(?:没有效|没效|[有生无失]效|作废|管用|两样|[还不]?作数|没?过期了?的|一起|一并|[的那些种个要看查只我是不对错了啊哦噢嗯呃吧嘛呢喃哈就选还有也都和跟全部]|记录|改成|换成|\W)+$"
)
_SENDS = re.compile(
    r"(?:们|些)?(?:都|就|又|也|在)?(?:喊|叫|让|说|讲|要|催|劝|教|派|请|通知|帮|替)(?:我|我们|人)|说[要该]"
)
"""娃儿喊我来交: who sends somebody is not for whom it is paid."""
_SPOKEN_TO = re.compile(
    r"儿?[,，、!！~～ 啊呀哎]+(?:我(?!妈|爸|老|儿|女|家|哥|姐|弟|妹|们家)|帮我|给我|请|麻烦|你)"
)
"""妹妹，我要开证明: who is spoken to is not for whom it is."""
_BUSY = re.compile(
    r"(?:又|在|刚刚?|还在|就|正在|也|都|要|想|快)*(?:哭|闹|吵|睡|醒|吃(?!低保)|喝|发烧|拉|尿|摔|放学|下课|回来|回家|到家|来了|找我|有事)"
)
_NEEDS = re.compile(
    r"要?(?:上学|读书|入学|上幼儿园|报名|结婚|买房|贷款)[^,，]{0,4}[,，]?(?:需要|得?要)[用交有开看]*"
    r"(?:我[的们]|(?:社保|医保|养老)?费?的单)"
)
"""小孩上学要我的缴费证明: the paper is of the one who speaks."""
_I_AND = re.compile(r"我(?:跟|和|与|同|还有|、)")
_SHARED = re.compile(r"的|们?(?:一起|一块|都|各|两个|两口|一样|也)|[交缴开]")
_LOOKS_FOR = re.compile(r"(?:找|翻|去拿|去取)(?:一?[下哈]|了|出|我|的)*$")
_WORKS = re.compile(
    r"(?:打零工|做零工|打散工|摆地?摊|跑滴滴|开滴滴|跑外卖|送外卖|跑网约车|开网约车|做小生意|自己干)(?:的人?)?"
)
"""What people do who have no employer: flexible employment, unless another group is named."""
_FAVOUR = re.compile(r"(?:给|帮|替)(?P<who>[一-鿿]{1,8}?)(?=[交缴]|代[交缴]|参保|续保|补[交缴])")
_NOBODY = re.compile(
    r"^[我俺咱您你忙助个交缴开]|自己|人工|单位|公司|厂里?$|国家|政府|税务|[社医]保|养老|保险|费|钱|款|[今明去后]年|[一二两三四五六七八九十\d]+(?:年|月|次|下|哈|季|半)|[再先快也都全]"
)
"""What stands between 给 or 帮 and 交 without being somebody. After 帮我 only a known relation is: 帮我慢慢交."""

_QUERY_CUES = re.compile(
    r"查|看|好多|晓得|知道|多少|没[有得]|[没吗不]$|[交缴]没[交缴]|哪些|什么|[些]?啥|几|记录|明细|列表|问"
)
_TIER_CHOICE = re.compile(
    r"选档次?的?(?:记录|查询|情况|历史)|(?<![新重要换改来])选档(?!次)|选过(?:的|哪些|什么|几)?档次?|选的(?:是)?(?:什么|哪个|哪些?|哪一|几)档次?|(?:缴费)?档次?的?(?:选择)?(?:记录|历史|查询)"
)
_TIERS_SEEN = re.compile(
    r"[查看].*(?P<what>选的?档次?)"
    r"|(?=.*[查看])(?:作数|有效|生效|我用|选)的(?:是|那)?(?P<seen>(?:哪一?个?|什么|啥子?)?档次?)"
    r"|(?:现在|目前)(?:[缴交]|选)?的?是(?P<cur>(?:哪一?个?|什么|啥子?|几)档次?)"
    r"|[现正]?在[用走]的是?(?P<now>(?:哪一?个?|什么|啥子?)档次?|档次?是(?:哪|什么|啥))"
)
"""我现在作数的是哪一档，帮我查."""
_DECLARATION = re.compile(
    r"(?:社保费?)?申报(?:的)?(?:记录|查询|情况|明细|信息|数据|表|结果|历史|单)?(?:查询)?"
)
_KINDS = (("tier_choice", _TIER_CHOICE), ("tier_choice", _TIERS_SEEN), ("declaration", _DECLARATION))
_PAID = re.compile(
    r"已(?:经)?缴费?(?:的)?(?:查询|记录|明细)?|(?:缴费|缴纳|交费|交钱|代缴)的?(?:明细|情况|记录|历史|查询|流水|清单|账单|状态)"
    r"|[交缴]过(?:的|哪些|多少|什么|几|没有?|社保|费)?|[交缴]了(?:多少|哪些|没[有得]?|吗|几|什么|些|啥)|[交缴]的(?=(?:社保|医保|养老|保险)?费?的?记录)|[交缴]没[交缴]|有没有[交缴]|代缴的|[交缴]了好多|入库(?:日期|情况|没)?|[交缴]费没有?"
)
_LOOKED_UP = re.compile(
    r"(?<![检不别莫])[查看](?!病).*?(?<![能要该以用得不还])(?P<a>[交缴](?:费|过|了|的)?)(?!了?就|费?(?:结果|成功|标准|基数|比例|年限)|齐|清|纳|不|[没得]成)"
    r"|(?P<b>[交缴]的).{0,8}(?:查|看)(?!病)"
)
"""查年初到现在的缴费, 我给我妈交的那些查一下: what was paid is looked up."""
_NOT_LOOKED_UP = re.compile(
    r"怎么|咋|如何|哪里|哪点|哪儿|能[交缴]|可以[交缴]|可不可以|还没[交缴]|[交缴]不[交缴]|要[交缴]|还用|付款|支付"
)

_UNTIL_TAKEN_BACK = re.compile(r"(?:(?!不是|不对|错了).)+")
_STILL_TO_PAY = re.compile(r"还(?:用|要|需要?|该)(?:再|去)?[交缴]")
"""给单位交过了还要交吗 asks for no record."""


def read_words(text: str) -> list[Value]:
    """Everything in `text` that is named by a word."""
    found: list[Value] = []
    for pattern, meaning in _lexicon():
        for match in pattern.finditer(text):
            found.extend(Value(entity, value, *match.span()) for entity, value in meaning)
    found = [value for value in found if value.entity != "validity" or _about_choices(text)]
    found = [value for value in found if value.entity != "payment_type" or not _is_of_a_paper(text, value)]
    found = [value for value in found if value.entity != "beneficiary" or not _is_only_called(text, value)]
    found = [value for value in found if value.entity != "id_type" or not _is_a_thing(text, value)]
    if not any(value.entity == "beneficiary" for value in found):
        found.extend(_somebody(text))
    found.extend(_both(text, found))
    if not any(value.entity == "insured_group" for value in found):
        found.extend(Value("insured_group", "flexible_employment", *m.span()) for m in _WORKS.finditer(text))
    return [*found, *_papers(text, [value for value in found if value.value == "other"])]


def _somebody(text: str) -> list[Value]:
    """Whoever stands between 给 or 帮 and 交 is paid for, known word or not."""
    return [
        Value("beneficiary", "other", match.start(), match.start("who"))
        for match in _FAVOUR.finditer(text)
        if not _NOBODY.search(match["who"])
    ]


def _both(text: str, found: list[Value]) -> list[Value]:
    """我跟我老公的凭证 is for both."""
    return [
        Value("beneficiary", "self", match.start(), match.start() + 1)
        for match in _I_AND.finditer(text)
        for value in found
        if value.value == "other" and value.start == match.end() and _SHARED.match(text[value.end :])
    ]


def _is_only_called(text: str, value: Value) -> bool:
    """娃儿喊我来交, 妹妹，我要开证明, 我娃哭了: who is only spoken of, or to, is not for whom it is."""
    if value.value != "other":
        return False
    after = text[value.end :]
    spoken_to = value.start == 0 and _SPOKEN_TO.match(after)
    return bool(spoken_to or _SENDS.match(after) or _BUSY.match(after) or _NEEDS.match(after))


def _is_a_thing(text: str, value: Value) -> bool:
    """我找一下身份证, 解绑身份证: the card itself, not the kind of number that will be said."""
    return bool(_LOOKS_FOR.search(text[: value.start]) or "绑" in text)


def _is_of_a_paper(text: str, value: Value) -> bool:
    """A paper that is 补 is issued again, no arrears are paid."""
    paying = re.search(r"[缴交欠]", text[value.start : value.end])
    return not paying and bool(_ABOUT_PAPERS.search(text))


def _about_choices(text: str) -> bool:
    """有效 says something of tier choices only where they are the subject, or as a bare answer."""
    return "档" in text or bool(_CHOICES_ONLY.match(text))


def _papers(text: str, others: list[Value]) -> list[Value]:
    """Papers and queries; where one is given up, what is wished for instead: 完税证明不开了，看申报."""
    given_up = _GIVEN_UP.match(text)
    instead = _named_papers(" " * given_up.end() + text[given_up.end() :], others) if given_up else []
    return instead or _named_papers(text, others)


def _named_papers(text: str, others: list[Value]) -> list[Value]:
    papers = [match.span() for match in re.finditer(PAPER, text)]
    found = [Value("certificate_kind", "payment_record", *m.span()) for m in _RECORD.finditer(text)]
    if papers:
        return [*found, *(Value("certificate_kind", *paper) for paper in _tax_papers(text, papers, others))]
    if not found and _ISSUING.search(text) and not re.search(r"查", text):
        found = [
            Value("certificate_kind", "payment_record", *m.span()) for m in _RECORD_TO_ISSUE.finditer(text)
        ]
    if found:
        return found
    if len(text) <= 12:
        found = [
            Value("certificate_kind", kind, *match.span())
            for pattern, kind in (
                (_BARE_FIRST, "tax_certificate_first"),
                (_BARE_AGAIN, "tax_certificate_reissue"),
            )
            for match in pattern.finditer(text)
        ]
    return found or _queries(text)


def _tax_papers(text: str, papers: list[tuple[int, int]], others: list[Value]) -> list[tuple[str, int, int]]:
    """A bare 完税证明 carries nothing: whether it was issued before is known to the service."""
    for cue, kind in ((_FIRST, "tax_certificate_first"), (_AGAIN, "tax_certificate_reissue")):
        for match in cue.finditer(text):
            if _FOR_ANOTHER.match(match[0]) and any(
                match.start() < one.start <= match.end() for one in others
            ):
                continue
            start, end = papers[0]
            if match.start() < start and start - match.end() <= 2:
                start = match.start()
            return [(kind, start, end)]
    return []


def _queries(text: str) -> list[Value]:
    """What is looked up; after a correction (查申报，不是，查缴费) once more."""
    said_after_said = [
        replace(value, start=value.start + said.start(), end=value.end + said.start())
        for said in _UNTIL_TAKEN_BACK.finditer(text)
        for value in _query(said[0])
    ]
    return said_after_said or _query(text)


def _query(text: str) -> list[Value]:
    named = ((kind, pattern.search(text)) for kind, pattern in _KINDS)
    kind, match = next(((kind, match) for kind, match in named if match), ("paid", _paid(text)))
    return [Value("query_kind", kind, *match.span(match.lastgroup or 0))] if match else []


def _paid(text: str) -> re.Match[str] | None:
    if _STILL_TO_PAY.search(text):
        return None
    match = _PAID.search(text) if _QUERY_CUES.search(text) else None
    return match or (None if _NOT_LOOKED_UP.search(text) else _LOOKED_UP.search(text))


@cache
def _lexicon() -> list[tuple[re.Pattern[str], list[tuple[str, str]]]]:
    table = yaml.safe_load((DATA / "words.yml").read_text(encoding="utf-8"))
    named = [
        (_any(patterns), list(zip(entities.split("+"), value.split("+"), strict=True)))
        for entities, values in table.items()
        for value, patterns in values.items()
    ]
    return [*named, (_others(), [("beneficiary", "other")])]


def _any(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


def _others() -> re.Pattern[str]:
    """People other than the speaker, by what they are to somebody (`data/people.yml`)."""
    people = yaml.safe_load((DATA / "people.yml").read_text(encoding="utf-8"))
    alone, owned, prefixed, favoured = (
        "|".join(people[part]) for part in ("alone", "owned", "prefixed", "favoured")
    )
    before, place = people["before"], people["from"]
    mine = "(?:(?:我|俺|咱)们?[家屋]?的?|[屋家]里?头的?)"
    favour = f"(?:给|帮|替|为)(?:{mine}|忙)?的?(?:(?:{place})的?)*"
    known = f"(?:{before})*(?:{alone}|{owned})|(?:{before})+(?:{prefixed})"
    return _any([f"{favour}(?:{known}|{favoured})", f"{mine}(?:{known})", alone])
