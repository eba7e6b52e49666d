"""Years, months and days as they are spoken, resolved against a given day.

A bare year is a `fee_year`, months, quarters and halves are a `fee_period`, days are a `date_range`.
"""

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta

from bot.engine.nlu.numbers import read_integer
from bot.engine.nlu.values import Value

_RELATIVE_YEARS = {
    "大前年": -3, "前年": -2, "去年": -1, "上一年": -1, "上年": -1, "旧年": -1, "头年": -1,
    "今年": 0, "本年": 0, "当年": 0, "这一年": 0,
    "明年": 1, "来年": 1, "下一年": 1, "下年": 1, "翻年": 1, "翻过年": 1, "翻了年": 1,
    "后年": 2, "大后年": 3,
}  # fmt: skip
_DIGIT = "零〇一二两三四五六七八九"
_WORD_YEAR = "|".join(sorted(_RELATIVE_YEARS, key=len, reverse=True))
_LONG_YEAR = (
    rf"(?:(?:{_WORD_YEAR})(?!纪)(?:度|子|份)?|20[1-4]\d(?:年度?|(?!\d))|二[零〇][{_DIGIT}]{{2}}年?度?)"
)
_SHORT_YEAR = rf"(?:(?<!\d)[1-4]\d年度?|[一二三][{_DIGIT}]年度?)"
_YEAR = rf"(?:{_LONG_YEAR}|{_SHORT_YEAR})"
_OF_WHAT = r"(?=的|度|医|养|居|城|灵|社|新|农|合)"
_BARE_YEAR = re.compile(
    rf"(?<![\d第])(?P<long>{_LONG_YEAR})(?![级\d档元块%月.]|[-/.]\d|上[小大中幼]|读|刚?满|多大|考)"
    rf"|(?<![交缴满够足共计干近有好了过第\d零〇{_DIGIT}十百千万])(?P<short>{_SHORT_YEAR})(?![级\d月.以才后前内])"
    rf"|(?<=[交缴])(?P<paid>{_SHORT_YEAR}){_OF_WHAT}"
)
"""A short year after 交 may be a duration (交20年): it is a year where it says of what."""
_YEARS_BETWEEN = re.compile(rf"(?P<a>{_YEAR})(?P<link>到|至|-|~|—)(?P<b>{_YEAR})")
_LATEST_YEARS = re.compile(r"(?:最近|近|过去|前面?|头)(?P<n>[2-5二两三四五])年(?!前|以前|之前|级)")
_M = r"(?:1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])"
_MONTH = rf"{_M}月份?"
_TO = r"(?:一直|开始|起)?[交缴]?(?:到|至|-|~|—|–|―)"
_BESIDE = r"(?<=[一二三四五六七八])(?=[二三四五六七八九]月)"
"""三四月份"""
_RANGE = re.compile(
    rf"(?<![\d点第])(?:从)?(?:(?P<y1>{_YEAR})的?)?(?P<m1>{_M})(?:(?:月份?)?{_TO}|{_BESIDE})(?:(?P<y2>{_YEAR})的?)?"
    rf"(?P<m2>{_M})(?:月份?|个月)(?![\d])"
)
_NOW = r"(?:现在|目前|今天|如今|这个?月|本月|当月|今)"
_UNTIL = re.compile(
    rf"(?:从)?(?:(?P<y1>{_YEAR})的?)?(?P<m1>{_M})月份?(?:开始|起)?{_TO}(?P<to>{_NOW}|年底|年末|岁末|年终)(?:为止|止)?"
)
_UP_TO = re.compile(
    rf"(?:[交缴补付]|^|一直|截)(?:到|至)(?:(?P<y1>{_YEAR})的?)?(?:(?P<m1>{_M})月份?(?![\d日号])|(?P<to>{_NOW}|今?年底|年末))"
    r"(?:为止|止)?"
)
_ONWARDS = re.compile(
    rf"(?:从)?(?P<m1>这个?月|本月|当月|下个?月){_TO}(?:(?P<to>年底|年末|年终)|(?P<m2>{_M})月份?)"
)
_TIGHT = re.compile(
    r"(?<!\d)(?P<y1>20[1-4]\d)(?:[-/.年]?(?=0[1-9]|1[0-2])|[-/](?=[1-9](?!\d)))(?P<m1>0?[1-9]|1[0-2])(?:月份?)?(?:(?:到|至|-|~|/|—)(?P<y2>20[1-4]\d)[-/.年]?(?P<m2>0[1-9]|1[0-2])(?:月份?)?)?(?![\d/.-])"
)
_SINGLE = re.compile(
    rf"(?<![\d点第])(?:(?P<y1>{_YEAR})的?)?(?P<m1>{_M})月份?(?!\d|[{_DIGIT}十]{{1,3}}[号日])"
)
_LISTED = re.compile(
    rf"(?<![\d点第十])(?:(?P<y1>{_YEAR})的?)?(?P<ms>[一二三四五六七八九]{{2,9}}|{_M}(?:月?[、,，和跟]{_M})+)(?:月份?|这?[几两三]个月)(?![\d])"
)
"""一二三月, 1、2、3月."""
_COMPARED = re.compile(
    rf"(?:跟|和|同|与|像|照|按|依)[照着]?我?(?:{_WORD_YEAR}|往年)[^,，。;；]{{0,6}}?(?:一样|相同|差不多|一致|不变|档)"
)
"""全年的，跟去年一样: last year is what it is compared with."""
_HALF = re.compile(rf"(?:(?P<y1>{_YEAR})的?)?(?P<half>上半年|下半年|前半年|后半年|头半年)")
_QUARTER = re.compile(
    rf"(?:(?P<y1>{_YEAR})的?)?(?:第?(?P<q>[一二三四1-4])个?季度?|(?P<rel>上|本|这|下)一?个?季度|前(?P<many>[二两三2-3])个?季度|[Qq](?P<q2>[1-4]))"
)
_WHOLE = re.compile(
    rf"(?:(?P<y1>{_YEAR})的?)?(?P<all>全年|一整年|整年|整一年|一年到头|全部月份|十二个月|12个月)"
)
_FIRST_MONTHS = re.compile(rf"(?:(?P<y1>{_YEAR})的?)?(?:头|前面?)(?P<n>{_M})个月")
_LATEST_MONTHS = re.compile(rf"(?:最近|近|过去|这)的?(?P<n>{_M}|半)(?:个月|年)")
_OTHER_MONTH = re.compile(r"上上个?月|上个?月|上月|本月|这个?月|当月|下下个?月|下个?月")
_SHIFT = {"上上": -2, "下下": 2, "上": -1, "下": 1, "本": 0, "这": 0, "当": 0}

