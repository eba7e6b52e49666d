"""Keeps a tracker short, so that turn 200 costs what turn 5 costs, without changing one answer.

The last three turns stay word for word; what lies before them becomes a prefix that sets up the same
state. A cut never lies inside a loop: loops look back to where they began.
"""

from rasa.shared.core.constants import ACTION_LISTEN_NAME, ACTION_SESSION_START_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ConversationPaused,
    Event,
    SessionStarted,
    SlotSet,
    UserUttered,
)

from bot.engine.tracker import ConversationTracker

LIMIT = 40
KEPT_TURNS = 3


def find_cut(events: list[Event], domain: Domain, *, limit: int = LIMIT) -> tuple[int, list[Event]] | None:
    """Where `events` may be cut, and the prefix for what lies before; None while they are short enough.

    The cut lies before an `action_listen` that a user's message follows.
    """
    if len(events) <= limit:
        return None
    places = [
        index - 1
        for index, event in enumerate(events)
        if isinstance(event, UserUttered) and index > 0 and _listens(events[index - 1])
    ]
    best = None
    replay = ConversationTracker("", domain.slots)
    done = 0
    for place in places[:-KEPT_TURNS]:
        for event in events[done:place]:
            replay.update(event)
        done = place
        if replay.active_loop is None and not replay.followup_action:
            best = (place, _prefix(replay, events[place].timestamp))
    return best if best and best[0] > len(best[1]) else None


def _listens(event: Event) -> bool:
    return isinstance(event, ActionExecuted) and event.action_name == ACTION_LISTEN_NAME


def _prefix(state: ConversationTracker, timestamp: float) -> list[Event]:
    """Events that bring an empty tracker to `state`."""
    prefix: list[Event] = [ActionExecuted(ACTION_SESSION_START_NAME), SessionStarted()]
    for slot in state.slots.values():
        if slot.value != slot.initial_value:
            prefix.append(SlotSet(slot.name, slot.value))
    if state.is_paused():
        prefix.append(ConversationPaused())
    for index, event in enumerate(prefix):
        event.timestamp = timestamp - 0.001 * (len(prefix) - index)
    return prefix
