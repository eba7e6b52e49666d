"""Starts the service: settings checked, store and model up to date, then Sanic's worker manager.

The manager process imports neither the dialogue engine nor the business: each worker does, once.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates
from sanic import Sanic
from sanic.worker.loader import AppLoader
from sanic.worker.manager import WorkerManager

from bot.engine.training import ensure_model
from services.adapters.alipay.signing import read_private_key, read_public_keys
from services.adapters.clock import make_clock
from services.crypto import read_root_key
from services.settings import Settings
from services.store import schema
from services.store.session import Database
from services.vault import Vault

Say = Callable[[str], None]
KEYS: dict[str, Callable[[Path], object]] = {
    "root_key_file": read_root_key,
    "alipay_private_key_file": lambda path: read_private_key(path.read_text("ascii")),
    "alipay_public_key_file": lambda path: read_public_keys(path.read_text("ascii")),
    "signing_key_file": lambda path: load_pem_private_key(path.read_bytes(), password=None),
    "signing_cert_file": lambda path: load_pem_x509_certificates(path.read_bytes()),
}


STARTUP_TENTHS = 1200
"""Tenths of a second that a worker may take to come up, also on a machine that is busy with other work."""


class CannotServe(ValueError):
    """What is wrong, a line each."""


def listed(what: str, problems: Sequence[str]) -> str:
    """One problem in one line, several in a line each."""
    return f"{what}: {problems[0]}" if len(problems) == 1 else "\n  ".join([f"{what}:", *problems])


def _make_app(settings: Settings) -> Sanic:
    from bot.app import create_app  # in the workers only

    return create_app(settings)


def run(settings: Settings, root: Path, say: Say) -> None:
    """Serve until stopped. `CannotServe` says what to mend first."""
    check(settings, "cannot serve")
    check_address(settings)
    prepare(settings, root, say)
    app = Sanic(
        "shebao", configure_logging=False
    )  # stands for the workers' own: it listens and restarts them
    app.enable_websocket()
    app.prepare(
        host=settings.host, port=settings.port, workers=settings.workers, motd=False, access_log=False
    )
    WorkerManager.THRESHOLD = STARTUP_TENTHS
    say(f"serving at {settings.base_url}")
    Sanic.serve(primary=app, app_loader=AppLoader(factory=partial(_make_app, settings)))


def prepare(settings: Settings, root: Path, say: Say) -> None:
    """Everything that must be there before the first worker starts."""
    prepare_store(settings)
    asyncio.run(open_vault(settings))
    if settings.sandbox:
        from bot.sandbox.opening import prepare as prepare_sandbox

        asyncio.run(prepare_sandbox(settings))
    ensure_model(root, settings.models_dir, say)


def check(settings: Settings, what: str) -> None:
    """`CannotServe` with all that has to be mended in the settings and the files that they name."""
    problems = settings.problems() or key_problems(settings)
    if problems:
        raise CannotServe(listed(what, problems))


def key_problems(settings: Settings) -> list[str]:
    """A line for each key file that holds no such key."""
    found = []
    for name, read in KEYS.items():
        path = getattr(settings, name)
        try:
            read(path)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            found.append(f"SHEBAO_{name.upper()}: {path} holds no such key")
    return found


def check_address(settings: Settings) -> None:
    """Say before anything else when the port is taken or the address is not ours."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise CannotServe(
            f"can't listen on {settings.host}:{settings.port} ({error.strerror}): choose another --host or --port"
        ) from None


async def open_vault(settings: Settings) -> None:
    """Keys that are damaged or of another store are told here, in one line, and not by each worker."""
    assert settings.root_key_file is not None  # noqa: S101  `check` has said so
    database = Database(settings.database)
    try:
        await Vault(database, make_clock(settings), root_key=read_root_key(settings.root_key_file)).prepare()
    finally:
        await database.close()


def prepare_store(settings: Settings) -> None:
    """SQLite is brought up to date by itself; a server's store only by `shebao db upgrade`."""
    if schema.is_current(settings.database):
        return
    if not settings.uses_sqlite:
        raise CannotServe("the store is not up to date: run `shebao db upgrade`")
    schema.upgrade(settings.database)
