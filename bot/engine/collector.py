"""The messages of a turn: whole for the channel, and what of them may be stored."""

import re
from typing import Any

from rasa.core.channels.channel import OutputChannel
from rasa.shared.core.events import BotUttered

from bot.channels.base import Message

LINK = re.compile(r"https?://\S+")
MASKED_NUMBER = re.compile(r"[0-9A-Z]{1,4}\*{3,}[0-9A-Z]{2,4}")


class Collector(OutputChannel):
    """Collects one message per utterance, in Rasa's REST shape without `recipient_id`."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    @classmethod
    def name(cls) -> str:
        return "collector"

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        self.messages.append(
            {name: message[name] for name in ("text", "buttons", "image", "custom") if message.get(name)}
        )


def storable(uttered: BotUttered) -> BotUttered:
    """The utterance without links, without what is left of a masked number, and with nothing of a card but its
    kind: cards hold capability links."""
    custom = uttered.data.get("custom")
    kind = custom.get("kind") if isinstance(custom, dict) else None
    return BotUttered(
        text=MASKED_NUMBER.sub("…", LINK.sub("…", uttered.text)) if uttered.text else uttered.text,
        data={"custom": {"kind": kind}} if kind else {},
        timestamp=uttered.timestamp,
    )
