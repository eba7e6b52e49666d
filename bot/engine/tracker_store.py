"""Rasa's tracker store on our tables: what can't be read or written fails the turn, nothing falls back.

A tracker is taken *out* of the cache for a turn and put back only after the commit, so a turn that fails
leaves nothing behind.
"""

import json
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event
from rasa.shared.core.trackers import DialogueStateTracker

from bot.engine.events import UnknownEvent, read_events
from bot.engine.shortening import find_cut
from bot.engine.tracker import ConversationTracker
from services.ports import Clock
from services.store.conversations import Standing, TurnRecord, find_standing, write_turn
from services.store.conversations import read_events as find_events
from services.store.session import Database

CACHED = 256


class ConversationStore(TrackerStore):
    """`take` and `record` are the two halves of a turn around one commit, `keep` comes after it."""

    def __init__(self, domain: Domain | None, *, database: Database, clock: Clock, limit: int) -> None:
        super().__init__(domain)
        self.domain = domain
        self.database = database
        self._clock = clock
        self._limit = limit
        self._cache: OrderedDict[str, ConversationTracker] = OrderedDict()

    async def take(self, standing: Standing) -> ConversationTracker:
        """The tracker at `standing`, out of the cache or from the tables; an empty one at version 0."""
        cached = self._cache.pop(standing.conversation_id, None)
        if cached is not None and cached.version == standing.version:
            return cached
        if standing.version == 0:
            return self.init_tracker(standing.conversation_id)
        rows = await self.database.look(
            find_events, standing.conversation_id, standing.base, standing.next_seq
        )
        prefix = json.loads(standing.prefix)
        return self._rebuild(standing, prefix + [json.loads(row) for row in rows], len(prefix))

    def record(self, tracker: ConversationTracker, now: datetime) -> tuple[TurnRecord, ConversationTracker]:
        """What to write for the turn that `tracker` has just had, and the tracker to keep after the commit."""
        fresh = [_dump(_as_dict(event)) for event in tracker.fresh_events()]
        record = TurnRecord(
            conversation_id=tracker.sender_id,
            version=tracker.version,
            first_seq=tracker.next_seq,
            events=fresh,
            base=tracker.base,
            prefix=tracker.prefix,
            capture=_text_slot(tracker, "capture"),
            now=now,
        )
        cut = find_cut(list(tracker.events), self.domain, limit=self._limit)
        if cut is None:
            return record, tracker
        place, prefix = cut
        kept = self._replay(tracker.sender_id, [*prefix, *islice(tracker.events, place, None)])
        kept.base = tracker.base + place - tracker.prefix_length
        kept.prefix, kept.prefix_length = _dump([_as_dict(event) for event in prefix]), len(prefix)
        return replace(record, base=kept.base, prefix=kept.prefix), kept

    def keep(self, record: TurnRecord, tracker: ConversationTracker) -> None:
        """`record` is committed: the next turn may begin from `tracker`."""
        tracker.version = record.version + 1
        tracker.next_seq = record.first_seq + len(record.events)
        tracker.stored = len(tracker.events)
        self._cache[tracker.sender_id] = tracker
        while len(self._cache) > CACHED:
            self._cache.popitem(last=False)

    # Rasa's own interface, for its server and commands

    def init_tracker(self, sender_id: str) -> ConversationTracker:
        return ConversationTracker(sender_id, self.domain.slots if self.domain else None)

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        standing = await self.database.look(find_standing, sender_id)
        return await self.take(standing) if standing.version else None

    async def save(self, tracker: DialogueStateTracker) -> None:
        if not isinstance(tracker, ConversationTracker):
            raise TypeError("only trackers of this store can be saved in it")
        if not tracker.fresh_events():
            return
        record, kept = self.record(tracker, self._clock.now())
        await self.database.change(write_turn, record)
        self.keep(record, kept)

    def _rebuild(self, standing: Standing, events: list[dict[str, Any]], prefix: int) -> ConversationTracker:
        try:
            found = read_events(events)
        except UnknownEvent as error:
            raise LookupError("an event of this conversation can't be read") from error
        tracker = self._replay(standing.conversation_id, found)
        tracker.version, tracker.next_seq = standing.version, standing.next_seq
        tracker.base, tracker.prefix, tracker.prefix_length = standing.base, standing.prefix, prefix
        tracker.stored = len(tracker.events)
        return tracker

    def _replay(self, sender_id: str, events: Iterable[Event]) -> ConversationTracker:
        tracker = self.init_tracker(sender_id)
        for event in events:
            tracker.update(event)
        return tracker


def _as_dict(event: Event) -> dict[str, Any]:
    """The event without metadata, which is Rasa's bookkeeping or comes from the outside unchecked."""
    found = {name: value for name, value in event.as_dict().items() if name != "metadata"}
    parsed = found.get("parse_data")
    if parsed:
        found["parse_data"] = {name: value for name, value in parsed.items() if name != "metadata"}
    return found


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _text_slot(tracker: ConversationTracker, name: str) -> str | None:
    slot = tracker.slots.get(name)
    return None if slot is None or slot.value is None else str(slot.value)
