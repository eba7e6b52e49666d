"""Rates, periods and divisions: tables that say where their figures come from."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.domain.divisions import agency_name, all_divisions, find_division, tax_office_name
from services.domain.kinds import Insurance
from services.domain.periods import bounds, first_day, is_period, month_of, months_of, period_of, year_of
from services.domain.rates import (
    Figure,
    find_rates,
    find_wage,
    monthly_base,
    monthly_contribution,
    version_of,
)

RATE = Decimal("0.20")


@pytest.mark.parametrize(
    "year, percent, base, monthly",
    [
        (2023, 60, "4114.55", "822.91"),
        (2023, 300, "20572.75", "4114.55"),
        (2024, 60, "4363.35", "872.67"),
        (2025, 60, "4394.70", "878.94"),
        (2025, 70, "5127.15", "1025.43"),
        (2025, 150, "10986.75", "2197.35"),
        (2025, 300, "21973.50", "4394.70"),
        (2026, 100, "7400.00", "1480.00"),
    ],
)
def test_nothing_is_rounded_before_the_end(year: int, percent: int, base: str, monthly: str) -> None:
    """Rates 3.1, 3.3: nothing is rounded before the end."""
    wage = find_wage(year, date(year, 12, 1))
    assert wage is not None
    assert (str(monthly_base(wage, percent)), str(monthly_contribution(wage, percent, RATE))) == (
        base,
        monthly,
    )


def test_until_a_wage_is_published_the_year_before_rules() -> None:
    before, after = find_wage(2025, date(2025, 9, 16)), find_wage(2025, date(2025, 9, 17))
    assert before is not None
    assert after is not None
    assert (before.year, before.provisional, after.year, after.provisional) == (2024, True, 2025, False)
    assert find_wage(2023, date(2023, 1, 1)) is None


def test_flexible_medical_rates_by_place_and_age() -> None:
    rates = find_rates(2026)
    assert rates is not None
    assert rates.flexible is not None
    guiyang, elsewhere = rates.flexible.medical_rate("520103"), rates.flexible.medical_rate("522301")
    assert [str(guiyang.at(age)) for age in (35, 36)] == ["0.034", "0.044"]
    assert [str(elsewhere.at(age)) for age in (20, 60)] == ["0.085", "0.085"]


def test_the_highest_aid_counts_alone() -> None:
    """Rates 2.4: the highest aid counts alone."""
    rates = find_rates(2026)
    assert rates is not None
    medical = rates.resident_medical
    assert medical is not None
    assert medical.aid_for(frozenset({"低保对象", "稳定脱贫人口"})) == Decimal("200.00")
    assert medical.aid_for(frozenset({"稳定脱贫人口", "孤儿"})) == Decimal("400.00")
    assert medical.aid_for(frozenset({"退役军人"})) == 0
    assert medical.is_special(frozenset({"退役军人"}))
    assert not medical.is_special(frozenset({"党员"}))


def test_a_figure_without_a_mark_or_with_two_is_refused() -> None:
    with pytest.raises(ValidationError):
        Figure[int](value=1)
    with pytest.raises(ValidationError):
        Figure[int](value=1, source="公告", demo="虚构")


def test_every_file_is_of_its_year_and_a_version_names_its_bytes() -> None:
    files = sorted((Path(__file__).parents[2] / "services/domain/data/rates").glob("*.yml"))
    assert files
    for file in files:
        rates = find_rates(int(file.stem))
        assert rates is not None
        assert version_of(rates.year).startswith(f"{file.stem}-")
    assert len({version_of(int(file.stem)) for file in files}) == len(files)
    assert find_rates(1999) is None


def test_the_windows_of_medical_insurance_leave_no_gap_and_do_not_overlap() -> None:
    for year in (2025, 2026, 2027):
        rates = find_rates(year)
        assert rates is not None
        medical = rates.resident_medical
        assert medical is not None
        assert (medical.scattered.value[0] - medical.central.value[1]).days == 1
        assert medical.central.value[0].year == year - 1


@pytest.mark.parametrize("text", ["2026-01", "2026-01/2026-12", "2025-11/2026-02", "2026-03/2026-03"])
def test_periods(text: str) -> None:
    assert is_period(text)
    months = months_of(text)
    assert (months[0], months[-1]) == bounds(text)
    assert months_of(period_of(months)) == months
    assert year_of(text) == int(text[:4])
    assert month_of(first_day(months[0])) == months[0]


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-13", "2026-1", "2026-06/2026-01", "2026-01/", "2026-01/06"]
)
def test_what_is_no_period(text: str) -> None:
    assert not is_period(text)
    with pytest.raises(ValueError):
        months_of(text)


def test_divisions_and_the_names_of_their_offices() -> None:
    assert len(all_divisions()) == 98
    assert len([d for d in all_divisions().values() if d.level == "county"]) == 88
    division = find_division("520103")
    assert division is not None
    assert (division.name, division.parent) == ("云岩区", "520100")
    assert find_division("110000") is None
    assert agency_name("520103", Insurance.PENSION) == "云岩区社保经办机构"
    assert agency_name("520103", Insurance.MEDICAL) == "云岩区医保经办机构"
    assert tax_office_name("520602") == "国家税务总局铜仁市碧江区税务局"
    assert tax_office_name("520181") == "国家税务总局清镇市税务局"
    assert tax_office_name("520625") == "国家税务总局印江土家族苗族自治县税务局"
    assert tax_office_name("520000") == "国家税务总局贵州省税务局"
