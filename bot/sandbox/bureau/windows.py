"""The windows of pensions and of flexible employment: a calendar year, and what comes after it."""

from datetime import date

from services.domain.rates import ResidentPension, Wage
from services.domain.windows import About, Window


def of_resident_pension(rules: ResidentPension, year: int, checked: date) -> Window:
    first, last = rules.window.value
    return Window(
        year=year,
        opens=first,
        ends=last,
        afterwards=rules.afterwards.value,
        basis=(
            rules.window.basis(About.TIME, checked),
            rules.afterwards.basis(About.AFTERWARDS, checked),
        ),
    )


def of_flexible(wage: Wage, year: int) -> Window:
    """Both insurances: what is of this year is paid within it."""
    return Window(
        year=year,
        opens=date(year, 1, 1),
        ends=date.fromisoformat(f"{year}-{wage.rules.closes.value}"),
        afterwards=wage.rules.afterwards.value,
        basis=(
            wage.rules.closes.basis(About.TIME, wage.checked),
            wage.rules.afterwards.basis(About.AFTERWARDS, wage.checked),
        ),
    )
