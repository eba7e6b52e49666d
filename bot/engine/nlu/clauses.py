"""The parts of a sentence that may ask for two things: 交居民医保，顺便问一下退休年龄."""

import re
from dataclasses import dataclass

from bot.engine.nlu.normalise import TOKEN

PAUSE = re.compile(r"[,，.。;；:：!！?？\s]+|(?<=.)(?=顺便|顺带|顺道|另外)")
LEAD = re.compile(
    r"^(?:(?:顺便|顺带|顺道|另外|还有|再|我?想|请)*(?:问|打听)(?:一下|一哈|[下哈])?|顺便|顺带|顺道|另外)[,，:：]*"
)
SHORTEST, MOST = 3, 4


@dataclass(frozen=True)
class Part:
    """`text` without what leads it in; it stands at `start` to `end` of the sentence."""

    text: str
    start: int
    end: int


def parts_of(typed: str) -> list[Part]:
    """The parts of `typed` that may be sentences of their own; nothing for a sentence of one part."""
    if TOKEN.search(typed):
        return []
    parts, start = [], 0
    for pause in [*PAUSE.finditer(typed), None]:
        end = pause.start() if pause else len(typed)
        parts.append(Part(LEAD.sub("", typed[start:end]), start, end))
        start = pause.end() if pause else end
    parts = [part for part in parts if len(part.text) >= SHORTEST]
    return parts if 1 < len(parts) <= MOST else []
