"""Fonts inside papers: the glyphs as they were drawn by the foundry, read once, kept as an archive wants it."""

import io
import random
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fontTools.cffLib import CFFFontSet
from fontTools.pens.recordingPen import RecordingPen
from fontTools.ttLib import TTFont
from pylopdf_fonts_zh_cn import sans_path, serif_path
from pypdf import PdfReader

from services.certificates import encoding
from services.certificates.drawing import Sheet
from services.certificates.outlines import Outlines
from services.certificates.press import Press
from tests.certificates.test_paper import RESIDENT_MEDICAL, facts_of
from tests.conftest import FixedClock

GLYPHS = 400


@pytest.mark.parametrize("path", [serif_path(), sans_path()])
def test_glyphs_stay_as_they_were_drawn(path: Path) -> None:
    font = TTFont(path, lazy=True)
    names = font.getGlyphOrder()
    chosen = sorted(random.Random(7).sample(range(1, len(names)), GLYPHS))
    program = Outlines(font["CFF "].cff).program(chosen, [int(names[place][3:]) for place in chosen])
    small = CFFFontSet()
    small.decompile(io.BytesIO(program), SimpleNamespace(recalcBBoxes=False))
    drawn = small.topDictIndex[0].CharStrings
    assert len(drawn) == GLYPHS + 1
    original = font["CFF "].cff.topDictIndex[0].CharStrings
    for place in chosen:
        assert _drawing(drawn[names[place]]) == _drawing(original[names[place]]), names[place]


def _drawing(charstring: Any) -> tuple[Any, float]:
    pen = RecordingPen()
    charstring.draw(pen)
    return pen.value, charstring.width


def test_a_font_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []

    def counted(*arguments: Any) -> Any:
        read.append(arguments)
        return real(*arguments)

    real = encoding.TTFFont
    monkeypatch.setattr(encoding, "TTFFont", counted)
    encoding._read.cache_clear()
    for _ in range(3):
        sheet = Sheet()
        assert "䶮" in sheet.printable("䶮𬭎")
    assert len(read) <= 2  # the second font is asked only for what the first has not


async def test_an_archive_finds_what_it_wants(press: Press, clock: FixedClock) -> None:
    paper = await press.make("payment_record", facts_of(RESIDENT_MEDICAL), clock.now())
    reader = PdfReader(io.BytesIO(paper.pdf))
    root = reader.trailer["/Root"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    (intent,) = root["/OutputIntents"]
    assert intent.get_object()["/S"] == "/GTS_PDFA1"
    assert intent.get_object()["/DestOutputProfile"].get_object()["/N"] == 3
    description = root["/Metadata"].get_data().decode()
    assert re.search(r'pdfaid:part="2" pdfaid:conformance="U"', description)
    assert reader.metadata is not None
    assert f">{reader.metadata.title}<" in description
    made_at = re.search(r'xmp:CreateDate="([^"]+)"', description)
    assert made_at is not None
    assert made_at[1] == clock.now().isoformat(timespec="seconds")
    assert "/Encrypt" not in reader.trailer
    assert "/ID" in reader.trailer
    fonts = reader.pages[0]["/Resources"]["/Font"]
    for font in (one.get_object() for one in fonts.values()):
        assert re.fullmatch(r"/[A-Z]{6}\+.+", font["/BaseFont"])
        assert "/ToUnicode" in font
        assert "/FontFile3" in font["/DescendantFonts"][0].get_object()["/FontDescriptor"]
    (widget,) = (one.get_object() for one in root["/AcroForm"]["/Fields"])
    assert [int(side) for side in widget["/Rect"]] == [0, 0, 0, 0]
    assert int(widget["/F"]) & 4, "it may be printed"
    assert not re.search(rb"/JavaScript|/Launch|/EmbeddedFile", paper.pdf)
