"""One thing a resident said, as the conversation sees it: intent, values, text. Never personal data."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TOKEN = re.compile(r"⟦([a-z_]+):([0-9A-Z]{12})⟧")


@dataclass(frozen=True, kw_only=True)
class Turn:
    """`values` maps an entity's name to its values in the order in which they were said; `topic_chance`
    is how sure the understanding is of the topic of a question, from 0 to 1; `places` are entity, value and where it
    begins in the text."""

    conversation_id: str
    intent: str
    text: str
    values: Mapping[str, tuple[Any, ...]]
    topic_chance: float = 1.0
    places: tuple[tuple[str, Any, int], ...] = ()

    def last(self, name: str) -> Any | None:
        """The value said last: a resident who corrects himself means the later one."""
        said = self.values.get(name)
        return said[-1] if said else None

    @property
    def words(self) -> str:
        """The text with a mark for each vault token: its digits and letters are no number that was said."""
        return without_tokens(self.text)

    def token(self, kind: str) -> str | None:
        """The vault token of this kind in the text, whole, if there is one; of 不是⟦…⟧，是⟦…⟧ the one that is meant."""
        meant = (value for value in self.values.get(kind, ()) if value in self.tokens)
        return next(meant, None) or token_in(self.text, kind)

    @property
    def tokens(self) -> frozenset[str]:
        """The vault tokens of numbers and names that are meant: not those that were taken back."""
        said = (value for name in ("id_number", "person_name") for value in self.values.get(name, ()))
        return frozenset(value for value in said if TOKEN.fullmatch(str(value)))

    @property
    def poke(self) -> bool:
        """Nobody spoke: something outside has moved, and the conversation goes on by itself."""
        return self.intent == "resume_bot" and self.last("poke") is not None


def without_tokens(text: str) -> str:
    """`text` with a mark in the place of each vault token."""
    return TOKEN.sub("◇", text)


def token_in(text: str, kind: str) -> str | None:
    """The first vault token of this kind in `text`."""
    return next(iter(tokens_in(text, kind)), None)


def tokens_in(text: str, kind: str) -> list[str]:
    """All vault tokens of this kind in `text`, in order."""
    return [match.group(0) for match in TOKEN.finditer(text) if match.group(1) == kind]


def read(conversation_id: str, latest_message: Mapping[str, Any]) -> Turn:
    """Rasa's `latest_message` as a `Turn`."""
    values: dict[str, tuple[Any, ...]] = {}
    chance, places = 1.0, list[tuple[str, Any, int]]()
    for entity in latest_message.get("entities") or []:
        name, value = entity["entity"], entity["value"]
        flat = tuple(value) if isinstance(value, list) else (value,)
        values[name] = values.get(name, ()) + flat
        if "start" in entity:
            places += [(name, one, int(entity["start"])) for one in flat]
        if name == "faq_topic":
            chance = float(entity.get("confidence_entity", 1.0))
    return Turn(
        conversation_id=conversation_id,
        intent=(latest_message.get("intent") or {}).get("name") or "out_of_scope",
        text=latest_message.get("text") or "",
        values=values,
        topic_chance=chance,
        places=tuple(places),
    )
