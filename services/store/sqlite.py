"""A SQLite connection that leaves the event loop only for what may wait: the write lock, and the disk's sync.

`aiosqlite` hands every call to a thread, and each hand-over costs several times what a look at a few rows
does. In WAL mode a reader waits for nobody, and who holds the write lock waits for nobody either. So taking
the lock, updates, deletions and the commit go to the thread; looking, and inserting under the lock, is done
where it was asked for.

SQLite lets writers try again and again, and whoever comes at the right moment is next. The writers of one
`Database` stand in a line instead, and only the first of them tries: against other processes.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import aiosqlite

CHUNK = 64
LOCK = "BEGIN IMMEDIATE"


def connect(line: "WritersLine", path: str, **options: Any) -> "LocalConnection":
    """In the place of `aiosqlite.connect`."""
    options["check_same_thread"] = False  # two threads never use it at once: see `LocalConnection.run`
    return LocalConnection(lambda: sqlite3.connect(path, **options), line)


class WritersLine:
    """The writing transactions of one `Database`, one at a time, in the order in which they came."""

    def __init__(self, seconds: float) -> None:
        self._lock = asyncio.Lock()
        self._seconds = seconds

    async def enter(self) -> None:
        """Wait for the turn, but no longer than SQLite itself would."""
        try:
            async with asyncio.timeout(self._seconds):
                await self._lock.acquire()
        except TimeoutError:
            raise sqlite3.OperationalError("database is locked") from None

    def leave(self) -> None:
        self._lock.release()


class _Call:
    """A call for the thread, and whether it has run: who asked for it may have gone by then."""

    def __init__(self, steps: list[Callable[[], Any]]) -> None:
        self._steps = steps
        self.done = False

    def __call__(self) -> Any:
        try:
            return [step() for step in self._steps][-1]
        finally:
            self.done = True


class LocalConnection(aiosqlite.Connection):
    """For SQLAlchemy's driver, which gives one call at a time."""

    def __init__(self, connector: Callable[[], sqlite3.Connection], line: WritersLine) -> None:
        super().__init__(connector, CHUNK)
        self._thread.daemon = True
        self._line = line
        self._in_line = False
        self._last: _Call | None = None
        self._begin: str | None = None
        self._locked = False

    def cursor(self) -> "LocalCursor":  # type: ignore[override]
        return LocalCursor(self, self._conn.cursor())

    async def run(self, *steps: Callable[[], Any], waits: bool) -> Any:
        """Run `steps`, in the thread if they may wait or if it is still at work for one who was cancelled."""
        if not self._running:
            raise ValueError("Connection closed")
        call = _Call(list(steps))
        if not waits and (self._last is None or self._last.done):
            return call()
        self._last = call
        return await self._execute(call)  # type: ignore[no-untyped-call]

    def begin(self, mode: str) -> None:
        """Begin a transaction, `DEFERRED` or `IMMEDIATE`, together with its first statement."""
        self._begin, self._locked = f"BEGIN {mode}", False

    async def run_statement(self, sql: str, statement: Callable[[], Any]) -> None:
        """Run one statement, in the thread if it may wait."""
        steps, first = [statement], self._begin
        if first is not None:
            steps, self._begin = [partial(self._conn.execute, first), statement], None
        if first == LOCK and not self._in_line:
            await self._line.enter()
            self._in_line = True
        looks = sql.startswith("SELECT") and first != LOCK
        adds = self._locked and sql.startswith("INSERT")
        if not (looks or adds):
            self._locked = True
        await self.run(*steps, waits=not (looks or adds))

    async def commit(self) -> None:
        await self._end(self._conn.commit)

    async def rollback(self) -> None:
        await self._end(self._conn.rollback)

    async def _end(self, end: Callable[[], None]) -> None:
        self._begin = None
        try:
            await self.run(end, waits=self._locked and self._conn.in_transaction)
        finally:
            self._locked = False
            self._leave_line()

    async def close(self) -> None:
        self._tx.put_nowait((None, self._let_go))
        await super().close()

    def stop(self) -> "asyncio.Future[Any] | None":
        self._leave_line()
        self._tx.put_nowait((None, self._let_go))
        return super().stop()

    def _let_go(self) -> None:
        """Roll back. Closing alone does not give the write lock back while somebody still holds a cursor: the
        frames of an exception do, after a call that was cancelled."""
        if self._connection is not None:
            self._connection.rollback()

    def _leave_line(self) -> None:
        if self._in_line:
            self._in_line = False
            self._line.leave()


class LocalCursor(aiosqlite.Cursor):
    """Its rows are fetched at once: SQLAlchemy takes all of them anyway."""

    _conn: LocalConnection

    async def __aenter__(self) -> "LocalCursor":
        return self

    async def execute(self, sql: str, parameters: Any = None) -> "LocalCursor":
        await self._conn.run_statement(sql, partial(self._cursor.execute, sql, parameters or ()))
        return self

    async def executemany(self, sql: str, parameters: Any) -> "LocalCursor":
        await self._conn.run_statement(sql, partial(self._cursor.executemany, sql, parameters))
        return self

    async def fetchall(self) -> Iterable[sqlite3.Row]:
        rows: Iterable[sqlite3.Row] = await self._conn.run(self._cursor.fetchall, waits=False)
        return rows

    async def close(self) -> None:
        await self._conn.run(self._cursor.close, waits=False)
