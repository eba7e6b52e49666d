"""Numbers of people in whatever spelling: ID numbers, permits, passports, phones, bank cards, e-mails.

A text is read first: half width, upper case, digits whatever way they were written. `find_numbers` then
says which parts of it are personal, and `join_pieces` whether pieces of several messages make up a number.
Numbers with a typing error are personal too: the check digit makes a find certain, not a find.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

EARLIEST_BIRTH, LATEST_BIRTH = 1900, 2049
SURE_BIRTH_BEFORE = 2020
"""A later year after a division code is more often a fee year than the beginning of a birth date."""

_PROVINCES = frozenset(
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 "  # noqa: SIM905 - a table
    "61 62 63 64 65 71 81 82 83 91 92 93 94 95 96".split()
)
"""The first two digits: provinces; 81 to 83 are residence permits, 9 begins those of foreigners."""

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"

_SPOKEN: dict[str, str] = {
    spoken: digit
    for digit, words in {
        "0": "零〇○洞", "1": "一幺壹弌", "2": "二两贰兩貳", "3": "三叁參", "4": "四肆",
        "5": "五伍", "6": "六陆陸", "7": "七柒拐", "8": "八捌", "9": "九玖勾",
    }.items()
    for spoken in words
}  # fmt: skip
_WORDS = "".join(_SPOKEN)
_SEPARATORS = r"[\s\-‐‑‒–—―−_.·•,，、。/\\|:：;；~'\"()\[\]*#+]{0,3}"
_RUN = re.compile(
    rf"[0-9{_WORDS}](?:{_SEPARATORS}[0-9{_WORDS}])*(?:{_SEPARATORS}(?:X|×|叉|艾克斯|爱克斯|埃克斯)(?![A-Z]))?"
    rf"|(?<![A-Z0-9])(?:X|叉|艾克斯)(?![A-Z0-9])"
)
_CROSS = re.compile(r"X|×|叉|艾克斯|爱克斯|埃克斯")
_HOTLINES = frozenset({"12366", "12333", "12393", "12345"})
_DATE = re.compile(r"(?:199\d|20[0-4]\d)(?:(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])?)?")
_COUNTS = re.compile(rf"[0-9{_WORDS}][位个]")
"""后四位: says how many digits follow, and is none of them."""
_STRONG = frozenset(" -‐‑‒–—―−\t ")
_EMAIL = re.compile(r"[A-Z0-9._%+-]+@[A-Z0-9-]+(?:\.[A-Z0-9-]+)+")
_OUR_NUMBER = re.compile(
    r"(?<![A-Z0-9])(?:[A-Z]{2}\d[0-9A-HJKMNP-TV-Z]{20}|(?=(?:\d*[A-Z]){4})[0-9A-HJKMNP-TV-Z]{26})(?![A-Z0-9])"
)
"""Order numbers (letters, a digit, 20 characters) and our 26-character ids."""
_TICKET = re.compile(r"452\d{3}\d{2}(?:0[1-9]|1[0-2])\d{8}")
"""Electronic tax tickets of Guizhou (`certificates` 8): not a person's number."""

_ID_LABEL = re.compile(r"(?:身份证|證件|证件|身份証)(?:号码?|編號|编号|號碼?)?[^0-9A-Z，。,;；]{0,5}$")
_PHONE_LABEL = re.compile(r"(?:手机|电话|手機|電話|联系方式|联系)(?:号码?)?[^0-9A-Z，。,;；]{0,4}$")
_CARD_LABEL = re.compile(r"(?:银行卡|卡号|账号|賬號|账户|储蓄卡|信用卡)(?:号码?)?[^0-9A-Z，。,;；]{0,5}$")
_PAPER = re.compile(
    r"(?:护照|護照|通行证|回乡证|台胞证|居留证|永居证|永居|证件)(?:的?(?:号码?|编号))?(?:就?是|为)?\s*[:：]?\s*"
    r"(?P<number>[A-Z0-9](?:[\s-]?[A-Z0-9]){4,16})(?![A-Z0-9])"
)
_PERMIT = re.compile(
    r"(?<![A-Z0-9])(?:[HM][\s-]?\d{4}[\s-]?\d{4}(?:[\s-]?\d{2})?|[A-Z]{1,2}\d{6,9}|[EGDSPK]\s?\d{4}\s?\d{4}"
    r"|[A-Z]{3}[\s-]?\d{4}[\s-]?\d{6}[\s-]?\d{2})(?![A-Z0-9])"
)


