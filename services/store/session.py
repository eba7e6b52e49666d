"""Engine and transactions. SQLAlchemy's session is the unit of work; commit happens at the end of `begin()`.

SQLite: WAL, synchronous=FULL, foreign keys, and every transaction begins IMMEDIATE, since one that
reads first and writes later fails at once with "locked" (`reliability` F3).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from services.store.sqlite import LocalConnection, WritersLine, connect

BUSY_TIMEOUT_MS = 5000


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

    @asynccontextmanager
    async def begin_rows(self) -> AsyncIterator[AsyncConnection]:
        """As `begin`, for statements on tables: without a unit of work, which costs more than the statements."""
        async with self.engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def read_rows(self) -> AsyncIterator[AsyncConnection]:
        """As `read`, for statements on tables."""
        async with self._reader.connect() as connection:
            yield connection

    @asynccontextmanager
    async def read_snapshot(self) -> AsyncIterator[AsyncConnection]:
        """As `read_rows`, and all that is read is of one moment."""
        async with self._reader.connect() as connection:
            if not self.is_sqlite:  # there every transaction that reads has a snapshot of its own
                await connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    async def close(self) -> None:
        await self.engine.dispose()


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
