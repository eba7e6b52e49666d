"""ID documents: normalise what was typed or said, check its form, mask it for showing.

Rules: GB 11643-1999 with ISO 7064 MOD 11-2; the residence permits of Hong Kong, Macao and Taiwan share them;
the permanent resident's card of 2023 begins with 9, its older form has a 7-3-1 check digit.
The address code is never compared with today's divisions: it stays the one of the first registration.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from services.domain.kinds import IdType

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS = "10X98765432"
PROVINCES = frozenset(
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71".split()  # noqa: SIM905 - reads better
)
NOT_FOREIGN = frozenset({"156", "158", "344", "446", "CHN", "TWN", "HKG", "MAC"})
RESIDENCE = {
    "810000": IdType.HK_MACAO_RESIDENCE_PERMIT,
    "820000": IdType.HK_MACAO_RESIDENCE_PERMIT,
    "830000": IdType.TAIWAN_RESIDENCE_PERMIT,
}
EARLIEST_BIRTH = date(1900, 1, 1)
CAN_LOG_IN = frozenset(
    {
        IdType.RESIDENT_ID_CARD,
        IdType.HK_MACAO_TRAVEL_PERMIT,
        IdType.HK_MACAO_RESIDENCE_PERMIT,
        IdType.TAIWAN_TRAVEL_PERMIT,
        IdType.TAIWAN_RESIDENCE_PERMIT,
    }
)
"""Documents that a real-name check takes (`business-rules` 1.4)."""
FIRST_OF_THE_19TH_CENTURY = "996"
"""996 to 999 in a number of fifteen digits: people who were a hundred years old when it was given."""

_SPOKEN = str.maketrans(
    {"零": "0", "〇": "0", "洞": "0", "一": "1", "幺": "1", "二": "2", "两": "2", "三": "3", "四": "4"}
    | {"五": "5", "六": "6", "七": "7", "拐": "7", "八": "8", "九": "9", "勾": "9"}
)
_EX = re.compile(r"叉|艾克斯|[×✕✖╳]")
_NO_CARD = re.compile(r"[A-Z].*|[0-9]{8}|[0-9]{10}[A-Z]")
"""Numbers that are plainly not of an identity card."""
_FILLING = re.compile(r"[\s\-‐-―_.。,，、:：·]+")


@dataclass(frozen=True, kw_only=True, repr=False)
class IdCheck:
    """`reason` is empty when `ok`, else a key of `id_problem`: length, characters, check_digit, birth_date,
    province, country, expired_form, unsupported. `number` is normalised, `id_type` what it really is."""

    ok: bool
    reason: str
    number: str
    id_type: IdType


def normalise(number: str) -> str:
    """Half width, upper case, without filling; spoken digits (幺, 拐, 勾, 洞) and 叉 become characters."""
    text = unicodedata.normalize("NFKC", number).upper()
    return _FILLING.sub("", _EX.sub("X", text).translate(_SPOKEN))


def check_id_number(
    number: str, id_type: IdType = IdType.RESIDENT_ID_CARD, *, today: date | None = None
) -> IdCheck:
    """Check the form of `number`; with `today` also that nobody is born later.

    A number of eighteen characters tells its own type by its beginning, whatever it was called.
    """
    text = normalise(number)
    id_type = _real_type(text, id_type)
    reason = _CHECKS.get(id_type, _unsupported)(text)
    if not reason:
        born = birth_date(text, id_type)
        if born and today and born > today:
            reason = "birth_date"
    return IdCheck(ok=not reason, reason=reason, number=text, id_type=id_type)


def could_be(number: str) -> tuple[IdType, ...]:
    """The documents that a normalised number may belong to which is plainly not of an identity card."""
    if not _NO_CARD.fullmatch(number):
        return ()
    others = (kind for kind in IdType if kind is not IdType.RESIDENT_ID_CARD)
    return tuple(kind for kind in others if check_id_number(number, kind).ok)


def renew(old: str) -> str | None:
    """The number of eighteen characters that one of fifteen digits became; None if it can't have been one."""
    if not re.fullmatch(r"[0-9]{15}", old):
        return None
    century = "18" if old[12:] >= FIRST_OF_THE_19TH_CENTURY else "19"
    first17 = old[:6] + century + old[6:]
    number = first17 + check_digit(first17)
    return number if check_id_number(number).ok else None


def birth_date(number: str, id_type: IdType = IdType.RESIDENT_ID_CARD) -> date | None:
    """The date of birth inside a number of eighteen characters; None when the document holds none."""
    if len(number) != 18 or id_type not in _EIGHTEEN:
        return None
    return _day(number[6:14])


