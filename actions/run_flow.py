"""The one custom action: Rasa understands, the flow table decides. Tracker in, events and replies out."""

import asyncio
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.dialogue import take_turn
from actions.state import Dialogue
from actions.turn import read
from services.bootstrap import Services, bootstrap
from services.settings import Settings


class RunFlow(Action):
    """`action_run_flow`. Without `services` (a stock action server) it makes its own from the settings."""

    def __init__(self, services: Services | None = None) -> None:
        self._services = services
        self._lock = asyncio.Lock()

    def name(self) -> str:
        return "action_run_flow"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        services = await self._ready()
        state = Dialogue.load(tracker.get_slot("dialogue"))
        turn = read(tracker.sender_id, tracker.latest_message)
        for message in await take_turn(services, state, turn):
            dispatcher.utter_message(
                text=message.get("text"),
                buttons=message.get("buttons"),
                image=message.get("image"),
                json_message=message.get("custom") or {},
            )
        return [SlotSet("dialogue", state.dump()), SlotSet("capture", state.capture)]

    async def _ready(self) -> Services:
        async with self._lock:
            if self._services is None:
                self._services = bootstrap(Settings())
                await self._services.open()
            return self._services