_D = r"(?:3[01]|[12]\d|0?[1-9]|三十一?|二?十[一二三四五六七八九]?|[一二三四五六七八九])"
_DAYS = re.compile(
    rf"(?:(?P<y1>{_YEAR})的?)?(?P<m1>{_M})月份?(?P<d1>{_D})[号日]"
    rf"(?:{_TO}(?:(?:(?:(?P<y2>{_YEAR})的?)?(?P<m2>{_M})月份?)?(?P<d2>{_D})[号日]?|(?P<now>今天|现在|目前|今日|今)))?"
)
_ISO = re.compile(
    r"(?<!\d)(?P<a>20\d\d([-/.])\d{1,2}\2\d{1,2}|20\d{6})(?:(?:到|至|-|~|/|—)(?P<b>20\d\d([-/.])\d{1,2}\4\d{1,2}|20\d{6}))?(?!\d)"
)
_NEAR_DAYS = {"大前天": -3, "前天": -2, "昨天": -1, "昨日": -1, "今天": 0, "今日": 0, "当天": 0}
_NEAR = re.compile("|".join(_NEAR_DAYS))
_WEEK = re.compile(r"(?P<which>上|本|这|下)一?个?(?:星期|周(?!末|岁)|礼拜)(?![一二三四五六天日几])")
_LATEST_DAYS = re.compile(
    rf"(?:最近|近|过去|这)的?(?P<n>\d{{1,3}}|[{_DIGIT}十]+|半个?)(?P<unit>天|日|个?星期|周(?!岁)|个?礼拜|月)"
)

_FILED = re.compile(
    r"^(?:份|度|里|的时候|那会儿|那阵|那次|间)?(?:我|我们|给我|窗口)?(?:去|在大厅|在网上|网上|自己)?(?:申报|开具|开过?的|开出|开了的|打过?的|打印的|报的|出具|办的|首开|补开的|开票)"
)
_FILING_FIRST = re.compile(
    r"(?:申报|开具|开票|打印|出具)(?:的)?(?:日期|时间|日子|那天)(?:的?(?:是|为|在|选|从|[:：]))?$"
)
_DECLARED = re.compile(
    r"[申开][报具]的?(?:日期|时间)|申报的?(?:记录|情况|明细|信息|查询|数据)|[查看].*申报|申报.*[查看]"
)
"""Declarations are looked up by the day of filing."""
_ABOUT_DAYS = re.compile(r"申报|开具|开的|开过|打的|日期|查|记录|证明|凭证|付款|扣|缴的|交的|付的")


