"""Rasa's tracker, with a copy that does not replay, and event times that never go back."""

import copy
from typing import Any

from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event
from rasa.shared.core.trackers import DialogueStateTracker

TICK = 0.000001


class ConversationTracker(DialogueStateTracker):
    """`version`, `next_seq`, `base` and `prefix` are what the store holds of it (`services.store.conversations`).

    Rasa writes the model's id into the metadata of every event; here it does not, since nothing reads it.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.version = 0
        self.next_seq = 0
        self.base = 0
        self.prefix = "[]"
        self.prefix_length = 0
        self.stored = 0

    def update(self, event: Event, domain: Domain | None = None) -> None:
        """Append and apply `event`, moved after the last one if the machine's clock stepped back."""
        if self.events and event.timestamp <= self.events[-1].timestamp:
            event.timestamp = self.events[-1].timestamp + TICK
        self.events.append(event)
        event.apply_to(self)

    def copy(self) -> "ConversationTracker":
        """The same state in new containers; slots are copied one level deep, events are shared."""
        twin = copy.copy(self)
        twin.events = self.events.copy()
        twin.slots = {name: copy.copy(slot) for name, slot in self.slots.items()}
        twin.active_loop = copy.copy(self.active_loop)
        return twin

    def fresh_events(self) -> list[Event]:
        """What this turn has added."""
        return list(self.events)[self.stored :]
