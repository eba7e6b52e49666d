"""The few glyphs of a large font that a paper needs, as a font program of their own (CFF, keyed by CID).

Nothing of the parsed font is changed, so one parse serves all papers of a process. Subroutines are written
out where they are called: what a glyph needs is its own bytes, and these are kept for the next paper.
"""

import struct
import threading
from collections.abc import Iterable, Sequence
from typing import Any

from fontTools.cffLib import privateDictOperators
from fontTools.misc.psCharStrings import encodeFloat, encodeIntCFF

CALL_LOCAL, CALL_GLOBAL, RETURN, END, ESCAPE = 10, 29, 11, 14, 12
STEMS = frozenset({1, 3, 18, 23})
MASKS = frozenset({19, 20})
FLEXES = range(34, 38)
STANDARD_STRINGS = 391
"""Numbers of strings below that are fixed by the format."""
LEFT_OUT = frozenset({"Subrs"})


class Outlines:
    """The outlines of one font. Glyphs are read from its file when first used, by one thread at a time."""

    def __init__(self, cff: Any) -> None:
        self._top = cff.topDictIndex[0]
        self._name = cff.fontNames[0]
        self._shared = cff.GlobalSubrs
        self._written_out: dict[int, bytes] = {}
        self._reading = threading.Lock()

    def program(self, glyph_ids: Iterable[int], cids: Iterable[int]) -> bytes:
        """A font program with these glyphs under these CIDs, and with the one for what is missing."""
        found = sorted({(0, 0), *zip(cids, glyph_ids, strict=True)})
        select = [self._top.FDSelect[glyph_id] for _, glyph_id in found]
        used = sorted(set(select))
        with self._reading:
            glyphs = [self._glyph(glyph_id) for _, glyph_id in found]
        return _assemble(
            name=self._name,
            top=self._top.rawDict,
            charset=struct.pack(f">B{len(found) - 1}H", 0, *(cid for cid, _ in found[1:])),
            select=bytes([0, *(used.index(place) for place in select)]),
            glyphs=glyphs,
            dictionaries=[self._top.FDArray[place] for place in used],
        )

    def _glyph(self, glyph_id: int) -> bytes:
        known = self._written_out.get(glyph_id)
        if known is None:
            private = self._top.FDArray[self._top.FDSelect[glyph_id]].Private
            writer = _Writer(getattr(private, "Subrs", ()), self._shared)
            writer.follow(self._top.CharStrings.charStringsIndex[glyph_id].bytecode)
            known = self._written_out[glyph_id] = bytes(writer.out)
        return known


class _Writer:
    """Copies a charstring (Type 2), with its subroutines in the place of the calls."""

    def __init__(self, local: Sequence[Any], shared: Sequence[Any]) -> None:
        self.out = bytearray()
        self._local, self._shared = local, shared
        self._operands: list[tuple[int, int]] = []  # value, and where it begins in `out`
        self._stems = 0

    def follow(self, code: bytes) -> bool:
        """True when the glyph has ended."""
        place = 0
        while place < len(code):
            first = code[place]
            if first >= 32 or first == 28:
                place = self._operand(code, place)
            elif first in (CALL_LOCAL, CALL_GLOBAL):
                place += 1
                if self.follow(self._called(first)):
                    return True
            elif first == RETURN:
                return False
            else:
                place = self._operator(code, place)
                if first == END:
                    return True
        return False

    def _operand(self, code: bytes, place: int) -> int:
        first, start = code[place], place
        if first == 28:
            value, place = struct.unpack_from(">h", code, place + 1)[0], place + 3
        elif first < 247:
            value, place = first - 139, place + 1
        elif first < 251:
            value, place = (first - 247) * 256 + code[place + 1] + 108, place + 2
        elif first < 255:
            value, place = -(first - 251) * 256 - code[place + 1] - 108, place + 2
        else:
            value, place = 0, place + 5  # a fraction is no number of a subroutine
        self._operands.append((value, len(self.out)))
        self.out += code[start:place]
        return place

    def _called(self, operator: int) -> bytes:
        value, start = self._operands.pop()
        del self.out[start:]
        subroutines = self._local if operator == CALL_LOCAL else self._shared
        count = len(subroutines)
        bias = 107 if count < 1240 else 1131 if count < 33900 else 32768
        called: bytes = subroutines[value + bias].bytecode
        return called

    def _operator(self, code: bytes, place: int) -> int:
        first, length = code[place], 1
        if first == ESCAPE:
            length = 2
            if code[place + 1] not in FLEXES:
                raise ValueError("a glyph that calculates can't be written out")
        if first in STEMS or first in MASKS:
            self._stems += len(self._operands) // 2
        if first in MASKS:
            length += (self._stems + 7) // 8
        self._operands.clear()
        self.out += code[place : place + length]
        return place + length