def read_dates(text: str, today: date) -> list[Value]:
    """Every time named in `text`."""
    found = [*_days(text, today), *_months(text, today), *_years(text, today)]
    return [_as_filed(text, value) for value in found]


# --- years ------------------------------------------------------------------------------------------


def _years(text: str, today: date) -> Iterator[Value]:
    for match in _BARE_YEAR.finditer(text):
        year = _year(match[0], today)
        if year:
            yield Value("fee_year", str(year), *match.span())
    yield from _several_years(text, today)


def _several_years(text: str, today: date) -> Iterator[Value]:
    """2023年到2025年 and 近两年 are as many years."""
    for match in _YEARS_BETWEEN.finditer(text):
        first, last = _year(match["a"], today), _year(match["b"], today)
        if first and last:
            yield from (Value("fee_year", str(y), *match.span("link")) for y in range(first + 1, last))
    for match in _LATEST_YEARS.finditer(text):
        count = _number(match["n"])
        last = today.year - 1 if match[0].startswith(("前", "头")) else today.year
        for place in range(count):
            yield Value(
                "fee_year", str(last - count + 1 + place), match.start() + place, match.start() + place + 1
            )


def _year(said: str | None, today: date) -> int | None:
    """The year that `said` names; None for none."""
    if not said:
        return None
    bare = said.rstrip("的").removesuffix("份").removesuffix("子").removesuffix("度")
    if bare in _RELATIVE_YEARS:
        return today.year + _RELATIVE_YEARS[bare]
    number = read_integer(
        bare.removesuffix("年").translate(str.maketrans("〇零一二三四五六七八九", "00123456789"))
    )
    if number is None:
        return None
    year = number + 2000 if number < 100 else number
    return year if 2008 <= year <= 2049 else None


# --- months -----------------------------------------------------------------------------------------


def _months(text: str, today: date) -> Iterator[Value]:
    default = _only_year(text, today)
    for match in _RANGE.finditer(text):
        first, last = _number(match["m1"]), _number(match["m2"])
        year = _year(match["y1"], today) or default
        end_year = _year(match["y2"], today) or (year if last >= first else year + 1)
        yield _period(match, year, first, end_year, last)
    for match in _UNTIL.finditer(text):
        year = _year(match["y1"], today) or default
        to_end = match["to"].startswith(("年", "岁"))
        yield _period(
            match, year, _number(match["m1"]), year if to_end else today.year, 12 if to_end else today.month
        )
    for match in _UP_TO.finditer(text):
        last = _number(match["m1"]) if match["m1"] else 12 if "年" in match["to"] else today.month
        year = _year(match["y1"], today) or default
        yield _period(match, year, 1, year, last)
    for match in _ONWARDS.finditer(text):
        first = today.month + (1 if match["m1"].startswith("下") else 0)
        yield _period(match, today.year, first, today.year, 12 if match["to"] else _number(match["m2"]))
    for match in _TIGHT.finditer(text):
        year, month = int(match["y1"]), int(match["m1"])
        last_year, last = int(match["y2"] or year), int(match["m2"] or month)
        yield _period(match, year, month, last_year, last)
    for match in _SINGLE.finditer(text):
        year, month = _year(match["y1"], today) or default, _number(match["m1"])
        yield _period(match, year, month, year, month)
    yield from _listed(text, today, default)
    for match in _HALF.finditer(text):
        year = _year(match["y1"], today) or default
        first = 1 if match["half"][0] in "上前头" else 7
        yield _period(match, year, first, year, first + 5)
    yield from _quarters(text, today, default)
    for match in _WHOLE.finditer(text):
        year = _year(match["y1"], today) or default
        yield _period(match, year, 1, year, 12, start=match.start())
    for match in _FIRST_MONTHS.finditer(text):
        year = _year(match["y1"], today) or default
        yield _period(match, year, 1, year, _number(match["n"]))
    for match in _LATEST_MONTHS.finditer(text):
        if match["n"] == "半" or match[0].endswith("月"):
            count = 6 if match["n"] == "半" else _number(match["n"])
            year, month = _shift(today, 1 - count)
            yield _period(match, year, month, today.year, today.month)
    for match in _OTHER_MONTH.finditer(text):
        by = next(shift for word, shift in _SHIFT.items() if match[0].startswith(word))
        year, month = _shift(today, by)
        yield _period(match, year, month, year, month)


def _listed(text: str, today: date, default: int) -> Iterator[Value]:
    """Months that are named one by one and follow each other are one period."""
    for match in _LISTED.finditer(text):
        listed = match["ms"]
        named = re.findall(_M, listed) if re.search(r"[、,，和跟]", listed) else list(listed)
        months = [_number(month) for month in named]
        if months == list(range(months[0], months[0] + len(months))):
            year = _year(match["y1"], today) or default
            yield _period(match, year, months[0], year, months[-1])


