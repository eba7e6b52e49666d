"""Engine and transactions. SQLAlchemy's session is the unit of work; commit happens at the end of `begin()`.

SQLite: WAL, synchronous=FULL, foreign keys, and every transaction begins IMMEDIATE, since one that
reads first and writes later fails at once with "locked" (`reliability` F3).
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.util import greenlet_spawn

from services.store.sqlite import LocalConnection, WritersLine, connect

BUSY_TIMEOUT_MS = 5000

P = ParamSpec("P")
T = TypeVar("T")


class Database:
    """The store of one process. Use `begin()` to write and `read()` to look."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self.engine = make_engine(url)
        self._reader = self.engine.execution_options(sqlite_begin="DEFERRED")
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self._looks = async_sessionmaker(self._reader, expire_on_commit=False)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        """A session in a transaction that is committed on leaving, rolled back on an exception."""
        async with self._sessions() as session, session.begin():
            yield session

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session whose transaction never commits and takes no write lock."""
        async with self._looks() as session:
            yield session

    async def change(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **named: P.kwargs
    ) -> T:
        """As `begin`, for statements on tables: what `work` gives, once it is committed.

        There is no unit of work, which costs more than the statements; and the whole transaction is one call
        into SQLAlchemy, not one for every statement.
        """
        return await greenlet_spawn(
            _run, self.engine.sync_engine.begin, lambda rows: work(rows, *args, **named)
        )

    async def look(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **named: P.kwargs
    ) -> T:
        """As `read`, for statements on tables: what `work` finds."""
        return await greenlet_spawn(
            _run, self._reader.sync_engine.connect, lambda rows: work(rows, *args, **named)
        )

    @asynccontextmanager
    async def read_snapshot(self) -> AsyncIterator[AsyncConnection]:
        """For statements on tables, all of which read one moment."""
        async with self._reader.connect() as connection:
            if not self.is_sqlite:  # there every transaction that reads has a snapshot of its own
                await connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    async def close(self) -> None:
        await self.engine.dispose()


def _run(enter: Callable[[], AbstractContextManager[Connection]], work: Callable[[Connection], T]) -> T:
    with enter() as connection:
        return work(connection)


def make_engine(url: str, **options: Any) -> AsyncEngine:
    """An engine with our rules; `hide_parameters` keeps values out of errors (`reliability` F10)."""
    if url.startswith("sqlite"):
        options["connect_args"] = {"async_creator_fn": partial(connect, WritersLine(BUSY_TIMEOUT_MS / 1000))}
    engine = create_async_engine(url, hide_parameters=True, **options)
    if url.startswith("sqlite"):
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # BEGIN is ours
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    driver = connection.connection.driver_connection
    if not isinstance(driver, LocalConnection):
        raise TypeError("this engine's connections come from services.store.sqlite")
    driver.begin(connection.get_execution_options().get("sqlite_begin", "IMMEDIATE"))
