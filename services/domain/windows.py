"""Until when something can be paid, what comes after it, and where that is written."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Standing(StrEnum):
    """How far a fact may be told as policy."""

    PUBLISHED = "published"
    ASSUMED = "assumed"  # to be confirmed by the local announcement
    DEMO = "demo"  # invented for the sandbox


class About(StrEnum):
    TIME = "time"
    AFTERWARDS = "afterwards"


class Afterwards(StrEnum):
    """What becomes of the fee when the window has gone by."""

    DEARER = "dearer"  # it costs `Window.price`, and there is a waiting time
    AGENCY = "agency"  # only as arrears that the agency assesses
    OVER = "over"  # not at all


@dataclass(frozen=True, kw_only=True)
class Basis:
    """Where a fact is written: the short name of the source and the day it bears, or `checked`, the day on which
    it was looked up. Of an assumption `source` says what is assumed."""

    about: About
    source: str
    standing: Standing
    checked: date
    dated: date | None = None


@dataclass(frozen=True, kw_only=True)
class Window:
    """The time in which a year can be paid at today's price; both days are in it. `special`: longer than for most."""

    year: int
    opens: date
    ends: date
    afterwards: Afterwards
    price: Decimal | None = None
    wait_days: int | None = None
    special: bool = False
    basis: tuple[Basis, ...] = ()

    @property
    def standing(self) -> Standing:
        """That of the weakest fact in it."""
        found = {basis.standing for basis in self.basis}
        return next((s for s in (Standing.DEMO, Standing.ASSUMED) if s in found), Standing.PUBLISHED)