def check_digit(first17: str) -> str:
    """The eighteenth character (MOD 11-2)."""
    return CHECK_CHARACTERS[sum(int(d) * w for d, w in zip(first17, WEIGHTS, strict=True)) % 11]


def check_digit_731(first14: str) -> str:
    """The last digit of the old permanent resident's card: 7-3-1 over digits and letters (A = 10)."""
    return str(sum(int(c, 36) * (7, 3, 1)[i % 3] for i, c in enumerate(first14)) % 10)


def mask_id(number: str) -> str:
    """For the holder and agents: first and last four of eighteen, else the first and the last three."""
    if len(number) == 18:
        head, tail = 4, 4
    else:
        head, tail = (1, 3) if len(number) >= 8 else (1, 2)
    hidden = max(len(number) - head - tail, 1)
    return number[:head] + "*" * hidden + number[-tail:]


def same_document(one: str, other: str, id_type: IdType) -> bool:
    """Are these the same document? A renewed Hong Kong or Macao permit keeps its first nine characters."""
    if id_type is IdType.HK_MACAO_TRAVEL_PERMIT:
        return one[:9] == other[:9]
    return one == other


def _real_type(text: str, id_type: IdType) -> IdType:
    if len(text) != 18 or id_type not in _EIGHTEEN:
        return id_type
    if text[0] == "9":
        return IdType.FOREIGN_PERMANENT_RESIDENT_ID
    return RESIDENCE.get(text[:6], id_type)


def _eighteen(text: str) -> str:
    """Length, characters, real date, check digit: what all numbers of eighteen characters share."""
    if len(text) != 18:
        return "length"
    if _day(text[6:14]) is None:
        return "birth_date"
    return "" if check_digit(text[:17]) == text[17] else "check_digit"


def _resident_id_card(text: str) -> str:
    if not re.fullmatch(r"[0-9X]*", text):
        return "characters"
    if re.fullmatch(r"[0-9]{15}", text):
        return "expired_form"
    if len(text) != 18:
        return "length"
    if not re.fullmatch(r"[0-9]{17}[0-9X]", text):
        return "characters"
    return "province" if text[:2] not in PROVINCES else _eighteen(text)


def _residence_permit(*prefixes: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if len(text) != 18:
            return "length"
        if not re.fullmatch(r"[0-9]{17}[0-9X]", text):
            return "characters"
        return "province" if text[:6] not in prefixes else _eighteen(text)

    return check


def _shape(pattern: str, lengths: range) -> Callable[[str], str]:
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if len(text) not in lengths:
            return "length"
        return "" if compiled.fullmatch(text) else "characters"

    return check


def _permanent_resident(text: str) -> str:
    if len(text) == 15:
        return _old_permanent_resident(text)
    if len(text) != 18:
        return "length"
    if not re.fullmatch(r"9[0-9]{16}[0-9X]", text):
        return "characters"
    if text[1:3] not in PROVINCES:
        return "province"
    return "country" if text[3:6] in NOT_FOREIGN else _eighteen(text)


def _old_permanent_resident(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}[0-9]{12}", text):
        return "characters"
    if text[:3] in NOT_FOREIGN:
        return "country"
    if not any(_day(century + text[7:13]) for century in ("19", "20")):
        return "birth_date"
    return "" if check_digit_731(text[:14]) == text[14] else "check_digit"


def _unsupported(_text: str) -> str:
    return "unsupported"


def _day(text: str) -> date | None:
    try:
        day = date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None
    return day if day >= EARLIEST_BIRTH else None


_EIGHTEEN = frozenset(
    {
        IdType.RESIDENT_ID_CARD,
        IdType.HK_MACAO_RESIDENCE_PERMIT,
        IdType.TAIWAN_RESIDENCE_PERMIT,
        IdType.FOREIGN_PERMANENT_RESIDENT_ID,
    }
)
_CHECKS: dict[IdType, Callable[[str], str]] = {
    IdType.RESIDENT_ID_CARD: _resident_id_card,
    IdType.HK_MACAO_RESIDENCE_PERMIT: _residence_permit("810000", "820000"),
    IdType.TAIWAN_RESIDENCE_PERMIT: _residence_permit("830000"),
    IdType.HK_MACAO_TRAVEL_PERMIT: _shape(r"[HM][0-9]{8}([0-9]{2})?", range(9, 12)),
    IdType.TAIWAN_TRAVEL_PERMIT: _shape(r"[0-9]{8}|[0-9]{10}[A-Z]?", range(8, 12)),
    IdType.FOREIGN_PASSPORT: _shape(r"[A-Z0-9]{5,17}", range(5, 18)),
    IdType.FOREIGN_PERMANENT_RESIDENT_ID: _permanent_resident,
}
