"""Fixtures for all tests: a store on SQLite and on PostgreSQL, and a clock that stands where it is put."""

import importlib
import os
import pkgutil
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import structlog
from sqlalchemy import delete, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

import services.store
from services.adapters.clock import SHANGHAI
from services.store.base import Base
from services.store.session import Database


class FixedClock:
    """A clock that only a test moves."""

    def __init__(self, now: str = "2026-11-23T10:00:00") -> None:
        self._now = datetime.fromisoformat(now).replace(tzinfo=SHANGHAI)

    def now(self) -> datetime:
        return self._now

    def advance(self, **delta: float) -> None:
        self._now += timedelta(**delta)


@pytest.fixture(autouse=True)
def every_log() -> None:
    """A command that a test ran before has set its own level."""
    structlog.reset_defaults()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server for this run: `SHEBAO_TEST_POSTGRES_URL`, or one from the test group."""
    given = os.environ.get("SHEBAO_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    from tests.postgres import running_server

    with running_server() as url:
        yield url


def all_tables() -> None:
    for module in pkgutil.iter_modules(services.store.__path__, "services.store."):
        if not module.name.endswith("migrations"):
            importlib.import_module(module.name)


NUMBERS_FROM_ONE = "SELECT setval(sequencename::regclass, start_value, false) FROM pg_sequences"


@pytest.fixture(scope="session")
def made() -> dict[str, str]:
    """The stores that were made once for this run: a new one for each test takes longer than the test."""
    return {}


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(
    request: pytest.FixtureRequest, tmp_path: Path, made: dict[str, str]
) -> AsyncIterator[Database]:
    """An empty `Database` with every table, once on each engine."""
    if request.param == "sqlite":
        store = Database(await copy_empty_sqlite(made, tmp_path))
    else:
        if "postgresql" not in made:
            made["postgresql"] = await _create_postgres(request.getfixturevalue("postgres_url"))
        store = Database(made["postgresql"])
        async with store.begin() as session:
            for table in reversed(Base.metadata.sorted_tables):
                await session.execute(delete(table))
            await session.execute(text(NUMBERS_FROM_ONE))
    yield store
    await store.close()


async def copy_empty_sqlite(made: dict[str, str], folder: Path) -> str:
    """The URL of an empty store `folder/test.db`."""
    if "sqlite" not in made:
        made["sqlite"] = str(folder / "empty.db")
        await _create(f"sqlite+aiosqlite:///{made['sqlite']}")
    shutil.copy(made["sqlite"], folder / "test.db")
    return f"sqlite+aiosqlite:///{folder}/test.db"


async def _create_postgres(server_url: str) -> str:
    name = f"t_{uuid4().hex}"
    server = make_url(server_url).set(drivername="postgresql+asyncpg")
    admin = create_async_engine(server, isolation_level="AUTOCOMMIT")
    async with admin.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    await admin.dispose()
    url = server.set(database=name).render_as_string(hide_password=False)
    await _create(url)
    return url


async def _create(url: str) -> None:
    all_tables()
    store = Database(url)
    async with store.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await store.close()
