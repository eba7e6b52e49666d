"""Answers to questions of how, why, when and how much, by topic."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from actions.say import known, say
from actions.turn import Turn

ANSWERS = Path(__file__).parent.parent / "data" / "faq" / "answers.yml"
SURE = 0.12
"""Below this the topic is a guess: of the sentences that were never seen, the right ones are above it."""
FLEXIBLE, RESIDENT = "flexible_employment", "urban_rural_resident"
SAME_QUESTION: tuple[dict[tuple[str, str], str], ...] = (
    {
        (FLEXIBLE, "pension"): "flex_pension_amount",
        (FLEXIBLE, "medical"): "flex_medical_amount",
        (RESIDENT, "pension"): "resident_pension_tiers",
        (RESIDENT, "medical"): "resident_medical_amount",
    },
    {
        (FLEXIBLE, "pension"): "flex_pension_deadline",
        (RESIDENT, "pension"): "resident_pension_deadline",
        (RESIDENT, "medical"): "resident_medical_deadline",
    },
    {
        (FLEXIBLE, "pension"): "flex_pension_refund",
        (RESIDENT, "medical"): "resident_medical_refund",
    },
)
"""The same question about each insurance: one that names none is about the one in work."""


def is_sure(turn: Turn) -> bool:
    return turn.topic_chance >= SURE


def about(topic: str) -> dict[str, str]:
    """The group and the insurance that a topic is of; nothing for one of all."""
    pairs = (pair for family in SAME_QUESTION for pair, name in family.items() if name == topic)
    return next(({"insured_group": group, "insurance": insurance} for group, insurance in pairs), {})


def answer_in_context(turn: Turn, facts: Mapping[str, Any]) -> str | None:
    """The answer to the question of `turn`, asked while `facts` are being paid; None when it is not known."""
    topic = str(turn.last("faq_topic") or "")
    if not is_sure(turn):
        return None
    if turn.last("insurance") is None and turn.last("insured_group") is None:
        case = (str(facts.get("insured_group")), str(facts.get("insurance")))
        for family in SAME_QUESTION:
            if topic in family.values():
                topic = family.get(case, topic)
    return answer(topic)


def answer(topic: str) -> str | None:
    """The answer to `topic`, or None for a topic that has none. What is not open yet is said so."""
    if known(f"faq.not_open.{topic}"):
        return say(f"faq.not_open.{topic}")
    found = _answers().get(topic)
    return str(found["answer"]).strip() if found else None


@cache
def _answers() -> dict[str, Any]:
    return dict(yaml.safe_load(ANSWERS.read_text(encoding="utf-8")))
