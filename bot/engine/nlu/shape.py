"""A sentence with its values as marks, and its character n-grams: what the classifier looks at."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import yaml

from bot.engine.nlu.normalise import TOKEN
from bot.engine.nlu.values import Value

DATA = Path(__file__).parent / "data"

_MARKED = (
    "insured_group", "insurance", "beneficiary", "payment_type", "fee_year", "fee_period", "tier", "ordinal",
    "amount", "certificate_kind", "query_kind", "date_range", "validity", "agency", "id_type", "person_name",
    "id_number", "field",
)  # fmt: skip
MARKS = {name: chr(0xE000 + place) for place, name in enumerate(_MARKED)}
"""One character of the private use area for each entity."""
_NOISE = re.compile(r"[\s,，.。!！、;；:：~～…\"“”'‘’()（）]+")
_SEALED = "\ue0ff"
LONGEST = 4
LONG = 12


def shape_of(text: str, values: Sequence[Value]) -> str:
    """`text` without punctuation, with a mark for each value: 交居民医保 becomes 交▲●."""
    shape, last = "", 0
    for value in values:
        shape += text[last : max(last, value.start)] + MARKS.get(value.entity, "")
        if value.entity in _MAY_HOLD_A_VERB and _PAYING.search(text[value.start : value.end]):
            shape += "缴"
        last = max(last, value.end)
    return plain(shape + text[last:])


def plain(text: str) -> str:
    """Without punctuation; a question mark tells something and stays."""
    return _NOISE.sub("", TOKEN.sub(_SEALED, text)).replace("？", "?").lower()


def ngrams(text: str, longest: int, prefix: str = "") -> Iterator[str]:
    """All character n-grams of `text` with its ends marked."""
    framed = f"^{text}$"
    for size in range(1, longest + 1):
        for start in range(len(framed) - size + 1):
            yield prefix + framed[start : start + size]


def features(reading: str, shape: str) -> list[str]:
    """What tells the intent: n-grams of the shape, and shorter ones of the words themselves."""
    found = list(ngrams(canonical(shape), LONGEST))
    found.extend(ngrams(canonical(plain(reading)), 3, "w"))
    size = len(shape)
    found.append(f"length{size if size < LONG else LONG + size // 6}")
    return found


def topic_features(reading: str) -> list[str]:
    """What tells the topic of a question: its words, two characters at a time."""
    return list(ngrams(canonical(plain(reading)), 2))


def canonical(text: str) -> str:
    """`text` with one word for many that mean the same (`data/synonyms.yml`)."""
    pattern, words = _synonyms()
    return pattern.sub(lambda match: words[int((match.lastgroup or "_0")[1:])], text)


@cache
def _synonyms() -> tuple[re.Pattern[str], list[str]]:
    table = yaml.safe_load((DATA / "synonyms.yml").read_text(encoding="utf-8"))
    groups = (f"(?P<_{place}>{'|'.join(patterns)})" for place, patterns in enumerate(table.values()))
    return re.compile("|".join(groups)), list(table)


_FILLER = re.compile(
    r"^(?:嗯+|呃+|哦+|噢|啊|那个|那就|那|就是|就|我要|我想要|我想|我选择?|我|要|选择?|是|的话|那种|这种|那边|按|按照|用|还有|和|跟|再加|的"
    r"|给|吧|啊|呀|嘛|哈|呢|哦|了|呗|噻|嘞|哒|喽|啦|这个|个|好|度|份|年|保险|费)*$"
)
_PAYING = re.compile(r"[交缴]|给")
_MAY_HOLD_A_VERB = {"payment_type", "beneficiary", "fee_period"}
_NOT_AN_ANSWER = {MARKS[name] for name in ("certificate_kind", "query_kind", "field")}
_WHAT = {MARKS[name] for name in ("insured_group", "insurance", "beneficiary")}


def only_values(shape: str) -> bool:
    """Whether nothing but values (and fillers) was said. 交今年的 answers, 交医保 asks for something."""
    marks = {character for character in shape if "\ue000" <= character <= "\ue0fe"}
    if not marks or marks & _NOT_AN_ANSWER:
        return False
    said = "".join(character for character in shape if character not in marks)
    return bool(_FILLER.match(said if marks & _WHAT else _PAYING.sub("", said)))
