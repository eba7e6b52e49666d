"""A value read in a sentence, and how readings that overlap are settled."""

from collections.abc import Iterable
from dataclasses import dataclass

TOPIC, FIELD = "faq_topic", "field"
"""For the dialogue only, who asks for a parse is not told: the topic stands where Rasa's response selector puts it."""
SEVERAL = frozenset({"fee_year", "ordinal"})
"""One phrase may name several: 近两年, 前三个."""


@dataclass(frozen=True)
class Value:
    """`entity` has the canonical `value`; it was said in `text[start:end]` of the normalised sentence."""

    entity: str
    value: str
    start: int
    end: int

    @property
    def span(self) -> tuple[int, int]:
        return self.start, self.end


def longest(found: Iterable[Value]) -> list[Value]:
    """Without overlaps: the longer reading stays, of equal ones the first. One span may say two things."""
    kept: list[Value] = []
    for value in sorted(found, key=lambda v: (v.start - v.end, v.start)):
        if all(
            value.end <= other.start
            or value.start >= other.end
            or (value.span == other.span and (value.entity != other.entity or _are_several(value, other)))
            for other in kept
        ):
            kept.append(value)
    return sorted(kept, key=lambda v: v.span)


def _are_several(one: Value, other: Value) -> bool:
    return one.entity in SEVERAL and one.value != other.value