def _assemble(
    *,
    name: str,
    top: dict[str, Any],
    charset: bytes,
    select: bytes,
    glyphs: Sequence[bytes],
    dictionaries: Sequence[Any],
) -> bytes:
    """The parts one after the other; numbers of places are five bytes long, whatever they are."""
    strings = ["Adobe", "Identity", *(str(one.rawDict["FontName"]) for one in dictionaries)]
    privates = [_private(one.Private.rawDict) for one in dictionaries]
    outlines = _index(glyphs)

    def lay_out(places: Sequence[int]) -> tuple[bytes, bytes]:
        at_charset, at_select, at_glyphs, at_fonts, at_private = places
        fonts, place = [], at_private
        for number, private in enumerate(privates):
            name_of = encodeIntCFF(STANDARD_STRINGS + 2 + number) + b"\x0c\x26"
            fonts.append(name_of + _long(len(private)) + _long(place) + b"\x12")
            place += len(private)
        words = (
            encodeIntCFF(STANDARD_STRINGS)
            + encodeIntCFF(STANDARD_STRINGS + 1)
            + encodeIntCFF(0)
            + b"\x0c\x1e"
            + b"".join(encodeIntCFF(number) for number in top["FontBBox"])
            + b"\x05"
            + encodeIntCFF(top["CIDCount"] if top["CIDCount"] < 32768 else 32767)
            + b"\x0c\x22"
            + _long(at_charset)
            + b"\x0f"
            + _long(at_select)
            + b"\x0c\x25"
            + _long(at_glyphs)
            + b"\x11"
            + _long(at_fonts)
            + b"\x0c\x24"
        )
        head = (
            b"\x01\x00\x04\x04"
            + _index([name.encode()])
            + _index([words])
            + _index([string.encode() for string in strings])
            + _index([])
        )
        return head, _index(fonts)

    head, fonts = lay_out((0, 0, 0, 0, 0))
    places = [len(head)]
    for part in (charset, select, outlines, fonts):
        places.append(places[-1] + len(part))
    head, fonts = lay_out(places)
    return b"".join([head, charset, select, outlines, fonts, *privates])


def _private(values: dict[str, Any]) -> bytes:
    """What the glyphs of one kind share: widths and zones of alignment, no subroutines."""
    written = bytearray()
    for operator, name, kind, _default, _converter in privateDictOperators:
        if name not in values or name in LEFT_OUT:
            continue
        value = values[name]
        numbers = value if isinstance(value, list) else [value]
        if kind == "delta":
            numbers = [one - before for before, one in zip([0, *numbers], numbers, strict=False)]
        written += b"".join(_number(number) for number in numbers)
        written += bytes(operator) if isinstance(operator, tuple) else bytes([operator])
    return bytes(written)


def _number(value: float) -> bytes:
    encoded: bytes = encodeIntCFF(int(value)) if value == int(value) else encodeFloat(value)
    return encoded


def _long(value: int) -> bytes:
    return struct.pack(">Bi", 29, value)


def _index(parts: Sequence[bytes]) -> bytes:
    """An INDEX of the format: count, size of an offset, offsets from 1, the parts."""
    if not parts:
        return b"\x00\x00"
    offsets = [1]
    for part in parts:
        offsets.append(offsets[-1] + len(part))
    return struct.pack(">HB", len(parts), 4) + struct.pack(f">{len(offsets)}I", *offsets) + b"".join(parts)
