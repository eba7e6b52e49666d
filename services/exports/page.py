"""A table as a PDF for printing, and a picture of its first page."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO

import pypdfium2

from services.certificates.drawing import GREY, Box, Sheet
from services.exports.table import Cell, Table, shown

MARGIN = 12.0
HEAD, BODY, NOTE = 9.0, 8.5, 8.0
LEAST_ROW = 6.5
PICTURE_WIDTH = 1000
"""Pixels."""


def write_page(table: Table, made_at: datetime) -> tuple[bytes, bytes]:
    """The PDF, A4 across, and its first page as PNG. Reads fonts: never on the event loop."""
    sheet = Sheet()
    sheet.begin(orientation="landscape", margin=MARGIN, title=table.title, made_at=made_at)
    _Page(sheet, table).draw()
    pdf = sheet.finish()
    return pdf, picture_of(pdf)


def picture_of(pdf: bytes) -> bytes:
    document = pypdfium2.PdfDocument(pdf)
    try:
        first = document[0]
        image = first.render(scale=PICTURE_WIDTH / first.get_width()).to_pil()
    finally:
        document.close()
    file = BytesIO()
    image.convert("P", palette=1, colors=64).save(file, "PNG", optimize=True)
    return file.getvalue()


class _Page:
    """Head and columns on each page, rows as high as their text, notes after the last one."""

    def __init__(self, sheet: Sheet, table: Table) -> None:
        self._sheet = sheet
        self._table = table
        self._y = 0.0
        self._widths: list[float] = []

    def draw(self) -> None:
        self._begin_page()
        for row in self._table.rows:
            self._row(row)
        self._y += 2
        for note in self._table.notes:
            self._sheet.type_size(NOTE)
            for line in self._sheet.lines_of(self._sheet.printable(note), self._width):
                if self._y > self._bottom:
                    self._begin_page()
                self._y = self._sheet.line_of_text(MARGIN, self._y, self._width, line, size=NOTE, color=GREY)
        self._number_pages()

    @property
    def _width(self) -> float:
        return float(self._sheet.w) - 2 * MARGIN

    @property
    def _bottom(self) -> float:
        return float(self._sheet.h) - MARGIN - 8

    def _begin_page(self) -> None:
        sheet = self._sheet
        sheet.add_page()
        whole = sum(column.width for column in self._table.columns)
        self._widths = [self._width * column.width / whole for column in self._table.columns]
        self._y = sheet.line_of_text(
            MARGIN, MARGIN, self._width, self._table.title, size=15, align="center", bold=True
        )
        self._y += 3
        if self._table.mark:
            sheet.slanted(self._table.mark, size=34, opacity=0.12, angle=20)
        titles = [column.title for column in self._table.columns]
        self._cells(titles, ["center"] * len(titles), HEAD, head=True)

    def _row(self, row: Sequence[Cell]) -> None:
        texts = [self._sheet.printable(shown(cell)) for cell in row]
        if self._y + self._height(texts, BODY) > self._bottom:
            self._begin_page()
        self._cells(texts, [_align(cell) for cell in row], BODY)

    def _height(self, texts: Sequence[str], size: float) -> float:
        pairs = zip(texts, self._widths, strict=True)
        return max(LEAST_ROW, *(self._sheet.height_of(text, width, size) for text, width in pairs))

    def _cells(self, texts: Sequence[str], aligns: Sequence[str], size: float, *, head: bool = False) -> None:
        height = self._height(texts, size)
        boxes = [
            Box(width=width, text=text, size=size, bold=head, shade=head, align=align)
            for text, align, width in zip(texts, aligns, self._widths, strict=True)
        ]
        self._sheet.row(MARGIN, self._y, height, boxes)
        self._y += height

    def _number_pages(self) -> None:
        count = len(self._sheet.pages)
        for page in range(1, count + 1):
            self._sheet.page = page
            self._sheet.line_of_text(
                MARGIN,
                self._bottom + 4,
                self._width,
                f"第{page}页，共{count}页",
                size=NOTE,
                align="center",
                color=GREY,
            )


def _align(cell: Cell) -> str:
    """Money at the right, days and what is not there in the middle, words at the left."""
    if isinstance(cell, Decimal):
        return "right"
    return "center" if cell is None or isinstance(cell, date) else "left"
