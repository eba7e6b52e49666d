"""Fixtures for all tests: a store on SQLite and on PostgreSQL, and a clock that stands where it is put."""

import importlib
import os
import pkgutil
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text
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


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A `Database` with every table, once on each engine."""
    all_tables()
    if request.param == "sqlite":
        store = Database(f"sqlite+aiosqlite:///{tmp_path}/test.db")
        await _create(store)
        yield store
        await store.close()
        return
    server = make_url(request.getfixturevalue("postgres_url")).set(drivername="postgresql+asyncpg")
    name = f"t_{uuid4().hex}"
    admin = create_async_engine(server, isolation_level="AUTOCOMMIT")
    async with admin.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    store = Database(server.set(database=name).render_as_string(hide_password=False))
    await _create(store)
    yield store
    await store.close()
    async with admin.connect() as connection:
        await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    await admin.dispose()


async def _create(store: Database) -> None:
    async with store.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
