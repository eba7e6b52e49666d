"""Months, quarters and halves as they are spoken, resolved against a given day."""

import re
from collections.abc import Iterator
from datetime import date

from bot.engine.nlu.numbers import to_integer
from bot.engine.nlu.values import Value
from bot.engine.nlu.years import BARE_YEAR, DIGIT, WORD_YEAR, YEAR, year_of

MONTH = r"(?:1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])"
TO = r"(?:一直|开始|[交缴]?起)?[交缴]?(?:到|至|-|~|—|–|―)"
_BESIDE = r"(?<=[一二三四五六七八])(?=[二三四五六七八九]月)"
"""三四月份"""
_BEGIN = r"年初|(?<=年)初"
_RANGE = re.compile(
    rf"(?<![\d点第])(?:从)?(?:(?P<y1>{YEAR})的?)?(?:{_BEGIN}|(?P<m1>{MONTH}))(?:(?:月份?初?)?{TO}|{_BESIDE})(?:(?P<y2>{YEAR})的?)?"
    rf"(?P<m2>{MONTH})(?:月份?[底末]?|个月)(?![\d])"
)
_NOW = r"(?:现在|目前|今天|如今|这个?月|本月|当月|今)"
_YEAR_END = r"(?:今年?)?年(?:底|末|终)|岁末"
_UNTIL = re.compile(
    rf"(?:从)?(?:(?P<y1>{YEAR})的?)?(?:{_BEGIN}|(?P<m1>{MONTH})月份?)(?:开始|起)?{TO}(?P<to>{_YEAR_END}|{_NOW})(?:为止|止)?"
)
_UP_TO = re.compile(
    rf"(?:[交缴补付]|^|一直|截|[,，]|(?<=保险|养老|医保|医疗))(?:到|至)(?:(?P<y1>{YEAR})的?)?(?:(?P<m1>{MONTH})月份?(?!\d(?!\d{{1,2}}%)|[日号])|(?P<to>{_YEAR_END}|{_NOW}))"
    r"(?:为止|止)?"
)
_REST = re.compile(r"今年(?:还?剩下?|余下|后面|没[交缴])的?(?:几个月|月份)?的?")
NEAR_MONTH = r"上上个?月|上个?月|本月|这个?月|当月|下下个?月|下个?月"
_ONWARDS = re.compile(
    rf"(?:从)?(?P<m1>{NEAR_MONTH}){TO}(?:(?P<to>{_YEAR_END})|(?P<m2>{MONTH})月份?|(?P<near>{NEAR_MONTH})|(?P<now>{_NOW}))"
)
_TIGHT = re.compile(
    r"(?<!\d)(?P<y1>20[1-4]\d)(?:[-/.年]?(?=0[1-9]|1[0-2])|[-/](?=[1-9](?!\d)))(?P<m1>0?[1-9]|1[0-2])(?:月份?)?(?:(?:到|至|-|~|/|—)(?P<y2>20[1-4]\d)[-/.年]?(?P<m2>0[1-9]|1[0-2])(?:月份?)?)?(?![\d/.-])"
)
_SINGLE = re.compile(
    rf"(?<![\d点第])(?:(?P<y1>{YEAR})的?)?(?P<m1>{MONTH})月份?(?!\d(?!\d{{1,2}}%)|[{DIGIT}十]{{1,3}}[号日])"
)
_LISTED = re.compile(
    rf"(?<![\d点第十])(?:(?P<y1>{YEAR})的?)?(?P<ms>[一二三四五六七八九]{{2,9}}|{MONTH}(?:(?:月[、,，和跟]?|[、,，和跟]){MONTH})+)(?:月份?|这?[几两三]个月)(?![\d])"
)
"""一二三月, 1、2、3月."""
_COMPARED = re.compile(
    rf"(?:跟|和|同|与|像|照|按|依)[照着]?我?(?:{WORD_YEAR}|往年)[^,，。;；]{{0,6}}?(?:一样|相同|差不多|一致|不变|档)"
)
"""全年的，跟去年一样: last year is what it is compared with."""
_HALF = re.compile(rf"(?:(?P<y1>{YEAR})的?)?(?P<half>上半年|下半年|前半年|后半年|头半年)")
_QUARTER = re.compile(
    rf"(?:(?P<y1>{YEAR})的?)?(?:第?(?P<q>[一二三四1-4])个?季度?|(?P<rel>上|本|这|下)一?个?季度|前(?P<many>[二两三2-3])个?季度|[Qq](?P<q2>[1-4]))"
)
_WHOLE = re.compile(
    rf"(?:(?P<y1>{YEAR})的?)?(?P<all>全年|一整年|整年|整一年|一年到头|全部月份|十二个月|12个月)"
)
_FIRST_MONTHS = re.compile(rf"(?:(?P<y1>{YEAR})的?)?(?:头|前面?)(?P<n>{MONTH})个月")
_LATEST_MONTHS = re.compile(
    rf"(?:最近|近|过去|这)的?(?:(?P<n>{MONTH})(?P<unit>个月|年)|(?P<half>半年))(?![级度]|[以之]?前)"
)
_OTHER_MONTH = re.compile(NEAR_MONTH)
_SHIFT = {"上上": -2, "下下": 2, "上": -1, "下": 1, "本": 0, "这": 0, "当": 0}


def read_months(text: str, today: date) -> Iterator[Value]:
    """Months, quarters and halves as they are named in `text`."""
    default = _only_year(text, today)
    yield from _stretches(text, today, default)
    yield from _named(text, today, default)
    yield from _near(text, today)


