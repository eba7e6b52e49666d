"""Every time named in a sentence, resolved against a given day.

A bare year is a `fee_year`, months, quarters and halves are a `fee_period`, days are a `date_range`; so is any
time of filing or issuing. 以前 and 以后 open a time at one end.
"""

import re
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

from bot.engine.nlu.days import read_days
from bot.engine.nlu.months import TO, read_months, shift
from bot.engine.nlu.values import Value, longest
from bot.engine.nlu.years import read_years

_TO = re.compile(TO)
_FILED = re.compile(
    r"^(?:[以之]?[前后]|以来|起)?(?:份|度|里|的时候|那会儿|那阵|那次|间)?(?:我|我们|给我|窗口)?(?:去|在大厅|在网上|网上|自己)?(?:申报|开具|开过?的|开出|开了的|打过?的|打印的|报的|出具|办的|首开|补开的|开票)"
)
_FILING_FIRST = re.compile(
    r"(?:申报|开具|开票|打印|出具)(?:的)?(?:日期|时间|日子|那天)(?:的?(?:是|为|在|选|从|[:：]))?$"
)
_DECLARED = re.compile(
    r"[申开][报具]的?(?:日期|时间)|(?:[的月号日前后起]|以来)申报$|申报的?(?:记录|情况|明细|信息|查询|数据)|[查看].*申报|申报.*[查看]"
)
"""Declarations are looked up by the day of filing."""
_SIDE = re.compile(
    r"(?P<before>[以之]前|前(?![后半年几]))|(?P<since>以来)|(?P<from>开始|起(?![码步来]))|[以之过]后|后(?!半|年)"
)
"""What makes a time open: everything before it, or after it."""


def read_dates(text: str, today: date) -> list[Value]:
    """Every time named in `text`."""
    found = longest([*read_days(text, today), *read_months(text, today), *read_years(text, today)])
    filed = _together(_as_filed(text, value) for value in _from_to(text, found))
    return [value for closed in filed for value in _opened(text, closed, today)]


# --- from one to another ----------------------------------------------------------------------------


def _from_to(text: str, found: list[Value]) -> list[Value]:
    """上个月1号到这个月5号, 一季度到三季度: two times with 到 between them are one."""
    kept: list[Value] = []
    for value in found:
        before = kept[-1] if kept else None
        if before and _is_one_time(text, before, value):
            first, last = before.value.partition("/")[0], value.value.rpartition("/")[2]
            kept[-1] = replace(before, value=f"{first}/{last}", end=value.end)
        else:
            kept.append(value)
    return kept


def _is_one_time(text: str, one: Value, other: Value) -> bool:
    return (
        one.entity == other.entity
        and one.entity in {"date_range", "fee_period"}
        and one.value <= other.value
        and _TO.fullmatch(text[one.end : other.start]) is not None
    )


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


def _together(values: Iterable[Value]) -> list[Value]:
    """Several years in one phrase (近两年申报的) are one range of days."""
    kept: list[Value] = []
    for value in values:
        before = kept[-1] if kept else None
        if before and value.entity == before.entity == "date_range" and value.span == before.span:
            first, last = before.value.partition("/")[0], value.value.partition("/")[2]
            kept[-1] = replace(before, value=f"{first}/{last}")
        else:
            kept.append(value)
    return kept


# --- open ends --------------------------------------------------------------------------------------


def _opened(text: str, value: Value, today: date) -> list[Value]:
    """11月1号以前 reaches back to the year's beginning, 6月15日以后 up to today; 2025年以来 is several years."""
    side = _SIDE.match(text[value.end :])
    if not side:
        return [value]
    first, _, last = value.value.partition("/")
    end = value.end + side.end()
    if value.entity == "date_range":
        if side["before"]:
            days = _days_before(date.fromisoformat(first), date.fromisoformat(last))
        else:
            days = first, max(today.isoformat(), first)
        return [Value("date_range", "/".join(days), value.start, end)]
    if value.entity == "fee_period" and not side["from"]:
        if side["before"]:
            year, month = shift(date.fromisoformat(f"{first}-01"), -1)
            period = f"{year}-01/{year}-{month:02d}"
        else:
            until = today.strftime("%Y-%m") if side["since"] else f"{max(int(first[:4]), today.year)}-12"
            period = f"{first}/{max(until, first)}"
        return [Value("fee_period", period, value.start, end)]
    if value.entity == "fee_year" and not side["before"]:
        years = range(int(first), max(today.year, int(first)) + 1)
        return [Value("fee_year", str(year), value.start, end) for year in years]
    return [value]


def _days_before(first: date, last: date) -> tuple[str, str]:
    """The year up to a day; the last day of a month closes it (6月30日前), any other is left out."""
    closes = first == last and (first + timedelta(days=1)).day == 1
    until = first if closes else first - timedelta(days=1)
    return f"{until.year}-01-01", until.isoformat()
