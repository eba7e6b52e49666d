"""`shebao doctor`: what stands, what does not, and what to do about it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from pathlib import Path

from bot.engine.training import fingerprint
from services.bootstrap import Services, bootstrap
from services.domain.errors import ServiceError
from services.settings import Settings
from services.store import schema

ROOT = Path(__file__).parents[1]
PEER_SECONDS = 5.0
Print = Callable[[str], None]


def examine(settings: Settings, tell: Print) -> bool:
    """Print a line per check; True when nothing is to be mended."""
    findings = [*_settings(settings), _store(settings), _model(settings)]
    if not settings.problems():
        findings += asyncio.run(_peers(settings))
    for name, problem in findings:
        tell(f"ok    {name}" if problem is None else f"MEND  {name}: {problem}")
    return all(problem is None for _, problem in findings)


Finding = tuple[str, str | None]


def _settings(settings: Settings) -> Iterator[Finding]:
    problems = settings.problems()
    yield ("settings and keys", "; ".join(problems) or None)


def _store(settings: Settings) -> Finding:
    try:
        current = schema.is_current(settings.database)
    except Exception as error:  # whatever the driver says, the operator wants it in one line
        return ("store", f"can't be reached ({type(error).__name__}): check SHEBAO_DATABASE_URL")
    return ("store", None if current else "the schema is old: run `shebao db upgrade`")


def _model(settings: Settings) -> Finding:
    model = settings.models_dir / f"{fingerprint(ROOT)}.tar.gz"
    return ("model", None if model.exists() else "missing or outdated: run `shebao train`")


async def _peers(settings: Settings) -> list[Finding]:
    services = bootstrap(settings)
    try:
        return [
            _clock(services),
            await _answers("payment gateway", services.peers.ping_gateway, settings),
            await _answers("tax bureau", services.peers.ping_bureau, settings),
        ]
    finally:
        await services.close()


def _clock(services: Services) -> Finding:
    """Signatures and expiries need a right clock; the sandbox's may stand anywhere."""
    year = datetime.fromtimestamp(time.time()).astimezone().year
    wrong = year < 2026 and not services.settings.sandbox
    return ("clock", f"the machine says {year}: set the time" if wrong else None)


async def _answers(name: str, ping: Callable[[], Awaitable[None]], settings: Settings) -> Finding:
    try:
        async with asyncio.timeout(PEER_SECONDS):
            await ping()
    except (ServiceError, TimeoutError):
        hint = (
            "start `shebao serve`, which plays it"
            if settings.sandbox
            else "check its address and the network"
        )
        return (name, f"does not answer: {hint}")
    return (name, None)
