"""Numbers as they are written and spoken: `2000`, `两千`, `一千五`, `二零二六`, `1.5`."""

import re
from decimal import Decimal, InvalidOperation

import cn2an

CHINESE = "零〇一二两三四五六七八九十百千万"
NUMBER = rf"(?:\d+(?:\.\d+)?|[{CHINESE}]+(?:点[{CHINESE}]+)?)"
_TAIL = re.compile(r"([百千万])([一二两三四五六七八九])$")
_LOWER = {"百": "十", "千": "百", "万": "千"}


def read_number(text: str) -> Decimal | None:
    """The number that `text` says, or None. A spoken tail counts one unit lower: 一千五 is 1500."""
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        return Decimal(text)
    full = _TAIL.sub(lambda match: match[0] + _LOWER[match[1]], text.replace("〇", "零"))
    try:
        return Decimal(str(cn2an.cn2an(full, "smart")))
    except (ValueError, InvalidOperation):
        return None


def read_integer(text: str) -> int | None:
    number = read_number(text)
    return int(number) if number is not None and number == int(number) else None
