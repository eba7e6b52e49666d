"""Residents' medical insurance: when a year can be paid, at what price, and from when it helps."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from bot.sandbox.bureau.account import Account
from services.domain.money import yuan
from services.domain.rates import Figure, ResidentMedical, find_rates
from services.domain.windows import About, Afterwards, Window

ONE_DAY = timedelta(days=1)
FROM_EMPLOYEE = "职工医保转入"
"""The mark of who was insured as an employee until a moment ago: the month of payment counts as a whole."""


class Door(StrEnum):
    """The ways in which a year can be open for somebody; only the last one costs the full price."""

    CENTRAL = "central"
    NEWBORN = "newborn"
    SPECIAL = "special"
    SCATTERED = "scattered"


@dataclass(frozen=True, kw_only=True)
class Terms:
    """`waiting_until` is the last day without benefit; `ends` the last day on which this can be paid."""

    door: Door
    total: Decimal
    aid: Decimal | None
    benefit_from: date
    waiting_until: date | None
    no_benefit_this_year: bool
    opens: date
    ends: date
    demo: bool


def open_years(account: Account) -> list[int]:
    """The years that this person could pay now, if they are not paid."""
    near = range(account.today.year - 1, account.today.year + 2)
    return [year for year in near if find_terms(account, year) is not None]


def find_terms(account: Account, year: int) -> Terms | None:
    """What `year` costs and gives today; None when its window is closed for this person."""
    rates = find_rates(year)
    medical = rates.resident_medical if rates else None
    opened = _open_door(account, year, medical) if medical else None
    if medical is None or opened is None:
        return None
    door, opens, ends = opened
    aid = medical.aid_for(account.marks) if door is not Door.SCATTERED else Decimal(0)
    price = medical.personal.value + (medical.subsidy.value if door is Door.SCATTERED else -aid)
    benefit, waits = _benefit(account, year, medical, door)
    return Terms(
        door=door,
        total=yuan(price),
        aid=yuan(aid) if aid else None,
        benefit_from=benefit,
        waiting_until=benefit - timedelta(days=1) if waits else None,
        no_benefit_this_year=benefit.year > year,
        opens=opens,
        ends=ends,
        demo=medical.is_demo,
    )


def find_window(account: Account, year: int, terms: Terms) -> Window:
    """The window of `terms`: what comes after it is what the same person would be told on the next day."""
    rates = find_rates(year)
    if rates is None or rates.resident_medical is None:
        raise ValueError("terms are of a year with rates")
    medical = rates.resident_medical
    later = find_terms(replace(account, now=account.now + (terms.ends + ONE_DAY - account.today)), year)
    time: dict[Door, Figure[Any]] = {
        Door.CENTRAL: medical.central,
        Door.NEWBORN: medical.newborn_days,
        Door.SCATTERED: medical.scattered,
    }
    special = terms.door is Door.SPECIAL or terms.ends == medical.special_until.value
    figures = [(About.TIME, medical.special_until if special else time[terms.door])]
    dearer = later is not None and later.total > terms.total
    if dearer:
        after = (medical.scattered, medical.personal, medical.subsidy, medical.wait_days)
        figures += [(About.AFTERWARDS, figure) for figure in after]
    basis = dict.fromkeys(figure.basis(about, rates.checked) for about, figure in figures)
    return Window(
        year=year,
        opens=terms.opens,
        ends=terms.ends,
        afterwards=Afterwards.DEARER if dearer else Afterwards.OVER,
        price=later.total if later and dearer else None,
        wait_days=medical.wait_days.value if later and dearer and later.waiting_until else None,
        special=special or terms.door is Door.NEWBORN,
        basis=tuple(basis),
    )


def closing(account: Account, year: int) -> dict[str, int | str]:
    """Why `year` can't be paid today: the last day on which it could, the first on which one can again."""
    facts: dict[str, int | str] = {"year": year}
    rates, following = find_rates(year), find_rates(year + 1)
    medical = rates.resident_medical if rates else None
    if medical is None:
        return facts
    if account.today < medical.central.value[0]:
        return {**facts, "opens_on": medical.central.value[0].isoformat()}
    ends = medical.special_until if medical.is_special(account.marks) else medical.scattered
    facts["closed_on"] = (ends.value if isinstance(ends.value, date) else ends.value[1]).isoformat()
    upcoming = following.resident_medical if following else None
    if upcoming and account.today < upcoming.central.value[0]:
        facts["opens_on"] = upcoming.central.value[0].isoformat()
    return facts


def _open_door(account: Account, year: int, medical: ResidentMedical) -> tuple[Door, date, date] | None:
    """The cheapest way that is open today, with its first and its last day."""
    today = account.today
    special = medical.is_special(account.marks)
    start, end = medical.central.value
    if start <= today <= end:
        return Door.CENTRAL, start, medical.special_until.value if special else end
    born = account.born
    if born and born.year == year and born <= today <= born + timedelta(days=medical.newborn_days.value):
        return Door.NEWBORN, born, born + timedelta(days=medical.newborn_days.value)
    if special and start <= today <= medical.special_until.value:
        return Door.SPECIAL, start, medical.special_until.value
    start, end = medical.scattered.value
    return (Door.SCATTERED, start, end) if start <= today <= end else None


def _benefit(account: Account, year: int, medical: ResidentMedical, door: Door) -> tuple[date, bool]:
    """First day with benefit, and whether there was a waiting time before it."""
    today, born, new_year = account.today, account.born, date(year, 1, 1)
    if door is Door.SCATTERED:
        return today + timedelta(days=medical.wait_days.value + 1), True
    if born and born.year == year:
        return born, False
    if door is Door.SPECIAL and FROM_EMPLOYEE in account.marks:
        return max(today.replace(day=1), new_year), False
    if account.had_medical(year - 1) or (born and born.year == year - 1):
        return (max(today, new_year) if door is Door.SPECIAL else new_year), False
    if medical.is_special(account.marks):
        return max(today, new_year), False
    return date(year, 1 + _waiting_months(account, year, medical), 1), True


def _waiting_months(account: Account, year: int, medical: ResidentMedical) -> int:
    """Three months, and one more for each further year missed in a row since the rule began."""
    begin = medical.gaps_count_from.value
    if account.born:
        begin = max(begin, account.born.year)
    missed = 0
    while year - 1 - missed >= begin and not account.had_medical(year - 1 - missed):
        missed += 1
    return medical.gap_wait_months.value + max(missed - 1, 0)
