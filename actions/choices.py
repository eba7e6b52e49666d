"""Which of the offered answers was meant: by value, by name, by number, by its place in the list."""

import re
import unicodedata
from collections.abc import Sequence

import cn2an

from actions.slots import Option
from actions.turn import Turn

FILLERS = re.compile(
    r"[\s,，。.!！?？、;；:：~「」“”\"'()（）]|^(我|就|要|选|那|就要|我要|我选)+|(吧|啊|呀|嘛|哈|呢|喃|噻|的|那个|这个)+$"
)
NUMBER = re.compile(r"^(第)?([0-9]+|[零一二两三四五六七八九十百千]+)(个|项|号|条|档|年|年度)?$")

TELL_ME = re.compile(
    r"(?:到时候?|好了|开了|请|那就?|嗯|好的?|你|记得|[能可]以?[交缴开]了?|就)*(?:告诉|通知|提醒|叫|喊|说)(?:我|一声|一下|下|哈)+"
    r"|要的|可以|行|好"
)


def agrees_to_be_told(turn: Turn) -> bool:
    """A yes to the offer to be told later."""
    return turn.intent == "affirm" or bool(TELL_ME.fullmatch(plain(turn.text)))


def asks_to_be_told(turn: Turn) -> bool:
    """到时候告诉我, said in full."""
    text = plain(turn.text)
    return bool(TELL_ME.fullmatch(text)) and bool(re.search("告诉|通知|提醒|叫|喊|说一?声", text))


def choose(turn: Turn, name: str, options: Sequence[Option]) -> str | None:
    """The value of the option that `turn` means, or None."""
    said = {str(value) for value in turn.values.get(name, ())}
    for option in reversed(options):
        if option.value in said:
            return option.value
    return _by_text(plain(turn.text), options) or _by_ordinal(turn, options)


def plain(text: str) -> str:
    """`text` without punctuation, spaces, courtesy and full-width forms."""
    text = unicodedata.normalize("NFKC", text).strip().lower()
    previous = None
    while previous != text:
        previous, text = text, FILLERS.sub("", text)
    return text


def _by_text(text: str, options: Sequence[Option]) -> str | None:
    if not text:
        return None
    for option in options:
        if text in (plain(option.title), option.value.lower()):
            return option.value
    number = _number(text)
    if number is not None:
        for option in options:
            if option.value.rstrip("%") == str(number):
                return option.value
        if 1 <= number <= len(options):
            return options[number - 1].value
    if len(text) >= 2:
        found = [option for option in options if text in plain(option.title) or plain(option.title) in text]
        if len(found) == 1:
            return found[0].value
    return None


def _by_ordinal(turn: Turn, options: Sequence[Option]) -> str | None:
    place = turn.last("ordinal")
    if place is None:
        return None
    index = int(place)
    if index < 0:
        index += len(options) + 1
    return options[index - 1].value if 1 <= index <= len(options) else None


def _number(text: str) -> int | None:
    match = NUMBER.match(text)
    if not match:
        return None
    digits = match.group(2)
    return whole_number(digits)


def whole_number(said: str) -> int:
    """`12` and `十二`; `ValueError` for what is none."""
    return int(said) if said.isdigit() else int(cn2an.cn2an(said, "smart"))