def _stretches(text: str, today: date, default: int) -> Iterator[Value]:
    """From one month to another: 一到六月, 三月到年底, 交到十月, 这个月到下个月."""
    for match in _RANGE.finditer(text):
        first, last = to_integer(match["m1"] or "1"), to_integer(match["m2"])
        year = year_of(match["y1"], today) or default
        end_year = year_of(match["y2"], today) or (year if last >= first else year + 1)
        yield _period(match, year, first, end_year, last)
    for match in _UNTIL.finditer(text):
        year = year_of(match["y1"], today) or default
        to_end = _is_year_end(match["to"])
        first = to_integer(match["m1"] or "1")
        yield _period(match, year, first, year if to_end else today.year, 12 if to_end else today.month)
    for match in _UP_TO.finditer(text):
        last = to_integer(match["m1"]) if match["m1"] else 12 if _is_year_end(match["to"]) else today.month
        year = year_of(match["y1"], today) or default
        yield _period(match, year, 1, year, last)
    for match in _REST.finditer(text):
        yield _period(match, today.year, 1, today.year, 12)
    for match in _ONWARDS.finditer(text):
        year, first = near_month(match["m1"], today)
        if match["near"] or match["now"]:
            end_year, last = near_month(match["near"] or "本月", today)
        else:
            end_year, last = year, 12 if match["to"] else to_integer(match["m2"])
        yield _period(match, year, first, end_year, last)


def _named(text: str, today: date, default: int) -> Iterator[Value]:
    for match in _TIGHT.finditer(text):
        year, month = int(match["y1"]), int(match["m1"])
        last_year, last = int(match["y2"] or year), int(match["m2"] or month)
        yield _period(match, year, month, last_year, last)
    for match in _SINGLE.finditer(text):
        year, month = year_of(match["y1"], today) or default, to_integer(match["m1"])
        yield _period(match, year, month, year, month)
    yield from _listed(text, today, default)
    for match in _HALF.finditer(text):
        year = year_of(match["y1"], today) or default
        first = 1 if match["half"][0] in "上前头" else 7
        yield _period(match, year, first, year, first + 5)
    yield from _quarters(text, today, default)
    for match in _WHOLE.finditer(text):
        year = year_of(match["y1"], today) or default
        yield _period(match, year, 1, year, 12, start=match.start())
    for match in _FIRST_MONTHS.finditer(text):
        year = year_of(match["y1"], today) or default
        yield _period(match, year, 1, year, to_integer(match["n"]))


def _near(text: str, today: date) -> Iterator[Value]:
    """最近三个月, 上个月."""
    for match in _LATEST_MONTHS.finditer(text):
        count = 6 if match["half"] else _months_in(match["n"], match["unit"])
        if count and match[0] != "这一年":
            year, month = shift(today, 1 - count)
            yield _period(match, year, month, today.year, today.month)
    for match in _OTHER_MONTH.finditer(text):
        year, month = near_month(match[0], today)
        yield _period(match, year, month, year, month)


def _is_year_end(said: str) -> bool:
    return said.startswith("岁") or said[-1] in "底末终"


def _months_in(said: str, unit: str) -> int | None:
    """Months in a year or so many months; more years are named one by one."""
    number = to_integer(said)
    return number if unit == "个月" else 12 if number == 1 else None


def near_month(said: str, today: date) -> tuple[int, int]:
    """Year and month of 上个月, 本月 and the like."""
    return shift(today, next(shift for word, shift in _SHIFT.items() if said.startswith(word)))


def _listed(text: str, today: date, default: int) -> Iterator[Value]:
    """Months that are named one by one and follow each other are one period."""
    for match in _LISTED.finditer(text):
        listed = match["ms"]
        named = re.findall(MONTH, listed) if re.search(r"[月、,，和跟]", listed) else list(listed)
        months = [to_integer(month) for month in named]
        if months == list(range(months[0], months[0] + len(months))):
            year = year_of(match["y1"], today) or default
            yield _period(match, year, months[0], year, months[-1])


def _quarters(text: str, today: date, default: int) -> Iterator[Value]:
    for match in _QUARTER.finditer(text):
        year = year_of(match["y1"], today) or default
        if match["rel"]:
            now = (today.year * 12 + today.month - 1) // 3 + {"上": -1, "本": 0, "这": 0, "下": 1}[
                match["rel"]
            ]
            year, first, last = now // 4, now % 4 * 3 + 1, now % 4 * 3 + 3
        elif match["many"]:
            first, last = 1, 3 * to_integer(match["many"])
        else:
            quarter = to_integer(match["q"] or match["q2"])
            first, last = quarter * 3 - 2, quarter * 3
        yield _period(match, year, first, year, last)


def _only_year(text: str, today: date) -> int:
    """The one other year that the sentence names (去年的养老，三月份的), else the current one."""
    text = _COMPARED.sub("", text)
    named = {year_of(match[0], today) for match in BARE_YEAR.finditer(text)} - {None}
    return named.pop() or today.year if len(named) == 1 else today.year


def _period(
    match: re.Match[str], year: int, first: int, end_year: int, last: int, *, start: int | None = None
) -> Value:
    begin, end = f"{year}-{first:02d}", f"{end_year}-{last:02d}"
    value = begin if begin == end else f"{begin}/{end}"
    return Value("fee_period", value, match.start() if start is None else start, match.end())


def shift(today: date, months: int) -> tuple[int, int]:
    index = today.year * 12 + today.month - 1 + months
    return index // 12, index % 12 + 1
