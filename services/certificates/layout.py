"""What a kind of paper looks like: a YAML file in `layouts/`, checked when it is read.

A new kind is a new file. Lengths are millimetres, sizes of type are points.
"""

from functools import cache
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, model_validator

LAYOUTS = Path(__file__).with_name("layouts")
PAGE_WIDTH = {"landscape": 297.0, "portrait": 210.0}

Align = Literal["left", "center", "right"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Line(_Part):
    """A centred line of the heading; `tracking` is the space between its characters in points, `gap` the
    millimetres that stay free above it."""

    text: str
    size: float
    tracking: float = 0
    bold: bool = False
    gap: float = 0


class Number(_Part):
    """The number of the form, at the top on the right."""

    label: str
    key: str
    size: float


class Reference(_Part):
    label: str
    key: str
    align: Align


class Cell(_Part):
    """A label and its value in the block of facts; `width` is that of the value."""

    label: str
    key: str
    label_width: float
    width: float


class Column(_Part):
    title: str
    key: str
    width: float
    align: Align


class Labelled(_Part):
    label: str
    key: str


class Total(_Part):
    label: str
    words: Labelled
    figures: Labelled


class Notes(_Part):
    label: str
    items: tuple[str, ...]


class Seal(_Part):
    """The place that stays empty for the seal of the office."""

    caption: str
    width: float
    height: float


class ClosingBox(_Part):
    """A box below the table; one without a key stays empty for a seal."""

    caption: str
    width: float
    key: str | None = None


class Closing(_Part):
    height: float
    boxes: tuple[ClosingBox, ...]


class Side(_Part):
    """Words that run down on the right of the grid."""

    text: str
    width: float


class Scan(_Part):
    caption: str
    size: float
    place: Literal["left", "right"] = "right"


class Layout(_Part):
    """A paper ends with notes and a place for the seal, or with boxes (`closing`)."""

    title: str
    orientation: Literal["landscape", "portrait"]
    margin: float
    heading: tuple[Line, ...]
    number: Number | None = None
    reference: tuple[Reference, ...]
    facts: tuple[tuple[Cell, ...], ...]
    columns: tuple[Column, ...]
    blank_rows_up_to: int
    blank_mark: str
    total: Total
    notes: Notes | None = None
    seal: Seal | None = None
    closing: Closing | None = None
    side: Side | None = None
    rare_characters: str
    scan: Scan
    page_number: str
    keep: str
    watermark: str
    watermark_note: str

    @property
    def width(self) -> float:
        return PAGE_WIDTH[self.orientation] - 2 * self.margin

    @property
    def grid(self) -> float:
        """The width of the table: of the page without margins, and without the words at its side."""
        return self.width - (self.side.width if self.side else 0)

    @model_validator(mode="after")
    def _widths_add_up(self) -> Self:
        rows = [sum(cell.label_width + cell.width for cell in row) for row in self.facts]
        rows.append(sum(column.width for column in self.columns))
        if self.closing:
            rows.append(sum(box.width for box in self.closing.boxes))
        if any(abs(row - self.grid) > 0.01 for row in rows):
            raise ValueError(f"each row must be {self.grid} mm wide, these are {rows}")
        return self

    @model_validator(mode="after")
    def _ends_in_one_way(self) -> Self:
        if (self.closing is None) != (self.notes is not None and self.seal is not None):
            raise ValueError("either notes and a seal, or closing boxes")
        return self


@cache
def get_layout(kind: str) -> Layout:
    """The layout of one kind of paper; `LookupError` if there is none."""
    path = LAYOUTS / f"{kind}.yml"
    if kind not in kinds():
        raise LookupError(f"no layout for {kind}")
    return Layout.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


@cache
def kinds() -> frozenset[str]:
    return frozenset(path.stem for path in LAYOUTS.glob("*.yml") if path.stem != "items")


@cache
def item_names() -> dict[str, dict[str, dict[str, str]]]:
    """Insured group → insurance → `item`, `sub_item`."""
    names: dict[str, dict[str, dict[str, str]]] = yaml.safe_load(
        (LAYOUTS / "items.yml").read_text(encoding="utf-8")
    )
    return names
