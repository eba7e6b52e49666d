"""Working days of the Chinese calendar: weekends, holidays, and weekends that are worked (调休).

The library knows the years whose arrangement the State Council has published. For a later year a file in
`data/workdays/` says what is known (`provisional: true`: holidays by law, without shifts); a year without a
file counts weekends and the holidays that have a fixed date. `use_calendar` lets the operator put the real
arrangement in place before the library has it, and change it while the service runs: the file is read again
when it has changed. `is_provisional` tells whether an answer may still change.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path

import chinese_calendar
import structlog
from pydantic import BaseModel, ConfigDict, ValidationError
from yaml import YAMLError, safe_load, safe_load_all

log = structlog.get_logger("workdays")

_FOLDER = Path(__file__).parent / "data" / "workdays"
_BY_LAW = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})
_SATURDAY = 5
BOOKING_WORKDAY = 2
BOOKING_TIME = time(9)
"""When a payment is entered (入库): 09:00 on the second working day. Assumption (`business-rules` 7.1)."""
EARLIEST_WORKDAY, LATEST_WORKDAY = 1, 3
PUBLISHED_BY = 11
"""The State Council publishes the arrangement of a year in October to December of the year before."""


class CalendarYear(BaseModel):
    """One year's arrangement: days off beside weekends, and weekend days that are worked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    year: int
    provisional: bool
    source: str
    holidays: frozenset[date]
    working_weekends: frozenset[date] = frozenset()


@dataclass(frozen=True)
class Answer:
    workday: bool
    provisional: bool


def is_workday(day: date) -> bool:
    return _look_up(day).workday


def is_provisional(day: date) -> bool:
    """May the answer for this day still change, because the year's arrangement is not published?"""
    return _look_up(day).provisional


def missing_arrangement(today: date) -> int | None:
    """The year whose arrangement should be there and is not: this one, and from November on the next."""
    years = [today.year, today.year + 1] if today.month >= PUBLISHED_BY else [today.year]
    return next((year for year in years if is_provisional(date(year, 1, 1))), None)


def add_workdays(day: date, n: int) -> date:
    """The `n`-th working day after `day` (n >= 1); `day` itself does not count."""
    while n > 0:
        day += timedelta(days=1)
        n -= is_workday(day)
    return day


def records_available(paid_on: date) -> tuple[date, date]:
    """Earliest and latest day on which a payment's record can be had: 1 and 3 working days later."""
    return add_workdays(paid_on, EARLIEST_WORKDAY), add_workdays(paid_on, LATEST_WORKDAY)


def booking_moment(paid_at: datetime) -> datetime:
    """When the tax bureau enters a payment of this moment; the same time zone."""
    day = add_workdays(paid_at.date(), BOOKING_WORKDAY)
    return datetime.combine(day, BOOKING_TIME, tzinfo=paid_at.tzinfo)


def use_calendar(file: Path) -> list[int]:
    """Let the operator's `file` (the shape of `data/workdays/*.yml`, a document for each year) rule its years.

    From now on it is read again whenever it has changed; one that can't be read changes nothing.
    ValueError with one line when it can't be read now.
    """
    _of_the_operator.clear()
    _of_the_operator.update(_read(file))
    _watched.clear()
    _watched[file] = _stamp(file)
    return sorted(_of_the_operator)


def _read(file: Path) -> dict[int, CalendarYear]:
    try:
        documents = [one for one in safe_load_all(file.read_text(encoding="utf-8")) if one is not None]
        calendars = [CalendarYear.model_validate(one) for one in documents]
    except (OSError, UnicodeDecodeError, YAMLError, ValidationError) as error:
        raise ValueError(f"calendar file {file.name} can't be used: {type(error).__name__}") from error
    return {calendar.year: calendar for calendar in calendars}


_of_the_operator: dict[int, CalendarYear] = {}
_watched: dict[Path, tuple[int, int]] = {}


def _stamp(file: Path) -> tuple[int, int]:
    """What changes when a file does; nothing for one that is gone."""
    try:
        found = file.stat()
    except OSError:
        return (0, 0)
    return found.st_mtime_ns, found.st_size


def _reread() -> None:
    """See whether the operator has changed the file since it was read."""
    for file, known in list(_watched.items()):
        now = _stamp(file)
        if now == known:
            continue
        _watched[file] = now
        try:
            found = _read(file)
        except ValueError as error:
            log.error("calendar_not_read", problem=str(error))
            continue
        _of_the_operator.clear()
        _of_the_operator.update(found)
        log.info("calendar_read", years=sorted(found))


def _look_up(day: date) -> Answer:
    _reread()
    ruled = _of_the_operator.get(day.year)
    if ruled:
        return Answer(_by_calendar(day, ruled), ruled.provisional)
    try:
        return Answer(bool(chinese_calendar.is_workday(day)), False)
    except NotImplementedError:  # a year that the library does not know
        pass
    shipped = _shipped().get(day.year)
    if shipped:
        return Answer(_by_calendar(day, shipped), shipped.provisional)
    return Answer(day.weekday() < _SATURDAY and (day.month, day.day) not in _BY_LAW, True)


def _by_calendar(day: date, calendar: CalendarYear) -> bool:
    if day in calendar.working_weekends:
        return True
    return day.weekday() < _SATURDAY and day not in calendar.holidays


@cache
def _shipped() -> dict[int, CalendarYear]:
    files = [safe_load(file.read_text(encoding="utf-8")) for file in sorted(_FOLDER.glob("*.yml"))]
    return {calendar.year: calendar for calendar in map(CalendarYear.model_validate, files)}
