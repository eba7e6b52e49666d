"""Time, ids and the store as a seed makes them: no threads, no waiting, the same run each time."""

import asyncio
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import event

from services import durable
from services.adapters.clock import SHANGHAI
from services.domain import ids
from services.store import session
from services.store.session import Database
from services.store.sqlite import LocalConnection, WritersLine

START = datetime.fromisoformat("2026-11-23T10:00:00").replace(tzinfo=SHANGHAI)


class VirtualLoop(asyncio.SelectorEventLoop):
    """When nobody has anything to do, it is at once as late as the next one wants it to be."""

    def __init__(self) -> None:
        super().__init__()
        self._virtual = 0.0

    def time(self) -> float:
        return self._virtual

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self._virtual = max(self._virtual, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


class VirtualClock:
    """The loop's time, and the jumps that a test makes."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._begun = loop.time()
        self._jumped = timedelta()

    def now(self) -> datetime:
        return START + self._jumped + timedelta(seconds=self._loop.time() - self._begun)

    def advance(self, **delta: float) -> None:
        self._jumped += timedelta(**delta)


class _AtOnce:
    """In the place of the queue to a connection's thread."""

    def put_nowait(self, call: tuple[asyncio.Future[Any] | None, Callable[[], Any]]) -> None:
        future, function = call
        result = function()
        if future is not None:
            future.set_result(result)


class InlineConnection(LocalConnection):
    """Does in the event loop what the real one does in a thread; others get their turn where it would wait."""

    def __init__(self, connector: Callable[[], sqlite3.Connection], line: WritersLine) -> None:
        super().__init__(connector, line)
        self._tx = _AtOnce()  # type: ignore[assignment]

    def __await__(self) -> Any:
        self._connection = self._connector()
        yield from asyncio.sleep(0).__await__()
        return self

    async def _execute(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)

    async def run(self, *steps: Any, waits: bool) -> Any:
        if waits:
            await asyncio.sleep(0)
        return [step() for step in steps][-1]

    async def close(self) -> None:
        self.stop()

    def stop(self) -> None:
        self._leave_line()
        self._running = False
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _connect(line: WritersLine, path: str, **options: Any) -> InlineConnection:
    options["check_same_thread"] = False
    return InlineConnection(partial(sqlite3.connect, path, **options), line)


def _hasten(connection: Any, _record: Any) -> None:
    connection.cursor().execute("PRAGMA synchronous=OFF")  # a process that dies loses nothing by that


@contextmanager
def inline_store(path: str) -> Iterator[Database]:
    """A store without threads; whoever dies drops what he has not committed."""
    real, session.connect = session.connect, _connect  # type: ignore[assignment]
    try:
        database = Database(f"sqlite+aiosqlite:///{path}")
    finally:
        session.connect = real
    event.listen(database.engine.sync_engine, "connect", _hasten)
    yield database


class _Secrets:
    def __init__(self, dice: random.Random) -> None:
        self.choice = dice.choice


@contextmanager
def chance_from(seed: int) -> Iterator[random.Random]:
    """Ids and jitter from a seed."""
    dice = random.Random(seed)
    kept = ids.secrets, durable.random
    ids.secrets, durable.random = _Secrets(random.Random(dice.random())), random.Random(dice.random())  # type: ignore[assignment]
    try:
        yield dice
    finally:
        ids.secrets, durable.random = kept
