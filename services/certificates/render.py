"""Draw a paper from its layout and its facts: the same facts give the same drawing."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pypdfium2
from PIL.Image import Dither, Quantize

from services.certificates.drawing import FRAME, GREY, HAIR, INK, RED, Box, Sheet
from services.certificates.layout import Column, Layout
from services.certificates.pades import sign
from services.certificates.press import Rendered
from services.certificates.signing import Signer

CELL, HEAD, SMALL = 8.0, 8.5, 8.0
ROW_HEIGHT, FACT_HEIGHT, HEAD_HEIGHT = 7.6, 8.2, 8.4
FOOT = 12.0
"""Millimetres that stay free at the bottom for the number of the page."""
PREVIEW_SCALE = 2.0
"""Pixels per point: 1684 wide for a sheet on its side, which is legible on a phone."""


def render(
    sheet: Sheet, layout: Layout, facts: Mapping[str, Any], made_at: datetime, signer: Signer
) -> Rendered:
    """The paper and its picture. `made_at` is stamped into the file, so give the time of numbering."""
    pdf = draw_signed(sheet, layout, facts, made_at, signer)
    return Rendered(pdf=pdf, sha256=hashlib.sha256(pdf).hexdigest(), preview=picture_of(pdf))


def draw_signed(
    sheet: Sheet, layout: Layout, facts: Mapping[str, Any], made_at: datetime, signer: Signer
) -> bytes:
    """The PDF, drawn on a fresh `sheet`."""
    _Paper(sheet, layout, facts, made_at).draw()
    return sign(signer, sheet.finish(), made_at)


def picture_of(pdf: bytes) -> bytes:
    """The first page as PNG."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        image = document[0].render(scale=PREVIEW_SCALE).to_pil().convert("RGB")
    finally:
        document.close()
    file = io.BytesIO()
    image.quantize(64, method=Quantize.FASTOCTREE, dither=Dither.NONE).save(file, "PNG")
    return file.getvalue()


