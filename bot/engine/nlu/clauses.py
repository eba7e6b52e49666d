"""The parts of a sentence that may ask for two things: 交居民医保，顺便问一下退休年龄."""

import re

from bot.engine.nlu.normalise import TOKEN

PAUSE = re.compile(r"[,，.。;；:：!！?？\s]+|(?<=.)(?=顺便|顺带|顺道|另外)")
LEAD = re.compile(
    r"^(?:(?:顺便|顺带|顺道|另外|还有|再|我?想|请)*(?:问|打听)(?:一下|一哈|[下哈])?|顺便|顺带|顺道|另外)[,，:：]*"
)
SHORTEST, MOST = 3, 4


def parts_of(typed: str) -> list[str]:
    """The parts of `typed` that may be sentences of their own; nothing for a sentence of one part."""
    if TOKEN.search(typed):
        return []
    parts = [LEAD.sub("", part) for part in PAUSE.split(typed)]
    parts = [part for part in parts if len(part) >= SHORTEST]
    return parts if 1 < len(parts) <= MOST else []
