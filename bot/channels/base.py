"""The seam between the world and the conversation: what a channel hands in, and what it gets back."""

from dataclasses import dataclass, field
from typing import Any, Protocol

Message = dict[str, Any]
"""One answer in Rasa's REST shape without `recipient_id`: `text`?, `buttons`?, `image`?, `custom`? (a card)."""


@dataclass(frozen=True, kw_only=True)
class UserMessage:
    """One thing a resident said. `message_id` is the platform's; the same id again is the same message.

    `sender` is the channel's own identity of the resident (openid, web session, REST sender).
    """

    channel: str
    sender: str
    text: str
    message_id: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def conversation_id(self) -> str:
        """One conversation per channel identity; also Rasa's `sender_id`."""
        return f"{self.channel}:{self.sender}"


class Converse(Protocol):
    """The conversation as channels see it; implemented once, by `bot.turns`."""

    async def __call__(self, message: UserMessage) -> list[Message]:
        """The answers to `message`, after the turn is committed. Raises what failed the turn."""
        ...
