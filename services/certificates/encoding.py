"""Fonts that are read once for all papers, and text that every reader can get out of a paper again.

Glyphs are written by their CID, encoding `Identity-H`. The PDF library numbers them in the order of their use
and embeds a table for that; some readers do not know such tables and put a zero before each character.
"""

import copy
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from fpdf import FPDF
from fpdf import output as fpdf_output
from fpdf.fonts import Glyph, SubsetMap, TTFFont
from fpdf.output import OutputProducer, PDFFont
from fpdf.syntax import Name

from services.certificates.outlines import Outlines

NOTDEF = ".notdef"


class CidCodes(SubsetMap):
    """The code of a glyph is its CID; 0 is the glyph of what is missing."""

    def __init__(self, font: TTFFont) -> None:
        super().__init__(font)
        self._char_id_per_glyph = {
            glyph: _cid(glyph) for glyph in self._char_id_per_glyph if glyph and glyph.glyph_name != NOTDEF
        }

    def pick_glyph(self, glyph: Glyph | None) -> int | None:
        if glyph is None:
            return None
        return self._char_id_per_glyph.setdefault(glyph, _cid(glyph))


class PlainEncoding(OutputProducer):
    """Names the encoding that `CidCodes` writes."""

    def _add_fonts(self, *objects: Any) -> Any:
        fonts = super()._add_fonts(*objects)
        for font in fonts.values():
            if isinstance(font, PDFFont):
                font.encoding = Name("Identity-H")
        return fonts


class _Program:
    """Stands for the parsed font while the library embeds it: gives the program of the glyphs of one paper."""

    def __init__(self, font: TTFFont, outlines: Outlines) -> None:
        self._font, self._outlines = font, outlines

    def __contains__(self, table: str) -> bool:
        return table == "CFF "

    def __getitem__(self, _table: str) -> "_Program":
        return self

    def getGlyphID(self, name: str) -> int:
        return int(name[3:]) if name.startswith("cid") else 0

    def save(self, _file: object) -> None:
        """Nothing but `compile` is embedded."""

    def close(self) -> None:
        """The parsed font stays open for the next paper."""

    def compile(self, _font: object) -> bytes:
        used = [(glyph.glyph_id, code) for glyph, code in self._font.subset.items() if glyph is not None]
        return self._outlines.program([one for one, _ in used], [code for _, code in used])


class _NoSubsetter:
    """The library would cut the parsed font itself down, which takes long and spoils it for the next paper."""

    def __init__(self, _options: object) -> None:
        """Nothing is kept."""

    def populate(self, **_glyphs: object) -> None:
        """`_Program` knows its glyphs."""

    def subset(self, _font: object) -> None:
        """`_Program` holds nothing but its glyphs."""


vars(fpdf_output)["ftsubset"] = SimpleNamespace(
    Options=lambda **_: SimpleNamespace(drop_tables=[]), Subsetter=_NoSubsetter
)


def add_font(sheet: FPDF, name: str, path: Path) -> None:
    """Add a font to a document as if it were read now."""
    parsed, outlines = _read(path)
    font = copy.copy(parsed)
    font.i = len(sheet.fonts) + 1
    font.desc = copy.copy(parsed.desc)
    font.missing_glyphs = []
    font.subset = CidCodes(font)
    font.ttfont = cast("Any", _Program(font, outlines))
    sheet.fonts[name] = font


@cache
def _read(path: Path) -> tuple[TTFFont, Outlines]:
    """The font, read and measured. ValueError for one of another kind than those that come with us."""
    font = TTFFont(FPDF(), path, path.stem, "")
    if not font.is_cid_keyed:
        raise ValueError(f"{path.name} is no CFF font that is keyed by CID")
    return font, Outlines(font.ttfont["CFF "].cff)


def _cid(glyph: Glyph) -> int:
    """CFF fonts name their glyphs by it: `cid01404`."""
    return int(glyph.glyph_name[3:]) if glyph.glyph_name.startswith("cid") else 0
