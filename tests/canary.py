"""Canaries: people who don't exist, whose data must not turn up where it doesn't belong.

`plant()` makes one; give it to the service as a resident would. `find_canaries(folder)` then reads every
file below `folder` (databases with their journals, logs, documents) for what they said, in whatever coding.
"""

import base64
import gzip
import itertools
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatch
from pathlib import Path
from urllib.parse import quote

from services.domain.id_documents import check_digit

OTHERS_BOOKS = ("sandbox.db", "sandbox.db-*", "residents.yml")
"""The sandbox's gateway and bureau are other people, who know the residents by their nature."""

_SURNAMES = ("欧阳", "上官", "司马", "诸葛", "慕容", "皇甫", "尉迟", "公孙")
_RARE = "鼐璟翀昶璩骧赟琎鬯曌"
"""Rare enough not to turn up by chance. Four characters, so that no coding of a name is so short that it stands
in a key file by chance."""
_CHUNK = 1 << 22


@dataclass(frozen=True)
class Canary:
    """A person; the number has a right check digit and the sequence 000, so it belongs to nobody."""

    name: str
    id_number: str
    mobile: str
    email: str
    bank_card: str

    def needles(self) -> dict[str, str]:
        """What to look for. Of the numbers the middle is enough: what a mask leaves is no leak."""
        return {
            "name": self.name,
            "id_number": self.id_number[4:14],
            "mobile": self.mobile,
            "email": self.email,
            "bank_card": self.bank_card[2:-3],
        }


@dataclass(frozen=True)
class Sighting:
    """Where a canary was seen. Holds no value, so a failing test may print it."""

    path: Path
    offset: int
    what: str
    coding: str


_planted: list[Canary] = []


def plant() -> Canary:
    """A new canary, which `find_canaries` looks for from now on."""
    born = date(1950, 1, 1) + timedelta(days=secrets.randbelow(18_000))
    first17 = f"520{secrets.randbelow(1000):03d}{born:%Y%m%d}000"
    digits = f"62{secrets.randbelow(10**16):016d}"
    canary = Canary(
        name=secrets.choice(_SURNAMES) + secrets.choice(_RARE) + secrets.choice(_RARE),
        id_number=first17 + check_digit(first17),
        mobile=f"139{secrets.randbelow(10**8):08d}",
        email=f"canary{secrets.token_hex(4)}@example.com",
        bank_card=digits + _luhn(digits),
    )
    _planted.append(canary)
    return canary


def find_canaries(
    folder: Path, canaries: Sequence[Canary] | None = None, *, ignore: Sequence[str] = OTHERS_BOOKS
) -> list[Sighting]:
    """Every place below `folder` that holds something of `canaries` (of all planted ones unless given)."""
    wanted = [
        (what, coding, coded)
        for canary in (_planted if canaries is None else canaries)
        for what, text in canary.needles().items()
        for coding, coded in _codings(text)
    ]
    sightings = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if not any(fnmatch(path.name, pattern) for pattern in ignore):
            sightings.extend(_search(path, wanted))
    return sightings


def _search(path: Path, wanted: Sequence[tuple[str, str, bytes]]) -> Iterator[Sighting]:
    overlap = max((len(coded) for _, _, coded in wanted), default=1)
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        before, start = b"", 0
        while chunk := file.read(_CHUNK):
            window = before + chunk
            for what, coding, coded in wanted:
                at = window.find(coded)
                if at >= 0 and at + len(coded) > len(before):
                    yield Sighting(path, start - len(before) + at, what, coding)
            start += len(chunk)
            before = window[-overlap:]


def _codings(text: str) -> Iterator[tuple[str, bytes]]:
    """The ways in which a text may stand in a file."""
    plain = text.encode()
    yield "utf-8", plain
    wide = text.encode("utf-16-le"), text.encode("utf-16-be")
    yield "utf-16-le", wide[0]
    yield "utf-16-be", wide[1]
    for coding, raw in (("utf-8", plain), ("utf-16-le", wide[0])):
        yield f"hex of {coding}", raw.hex().encode()
        yield f"HEX of {coding}", raw.hex().upper().encode()
        for shift in range(3):
            yield f"base64 of {coding}", _base64_middle(raw, shift)
    if text.isascii():
        if text.isdigit():
            yield "spaced", " ".join(text).encode()
            yield "backwards", text[::-1].encode()
        return
    yield "gb18030", text.encode("gb18030")
    yield "json", "".join(f"\\u{ord(c):04x}" for c in text).encode()
    yield "JSON", "".join(f"\\u{ord(c):04X}" for c in text).encode()
    yield "url", quote(text).encode()
    yield "xml", "".join(f"&#{ord(c)};" for c in text).encode()


def _base64_middle(raw: bytes, shift: int) -> bytes:
    """The part of a base64 text that depends on `raw` alone when `shift` bytes stand before it."""
    coded = base64.b64encode(bytes(shift) + raw)
    first = 4 if shift else 0
    whole = (shift + len(raw)) // 3 * 4
    return coded[first:whole]


def _luhn(digits: str) -> str:
    doubled = itertools.cycle((2, 1))
    total = sum(
        sum(divmod(int(d) * factor, 10)) for d, factor in zip(reversed(digits), doubled, strict=False)
    )
    return str(-total % 10)
