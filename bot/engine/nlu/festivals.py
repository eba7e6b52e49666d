"""Times that are said by a festival: 国庆前, 元旦以后, 春节那几天. Always days, and of those that are past."""

import re
from calendar import monthrange
from datetime import date, timedelta
from functools import cache

import chinese_calendar

from bot.engine.nlu.values import Value

_FIXED = {
    "元旦": (1, 1), "三八": (3, 8), "妇女节": (3, 8), "五一": (5, 1), "劳动节": (5, 1), "六一": (6, 1),
    "儿童节": (6, 1), "国庆": (10, 1), "十一": (10, 1), "双十一": (11, 11), "双11": (11, 11), "双十二": (12, 12),
    "双12": (12, 12),
}  # fmt: skip
_MOVING = {
    "春节": "Spring Festival",
    "过年": "Spring Festival",
    "清明": "Tomb-sweeping Day",
    "端午": "Dragon Boat Festival",
    "中秋": "Mid-autumn Festival",
}
_LONG = {"元旦": "New Year's Day", "五一": "Labour Day", "劳动节": "Labour Day", "国庆": "National Day"}
"""Of these the days off count as the festival, not the one day alone."""
_NAMES = "|".join(sorted({*_FIXED, *_MOVING} - {"十一", "过年", "三八", "六一"}, key=len, reverse=True))
_CLEAR = (
    r"(?<![二三四五六七八九十双])十一(?=(?:长假|黄金周|放假|假期|前|之前|以前|过后|之后|以后))"
    r"|过年(?=[以之]?[前后]|过后|那)|三八(?=节)|六一(?=节|[以之]?[前后])"
)
_FESTIVAL = re.compile(
    rf"(?:(?P<year>大?前年|去年|今年|20\d\d年?)的?)?(?P<name>{_NAMES}|{_CLEAR})(?:节|长假|假期|黄金周|放假)?的?"
    r"(?P<side>[以之]?前|[以之过]?后|以来|那[几]?天|当天|期间)?"
)


def read_festivals(text: str, today: date) -> list[Value]:
    """国庆前 is the part of that year before it, 国庆后 what came after it, up to today."""
    found = []
    for match in _FESTIVAL.finditer(text):
        side = match["side"] or ""
        year = _year_of(match["year"], today)
        if year is None and side.endswith("前"):
            year = today.year
        days = _days_of(match["name"], year, today)
        if days is None:
            continue
        first, last = days
        if side.endswith("前"):
            first, last = date(first.year, 1, 1), min(first - timedelta(days=1), today)
        elif side.endswith(("后", "来")):
            first, last = last + timedelta(days=1), max(today, last + timedelta(days=1))
        if first <= last:
            found.append(Value("date_range", f"{first}/{last}", *match.span()))
    return found


def _year_of(said: str | None, today: date) -> int | None:
    if not said:
        return None
    relative = {"大前年": -3, "前年": -2, "去年": -1, "今年": 0}
    return today.year + relative[said] if said in relative else int(said[:4])


def _days_of(name: str, year: int | None, today: date) -> tuple[date, date] | None:
    """First and last day; without a year those of the last one that has begun. None where this year's are not
    published."""
    days = _of_year(name, year or today.year)
    if days is None or year or days[0] <= today:
        return days
    return _of_year(name, today.year - 1)


@cache
def _of_year(name: str, year: int) -> tuple[date, date] | None:
    title = _MOVING.get(name) or _LONG.get("国庆" if name == "十一" else name)
    if title:
        days = _holidays(title, year)
        if days:
            return days[0], days[-1]
    if name not in _FIXED:
        return None
    day = date(year, *_FIXED[name])
    return day, day


def _holidays(title: str, year: int) -> list[date]:
    """Days off of that name, by the published arrangement; none where there is none."""
    found = []
    for month in range(1, 13):
        for number in range(1, monthrange(year, month)[1] + 1):
            day = date(year, month, number)
            try:
                off, name = chinese_calendar.get_holiday_detail(day)
            except NotImplementedError:  # the library does not know the year
                return []
            if off and name == title:
                found.append(day)
    return found
