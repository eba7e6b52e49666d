"""What insurance costs: one file per year in `data/rates/`, and the arithmetic that belongs to it.

Every figure says where it comes from: `source`, `assumption`, or `demo` (invented for the sandbox, never told
as policy). Amounts are yuan, rounded half up at the very end (`money.yuan`).
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, model_validator
from yaml import safe_load

from services.domain.divisions import prefecture_code
from services.domain.money import yuan
from services.domain.windows import About, Afterwards, Basis, Standing

_FOLDER = Path(__file__).parent / "data" / "rates"
FULL_MEDICAL_BASE = 100
T = TypeVar("T")
Span = tuple[date, date]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Figure(_Row, Generic[T]):
    """A value with exactly one mark of where it comes from; `dated` is the day that a source bears."""

    value: T
    dated: date | None = None
    source: str | None = None
    assumption: str | None = None
    demo: str | None = None

    @model_validator(mode="after")
    def _has_one_mark(self) -> "Figure[T]":
        if sum(mark is not None for mark in (self.source, self.assumption, self.demo)) != 1:
            raise ValueError("a figure needs exactly one of source, assumption, demo")
        return self

    @property
    def standing(self) -> Standing:
        if self.demo is not None:
            return Standing.DEMO
        return Standing.PUBLISHED if self.source is not None else Standing.ASSUMED

    def basis(self, about: About, checked: date) -> Basis:
        """Where the value is written; `checked` is the day on which the file was looked through."""
        source = self.source or self.assumption or self.demo or ""
        return Basis(about=about, source=source, standing=self.standing, checked=checked, dated=self.dated)


class ResidentPension(_Row):
    """Yuan a year. `restricted` tiers are for people with one of the marks `restricted_to`; normal payment is for
    the `ages` from the first to below the second, in completed years."""

    window: Figure[Span]
    afterwards: Figure[Afterwards]
    ages: Figure[tuple[int, int]]
    tiers: Figure[tuple[int, ...]]
    restricted: Figure[tuple[int, ...]]
    restricted_to: Figure[frozenset[str]]
    subsidy_rate: Figure[Decimal]
    subsidy_fixed: Figure[dict[int, Decimal]]

    def tiers_for(self, marks: frozenset[str]) -> list[int]:
        entitled = bool(marks & self.restricted_to.value)
        return [tier for tier in self.tiers.value if entitled or tier not in self.restricted.value]

    def subsidy(self, tier: int) -> Decimal:
        """What the government adds to the account; it does not lower the amount due."""
        fixed = self.subsidy_fixed.value.get(tier)
        return yuan(tier * self.subsidy_rate.value if fixed is None else fixed)


class ResidentMedical(_Row):
    """Yuan a year; the central window spans two calendar years. `aid` is yuan by mark."""

    central: Figure[Span]
    personal: Figure[Decimal]
    subsidy: Figure[Decimal]
    scattered: Figure[Span]
    special_until: Figure[date]
    special_marks: Figure[frozenset[str]]
    wait_days: Figure[int]
    newborn_days: Figure[int]
    gap_wait_months: Figure[int]
    gaps_count_from: Figure[int]
    full_aid: Figure[frozenset[str]]
    aid: Figure[dict[str, Decimal]]

    def aid_for(self, marks: frozenset[str]) -> Decimal:
        """The highest aid that the marks give; several never add up."""
        if marks & self.full_aid.value:
            return self.personal.value
        return max((self.aid.value[mark] for mark in marks & self.aid.value.keys()), default=Decimal(0))

    def is_special(self, marks: frozenset[str]) -> bool:
        """May pay the personal part all year: aided people, and those named by `special_marks`."""
        return bool(marks & (self.full_aid.value | self.aid.value.keys() | self.special_marks.value))

    @property
    def is_demo(self) -> bool:
        return self.personal.demo is not None


class MedicalRate(_Row):
    """Share of the monthly base, by completed years of age."""

    age_limit: int | None = None
    up_to_limit: Decimal
    above_limit: Decimal

    def at(self, age: int) -> Decimal:
        return self.above_limit if self.age_limit is not None and age > self.age_limit else self.up_to_limit


class MedicalGap(_Row):
    """Who has missed more than `months` waits `wait_days` from the day of paying."""

    months: int
    wait_days: int


class Flexible(_Row):
    """Flexible employment: last year's average wage (yuan a year), known from `published_on`. The months of a
    year can be paid until its day `closes` (`12-31`)."""

    closes: Figure[str]
    afterwards: Figure[Afterwards]

    annual_wage: Figure[Decimal]
    published_on: Figure[date]
    pension_rate: Figure[Decimal]
    pension_tiers: Figure[tuple[int, ...]]
    medical_base_month: Figure[int]
    medical_rates: Figure[dict[str, MedicalRate]]
    medical_gaps: Figure[dict[str, MedicalGap]]

    def medical_rate(self, agency: str) -> MedicalRate:
        rates = self.medical_rates.value
        return rates.get(prefecture_code(agency), rates["other"])

    def medical_gap(self, agency: str) -> MedicalGap | None:
        """Known of some prefectures only."""
        return self.medical_gaps.value.get(prefecture_code(agency))


class YearRates(_Row):
    """`checked` is the day on which the sources were looked through."""

    year: int
    checked: date
    resident_pension: ResidentPension | None = None
    resident_medical: ResidentMedical | None = None
    flexible: Flexible | None = None


@dataclass(frozen=True, kw_only=True)
class Wage:
    """The wage that rules on some day. `provisional`: an earlier year's, the new one isn't published."""

    year: int
    annual: Decimal
    rules: Flexible
    provisional: bool
    checked: date

    @property
    def is_demo(self) -> bool:
        return self.rules.annual_wage.demo is not None


def find_rates(year: int) -> YearRates | None:
    return _all_rates().get(year)


def find_wage(year: int, today: date) -> Wage | None:
    """The wage for fees of `year` as quoted `today`: the newest that is published, none later than `year`."""
    for candidate in range(year, min(_all_rates(), default=year) - 1, -1):
        rates = find_rates(candidate)
        if rates and rates.flexible and rates.flexible.published_on.value <= today:
            rules = rates.flexible
            return Wage(
                year=candidate,
                annual=rules.annual_wage.value,
                rules=rules,
                provisional=candidate < year,
                checked=rates.checked,
            )
    return None


def monthly_base(wage: Wage, percent: int) -> Decimal:
    """Shown to the resident; the contribution is never computed from this rounded figure."""
    return yuan(wage.annual * percent / 1200)


def monthly_contribution(wage: Wage, percent: int, rate: Decimal) -> Decimal:
    """A month's fee, rounded once, at the end: 82291 yuan, 60 % -> 822.91."""
    return yuan(wage.annual * percent * rate / 1200)


def version_of(year: int) -> str:
    """Names the figures of a year: the year and a digest of its file."""
    file = _FOLDER / f"{year}.yml"
    return f"{year}-{sha256(file.read_bytes()).hexdigest()[:8]}" if file.exists() else f"{year}"


@cache
def _all_rates() -> dict[int, YearRates]:
    found = [safe_load(file.read_text(encoding="utf-8")) for file in sorted(_FOLDER.glob("*.yml"))]
    return {rates.year: rates for rates in map(YearRates.model_validate, found)}
