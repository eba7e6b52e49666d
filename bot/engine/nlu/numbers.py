"""Numbers as they are written and spoken: `2000`, `1,200`, `两千`, `一千五`, `二零二六`, `1.5`."""

import re
from decimal import Decimal, InvalidOperation

import cn2an

CHINESE = "零〇一二两三四五六七八九十百千万"
_DIGITS = r"(?:(?<![\d,])\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
NUMBER = rf"(?:{_DIGITS}|[{CHINESE}]+(?:点[{CHINESE}]+)?)"
_TAIL = re.compile(r"([百千万])([一二两三四五六七八九])$")
_LOWER = {"百": "十", "千": "百", "万": "千"}


def read_number(text: str) -> Decimal | None:
    """The number that `text` says, or None. A spoken tail counts one unit lower: 一千五 is 1500."""
    if re.fullmatch(_DIGITS, text):
        return Decimal(text.replace(",", ""))
    full = _TAIL.sub(lambda match: match[0] + _LOWER[match[1]], text.replace("〇", "零"))
    try:
        return Decimal(str(cn2an.cn2an(full, "smart")))
    except (ValueError, InvalidOperation):
        return None


def read_integer(text: str) -> int | None:
    number = read_number(text)
    return int(number) if number is not None and number == int(number) else None


def to_integer(text: str) -> int:
    """The whole number that `text` is known to say."""
    number = read_integer(text)
    if number is None:
        raise ValueError("the pattern lets only numbers through")
    return number
