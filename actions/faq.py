"""Answers to questions of how, why, when and how much, by topic."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from actions.say import known, say
from actions.turn import Turn
from services.domain.rates import find_rates

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
        (FLEXIBLE, "pension"): "flex_pension_break",
        (FLEXIBLE, "medical"): "flex_medical_break",
        (RESIDENT, "pension"): "flex_pension_break",
        (RESIDENT, "medical"): "resident_medical_break",
    },
    {
        (FLEXIBLE, "pension"): "flex_pension_refund",
        (RESIDENT, "medical"): "resident_medical_refund",
    },
)
"""The same question about each insurance: one that names none is about the one in work."""


def is_sure(turn: Turn) -> bool:
    return turn.topic_chance >= SURE


def answer_in_context(turn: Turn, facts: Mapping[str, Any], today: date, *, offers: bool) -> str | None:
    """The answer to the question of `turn`, asked while `facts` are being paid; None when it is not known. `offers`:
    nothing is open, so it says how to pay."""
    if not is_sure(turn):
        return None
    topic = topic_in_context(turn, facts)
    price = _price_now(turn, today, offers=offers) if topic == "resident_medical_amount" else None
    return price or answer(topic)


def topic_in_context(turn: Turn, facts: Mapping[str, Any]) -> str:
    topic = str(turn.last("faq_topic") or "")
    if turn.last("insurance") is None and turn.last("insured_group") is None:
        case = (str(facts.get("insured_group")), str(facts.get("insurance")))
        for family in SAME_QUESTION:
            if topic in family.values():
                topic = family.get(case, topic)
    return topic


def insurance_of(topic: str) -> dict[str, str]:
    """The insurance that a question is about which is asked of each; nothing for others."""
    for case, name in ((case, name) for family in SAME_QUESTION for case, name in family.items()):
        if name == topic:
            return dict(zip(("insured_group", "insurance"), case, strict=True))
    return {}


def _price_now(turn: Turn, today: date, *, offers: bool) -> str | None:
    """What the year costs for which people pay now; None when another one is meant, or none is open at this price."""
    said = str(turn.last("fee_year") or "")[:4]
    for year in (today.year + 1, today.year):
        rates = find_rates(year)
        medical = rates.resident_medical if rates else None
        if medical is None or said not in {"", str(year)}:
            continue
        begins, ends = medical.central.value
        if begins <= today <= ends:
            price, later = medical.personal.value, medical.personal.value + medical.subsidy.value
            mark = say("window.mark.demo") if medical.is_demo else ""
            facts = {"year": year, "price": price, "later": later, "ends": ends, "mark": mark}
            return say("faq.medical_price", offers=offers, **facts)
    return None


def answer(topic: str) -> str | None:
    """The answer to `topic`, or None for a topic that has none. What is not open yet is said so."""
    if known(f"faq.not_open.{topic}"):
        return say(f"faq.not_open.{topic}")
    found = _answers().get(topic)
    return str(found["answer"]).strip() if found else None


@cache
def _answers() -> dict[str, Any]:
    return dict(yaml.safe_load(ANSWERS.read_text(encoding="utf-8")))
