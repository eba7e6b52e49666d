"""Actions for the small project of these tests; they answer by what was said."""

import asyncio
from datetime import datetime
from typing import Any

from rasa_sdk import Action, FormValidationAction, Tracker
from rasa_sdk.events import ConversationPaused, EventType, FollowupAction, ReminderScheduled, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import ActionExecutionRejection

CARD = {"kind": "document", "url": "https://example.test/documents/secret-token", "number": "N1"}


class Trouble(Exception):
    """What an action of these tests raises."""


class Echo(Action):
    """Counts the turns and repeats the text; some intents misbehave on purpose."""

    def name(self) -> str:
        return "action_run_flow"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        intent = (tracker.latest_message.get("intent") or {}).get("name")
        state = tracker.get_slot("dialogue") or {"said": []}
        state["said"].append(tracker.latest_message["text"])  # in place: the engine must not be hurt by it
        if intent == "fail":
            raise Trouble("on purpose")
        if intent == "dawdle":
            await asyncio.sleep(30)
        if "一会儿" in tracker.latest_message["text"]:
            await asyncio.sleep(0.1)
        if intent == "reject":
            raise ActionExecutionRejection(self.name())
        if intent == "remind":
            return [ReminderScheduled("greet", datetime(2030, 1, 1))]
        if intent == "card":
            dispatcher.utter_message(text="看 https://example.test/documents/secret-token", json_message=CARD)
        elif intent not in {"hush", "resume_bot"}:
            dispatcher.utter_message(
                text=f"{len(state['said'])} {intent} {tracker.latest_message['text']}",
                buttons=[{"title": "取消", "payload": "/stop"}],
            )
        events: list[EventType] = [
            SlotSet("dialogue", state),
            SlotSet("capture", "person_name" if intent == "ask_name" else None),
        ]
        return [*events, ConversationPaused()] if intent == "pause" else events


class Submit(Action):
    def name(self) -> str:
        return "action_submit"

    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        dispatcher.utter_message(text=f"{tracker.get_slot('size')}/{tracker.get_slot('color')}")
        return [SlotSet("size", None), SlotSet("color", None)]


class Spin(Action):
    """Asks to be called again, for ever."""

    def name(self) -> str:
        return "action_spin"

    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        return [FollowupAction("action_spin")]


class ValidateOrder(FormValidationAction):
    def name(self) -> str:
        return "validate_order_form"

    def validate_size(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> dict[str, Any]:
        if value not in {"大", "小"}:
            dispatcher.utter_message(text="只有大和小。")
            return {"size": None}
        return {"size": value}


ACTIONS = [Echo(), Submit(), Spin(), ValidateOrder()]
