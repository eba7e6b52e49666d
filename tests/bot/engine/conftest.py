"""A small model with a form, trained once per run, and the engine on it."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.engine.agent import Engine
from bot.engine.quiet import silence_rasa
from services.store.session import Database
from tests.bot.engine.acting import ACTIONS

PROJECT = Path(__file__).parent / "project"


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of the small project."""
    os.environ["RASA_TELEMETRY_ENABLED"] = "false"
    os.environ["RASA_MAX_CACHE_SIZE"] = "0"
    from rasa.model_training import train

    silence_rasa()
    result = train(
        str(PROJECT / "domain.yml"),
        str(PROJECT / "config.yml"),
        [str(PROJECT / "data")],
        output=str(tmp_path_factory.mktemp("models")),
        fixed_model_name="small",
    )
    return Path(result.model)


Load = Callable[..., Awaitable[Engine]]


@pytest.fixture
def load(model: Path, database: Database) -> Load:
    async def engine(**options: object) -> Engine:
        return await Engine.load(model, database=database, actions=ACTIONS, **options)  # type: ignore[arg-type]

    return engine


@pytest.fixture
async def engine(load: Load) -> Engine:
    return await load()
