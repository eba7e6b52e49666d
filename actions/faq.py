"""Answers to questions of how, why, when and how much, by topic."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

ANSWERS = Path(__file__).parent.parent / "data" / "faq" / "answers.yml"


def answer(topic: str) -> str | None:
    """The answer to `topic`, or None for a topic that has none."""
    found = _answers().get(topic)
    return str(found["answer"]).strip() if found else None


@cache
def _answers() -> dict[str, Any]:
    return dict(yaml.safe_load(ANSWERS.read_text(encoding="utf-8")))
