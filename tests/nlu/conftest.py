"""The project's own model, trained once per run, asked through the engine; the day stands still."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bot.engine.agent import Engine
from bot.engine.nlu import today
from bot.engine.training import ensure_model
from services.store.session import Database

ROOT = Path(__file__).parent.parent.parent
DAY = date(2026, 11, 23)

Parse = Callable[[str], dict[str, Any]]


@pytest.fixture(autouse=True)
def day() -> Iterator[date]:
    today.set_clock(lambda: DAY)
    yield DAY
    today.set_clock(None)


@pytest.fixture(scope="session")
def parse(tmp_path_factory: pytest.TempPathFactory) -> Parse:
    """Rasa's parse result of a text."""
    folder = tmp_path_factory.mktemp("nlu")
    model = ensure_model(ROOT, folder / "models")
    database = Database(f"sqlite+aiosqlite:///{folder}/unused.db")
    engine = asyncio.run(Engine.load(model, database=database, actions=[]))
    return lambda text: asyncio.run(engine.parse(text))


def intent_of(parsed: dict[str, Any]) -> str:
    """The intent, of a question with its topic."""
    intent = parsed["intent"]
    return str(intent.get("full_retrieval_intent_name") or intent["name"])


def values_of(parsed: dict[str, Any]) -> dict[str, list[str]]:
    """Entity → values."""
    found: dict[str, list[str]] = {}
    for entity in parsed["entities"]:
        found.setdefault(entity["entity"], []).append(entity["value"])
    return found
