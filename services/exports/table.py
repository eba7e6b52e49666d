"""A list as it is exported, in words; and the bars of a chart."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

Cell = str | Decimal | date | None


@dataclass(frozen=True, kw_only=True)
class Column:
    """`width` in characters of the Latin alphabet, as spreadsheets count."""

    title: str
    width: int


@dataclass(frozen=True, kw_only=True)
class Table:
    """`rows` have a cell for each column; `notes` stand below, a line each; `mark` is the watermark."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()
    mark: str = ""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One bar: what it is of, how long it is, what is written at its end."""

    label: str
    value: Decimal
    caption: str


def shown(cell: Cell) -> str:
    """A cell as it is read: `2,000.00`, `2026-01-05`."""
    if cell is None:
        return "—"
    return f"{cell:,.2f}" if isinstance(cell, Decimal) else str(cell)
