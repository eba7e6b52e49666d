"""What is remembered of the rule policy is what it would say, in whatever order the intents come."""

import random
from typing import Any

import pytest
from rasa.core.policies.policy import PolicyPrediction
from rasa.core.processor import MessageProcessor
from rasa.shared.core.trackers import DialogueStateTracker

from bot.engine.agent import Engine
from bot.engine.prediction import Predictions
from bot.engine.processor import TurnProcessor

SAYS = (
    "你好",
    "取消",
    "问名字",
    "卡片",
    "订货",
    "/faq",
    "/ask_status",
    '/inform{"size": "大"}',
    "拒绝",
    "/spin",
)


def told(prediction: PolicyPrediction) -> tuple[Any, ...]:
    events = [{**event.as_dict(), "timestamp": None} for event in prediction.events]
    return (
        prediction.probabilities,
        prediction.policy_name,
        prediction.hide_rule_turn,
        prediction.is_no_user_prediction,
        prediction.is_end_to_end_prediction,
        events,
    )


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_remembered_prediction_is_what_the_policy_says(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    remembered = []
    find = Predictions.find

    def predict(self: TurnProcessor, tracker: DialogueStateTracker) -> PolicyPrediction:
        followup = tracker.followup_action
        known = find(self._predictions, self._predictions.key(tracker))
        asked = MessageProcessor._predict_next_with_tracker(self, tracker)
        if known is not None:
            assert followup is None
            assert told(known) == told(asked)
            remembered.append(known)
        else:
            tracker.followup_action = followup
            self._predictions.remember(self._predictions.key(tracker), asked)
            tracker.followup_action = None
        return asked

    monkeypatch.setattr(TurnProcessor, "_predict_next_with_tracker", predict)
    chance = random.Random(seed)
    failed = 0
    for turn in range(150):
        try:
            await engine.handle(f"rest:{turn // 10}", chance.choice(SAYS))
        except Exception:
            failed += 1

    assert len(remembered) > 50
    assert 0 < failed < 75


async def test_an_event_of_a_remembered_prediction_belongs_to_one_turn(engine: Engine) -> None:
    for _ in range(3):
        await engine.handle("rest:ann", "你好")
    known = engine._processor._predictions
    key = next(key for key, prediction in known._known.items() if prediction.events)

    first, second = known.find(key), known.find(key)

    assert first is not None
    assert second is not None
    assert first.events[0] is not second.events[0]
