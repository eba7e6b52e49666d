"""One turn inside Rasa: its message processor, with every place changed where it would hide a failure."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rasa.core.actions.action import (
    Action,
    ActionExecutionRejection,
    ActionExtractSlots,
    action_for_name_or_text,
)
from rasa.core.channels.channel import OutputChannel, UserMessage
from rasa.core.nlg import NaturalLanguageGenerator
from rasa.core.policies.policy import PolicyPrediction
from rasa.core.processor import MessageProcessor
from rasa.engine.loader import load_predict_graph_runner
from rasa.engine.runner.interface import GraphRunner
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.storage import ModelMetadata
from rasa.exceptions import ActionLimitReached
from rasa.shared.constants import DEFAULT_NLU_FALLBACK_INTENT_NAME
from rasa.shared.core.constants import (
    ACTION_LISTEN_NAME,
    USER_INTENT_BACK,
    USER_INTENT_SESSION_START,
)
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    BotUttered,
    Event,
    ReminderCancelled,
    ReminderScheduled,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.common import TempDirectoryPath, get_temp_dir_name

from bot.engine.actions import LocalActions, LocalEndpoint
from bot.engine.collector import storable
from bot.engine.errors import BadActionResult, EngineStuck
from bot.engine.payload import read_payload
from bot.engine.prediction import Predictions
from bot.engine.runner import PlainGraphRunner
from bot.engine.tracker import ConversationTracker

RANKED = 3
ENGINE_ONLY = frozenset({USER_INTENT_SESSION_START, USER_INTENT_BACK, DEFAULT_NLU_FALLBACK_INTENT_NAME})
"""Intents that Rasa adds for itself: `/session_start` from outside would start the session in mid-turn."""


class TurnProcessor(MessageProcessor):
    """What an action, a policy or a component raises fails the turn; stock Rasa goes on without its events."""

    def __init__(self, *args: Any, actions: LocalActions, **options: Any) -> None:
        self._actions = actions
        super().__init__(*args, action_endpoint=LocalEndpoint(actions), **options)
        self._intents = frozenset(self.domain.intents) - ENGINE_ONLY
        self._predictions = Predictions(self.graph_runner.components, self.domain)

    async def take_turn(self, message: UserMessage, tracker: ConversationTracker) -> None:
        """Everything between reading the tracker and saving it; messages go to `message.output_channel`."""
        await self._update_tracker_session(tracker, message.output_channel)
        await self._handle_message_with_tracker(message, tracker)
        await self.run_action_extract_slots(message.output_channel, tracker)
        await self._run_prediction_loop(message.output_channel, tracker)

    async def parse_message(
        self,
        message: UserMessage,
        tracker: DialogueStateTracker | None = None,
        only_output_properties: bool = True,
    ) -> dict[str, Any]:
        """Rasa's parse result; a button's payload does not go through the graph."""
        text = message.text or ""
        payload = read_payload(text, self._intents)
        if payload is not None:
            return payload
        said = UserMessage(text.strip().lstrip("/"), sender_id=message.sender_id)
        if tracker is None:
            tracker = DialogueStateTracker(message.sender_id, [])
        parsed = self._parse_message_with_graph(said, tracker, only_output_properties)
        self._update_full_retrieval_intent(parsed)
        parsed["text"] = text
        return parsed

    @staticmethod
    def _load_model(model_path: str | Path) -> tuple[str, ModelMetadata, GraphRunner]:
        path = Path(model_path)
        with TempDirectoryPath(get_temp_dir_name()) as folder:
            metadata, runner = load_predict_graph_runner(
                Path(folder), path, LocalModelStorage, PlainGraphRunner
            )
        return path.name, metadata, runner

    async def get_tracker(self, conversation_id: str) -> DialogueStateTracker:
        tracker = await self.tracker_store.retrieve(conversation_id)
        return tracker or self.tracker_store.init_tracker(conversation_id)

    def _has_session_expired(self, tracker: DialogueStateTracker) -> bool:
        """Never: what an idle time means is the dialogue's own business."""
        return False

    async def _update_tracker_session(
        self,
        tracker: DialogueStateTracker,
        output_channel: OutputChannel,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Start the session of a new conversation; metadata of a message is not kept in a slot."""
        if not (tracker.events and _listens(tracker.events[-1])):
            await super()._update_tracker_session(tracker, output_channel, None)

    async def _handle_message_with_tracker(self, message: UserMessage, tracker: DialogueStateTracker) -> None:
        parsed = message.parse_data or await self.parse_message(message, tracker)
        tracker.update(
            UserUttered(
                message.text,
                parsed["intent"],
                parsed["entities"],
                _kept(parsed),
                input_channel=message.input_channel,
                message_id=message.message_id,
                metadata=message.metadata,
            ),
            self.domain,
        )

    async def run_action_extract_slots(
        self, output_channel: OutputChannel, tracker: DialogueStateTracker
    ) -> DialogueStateTracker:
        events = await ActionExtractSlots(self.action_endpoint).run(
            output_channel, self.nlg, tracker, self.domain
        )
        self._apply(events, tracker)
        await self._send_bot_messages(events, tracker, output_channel)
        return tracker

    async def _run_prediction_loop(
        self, output_channel: OutputChannel, tracker: DialogueStateTracker
    ) -> None:
        going_on = True
        while going_on and self._should_handle_message(tracker):
            try:
                action, prediction = self.predict_next_with_tracker_if_should(tracker)
            except ActionLimitReached:
                raise EngineStuck("the policies never listened") from None
            going_on = await self._run_action(action, tracker, output_channel, self.nlg, prediction)

    def predict_next_with_tracker_if_should(
        self, tracker: DialogueStateTracker
    ) -> tuple[Action, PolicyPrediction]:
        going_on = self.should_predict_another_action(tracker.latest_action_name)
        if self.is_action_limit_reached(tracker, going_on):
            raise ActionLimitReached("the limit of actions is reached")
        prediction = self._predict_next_with_tracker(tracker)
        name = self.domain.action_names_or_texts[prediction.max_confidence_index]
        return self._get_action(name), prediction

    def _predict_next_with_tracker(self, tracker: DialogueStateTracker) -> PolicyPrediction:
        key = self._predictions.key(tracker)
        prediction = self._predictions.find(key)
        if prediction is None:
            prediction = super()._predict_next_with_tracker(tracker)
            self._predictions.remember(key, prediction)
        return prediction

    def _get_action(self, action_name: str) -> Action:
        local = self._actions.find(action_name)
        if local is not None:
            return local
        return action_for_name_or_text(action_name, self.domain, self.action_endpoint)

    async def _run_action(
        self,
        action: Action,
        tracker: DialogueStateTracker,
        output_channel: OutputChannel,
        nlg: NaturalLanguageGenerator,
        prediction: PolicyPrediction,
    ) -> bool:
        """Run `action`; only a rejection is part of the dialogue, every other error leaves this method."""
        rehearsal = tracker.copy()
        rehearsal.update_with_events(prediction.events, self.domain)
        try:
            events = await action.run(output_channel, nlg, rehearsal, self.domain) or []
        except ActionExecutionRejection:
            rejected = ActionExecutionRejected(
                action.name(), prediction.policy_name, prediction.max_confidence
            )
            tracker.update(rejected)
            return self.should_predict_another_action(action.name())
        if any(isinstance(event, ReminderScheduled | ReminderCancelled) for event in events):
            raise BadActionResult("a reminder would be lost at a restart: post a notice instead")
        if not any(isinstance(event, ActionExecutionRejected) for event in events):
            tracker.update_with_events(prediction.events, self.domain)
            tracker.update(action.event_for_successful_execution(prediction))
        self._apply(events, tracker)
        if any(isinstance(event, UserUttered) for event in events):
            await self.run_action_extract_slots(output_channel, tracker)
        await self._send_bot_messages(events, tracker, output_channel)
        return self.should_predict_another_action(action.name())

    def _apply(self, events: Sequence[Event], tracker: DialogueStateTracker) -> None:
        kept = [storable(event) if isinstance(event, BotUttered) else event for event in events]
        tracker.update_with_events(kept, self.domain)


def _listens(last: Event) -> bool:
    """Whether the session is surely open; else Rasa looks through all events."""
    return isinstance(last, ActionExecuted) and last.action_name == ACTION_LISTEN_NAME


def _kept(parsed: dict[str, Any]) -> dict[str, Any]:
    """What the tracker keeps of a parse result: all rankings of all topics would be most of its bulk."""
    kept = {name: parsed[name] for name in ("text", "intent", "entities")}
    kept["intent_ranking"] = parsed.get("intent_ranking", [])[:RANKED]
    return kept
