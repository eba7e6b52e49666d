"""The dialogue engine: loads a trained model, understands a text, and answers it in one committed turn."""

import asyncio
import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import rasa_sdk
from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage
from rasa.core.lock_store import InMemoryLockStore
from rasa.core.nlg import TemplatedNaturalLanguageGenerator
from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.domain import Domain

from bot.channels.base import Message
from bot.engine.actions import LocalActions
from bot.engine.collector import Collector
from bot.engine.errors import EngineSilent, TurnTooLong
from bot.engine.nlu.values import FIELD, TOPIC
from bot.engine.payload import read_payload
from bot.engine.processor import TurnProcessor
from bot.engine.quiet import silence_rasa
from bot.engine.shortening import LIMIT
from bot.engine.tracker import ConversationTracker
from bot.engine.tracker_store import ConversationStore
from services.adapters.clock import SystemClock
from services.ports import Clock
from services.store.conversations import Standing, TurnRecord, find_standing, write_turn
from services.store.session import Database

TURN_SECONDS = 20.0
POKE = "poke"
"""The entity of a payload that nobody said: such a turn may have nothing to say."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A turn that has run and is not written yet."""

    messages: list[Message]
    record: TurnRecord
    tracker: ConversationTracker


class EngineAgent(Agent):
    """Rasa's agent without its fail-safe wrapper, which hides a failing store behind the memory."""

    def __init__(self, *, store: ConversationStore, actions: LocalActions) -> None:
        self._actions = actions
        super().__init__(tracker_store=store, lock_store=InMemoryLockStore())

    @staticmethod
    def _create_tracker_store(store: TrackerStore | None, domain: Domain) -> TrackerStore:
        if store is None:
            raise ValueError("the engine needs a store")
        return store

    def load_model(self, model_path: str | Path, fingerprint: str | None = None) -> None:
        self.processor = TurnProcessor(
            model_path=model_path,
            tracker_store=self.tracker_store,
            lock_store=self.lock_store,
            generator=self.nlg,
            actions=self._actions,
        )
        self.domain = self.processor.domain
        self._set_fingerprint(fingerprint)
        self.tracker_store.domain = self.domain
        if isinstance(self.nlg, TemplatedNaturalLanguageGenerator):
            self.nlg.responses = self.domain.responses


class Engine:
    """`handle` is a whole turn. `run`, `write` and `keep` are its parts, for who commits more with it.

    One turn per conversation at a time: the caller sees to that (`bot.turns`).
    """

    def __init__(self, agent: EngineAgent, store: ConversationStore, *, clock: Clock, seconds: float) -> None:
        self._agent = agent
        self._store = store
        self._clock = clock
        self._seconds = seconds
        if not isinstance(agent.processor, TurnProcessor):
            raise TypeError("the agent has no model")
        self._processor = agent.processor
        self._intents = frozenset(self._processor.domain.intents)

    @classmethod
    async def load(
        cls,
        model: Path,
        *,
        database: Database,
        actions: Sequence[rasa_sdk.Action],
        clock: Clock | None = None,
        turn_seconds: float = TURN_SECONDS,
        tracker_limit: int = LIMIT,
    ) -> "Engine":
        """Load `model` (an archive). What can't be loaded raises, nothing is served half loaded."""
        silence_rasa()
        time = clock or SystemClock()
        store = ConversationStore(None, database=database, clock=time, limit=tracker_limit)
        agent = EngineAgent(store=store, actions=LocalActions(actions))
        await asyncio.to_thread(agent.load_model, model)
        silence_rasa()
        return cls(agent, store, clock=time, seconds=turn_seconds)

    async def parse(self, text: str) -> dict[str, Any]:
        """Rasa's parse result of `text`, with the entities that were said. Nothing is stored."""
        found = await self._processor.parse_message(UserMessage(text))
        said = [one for one in found["entities"] if one["entity"] not in {TOPIC, FIELD}]
        return {**found, "entities": said}

    def is_payload(self, text: str) -> bool:
        """Whether `text` is what a button of ours sends."""
        return read_payload(text, self._intents) is not None

    async def handle(
        self,
        conversation_id: str,
        text: str,
        *,
        parsed: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> list[Message]:
        """The answers to `text`, after the turn is committed. Whatever fails it is raised and stores nothing."""
        standing = await self._store.database.look(find_standing, conversation_id)
        outcome = await self.run(standing, text, now=self._clock.now(), parsed=parsed, metadata=metadata)
        await self._store.database.change(write_turn, outcome.record)
        self.keep(outcome)
        return outcome.messages

    async def run(
        self,
        standing: Standing,
        text: str,
        *,
        now: datetime,
        parsed: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Outcome:
        """Run a turn without writing it. `EngineSilent`, `EngineStuck`, `TurnTooLong`, or what an action raises."""
        tracker = await self._store.take(standing)
        channel = Collector()
        message = UserMessage(
            text,
            channel,
            standing.conversation_id,
            parse_data=copy.deepcopy(dict(parsed)) if parsed else None,
            input_channel=standing.conversation_id.partition(":")[0],
            metadata=dict(metadata or {}),
        )
        try:
            async with asyncio.timeout(self._seconds) as limit:
                await self._processor.take_turn(message, tracker)
        except TimeoutError as error:
            if limit.expired():
                raise TurnTooLong(f"no answer within {self._seconds:g} s") from error
            raise
        if not channel.messages and not _is_poke(tracker):
            raise EngineSilent("the turn had no message")
        record, kept = self._store.record(tracker, now)
        return Outcome(messages=channel.messages, record=record, tracker=kept)

    def keep(self, outcome: Outcome) -> None:
        """`outcome.record` is committed: the next turn of the conversation begins from it."""
        self._store.keep(outcome.record, outcome.tracker)


def _is_poke(tracker: ConversationTracker) -> bool:
    said = tracker.latest_message
    return said is not None and any(entity.get("entity") == POKE for entity in said.entities)
