"""Text that every reader can get out of a paper again: glyphs written by their CID, encoding `Identity-H`.

The PDF library numbers the glyphs of a CFF font in the order of their use and embeds a table for that. Some
readers do not know such tables and put a zero before each character.
"""

from typing import Any

from fpdf.fonts import Glyph, SubsetMap, TTFFont
from fpdf.output import OutputProducer, PDFFont
from fpdf.syntax import Name


class CidCodes(SubsetMap):
    """The code of a glyph is its CID; 0 is the glyph of what is missing."""

    def __init__(self, font: TTFFont) -> None:
        super().__init__(font)
        self._char_id_per_glyph = {glyph: _cid(glyph) for glyph in self._char_id_per_glyph if glyph}

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


def _cid(glyph: Glyph) -> int:
    """CFF fonts name their glyphs by it: `cid01404`."""
    return int(glyph.glyph_name[3:]) if glyph.glyph_name.startswith("cid") else 0
