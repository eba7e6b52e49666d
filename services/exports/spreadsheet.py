"""A table as a workbook (xlsx). No cell is ever a formula."""

from datetime import date, datetime
from decimal import Decimal
from io import BytesIO

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from services.exports.table import Cell, Table

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
"""What begins like this is a formula in some program that opens it (`reliability` 4.4)."""


def harmless(text: str) -> str:
    """`text` with an apostrophe before what could be taken for a formula."""
    return f"'{text}" if text.startswith(DANGEROUS) else text


def write_workbook(table: Table, made_at: datetime) -> bytes:
    """The workbook; money and days are numbers with a format, so that they can be reckoned with."""
    file = BytesIO()
    book = xlsxwriter.Workbook(
        file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    book.set_properties({"title": table.title, "created": made_at.replace(tzinfo=None)})
    sheet = book.add_worksheet(harmless(table.title)[:31])
    title = book.add_format({"bold": True, "font_size": 14})
    head = book.add_format(
        {"bold": True, "bg_color": "#ECEEF1", "border": 1, "text_wrap": True, "align": "center"}
    )
    formats = {
        str: book.add_format({"border": 1, "text_wrap": True, "valign": "vcenter"}),
        Decimal: book.add_format({"border": 1, "num_format": "#,##0.00", "valign": "vcenter"}),
        date: book.add_format(
            {"border": 1, "num_format": "yyyy-mm-dd", "align": "center", "valign": "vcenter"}
        ),
    }
    sheet.write_string(0, 0, harmless(table.title), title)
    for place, column in enumerate(table.columns):
        sheet.set_column(place, place, column.width)
        sheet.write_string(2, place, harmless(column.title), head)
    for row, cells in enumerate(table.rows, start=3):
        for place, cell in enumerate(cells):
            _write(sheet, row, place, cell, formats)
    lines = [*table.notes, *([table.mark] if table.mark else [])]
    for row, line in enumerate(lines, start=len(table.rows) + 4):
        sheet.write_string(row, 0, harmless(line))
    sheet.freeze_panes(3, 0)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(2)
    sheet.set_footer("第&P页，共&N页")
    book.close()
    return file.getvalue()


def _write(sheet: Worksheet, row: int, place: int, cell: Cell, formats: dict[type, Format]) -> None:
    if isinstance(cell, Decimal):
        sheet.write_number(row, place, cell, formats[Decimal])  # a float would read 878.9400000000001
    elif isinstance(cell, date):
        sheet.write_datetime(row, place, datetime(cell.year, cell.month, cell.day), formats[date])
    else:
        sheet.write_string(row, place, harmless(cell or ""), formats[str])
