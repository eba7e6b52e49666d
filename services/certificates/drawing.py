"""A page that papers are drawn on: embedded Chinese type, boxes with wrapped text, a QR code.

Both fonts hold all characters of GB 18030 that the standard wants embedded systems to show. What neither has
is printed as its code in brackets, never as an empty box, and `rare` tells the paper to explain that.

Words are tagged in the order in which they are drawn, which is that of reading; lines, marks across the page and
its foot are ornaments, which a screen reader passes over.
"""

from collections import Counter
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import segno
from fpdf import FPDF
from fpdf.enums import MethodReturnValue, PageOrientation, TextMode, WrapMode
from fpdf.fonts import TTFFont
from pylopdf_fonts_zh_cn import sans_path, serif_path

from services.certificates import archival
from services.certificates.encoding import PlainEncoding, add_font

LINE = 1.42
"""Height of a line in sizes of the type."""
MM_PER_POINT = 25.4 / 72
PADDING = 1.0
INK, GREY, SHADE, RED = (20, 20, 20), (110, 110, 110), (236, 238, 241), (190, 40, 40)
HAIR, FRAME = 0.18, 0.45
EMBOLDEN = 0.012
"""Width of the outline that makes bold type out of a regular font, in sizes of the type."""


@dataclass(frozen=True, kw_only=True)
class Box:
    """A bordered cell of a row; sizes of type in points, widths in millimetres."""

    width: float
    text: str
    size: float
    align: str = "left"
    bold: bool = False
    shade: bool = False


