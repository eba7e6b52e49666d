"""Custom actions in this process: the same actions a stock action server would run, called directly.

Our own action class also spares Rasa's check of each result, which compiles its JSON schema anew every
time and costs more than the rest of the turn. What matters of it is checked here.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import rasa_sdk
from rasa.core.actions.action import Action, ActionExecutionRejection, RemoteAction
from rasa.core.channels.channel import OutputChannel
from rasa.core.nlg import NaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event
from rasa.shared.core.trackers import DialogueStateTracker, EventVerbosity
from rasa.utils.endpoints import ClientResponseError, EndpointConfig
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import ActionExecutionRejection as SdkRejection

from bot.engine.errors import BadActionResult
from bot.engine.events import UnknownEvent, read_events


class LocalActions:
    """The registered actions by name."""

    def __init__(self, actions: Sequence[rasa_sdk.Action]) -> None:
        self._actions = {action.name(): action for action in actions}

    def find(self, name: str) -> Action | None:
        """Rasa's side of the action, or None if it is not one of ours."""
        return LocalAction(self._actions[name]) if name in self._actions else None

    def get(self, name: str) -> rasa_sdk.Action:
        if name not in self._actions:
            raise BadActionResult(f"no action is called {name}")
        return self._actions[name]


class LocalAction(Action):
    """An action of the SDK as one of the engine. What it raises passes through and fails the turn."""

    def __init__(self, action: rasa_sdk.Action) -> None:
        self._action = action

    def name(self) -> str:
        return str(self._action.name())

    async def run(
        self,
        output_channel: OutputChannel,
        nlg: NaturalLanguageGenerator,
        tracker: DialogueStateTracker,
        domain: Domain,
        metadata: Mapping[str, Any] | None = None,
    ) -> list[Event]:
        result = await run_sdk_action(self._action, tracker.current_state(EventVerbosity.ALL), {})
        uttered = await RemoteAction._utter_responses(result["responses"], output_channel, nlg, tracker)
        try:
            return [*uttered, *read_events(result["events"])]
        except UnknownEvent as error:
            raise BadActionResult(f"{self.name()} returned an unknown event") from error


class LocalEndpoint(EndpointConfig):
    """The action endpoint for what Rasa calls by itself, such as a form's `validate_` action."""

    def __init__(self, actions: LocalActions) -> None:
        super().__init__(url="local")
        self._actions = actions

    async def request(
        self,
        method: str = "post",
        subpath: str | None = None,
        content_type: str | None = "application/json",
        compress: bool = False,
        **kwargs: Any,
    ) -> Any:
        call = kwargs["json"]
        try:
            return await run_sdk_action(
                self._actions.get(call["next_action"]), call["tracker"], call.get("domain", {})
            )
        except ActionExecutionRejection as error:
            body = json.dumps({"action_name": error.action_name, "error": error.message})
            raise ClientResponseError(400, "rejected", body) from error


async def run_sdk_action(
    action: rasa_sdk.Action, tracker_state: dict[str, Any], domain: dict[str, Any]
) -> dict[str, Any]:
    """`{"events": […], "responses": […]}` of one run, in an action server's own format."""
    # The action may change what it reads; over HTTP it would have had a copy too.
    state = {**tracker_state, "slots": _json_copy(tracker_state["slots"])}
    dispatcher = CollectingDispatcher()
    try:
        events = await rasa_sdk.utils.call_potential_coroutine(
            action.run(dispatcher, rasa_sdk.Tracker.from_dict(state), domain)
        )
    except SdkRejection as rejection:
        raise ActionExecutionRejection(rejection.action_name, str(rejection)) from rejection
    events = _json_copy(list(events or []))
    if any(not isinstance(event, dict) or not event.get("event") for event in events):
        raise BadActionResult(f"{action.name()} returned what is not an event")
    return {"events": events, "responses": dispatcher.messages}


def _json_copy(value: Any) -> Any:
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError) as error:
        raise BadActionResult(f"not plain data: {type(error).__name__}") from None