def _quarters(text: str, today: date, default: int) -> Iterator[Value]:
    for match in _QUARTER.finditer(text):
        year = _year(match["y1"], today) or default
        if match["rel"]:
            now = (today.year * 12 + today.month - 1) // 3 + {"上": -1, "本": 0, "这": 0, "下": 1}[
                match["rel"]
            ]
            year, first, last = now // 4, now % 4 * 3 + 1, now % 4 * 3 + 3
        elif match["many"]:
            first, last = 1, 3 * _number(match["many"])
        else:
            quarter = _number(match["q"] or match["q2"])
            first, last = quarter * 3 - 2, quarter * 3
        yield _period(match, year, first, year, last)


def _only_year(text: str, today: date) -> int:
    """The one other year that the sentence names (去年的养老，三月份的), else the current one."""
    text = _COMPARED.sub("", text)
    named = {_year(match[0], today) for match in _BARE_YEAR.finditer(text)} - {None}
    return named.pop() or today.year if len(named) == 1 else today.year


def _period(
    match: re.Match[str], year: int, first: int, end_year: int, last: int, *, start: int | None = None
) -> Value:
    begin, end = f"{year}-{first:02d}", f"{end_year}-{last:02d}"
    value = begin if begin == end else f"{begin}/{end}"
    return Value("fee_period", value, match.start() if start is None else start, match.end())


def _number(said: str) -> int:
    number = read_integer(said)
    if number is None:
        raise ValueError("the pattern lets only numbers through")
    return number


def _shift(today: date, months: int) -> tuple[int, int]:
    index = today.year * 12 + today.month - 1 + months
    return index // 12, index % 12 + 1


# --- days -------------------------------------------------------------------------------------------


def _days(text: str, today: date) -> Iterator[Value]:
    for match in _DAYS.finditer(text):
        year, month = _year(match["y1"], today) or today.year, _number(match["m1"])
        first = _date(year, month, _number(match["d1"]))
        last = first
        if match["now"]:
            last = today
        elif match["d2"]:
            last_month = _number(match["m2"]) if match["m2"] else month
            last_year = _year(match["y2"], today) or (year if last_month >= month else year + 1)
            last = _date(last_year, last_month, _number(match["d2"]))
        if first and last:
            yield _range(first, last, match.span())
    for match in _ISO.finditer(text):
        first = _iso(match["a"])
        last = _iso(match["b"]) if match["b"] else first
        if first and last:
            yield _range(first, last, match.span())
    for match in _WEEK.finditer(text):
        monday = today - timedelta(days=today.weekday())
        monday += timedelta(weeks={"上": -1, "下": 1}.get(match["which"], 0))
        yield _range(monday, monday + timedelta(days=6), match.span())
    for match in _LATEST_DAYS.finditer(text):
        days = _length(match["n"], match["unit"])
        if days:
            yield _range(today - timedelta(days=days - 1), today, match.span())
    if _ABOUT_DAYS.search(text) or len(text) <= 4:
        for match in _NEAR.finditer(text):
            day = today + timedelta(days=_NEAR_DAYS[match[0]])
            yield _range(day, day, match.span())


def _length(said: str, unit: str) -> int | None:
    if said.startswith("半"):
        return 15 if unit == "月" else None
    number = read_integer(said)
    if number is None or unit == "月":
        return None
    return number * (1 if unit in "天日" else 7)


def _iso(said: str) -> date | None:
    parts = re.split(r"[-/.]", said) if not said.isdigit() else [said[:4], said[4:6], said[6:]]
    return _date(*map(int, parts))


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _range(first: date, last: date, span: tuple[int, int]) -> Value:
    return Value("date_range", f"{first}/{last}", *span)


# --- the time of filing or issuing ------------------------------------------------------------------


def _as_filed(text: str, value: Value) -> Value:
    """A year or month in which something was filed or issued is a range of days."""
    filed = (
        _FILED.match(text[value.end :]) or _FILING_FIRST.search(text[: value.start]) or _DECLARED.search(text)
    )
    if value.entity == "date_range" or not filed:
        return value
    first, _, last = value.value.partition("/")
    last = last or first
    if value.entity == "fee_year":
        first, last = f"{first}-01", f"{last}-12"
    year, month = map(int, last.split("-"))
    return Value("date_range", f"{first}-01/{last}-{monthrange(year, month)[1]:02d}", value.start, value.end)
