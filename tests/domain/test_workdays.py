"""The working calendar: shifted working days, holidays, and years that nobody has arranged yet."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import chinese_calendar
import pytest

from services.adapters.clock import SHANGHAI
from services.domain import workdays
from services.domain.workdays import (
    add_workdays,
    booking_moment,
    is_provisional,
    is_workday,
    records_available,
    use_calendar,
)


@pytest.fixture
def operator() -> Iterator[None]:
    """Leaves no operator's calendar behind."""
    yield
    workdays._of_the_operator.clear()
    workdays._watched.clear()


@pytest.mark.parametrize(
    "paid_on, first, second, third",
    [
        ("2026-09-18", "2026-09-20", "2026-09-21", "2026-09-22"),
        ("2026-09-24", "2026-09-28", "2026-09-29", "2026-09-30"),
        ("2026-09-30", "2026-10-08", "2026-10-09", "2026-10-10"),
        ("2026-02-13", "2026-02-14", "2026-02-24", "2026-02-25"),
        ("2026-11-23", "2026-11-24", "2026-11-25", "2026-11-26"),
        ("2026-11-27", "2026-11-30", "2026-12-01", "2026-12-02"),
        ("2026-12-30", "2026-12-31", "2027-01-04", "2027-01-05"),
    ],
)
def test_working_days_after_a_payment(paid_on: str, first: str, second: str, third: str) -> None:
    """Business 7.1, 7.5, 8 (6): working days after a payment."""
    day = date.fromisoformat(paid_on)
    assert [str(add_workdays(day, n)) for n in (1, 2, 3)] == [first, second, third]
    assert records_available(day) == (date.fromisoformat(first), date.fromisoformat(third))
    moment = booking_moment(datetime(day.year, day.month, day.day, 23, 59, tzinfo=SHANGHAI))
    assert moment == datetime.fromisoformat(f"{second}T09:00:00+08:00")


def test_this_years_arrangement_is_known_day_by_day() -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    assert all(is_workday(day) == chinese_calendar.is_workday(day) for day in days)
    assert not any(is_provisional(day) for day in days)
    worked = [day for day in days if day.weekday() >= 5 and is_workday(day)]
    assert [f"{day:%m-%d}" for day in worked] == ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"]


def test_next_year_is_provisional_and_leaves_out_the_holidays_by_law() -> None:
    """Business 7.3: next year is provisional and leaves out the holidays by law."""
    assert is_provisional(date(2027, 1, 4))
    assert not is_workday(date(2027, 2, 8))
    assert not is_workday(date(2027, 6, 9))
    assert is_workday(date(2027, 6, 10))
    assert not is_workday(date(2027, 6, 12))


def test_a_year_that_nothing_is_known_of_counts_weekends_and_fixed_holidays() -> None:
    assert is_provisional(date(2031, 5, 1))
    assert not is_workday(date(2031, 10, 2))
    assert is_workday(date(2031, 10, 6))


def test_the_operator_puts_the_real_arrangement_in_place(tmp_path: Path, operator: None) -> None:
    file = tmp_path / "2027.yml"
    file.write_text(
        "year: 2027\nprovisional: false\nsource: published\n"
        "holidays: [2027-01-01, 2027-01-04]\nworking_weekends: [2027-01-03]\n",
        encoding="utf-8",
    )
    assert use_calendar(file) == [2027]
    assert not is_provisional(date(2027, 1, 4))
    assert [str(add_workdays(date(2026, 12, 30), n)) for n in (1, 2, 3)] == [
        "2026-12-31",
        "2027-01-03",
        "2027-01-05",
    ]


@pytest.mark.parametrize("text", ["year: 2027", "[", "year: next\nprovisional: 1", "\ud800"])
def test_a_calendar_that_is_no_calendar_is_refused_in_one_line(
    tmp_path: Path, text: str, operator: None
) -> None:
    file = tmp_path / "bad.yml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ValueError, match=r"calendar file bad\.yml can't be used"):
        use_calendar(file)
    assert is_provisional(date(2027, 1, 4))