@dataclass(frozen=True, repr=False)
class Found:
    """A personal number at `start:end` of the text. `value` is its normal spelling."""

    start: int
    end: int
    kind: str
    value: str


@dataclass(frozen=True, repr=False)
class Run:
    """Digits that stand together. `places` are their positions in the reading, `bounds` the offsets at which
    a group begins or ends, `strong` whether only spaces and hyphens stand between the groups."""

    digits: str
    places: tuple[int, ...]
    ends: tuple[int, ...]
    bounds: frozenset[int]
    strong: bool

    def groups(self, start: int, end: int) -> list[int]:
        """The lengths of the groups between two offsets."""
        cuts = [start, *sorted(b for b in self.bounds if start < b < end), end]
        return [right - left for left, right in pairwise(cuts)]


class Reading:
    """`text` in half width, upper case and without invisible characters; `origin` maps back into the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.origin: Sequence[int]
        if text.isascii():
            self.plain, self.origin = text.upper(), range(len(text) + 1)
            return
        characters, origin = [], []
        for index, character in enumerate(text):
            for part in _plain(character):
                characters.append(part)
                origin.append(index)
        origin.append(len(text))
        self.plain, self.origin = "".join(characters), origin

    def found(self, start: int, end: int, kind: str, value: str) -> Found:
        return Found(self.origin[start], self.origin[end - 1] + 1, kind, value)

    def runs(self) -> list[Run]:
        return [_run(match) for match in _RUN.finditer(self.plain)]


def find_numbers(reading: Reading) -> list[Found]:
    """All personal numbers of a reading, in order, without overlaps."""
    plain = reading.plain
    found = [reading.found(*m.span(), "email", m[0].lower()) for m in _EMAIL.finditer(plain)]
    for pattern in (_PAPER, _PERMIT):
        for match in pattern.finditer(plain):
            group = "number" if pattern is _PAPER else 0
            value = re.sub(r"[\s-]", "", match[group])
            if sum(c.isdigit() for c in value) >= 5:
                found.append(reading.found(*match.span(group), "id_number", value))
    ours = [match.span() for match in _OUR_NUMBER.finditer(plain)]
    runs = reading.runs()
    for run in runs:
        inside = any(start <= run.places[0] < end for start, end in ours)
        found.extend(_in_run(reading, run, only_certain=inside))
    found.extend(_across_runs(reading, runs))
    return _without_overlaps(found)


def leftover_digits(reading: Reading, found: Sequence[Found]) -> tuple[str, int]:
    """The digits outside of `found`, and how many other characters the message has beside them."""
    digits, used = "", 0
    for run in reading.runs():
        start, end = reading.origin[run.places[0]], reading.origin[run.ends[-1] - 1] + 1
        if all(end <= f.start or start >= f.end for f in found):
            digits += run.digits
            used += run.ends[-1] - run.places[0]
    used += sum(f.end - f.start for f in found)
    return digits, len(reading.plain.strip()) - used


def join_pieces(pieces: Sequence[str]) -> tuple[str, str] | None:
    """`(kind, value)` when the last pieces, put together, are a number of a person."""
    for count in range(2, len(pieces) + 1):
        last = pieces[-count:]
        value = "".join(last)
        if len(value) > 19:
            return None
        if looks_like_id(value):
            return "id_number", value
        shape = [len(piece) for piece in last]
        if re.fullmatch(r"1[3-9]\d{9}", value) and shape in ([3, 4, 4], [3, 8], [7, 4]):
            return "phone", value
        if is_card(value) and ((count == 2 and shape[0] >= 4) or all(length == 4 for length in shape[:-1])):
            return "bank_card", value
    return None


def begins_id(value: str) -> bool:
    """Could this be the beginning of an ID number, down to a part of the birth date at least?"""
    if not 10 <= len(value) < 18 or not value.isdigit() or value[:2] not in _PROVINCES:
        return False
    year, rest = int(value[6:10]), value[10:14]
    if not EARLIEST_BIRTH <= year <= LATEST_BIRTH or (len(rest) < 2 and year >= SURE_BIRTH_BEFORE):
        return False
    if len(rest) < 4:
        return len(rest) < 2 or 1 <= int(rest[:2]) <= 12
    return _is_date(value[6:14])


def may_begin_number(digits: str) -> bool:
    """Is this worth remembering as a first piece? Tiers, years and dates are not."""
    if begins_id(digits) or re.fullmatch(r"1[3-9]\d(?:\d{4})?|[3-6]\d{3}(?:\d{4}){0,3}", digits):
        return True
    if digits in _HOTLINES:
        return False
    if len(digits) <= 4 and digits.isdigit() and (int(digits) <= 5000 and int(digits) % 100 == 0):
        return False
    return digits[:2] in _PROVINCES


def looks_like_id(value: str) -> bool:
    """18 characters whose province and birth date are possible; the check digit may be wrong."""
    return len(value) == 18 and value[:17].isdigit() and value[:2] in _PROVINCES and _is_date(value[6:14])


def has_check_digit(value: str) -> bool:
    """ISO 7064 MOD 11-2 over 17 digits (`identity-documents` 2)."""
    if len(value) != 18 or not value[:17].isdigit():
        return False
    total = sum(int(digit) * weight for digit, weight in zip(value, _WEIGHTS, strict=False))
    return value[17] == _CHECK[total % 11]


def is_card(value: str) -> bool:
    """A bank card: 16 to 19 digits that satisfy Luhn."""
    if not re.fullmatch(r"[3-6]\d{15,18}", value) or _TICKET.fullmatch(value):
        return False
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(value))]
    return sum(number // 10 + number % 10 for number in doubled) % 10 == 0


def _plain(character: str) -> str:
    if character < "\x80":
        return character.upper()
    if "一" <= character <= "鿿":
        return character
    if unicodedata.category(character) in {"Cf", "Mn", "Me"}:
        return ""
    return "".join(
        str(unicodedata.digit(part)) if part.isdigit() and not part.isascii() else part
        for part in unicodedata.normalize("NFKC", character).upper()
    )


def _run(match: re.Match[str]) -> Run:
    digits, places, ends, bounds, strong = "", [], [], {0}, True
    offset, text = match.start(), match[0]
    cross = _CROSS.search(text)
    previous = ""
    for index, character in enumerate(text):
        digit = character if "0" <= character <= "9" else _SPOKEN.get(character)
        script = "ascii" if digit == character else "spoken"
        if cross and index == cross.start():
            digit, script = "X", "cross"
        elif cross and cross.start() < index < cross.end():
            continue
        if digit is None:
            previous = "separator"
            strong = strong and character in _STRONG
            continue
        if previous not in {"", script} and script != "cross":
            bounds.add(len(digits))
        previous = script
        digits += digit
        places.append(offset + index)
        ends.append(offset + (cross.end() if cross and digit == "X" else index + 1))
    return Run(digits, tuple(places), tuple(ends), frozenset({*bounds, len(digits)}), strong)


def _in_run(reading: Reading, run: Run, *, only_certain: bool) -> list[Found]:
    """ID numbers first, the surest first; then what is left over between them."""
    taken: list[tuple[int, int]] = []
    found = []
    for start, end in _id_windows(run, only_certain=only_certain):
        if all(end <= s or start >= e for s, e in taken):
            taken.append((start, end))
            found.append(_part(reading, run, (start, end), "id_number", run.digits[start:end]))
    if only_certain:
        return found
    edges = [0, *[edge for span in sorted(taken) for edge in span], len(run.digits)]
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        found.extend(_in_rest(reading, run, start, end))
    return found


def _id_windows(run: Run, *, only_certain: bool) -> Iterator[tuple[int, int]]:
    windows = [
        (start, start + 18)
        for start in range(len(run.digits) - 17)
        if looks_like_id(run.digits[start : start + 18])
    ]
    yield from (w for w in windows if has_check_digit(run.digits[w[0] : w[1]]))
    if not only_certain:
        yield from (w for w in windows if w[0] in run.bounds and w[1] in run.bounds)
        yield from (w for w in windows if run.strong and (w[0] in run.bounds or w[1] in run.bounds))


def _in_rest(reading: Reading, run: Run, start: int, end: int) -> Iterator[Found]:
    """A stretch of digits without a whole ID number: phones and cards in it, or the stretch itself."""
    cuts = sorted({start, end, *(b for b in run.bounds if start < b < end)})
    position = start
    for left in cuts:
        if left < position:
            continue
        for right in reversed([cut for cut in cuts if cut > left]):
            match = _named(run, left, right, _label(reading, run, left))
            if match:
                yield _part(reading, run, (left, right), *match)
                position = right
                break


def _named(run: Run, start: int, end: int, label: str | None) -> tuple[str, str] | None:  # noqa: PLR0911
    """What the digits between two group bounds are, or None."""
    value, groups = run.digits[start:end], run.groups(start, end)
    if _are_dates(value, groups):
        return None
    even = len(groups) == 1 or all(g == 1 for g in groups) or all(g == 4 for g in groups[:-1])
    phone = re.fullmatch(r"(?:0?086|86)?(1[3-9]\d{9})", value)
    if phone and (even or run.strong or groups[-3:] == [3, 4, 4] or groups[-2:] in ([3, 8], [7, 4])):
        return "phone", phone[1]
    if re.fullmatch(r"0[1-9]\d{8,10}", value) and (len(groups) == 1 or groups[0] in {3, 4}):
        return "phone", value
    if label == "phone" and 7 <= len(value) <= 13:
        return "phone", value
    if (is_card(value) and (even or groups[0] in {4, 6})) or (
        label == "bank_card" and 12 <= len(value) <= 20
    ):
        return "bank_card", value
    if label == "id_number" and 8 <= len(value) <= 20:
        return "id_number", value
    if (even or groups[0] == 6) and _is_broken_id(value):
        return "id_number", value
    return None


def _are_dates(value: str, groups: Sequence[int]) -> bool:
    """Several years, months or days side by side: `202501-202512`."""
    parts, start = [], 0
    for length in groups:
        parts.append(value[start : start + length])
        start += length
    return len(parts) > 1 and all(_DATE.fullmatch(part) for part in parts)


def _is_broken_id(value: str) -> bool:
    """An ID number of the old kind, cut short, or with a slip in it."""
    if len(value) == 15 and value.isdigit() and value[:2] in _PROVINCES:
        return _is_date("19" + value[6:12])
    if 16 <= len(value) <= 19:
        return not _TICKET.fullmatch(value)
    return begins_id(value)


def _across_runs(reading: Reading, runs: Sequence[Run]) -> Iterator[Found]:
    """An ID number in parts with words between them ("前六位……后面是……"): only a certain one counts."""
    runs = [run for run in runs if not _COUNTS.match(reading.plain, run.places[0])]
    for index, first in enumerate(runs[:-1]):
        for start in sorted(first.bounds)[:-1]:
            value = first.digits[start:]
            for before, last in zip(runs[index:], runs[index + 1 : index + 5], strict=False):
                if last.places[0] - before.ends[-1] > 16 or len(value) >= 18:
                    break
                end = 18 - len(value)
                value += last.digits
                whole = value[:18]
                if end in last.bounds and looks_like_id(whole) and has_check_digit(whole):
                    yield reading.found(first.places[start], last.ends[end - 1], "id_number", whole)


def _label(reading: Reading, run: Run, start: int) -> str | None:
    """What the words before the digits call them."""
    before = reading.plain[max(0, run.places[start] - 16) : run.places[start]]
    for kind, pattern in (("id_number", _ID_LABEL), ("phone", _PHONE_LABEL), ("bank_card", _CARD_LABEL)):
        if pattern.search(before):
            return kind
    return None


def _part(reading: Reading, run: Run, span: tuple[int, int], kind: str, value: str) -> Found:
    return reading.found(run.places[span[0]], run.ends[span[1] - 1], kind, value)


def _is_date(digits: str) -> bool:
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return False
    return EARLIEST_BIRTH <= born.year <= LATEST_BIRTH


def _without_overlaps(found: Sequence[Found]) -> list[Found]:
    """The longer of two overlapping finds stays."""
    kept: list[Found] = []
    for one in sorted(found, key=lambda f: (f.start - f.end, f.start)):
        if all(one.end <= other.start or one.start >= other.end for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda f: f.start)
