"""Remembers what the rule policy predicted, by exactly what it looks at.

Asking the policy replays the conversation and matches it with all rules, which is a quarter of a turn. A rule
looks at the last states of the conversation, as many as it has itself; a state is the last action and what
the resident's last message was taken for. That is the key. Where more plays a part (loops, slots that
influence the conversation, rules on texts, reverted or rejected events, other policies) nothing is remembered
and the policy is asked.
"""

import copy
import json
import time
from collections.abc import Collection, Hashable, Iterable, Iterator
from typing import Any

from rasa.core.policies.ensemble import DefaultPolicyPredictionEnsemble
from rasa.core.policies.policy import Policy, PolicyPrediction, SupportedData
from rasa.core.policies.rule_policy import (
    RULES,
    RULES_FOR_LOOP_UNHAPPY_PATH,
    RULES_NOT_IN_STORIES,
    RulePolicy,
)
from rasa.engine.graph import GraphComponent
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    BotUttered,
    DefinePrevUserUtteredFeaturization,
    Event,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker

REMEMBERED = 10_000
KNOWN = frozenset(
    {ActionExecuted, UserUttered, DefinePrevUserUtteredFeaturization, SessionStarted, BotUttered, SlotSet}
)
_State = tuple[Hashable, Hashable]


class Predictions:
    """The predictions of one model. `length` is that of its longest rule in states, 0 to remember nothing."""

    def __init__(self, components: Iterable[GraphComponent], domain: Domain) -> None:
        self.length = _longest_rule(components, domain)
        self._known: dict[Hashable, PolicyPrediction] = {}

    def find(self, key: Hashable | None) -> PolicyPrediction | None:
        """What was predicted under `key`, with events of its own."""
        return _own(self._known[key]) if key in self._known else None

    def remember(self, key: Hashable | None, prediction: PolicyPrediction) -> None:
        if key is not None and len(self._known) < REMEMBERED:
            self._known[key] = _own(prediction)

    def key(self, tracker: DialogueStateTracker) -> Hashable | None:
        """All that the policy can look at in `tracker`; None if that is more than a key holds."""
        if not self.length or tracker.active_loop is not None or tracker.followup_action is not None:
            return None
        if not KNOWN.issuperset(map(type, tracker.events)):
            return None
        states: list[_State] = []
        user: Hashable = None
        action: Hashable = None
        for event in self._tail(tracker.events):
            kind = type(event)
            if kind is ActionExecuted:
                states.append((user, action))
                action = (event.action_name, event.action_text)
            elif kind is UserUttered:
                user = _user(event, event.use_text_for_featurization)
                said = event
            elif kind is DefinePrevUserUtteredFeaturization and user is not None:
                user = _user(said, event.use_text_for_featurization)
        states.append((user, action))
        return (len(states) > self.length, tracker.latest_action_name, *states[-self.length :])

    def _tail(self, events: Collection[Any]) -> list[Any]:
        """The last events of the session, enough for one state more than the policy looks at."""
        tail: list[Any] = []
        actions = 0
        for event in reversed(list(events)):
            kind = type(event)
            if kind is SessionStarted:
                break
            tail.append(event)
            actions += kind is ActionExecuted
            if kind is UserUttered and actions > self.length:
                break
        return tail[::-1]


def _user(said: UserUttered, by_text: bool | None) -> Hashable:
    """What a state holds of a message. Its text counts only in rules on texts, which are not remembered."""
    names = frozenset(
        (entity.get("entity"), entity.get("role", ""), entity.get("group", "")) for entity in said.entities
    )
    return said.intent_name, names, by_text, bool(said.text)


def _own(prediction: PolicyPrediction) -> PolicyPrediction:
    twin = copy.copy(prediction)
    twin.events = [_now(event) for event in prediction.events]
    return twin


def _now(event: Event) -> Event:
    twin = copy.copy(event)
    twin.timestamp = time.time()
    return twin


def _longest_rule(components: Iterable[GraphComponent], domain: Domain) -> int:
    deciding = [part for part in components if isinstance(part, Policy | DefaultPolicyPredictionEnsemble)]
    policies = [part for part in deciding if isinstance(part, RulePolicy)]
    if len(policies) != 1 or len(deciding) != 2:
        return 0
    policy = policies[0]
    if policy.supported_data() == SupportedData.ML_DATA or any(slot.has_features() for slot in domain.slots):
        return 0
    rules = list(_rules(policy.lookup))
    if any("text" in state.get("user", {}) for rule in rules for state in rule):
        return 0
    return max((len(rule) for rule in rules), default=0) + 1


def _rules(lookup: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    for group in (RULES, RULES_FOR_LOOP_UNHAPPY_PATH, RULES_NOT_IN_STORIES):
        for key in lookup.get(group, ()):
            try:
                yield json.loads(key)
            except ValueError:  # the name of a loop or a default rule
                continue
