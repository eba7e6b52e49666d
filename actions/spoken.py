"""The numbers of a sentence that may be a tier."""

import re

from actions.choices import whole_number
from actions.turn import without_tokens

LOWEST = 100
PLAIN = str.maketrans("佰仟", "百千")
PERCENTS = range(60, 301, 10)
NAMED = re.compile(
    r"(?<![\d点第零一二两三四五六七八九十百千万不])(?<!不[要是交缴选])([0-9]{2,4}|[一二两三四五六七八九十][一二两三四五六七八九十百千]*)"
    r"(?![\d零一二两三四五六七八九十百千万年月号日天个岁点分笔多几])"
)
"""A number that stands for itself, in whole: no month, no place, not 两千多."""
NAMED_AT_END = re.compile(
    NAMED.pattern + r"(?=(?:元|块钱?|档|那|这|个|就|好|行|可以|吧|的|哈|嘛|了|算|[。.!！])*$)"
)


def numbers(text: str, *, at_the_end: bool = False) -> list[int]:
    """What may be a tier in a sentence, the last one first: no month, year, place, and none that was said no to."""
    said = without_tokens(text)
    found = NAMED_AT_END.finditer(said) if at_the_end else NAMED.finditer(said)
    read = [read_number(match[1]) for match in found]
    return [number for number in reversed(read) if number is not None]


def read_number(said: str) -> int | None:
    """A number in digits or Chinese; None for what is none."""
    try:
        return whole_number(said)
    except ValueError:  # 十百
        return None
