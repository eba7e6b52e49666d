"""Bars as a picture for a phone: what was paid in each year."""

from collections.abc import Sequence
from functools import cache
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont
from pylopdf_fonts_zh_cn import sans_path

from services.exports.table import Bar

WIDTH, EDGE = 840, 40
TITLE, TEXT = 34, 28
ROW, BAR = 72, 38
PAPER, INK, GREY, BLUE, PALE = "#ffffff", "#1b2430", "#667085", "#1668c7", "#e8eef6"


def draw_chart(title: str, bars: Sequence[Bar], note: str = "") -> bytes:
    """PNG, 840 pixels wide: a bar under the other, the longest as wide as there is room."""
    height = 2 * EDGE + 64 + ROW * len(bars) + (48 if note else 0)
    image = Image.new("RGB", (WIDTH, height), PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((EDGE, EDGE), title, font=_font(TITLE), fill=INK)
    left = EDGE + 20 + max((_length(bar.label) for bar in bars), default=0)
    room = WIDTH - EDGE - 16 - left - max((_length(bar.caption) for bar in bars), default=0)
    most = max((bar.value for bar in bars), default=0)
    for place, bar in enumerate(bars):
        top = EDGE + 64 + place * ROW + (ROW - BAR) // 2
        middle = top + BAR // 2
        length = max(int(room * bar.value / most), 4) if most and bar.value > 0 else 0
        draw.text((left - 20, middle), bar.label, font=_font(TEXT), fill=INK, anchor="rm")
        draw.rounded_rectangle((left, top, left + room, top + BAR), 6, fill=PALE)
        if length:
            draw.rounded_rectangle((left, top, left + length, top + BAR), min(6, length // 2), fill=BLUE)
        draw.text((left + room + 16, middle), bar.caption, font=_font(TEXT), fill=INK, anchor="lm")
    if note:
        draw.text((EDGE, height - EDGE), note, font=_font(22), fill=GREY, anchor="ls")
    file = BytesIO()
    image.convert("P", palette=Image.Palette.ADAPTIVE, colors=48).save(file, "PNG", optimize=True)
    return file.getvalue()


def _length(text: str) -> int:
    return int(_font(TEXT).getlength(text)) + 1


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(sans_path(), size)