class _Paper:
    """One document while it is drawn; `y` is where the next part begins."""

    def __init__(self, sheet: Sheet, layout: Layout, facts: Mapping[str, Any], made_at: datetime) -> None:
        self.sheet, self.layout = sheet, layout
        self.demo = bool(facts["demo"])
        self.verify_url = str(facts["verify_url"])
        self.values = {key: sheet.printable(value) for key, value in facts.items() if isinstance(value, str)}
        self.rows = [{key: sheet.printable(value) for key, value in row.items()} for row in facts["rows"]]
        self.y = 0.0
        self.grid_top = 0.0
        sheet.begin(orientation=layout.orientation, margin=layout.margin, title=layout.title, made_at=made_at)

    def draw(self) -> None:
        self._first_page()
        for place, row in enumerate(self.rows, start=1):
            height = self._row_height(row)
            # The total never stands on a page without a row above it.
            self._make_room(height + (self._closing_height if place == len(self.rows) else 0))
            self._row(row, height)
        self._blank_rows()
        self._total()
        self._boxes()
        self._close_grid()
        self._notes_and_seal()
        self._page_feet()

    @property
    def _closing_height(self) -> float:
        """What stands below the last row at least, in millimetres."""
        layout = self.layout
        if layout.closing:
            return HEAD_HEIGHT + layout.closing.height + (5 if self.demo else 0)
        return HEAD_HEIGHT + 2 + (layout.seal.height if layout.seal else 0)

    @property
    def _is_below_scan(self) -> bool:
        """Whether the words above the grid stand below the code, or beside it."""
        return self.layout.scan.place == "left"

    def _first_page(self) -> None:
        layout, sheet = self.layout, self.sheet
        sheet.add_page()
        self.y = layout.margin - 1.5
        for line in layout.heading:
            self.y = sheet.line_of_text(
                layout.margin,
                self.y + line.gap,
                layout.width,
                line.text,
                size=line.size,
                align="center",
                bold=line.bold,
                tracking=line.tracking,
                role="H1" if line.text == layout.title else "P",
            )
        self._scan()
        self._number()
        self.y = max(self.y + 3.5, layout.margin + layout.scan.size - (1 if self._is_below_scan else 7))
        self._references()
        self.grid_top = self.y
        for facts in layout.facts:
            self._facts(facts)
        self._table_head()

    def _scan(self) -> None:
        layout, sheet = self.layout, self.sheet
        size = layout.scan.size - 5
        left = layout.scan.place == "left"
        x, y = (layout.margin if left else sheet.w - layout.margin - size), layout.margin - 4
        sheet.qr_code(x, y, size, self.verify_url)
        sheet.line_of_text(
            x - 5, y + size + 0.6, size + 10, layout.scan.caption, size=7, align="center", color=GREY
        )

    def _number(self) -> None:
        number = self.layout.number
        if number is None:
            return
        layout, text = self.layout, f"{number.label} {self.values[number.key]}"
        self.sheet.line_of_text(
            layout.margin, layout.margin + 4, layout.grid, text, size=number.size, align="right", color=RED
        )

    def _references(self) -> None:
        layout = self.layout
        room = layout.grid if self._is_below_scan else layout.width - layout.scan.size - 3
        after = self.y
        for reference in layout.reference:
            text = reference.label + self.values[reference.key]
            after = self.sheet.line_of_text(
                layout.margin, self.y, room, text, size=9.5, align=reference.align
            )
        self.y = after + 1.2

    def _facts(self, facts: Sequence[Any]) -> None:
        sheet = self.sheet
        height = max(
            [FACT_HEIGHT, *(sheet.height_of(self.values[fact.key], fact.width, 9.5) for fact in facts)]
        )
        boxes: list[Box] = []
        for fact in facts:
            label = Box(
                width=fact.label_width, text=fact.label, size=9, align="center", bold=True, shade=True
            )
            boxes += [label, Box(width=fact.width, text=self.values[fact.key], size=9.5)]
        self._ruled(height, boxes)

    def _table_head(self) -> None:
        boxes = [
            Box(width=column.width, text=column.title, size=HEAD - 0.7, align="center", bold=True, shade=True)
            for column in self.layout.columns
        ]
        self._ruled(HEAD_HEIGHT, boxes)

    def _ruled(self, height: float, boxes: Sequence[Box]) -> None:
        """A row of the grid; the next part begins below it."""
        self.sheet.row(self.layout.margin, self.y, height, boxes)
        self.y += height

    def _row_height(self, row: Mapping[str, str]) -> float:
        needed = [self.sheet.height_of(row[c.key], c.width, CELL) for c in self.layout.columns]
        return max(ROW_HEIGHT, *needed)

    def _row(self, row: Mapping[str, str], height: float) -> None:
        boxes = [
            Box(width=column.width, text=row[column.key], size=CELL, align=_align(column, row))
            for column in self.layout.columns
        ]
        self._ruled(height, boxes)

    def _blank_rows(self) -> None:
        """Ruled but empty rows, so that nothing can be added by hand; never on a page of their own."""
        layout = self.layout
        missing = layout.blank_rows_up_to - len(self.rows)
        for place in range(missing):
            if self.y + ROW_HEIGHT + self._closing_height > self.sheet.h - FOOT:
                return
            marks = ["", layout.blank_mark if place == 0 else ""]
            marks += [""] * (len(layout.columns) - len(marks))
            boxes = [
                Box(width=column.width, text=mark, size=CELL, align="center")
                for column, mark in zip(layout.columns, marks, strict=True)
            ]
            self._ruled(ROW_HEIGHT, boxes)

    def _make_room(self, height: float) -> None:
        """A new page if this one is full; it repeats number, whose paper it is, and the head of the table."""
        if self.y + height <= self.sheet.h - FOOT:
            return
        self._close_grid()
        layout = self.layout
        self.sheet.add_page()
        self.y = self.sheet.line_of_text(
            layout.margin, layout.margin, layout.width, layout.title, size=13, align="center", bold=True
        )
        self._scan()
        self._number()
        self.y = max(self.y + 2, layout.margin + layout.scan.size - (1 if self._is_below_scan else 7))
        self._references()
        self.grid_top = self.y
        self._facts(layout.facts[0])
        self._table_head()

    def _close_grid(self) -> None:
        layout, sheet = self.layout, self.sheet
        sheet.frame(layout.margin, self.grid_top, layout.grid, self.y - self.grid_top)
        if layout.side:
            left = layout.margin + layout.grid + 1
            sheet.running_down(left, self.grid_top, self.y, layout.side.width, layout.side.text, size=9)

    def _total(self) -> None:
        total, label, figures = self.layout.total, 45.0, 78.0
        words = total.words.label + self.values[total.words.key]
        sum_up = total.figures.label + self.values[total.figures.key]
        boxes = [
            Box(width=label, text=total.label, size=9.5, align="center", bold=True, shade=True),
            Box(width=self.layout.grid - label - figures, text=words, size=9.5),
            Box(width=figures, text=sum_up, size=9.5),
        ]
        self._ruled(HEAD_HEIGHT, boxes)

    def _boxes(self) -> None:
        """Seal, clerk and remarks, each under its caption."""
        layout, sheet = self.layout, self.sheet
        if layout.closing is None:
            return
        x, height = layout.margin, layout.closing.height
        for box in layout.closing.boxes:
            sheet.set_line_width(HAIR)
            sheet.set_draw_color(*INK)
            with sheet.ornament():
                sheet.rect(x, self.y, box.width, height)
            align = "left" if box.key else "center"
            y = sheet.line_of_text(
                x + 2, self.y + 1.5, box.width - 4, box.caption, size=9, align=align, bold=True
            )
            text = self.values[box.key] if box.key else ""
            if box is layout.closing.boxes[-1] and sheet.rare:
                text = f"{text}\n{layout.rare_characters}"
            sheet.type_size(9.5)
            sheet.c_margin = 0
            for line in sheet.lines_of(text, box.width - 4) if text else ():
                y = sheet.line_of_text(x + 2, y + 0.8, box.width - 4, line, size=9.5)
            x += box.width
        self.y += height

    def _notes_and_seal(self) -> None:
        layout, sheet = self.layout, self.sheet
        seal, top = layout.seal, self.y + 2
        if layout.notes is None or seal is None:
            if self.demo:
                sheet.line_of_text(
                    layout.margin, top, layout.width, layout.watermark_note, size=SMALL, color=RED
                )
            return
        sheet.set_draw_color(*GREY)
        sheet.set_line_width(FRAME / 2)
        left = layout.margin + layout.width - seal.width
        sheet.line_of_text(left, top + seal.height - 9, seal.width, seal.caption, size=9.5, align="center")
        notes = list(layout.notes.items)
        if sheet.rare:
            notes.append(layout.rare_characters)
        y = sheet.line_of_text(layout.margin, top + 0.5, 60, f"{layout.notes.label}：", size=SMALL, bold=True)
        for place, note in enumerate(notes, start=1):
            sheet.type_size(SMALL)
            sheet.c_margin = 0
            for line in sheet.lines_of(f"{place}. {note}", layout.width - seal.width - 8):
                y = sheet.line_of_text(layout.margin, y, layout.width, line, size=SMALL)
        if self.demo:
            sheet.line_of_text(layout.margin, y, layout.width, layout.watermark_note, size=SMALL, color=RED)

    def _page_feet(self) -> None:
        layout, sheet = self.layout, self.sheet
        pages = len(sheet.pages)
        for page in range(1, pages + 1):
            sheet.page = page
            sheet.type_size(HEAD)  # a size that is set anew on each page, whatever was the last on it
            y = sheet.h - FOOT + 3.5
            number = layout.page_number.format(page=page, pages=pages)
            words = ((layout.keep, "left"), (number, "center"), (self.values["number"], "right"))
            with sheet.ornament():
                for text, align in words:
                    sheet.line_of_text(
                        layout.margin, y, layout.grid, text, size=7.5, align=align, color=GREY, role=None
                    )
            if self.demo:
                sheet.slanted(layout.watermark, size=46, opacity=0.13, angle=24)
        sheet.set_text_color(*INK)


def _align(column: Column, row: Mapping[str, str]) -> str:
    """A dash stands in the middle, whatever the column does with figures."""
    return "center" if row[column.key] == "—" else column.align