class Sheet(FPDF):
    """An empty document; take a new one for each document."""

    def __init__(self) -> None:
        super().__init__(format="A4")
        self.set_auto_page_break(False)
        add_font(self, "serif", serif_path())
        self.rare = False
        self._tags: Counter[int] = Counter()
        self._broken: dict[tuple[str, float, float, float], list[str]] = {}

    def begin(self, *, orientation: str, margin: float, title: str, made_at: datetime) -> None:
        """Settle what is fixed for all pages. The time of making is part of the bytes."""
        self.def_orientation = PageOrientation.coerce(orientation)
        self.set_margin(margin)
        archival.prepare(self, title=title, made_at=made_at)

    def finish(self) -> bytes:
        """The document."""
        return bytes(self.output(output_producer_class=PlainEncoding))

    @contextmanager
    def tagged(self, role: str, *, alt: str | None = None) -> Iterator[None]:
        """What is drawn inside is a paragraph, heading or figure of the paper."""
        place = self._tags[self.page]
        self._tags[self.page] += 1
        self._add_marked_content(struct_type=f"/{role}", mcid=place, alt_text=alt)
        self._out(f"/{role} <</MCID {place}>> BDC")
        yield
        self._out("EMC")

    @contextmanager
    def ornament(self) -> Iterator[None]:
        """What is drawn inside says nothing that is not said elsewhere."""
        self._out("/Artifact BMC")
        yield
        self._out("EMC")

    def printable(self, text: str) -> str:
        """`text` with characters that no font has written as their code."""
        known = self._characters("serif")
        if all(ord(character) in known or character == "\n" for character in text):
            return text
        if "sans" not in self.fonts:
            add_font(self, "sans", sans_path())
            self.set_fallback_fonts(["sans"])
        spare = self._characters("sans")
        parts = []
        for character in text:
            missing = ord(character) not in known and ord(character) not in spare and character != "\n"
            self.rare = self.rare or missing
            parts.append(f"[U+{ord(character):04X}]" if missing else character)
        return "".join(parts)

    def _characters(self, family: str) -> Container[int]:
        font = self.fonts[family]
        return font.cmap if isinstance(font, TTFFont) else ()

    def type_size(self, size: float, *, bold: bool = False, color: tuple[int, int, int] = INK) -> None:
        self.set_font("serif", size=size)
        self.set_text_color(*color)
        self.set_draw_color(*color)
        self.text_mode = TextMode.FILL_STROKE if bold else TextMode.FILL
        self.set_line_width(size * MM_PER_POINT * EMBOLDEN * 2 if bold else HAIR)

    def lines_of(self, text: str, width: float) -> list[str]:
        """`text` broken to `width` millimetres in the type that is set."""
        asked = (text, width, self.font_size_pt, self.c_margin)
        if asked not in self._broken:
            found = self.multi_cell(
                width,
                text=text,
                dry_run=True,
                output=MethodReturnValue.LINES,
                wrapmode=WrapMode.CHAR,
                padding=0,
            )
            self._broken[asked] = cast("list[str]", found)
        return self._broken[asked]

    def row(self, x: float, y: float, height: float, cells: Sequence[Box]) -> None:
        """Bordered cells side by side, read as one paragraph."""
        self.set_draw_color(*INK)
        self.set_fill_color(*SHADE)
        self.set_line_width(HAIR)
        left = x
        with self.ornament():
            for cell in cells:
                self.rect(left, y, cell.width, height, style="DF" if cell.shade else "D")
                left += cell.width
        said = [cell.text for cell in cells if cell.text]
        if not said:
            return
        with self.tagged("P", alt="，".join(said)):  # else figures of neighbours are read as one
            for cell in cells:
                self._words(x, y, height, cell)
                x += cell.width

    def _words(self, x: float, y: float, height: float, cell: Box) -> None:
        """Wrapped, in the middle of the height."""
        self.type_size(cell.size, bold=cell.bold)
        self.c_margin = PADDING
        lines = self.lines_of(cell.text, cell.width)
        step = cell.size * MM_PER_POINT * LINE
        top = y + (height - step * len(lines)) / 2
        for place, line in enumerate(lines):
            self.set_xy(x, top + place * step)
            self.cell(cell.width, step, text=line, align=cell.align[0].upper())

    def height_of(self, text: str, width: float, size: float) -> float:
        """What a cell needs at least for this text."""
        self.type_size(size)
        self.c_margin = PADDING
        return len(self.lines_of(text, width)) * size * MM_PER_POINT * LINE + 2 * PADDING

    def line_of_text(
        self,
        x: float,
        y: float,
        width: float,
        text: str,
        *,
        size: float,
        align: str = "left",
        bold: bool = False,
        color: tuple[int, int, int] = INK,
        tracking: float = 0,
        role: str | None = "P",
    ) -> float:
        """One line without a border; answers where the next one begins. No `role`: part of something else."""
        self.type_size(size, bold=bold, color=color)
        self.c_margin = 0
        step = size * MM_PER_POINT * LINE
        with self.tagged(role) if role else nullcontext():
            self.set_char_spacing(tracking)
            self.set_xy(x, y)
            self.cell(width, step, text=text, align=align[0].upper())
            self.set_char_spacing(0)
        return y + step

    def frame(self, x: float, y: float, width: float, height: float) -> None:
        self.set_draw_color(*INK)
        self.set_line_width(FRAME)
        with self.ornament():
            self.rect(x, y, width, height)

    def running_down(
        self, x: float, top: float, bottom: float, width: float, text: str, *, size: float
    ) -> None:
        """One character below the other, in the middle between `top` and `bottom`."""
        step = size * MM_PER_POINT * 1.25
        y = top + (bottom - top - step * len(text)) / 2
        with self.tagged("P"):
            for character in text:
                self.line_of_text(x, y, width, character, size=size, align="center", color=GREY, role=None)
                y += step

    def qr_code(self, x: float, y: float, size: float, content: str) -> None:
        """The code as filled rectangles: sharp at every size, and no picture inside the file."""
        matrix: Sequence[Any] = segno.make(content, error="m", micro=False).matrix
        module = size / len(matrix)
        self.set_fill_color(0, 0, 0)
        with self.tagged("Figure", alt=content):
            self._modules(x, y, module, matrix)

    def _modules(self, x: float, y: float, module: float, matrix: Sequence[Any]) -> None:
        for row, modules in enumerate(matrix):
            start = None
            for column, dark in enumerate([*modules, 0]):
                if dark and start is None:
                    start = column
                if not dark and start is not None:
                    self.rect(x + start * module, y + row * module, (column - start) * module, module, "F")
                    start = None

    def slanted(self, text: str, *, size: float, opacity: float, angle: float) -> None:
        """A watermark through the middle of the page."""
        with self.ornament(), self.local_context(fill_opacity=opacity):
            self.type_size(size, color=RED)
            width = self.get_string_width(text)
            with self.rotation(angle, self.w / 2, self.h / 2):
                self.text((self.w - width) / 2, self.h / 2, text)
