"""Fee periods: a month is `2026-03`, a period is one month or an interval of months `2026-01/2026-06`."""

import re
from collections.abc import Sequence
from datetime import date

MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


def is_period(text: str) -> bool:
    """Is `text` one month, or an interval that does not run backwards?"""
    first, slash, last = text.partition("/")
    if not slash:
        return MONTH.fullmatch(first) is not None
    return bool(MONTH.fullmatch(first) and MONTH.fullmatch(last)) and first <= last


def months_of(period: str) -> tuple[str, ...]:
    """`2026-01/2026-03` -> its three months. ValueError when `period` is none."""
    if not is_period(period):
        raise ValueError("not a fee period")
    first, last = bounds(period)
    start, end = _index(first), _index(last)
    return tuple(f"{i // 12:04}-{i % 12 + 1:02}" for i in range(start, end + 1))


def bounds(period: str) -> tuple[str, str]:
    """First and last month."""
    first, _, last = period.partition("/")
    return first, last or first


def period_of(months: Sequence[str]) -> str:
    """From the first to the last of `months`; one month stays a month."""
    return months[0] if months[0] == months[-1] else f"{months[0]}/{months[-1]}"


def month_of(day: date) -> str:
    return f"{day:%Y-%m}"


def first_day(month: str) -> date:
    return date.fromisoformat(f"{month}-01")


def year_of(period: str) -> int:
    """The year of a period, which never spans two."""
    return int(period[:4])


def _index(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:]) - 1
