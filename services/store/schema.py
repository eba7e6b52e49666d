"""The schema and its migrations (Alembic), for `shebao db upgrade` and for the start on SQLite."""

import asyncio
import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData

import services.store
from services.store.base import Base
from services.store.session import make_engine

T = TypeVar("T")
MIGRATIONS = Path(__file__).parent / "migrations"


def all_tables() -> MetaData:
    """Every table of the service, whatever has been imported so far."""
    for module in pkgutil.iter_modules(services.store.__path__, "services.store."):
        if not module.ispkg and module.name != __name__:
            importlib.import_module(module.name)
    return Base.metadata


def upgrade(url: str) -> None:
    """Bring the store at `url` (async driver) to the newest revision."""
    asyncio.run(_with_connection(url, _upgrade))


def is_current(url: str) -> bool:
    """Whether the store has the newest revision."""
    return asyncio.run(_with_connection(url, _is_current))


async def _with_connection(url: str, work: Callable[[Connection], T]) -> T:
    if url.startswith("sqlite") and "///" in url:
        Path(url.partition("///")[2]).parent.mkdir(parents=True, exist_ok=True)
    engine = make_engine(url)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _is_current(connection: Connection) -> bool:
    heads = ScriptDirectory.from_config(_config()).get_heads()
    return set(MigrationContext.configure(connection).get_current_heads()) == set(heads)
