"""A small Sanic application with the web channel on an ephemeral port, and a real browser."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sanic import Sanic
from sanic.response import html, raw

from bot.channels.web.channel import WebChannel
from services.domain.ids import new_id
from services.settings import Settings
from tests.bot.web.script import Script
from tests.conftest import FixedClock

KEY = b"k" * 32
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    + "1f15c4890000000d49444154789c63f8ffff3f0005fe02fe0def46b80000000049454e44ae426082"
)


@dataclass
class Site:
    """The running service: `base` is its URL, `script` what talks."""

    base: str
    channel: WebChannel
    script: Script
    clock: FixedClock


@asynccontextmanager
async def serving(
    clock: FixedClock, *, env: str = "sandbox", port: int = 0, public_url: str = "", **options: Any
) -> AsyncIterator[Site]:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = Settings(_env_file=None, env=env, public_url=public_url or base)
    script = Script(clock, base)
    channel = WebChannel(converse=script, settings=settings, clock=clock, key=KEY, **options)
    app = Sanic(f"web-{new_id()}", configure_logging=False)
    app.config.TOUCHUP = False  # Sanic rewrites its own methods once per process only
    channel.attach(app)
    _extras(app)
    server = await app.create_server(sock=listener, return_asyncio_server=True, access_log=False)
    assert server is not None
    await server.startup()
    await server.before_start()
    await server.start_serving()
    try:
        yield Site(base, channel, script, clock)
    finally:
        await server.before_stop()
        await server.close()
        for connection in list(server.connections):
            connection.abort() if hasattr(connection, "abort") else connection.close()
        Sanic.unregister_app(app)


def _extras(app: Sanic) -> None:
    async def preview(_: Any) -> Any:
        path = Path("/tmp/preview.png")
        return raw(path.read_bytes() if path.exists() else PIXEL, content_type="image/png")

    async def outside(_: Any, rest: str) -> Any:
        return html(f"<p>{rest}")

    app.add_route(preview, "/documents/abc/preview.png")
    app.add_route(outside, "/sandbox/<rest:path>")


@pytest.fixture
async def site(clock: FixedClock) -> AsyncIterator[Site]:
    async with serving(clock, rate=(1000, timedelta(seconds=10))) as running:
        yield running
