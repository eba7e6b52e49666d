"""The simulated WeChat Pay on a free port, a merchant who listens, and our adapter that calls it."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sanic import Request, Sanic
from sanic.response import HTTPResponse, empty, json

from bot.routes.notify import read_signed
from bot.sandbox import keys, wechatpay
from bot.sandbox.books import Books
from bot.sandbox.keys import SandboxKeys, ensure_keys
from bot.sandbox.wechatpay import notifications
from services.adapters.clock import SandboxClock
from services.adapters.wechatpay.client import WechatPayClient
from services.adapters.wechatpay.gateway import WechatPayGateway
from services.domain.ids import new_id
from services.settings import Settings
from tests.alipay.conftest import PATIENCE, PEOPLE, START, WANG, load, press

__all__ = ["PEOPLE", "START", "WANG", "Town", "open_town"]


@dataclass
class Merchant:
    """Takes notifications and answers what a test wants; keeps what came."""

    status: int = 204
    dies: bool = False
    forms: list[dict[str, str]] = field(default_factory=list)

    async def take(self, request: Request) -> HTTPResponse:
        if self.dies:
            os.kill(os.getpid(), signal.SIGKILL)
        form = read_signed(request.headers, request.body)
        assert form is not None
        self.forms.append(form)
        if self.status == 204:
            return empty(204)
        return json({"code": "FAIL", "message": "失败"}, status=self.status)

    async def wait_for(self, count: int, seconds: float = 30) -> list[dict[str, str]]:
        async with asyncio.timeout(seconds):
            while len(self.forms) < count:
                await asyncio.sleep(0.02)
        return self.forms


@dataclass
class Town:
    base: str
    books: Books
    clock: SandboxClock
    keys: SandboxKeys
    client: WechatPayClient
    gateway: WechatPayGateway
    merchant: Merchant
    settings: Settings

    @property
    def url(self) -> str:
        return f"{self.base}/sandbox/wechatpay"

    def advance(self, **delta: float) -> None:
        self.clock.set(self.clock.now() + timedelta(**delta))

    def expires(self, minutes: float = 15) -> datetime:
        return self.clock.now() + timedelta(minutes=minutes)

    async def fault(self, operation: str, mode: str, *, times: int = 1, seconds: float | None = None) -> None:
        await self.books.order_fault("wechatpay", operation, mode, times=times, seconds=seconds, delta=None)

    async def pay(self, url: str, *, account: str = WANG, password: str = "123456") -> httpx2.Response:
        return await press(url, "确认付款", account=account, password=password)


def make_client(town_url: str, own: SandboxKeys, clock: SandboxClock, **changes: Any) -> WechatPayClient:
    """Our client in public-key mode; `changes` are other arguments."""
    facts: dict[str, Any] = {
        "url": town_url,
        "mch_id": own.wechatpay_mch_id,
        "serial": own.wechatpay_serial,
        "private_key_pem": own.wechatpay_merchant_private_key_file.read_text(),
        "platform_key_pem": own.wechatpay_platform_public_key_file.read_text(),
        "platform_key_id": own.wechatpay_platform_key_id,
        "api_v3_key": own.wechatpay_api_v3_key,
        "clock": clock,
    }
    return WechatPayClient(**(facts | changes))


@pytest.fixture(scope="session")
def shared_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with keys: making RSA keys is slow."""
    folder = tmp_path_factory.mktemp("keys")
    ensure_keys(folder)
    return folder


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifications, "LOOK_EVERY", 0.05)


@pytest.fixture
async def town(tmp_path: Path, shared_keys: Path) -> AsyncIterator[Town]:
    async for opened in open_town(tmp_path, shared_keys):
        yield opened


async def open_town(data_dir: Path, shared_keys: Path, *, port: int = 0) -> AsyncIterator[Town]:
    """With `port` a killed town comes back where it was."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = Settings(_env_file=None, public_url=base, data_dir=data_dir)
    clock = SandboxClock(data_dir / "sandbox-clock.json", START)
    books, own = Books(data_dir, clock), ensure_keys(shared_keys)
    await books.open()
    await load(books, data_dir, PEOPLE)
    merchant = Merchant()
    app = Sanic(f"wechatpay-{new_id()}", configure_logging=False)
    app.config.TOUCHUP = False  # Sanic rewrites its own methods once per process only
    app.blueprint(wechatpay.blueprint(books, own, settings))
    app.blueprint(keys.blueprint(own))
    app.add_route(merchant.take, "/notify/wechatpay", methods=["POST"])
    server = await app.create_server(sock=listener, return_asyncio_server=True, access_log=False)
    assert server is not None
    await server.startup()
    await server.before_start()
    await server.start_serving()
    stop = asyncio.Event()
    courier = asyncio.create_task(wechatpay.run(books, own, stop))
    client = make_client(f"{base}/sandbox/wechatpay", own, clock, timeout=PATIENCE)
    gateway = WechatPayGateway(client, app_id=own.wechat_app_id, notify_url=f"{base}/notify/wechatpay")
    try:
        yield Town(base, books, clock, own, client, gateway, merchant, settings)
    finally:
        stop.set()
        await courier
        await client.close()
        await server.before_stop()
        await server.close()
        for connection in list(server.connections):
            connection.close()
        Sanic.unregister_app(app)
        await books.close()
