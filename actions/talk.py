"""One turn in the making: what was said, where the conversation stands, and the answers so far."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from actions import cards
from actions.cards import Message
from actions.say import known, say
from actions.state import LOOKUPS, Dialogue
from actions.turn import Turn
from services.bootstrap import Services
from services.domain.errors import OutcomeUnknown, ServiceError

Button = tuple[str, str]


@dataclass
class Talk:
    services: Services
    turn: Turn
    state: Dialogue
    replies: list[Message] = field(default_factory=list)
    told_orders: dict[str, str] = field(default_factory=dict)
    returning: bool = False
    meant: dict[str, Any] = field(default_factory=dict)
    """Who is meant by 他 or 她 in this turn (`actions.meant`)."""
    unknown: dict[str, ServiceError] = field(default_factory=dict)
    hint: dict[str, Any] = field(default_factory=dict)
    """What the answer before this turn was about (`Dialogue.hint`)."""

    @property
    def conversation_id(self) -> str:
        return self.turn.conversation_id

    @property
    def today(self) -> date:
        return self.services.clock.now().date()

    def tell(self, key: str, *buttons: Button, **facts: object) -> None:
        """The sentence `key`; one that was said in this turn is not said again."""
        message = cards.text(say(key, **facts), *buttons)
        if message not in self.replies:
            self.replies.append(message)

    def tell_once(self, key: str, **facts: object) -> None:
        """The sentence `key`, unless the conversation has had it word for word."""
        sentence = say(key, **facts)
        if sentence not in self.state.said_once:
            self.state.said_once.append(sentence)
            self.add(cards.text(sentence))

    def add(self, message: Message) -> None:
        self.replies.append(message)

    def tell_error(self, error: ServiceError) -> None:
        """The sentence of the error's code, or of its family when the code has none."""
        key = f"error.{error.code}"
        if not known(key):
            key = f"error.{type(error).code}"
        task = self.state.task
        if error.retryable and task and task.kind in LOOKUPS:  # nothing is paid there
            key = "error.unavailable_lookup"
        again = ((say("button.go_on"), "/resume_bot"),) if error.retryable and task else ()
        if error.retryable and self.state.login:  # nothing is being paid: it is about who is speaking
            key, again = "error.login_unsettled", ((say("button.go_on"), "/resume_bot"),)
        elif isinstance(error, OutcomeUnknown) and self.state.order_no:
            again = ((say("button.refresh"), "/check_payment_status"),)
            self.state.unsure = self.state.order_no
        self.replies.append(cards.error(error.code, error.retryable, say(key, **error.facts), *again))
