"""Starts the service: settings checked, store and model up to date, then Sanic's worker manager.

The manager process never imports the dialogue engine; each worker loads it once.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from sanic import Sanic
from sanic.worker.loader import AppLoader

from bot.app import create_app
from bot.engine.training import ensure_model
from services.settings import Settings
from services.store import schema

Say = Callable[[str], None]


class CannotServe(ValueError):
    """What is wrong, a line each."""


def run(settings: Settings, root: Path, say: Say) -> None:
    """Serve until stopped. `CannotServe` says what to mend first."""
    prepare(settings, root, say)
    loader = AppLoader(factory=partial(create_app, settings))
    app = loader.load()
    app.prepare(
        host=settings.host, port=settings.port, workers=settings.workers, motd=False, access_log=False
    )
    say(f"serving at {settings.base_url}")
    Sanic.serve(primary=app, app_loader=loader)


def prepare(settings: Settings, root: Path, say: Say) -> None:
    """Everything that must be there before the first worker starts."""
    problems = settings.problems()
    if problems:
        raise CannotServe("\n  ".join(["cannot serve:", *problems]))
    prepare_store(settings)
    if settings.sandbox:
        import asyncio

        from bot.sandbox.app import prepare as prepare_sandbox

        asyncio.run(prepare_sandbox(settings))
    ensure_model(root, settings.models_dir, say)


def prepare_store(settings: Settings) -> None:
    """SQLite is brought up to date by itself; a server's store only by `shebao db upgrade`."""
    if schema.is_current(settings.database):
        return
    if not settings.uses_sqlite:
        raise CannotServe("the store is not up to date: run `shebao db upgrade`")
    schema.upgrade(settings.database)
