"""The last messages of one web conversation, numbered, so that a page can ask for what it missed.

It lives in memory only and holds what the page showed; long digit runs that the resident typed are masked.
"""

import re
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Any, Literal

from bot.channels.base import Message
from services.domain.ids import new_id

KEEP = 50
SHOWN_CHARS = 300
LONG_NUMBER = re.compile(r"\d(?:[\s\-—.]?\d){9,}[\dXx]?")

State = Literal["pending", "done", "failed"]


@dataclass(frozen=True)
class Entry:
    """One event of the socket, in the order of `seq`. `data` is exactly what is sent."""

    seq: int
    event: str
    data: dict[str, Any]


class Transcript:
    """`epoch` changes with the process: a cursor of another epoch means nothing here."""

    def __init__(self, keep: int = KEEP) -> None:
        self.epoch = new_id()
        self.cursor = 0
        self._entries: deque[Entry] = deque(maxlen=keep)
        self._states: OrderedDict[str, State] = OrderedDict()
        self._keep = keep

    def add(self, event: str, data: dict[str, Any]) -> None:
        self.cursor += 1
        self._entries.append(Entry(self.cursor, event, {**data, "seq": self.cursor}))

    def after(self, cursor: int) -> list[Entry]:
        return [entry for entry in self._entries if entry.seq > cursor]

    def knows(self, message_id: str) -> bool:
        return message_id in self._states

    def mark(self, message_id: str, state: State) -> None:
        self._states[message_id] = state
        while len(self._states) > self._keep:
            self._states.popitem(last=False)

    def states(self) -> dict[str, State]:
        return dict(self._states)

    def forget_failure(self, message_id: str) -> None:
        """The message is tried again: the card that said it failed goes."""
        kept = [e for e in self._entries if e.data.get("resend") != message_id]
        self._entries = deque(kept, maxlen=self._keep)

    def title_of(self, text: str) -> str | None:
        """What stood on the button whose payload is `text`, if one was offered lately."""
        for entry in reversed(self._entries):
            for title, payload in offers(entry.data):
                if payload == text:
                    return title
        return None


def offers(message: Message) -> list[tuple[str, str]]:
    """Everything that can be tapped in a message, as (title, payload)."""
    card = message.get("custom")
    card = card if isinstance(card, dict) else {}
    rows = [*(message.get("buttons") or []), *(card.get("items") or []), *(card.get("options") or [])]
    rows += [row["action"] for row in card.get("items") or [] if row.get("action")]
    return [(str(row["title"]), str(row["payload"])) for row in rows if "title" in row and "payload" in row]


def shown(text: str) -> str:
    """A resident's text as it is kept for a reload: short, and long numbers masked to two digits."""
    text = LONG_NUMBER.sub(lambda found: "•" * 8 + found.group()[-2:], text)
    return text if len(text) <= SHOWN_CHARS else text[:SHOWN_CHARS] + "…"
