"""Days and weeks as they are spoken, resolved against a given day."""

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta

from bot.engine.nlu.months import MONTH, NEAR_MONTH, TO, near_month
from bot.engine.nlu.numbers import read_integer, to_integer
from bot.engine.nlu.values import Value
from bot.engine.nlu.years import DIGIT, YEAR, year_of

_D = r"(?:3[01]|[12]\d|0?[1-9]|三十一?|二?十[一二三四五六七八九]?|[一二三四五六七八九])"
_DAYS = re.compile(
    rf"(?:(?:(?P<y1>{YEAR})的?)?(?P<m1>{MONTH})月份?|(?P<near>{NEAR_MONTH}))(?P<d1>{_D})(?:[号日]|(?={TO}(?:(?:{MONTH}月份?)?{_D}[号日]|{MONTH}月{_D}(?![\d个月]))))"
    rf"(?:{TO}(?:(?:(?:(?P<y2>{YEAR})的?)?(?P<m2>{MONTH})月份?)?(?P<d2>{_D})[号日]?|(?P<now>今天|现在|目前|今日|今)"
    rf"|(?:{NEAR_MONTH})?(?P<end>月底|月末)))?"
)
_ISO = re.compile(
    r"(?<!\d)(?P<a>20\d\d([-/.])\d{1,2}\2\d{1,2}|20\d{6})(?:(?:到|至|-|~|/|—)(?P<b>20\d\d([-/.])\d{1,2}\4\d{1,2}|20\d{6}))?(?!\d)"
)
_NEAR_DAYS = {"大前天": -3, "前天": -2, "昨天": -1, "昨日": -1, "今天": 0, "今日": 0, "当天": 0}
_NEAR = re.compile("|".join(_NEAR_DAYS))
_NEAR_TO_NEAR = re.compile(rf"(?P<a>{_NEAR.pattern}){TO}(?P<b>{_NEAR.pattern}|现在|目前)")
_SAME_DAY = re.compile(
    rf"(?P<year>前年|去年|上一?年)的?(?:今天|今日|这一?天|同一天)(?:{TO}(?P<now>今天|现在|目前|如今|今))?"
)
"""去年的今天到现在."""
_WEEK = re.compile(r"(?P<which>上|本|这|下)一?个?(?:星期|周(?!末|岁)|礼拜)(?![一二三四五六天日几])")
_A_DAY = r"(?:星期|周|礼拜)[一二三四五六天日](?![气子])"
_WEEKDAY = re.compile(
    rf"(?P<which>上上|上|本|这)一?个?(?P<a>{_A_DAY})(?:{TO}(?:(?P<b>{_A_DAY})|(?P<now>今天|现在|目前)))?"
)
_LATEST_DAYS = re.compile(
    rf"(?:最近|近|过去|这|前(?=半个?月))的?(?P<n>\d{{1,3}}|[{DIGIT}十]+|半个?)(?P<unit>天|日|个?星期|周(?!岁)|个?礼拜|月)"
)

_ABOUT_DAYS = re.compile(r"申报|开具|开的|开过|打的|日期|查|记录|证明|凭证|付款|扣|缴的|交的|付的")


def read_days(text: str, today: date) -> Iterator[Value]:
    """Every day, week and stretch of days named in `text`."""
    yield from _dated(text, today)
    yield from _near(text, today)


def _dated(text: str, today: date) -> Iterator[Value]:
    """3月5号到4月1日, 上个月15号, 2026-01-01."""
    for match in _DAYS.finditer(text):
        if match["near"]:
            year, month = near_month(match["near"], today)
        else:
            year, month = year_of(match["y1"], today) or today.year, to_integer(match["m1"])
        first = _date(year, month, to_integer(match["d1"]))
        last = first
        if match["now"]:
            last = today
        elif match["end"]:
            last = _date(year, month, monthrange(year, month)[1])
        elif match["d2"]:
            last_month = to_integer(match["m2"]) if match["m2"] else month
            last_year = year_of(match["y2"], today) or (year if last_month >= month else year + 1)
            last = _date(last_year, last_month, to_integer(match["d2"]))
        if first and last:
            yield _range(first, last, match.span())
    for match in _ISO.finditer(text):
        first = _iso(match["a"])
        last = _iso(match["b"]) if match["b"] else first
        if first and last:
            yield _range(first, last, match.span())


def _near(text: str, today: date) -> Iterator[Value]:
    """上周, 最近七天, 昨天."""
    for match in _WEEK.finditer(text):
        monday = today - timedelta(days=today.weekday())
        monday += timedelta(weeks={"上": -1, "下": 1}.get(match["which"], 0))
        yield _range(monday, monday + timedelta(days=6), match.span())
    yield from _weekdays(text, today)
    for match in _LATEST_DAYS.finditer(text):
        days = _length(match["n"], match["unit"])
        if days:
            yield _range(today - timedelta(days=days - 1), today, match.span())
    for match in _NEAR_TO_NEAR.finditer(text):
        first, last = (today + timedelta(days=_NEAR_DAYS.get(match[end], 0)) for end in "ab")
        yield _range(first, last, match.span())
    yield from _a_year_ago(text, today)
    if _ABOUT_DAYS.search(text) or len(text) <= 4:
        for match in _NEAR.finditer(text):
            day = today + timedelta(days=_NEAR_DAYS[match[0]])
            yield _range(day, day, match.span())


def _a_year_ago(text: str, today: date) -> Iterator[Value]:
    for match in _SAME_DAY.finditer(text):
        day = _date(today.year - (2 if match["year"] == "前年" else 1), today.month, today.day)
        if day:
            yield _range(day, today if match["now"] else day, match.span())


def _weekdays(text: str, today: date) -> Iterator[Value]:
    """上周五, 上个礼拜一到礼拜三; none that is still to come."""
    for match in _WEEKDAY.finditer(text):
        first = _weekday(match["which"], match["a"], today)
        last = today if match["now"] else _weekday(match["which"], match["b"] or match["a"], today)
        if first <= min(last, today):
            yield _range(first, last, match.span())


def _weekday(which: str, day: str, today: date) -> date:
    weeks = {"上上": -2, "上": -1}.get(which, 0)
    place = "一二三四五六".find(day[-1]) % 7
    return today - timedelta(days=today.weekday()) + timedelta(weeks=weeks, days=place)


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
