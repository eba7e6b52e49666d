"""Button payloads such as `/inform{"tier": "60%"}`, read without the NLU graph."""

import json
import re
from collections.abc import Collection
from typing import Any

PAYLOAD = re.compile(
    r"/(?P<intent>[A-Za-z_][\w]*)(?:/(?P<topic>[\w]+))?(?:@(?P<confidence>[01](?:\.\d+)?))?\s*(?P<values>\{.*\})?",
    re.DOTALL,
)


def read_payload(text: str, intents: Collection[str]) -> dict[str, Any] | None:
    """Rasa's parse result of `text`, or None if it is no payload of one of `intents`.

    A list gives one entity per value. `/faq/topic` is the retrieval intent `faq` with its topic.
    """
    said = text.strip()
    match = PAYLOAD.fullmatch(said)
    if match is None or match["intent"] not in intents:
        return None
    values = _values(match["values"])
    if values is None:
        return None
    confidence = float(match["confidence"] or 1.0)
    intent: dict[str, Any] = {"name": match["intent"], "confidence": confidence}
    if match["topic"]:
        intent["full_retrieval_intent_name"] = f"{match['intent']}/{match['topic']}"
    return {
        "text": said,
        "intent": intent,
        "entities": [
            _entity(name, value, match.span("values"))
            for name, said_of in values.items()
            for value in said_of
        ],
        "intent_ranking": [dict(intent)],
    }


def _values(literal: str | None) -> dict[str, list[Any]] | None:
    if literal is None:
        return {}
    try:
        values = json.loads(literal)
    except ValueError:
        return None
    return {name: value if isinstance(value, list) else [value] for name, value in values.items()}


def _entity(name: str, value: Any, span: tuple[int, int]) -> dict[str, Any]:
    return {
        "entity": name,
        "value": value,
        "start": span[0],
        "end": span[1],
        "extractor": "RegexMessageHandler",
    }
