"""The simulated Alipay on a free port, a merchant who listens, and our adapters that call it."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urljoin

import httpx2
import pytest
import yaml
from bs4 import BeautifulSoup
from sanic import Request, Sanic
from sanic.response import HTTPResponse, text
from sqlalchemy import select

from bot.sandbox import alipay, keys, residents
from bot.sandbox.alipay import notifications
from bot.sandbox.alipay.store import NotificationRow
from bot.sandbox.books import Books
from bot.sandbox.keys import SandboxKeys, ensure_keys
from bot.sandbox.wechatpay.store import WxNotificationRow
from services.adapters.alipay.client import AlipayClient
from services.adapters.alipay.gateway import AlipayGateway
from services.adapters.alipay.identity import AlipayIdentity
from services.adapters.clock import SHANGHAI, SandboxClock
from services.domain.ids import new_id
from services.settings import Settings

PATIENCE = 30.0
"""Seconds that our client waits: on a busy machine an answer may take a while, and silence is ordered."""
START = datetime(2026, 11, 23, 10, tzinfo=SHANGHAI)
WANG, LI = "2088000000000011", "2088000000000022"
PEOPLE = [
    {
        "name": "王小芳",
        "id_type": "居民身份证",
        "id_number": "520103198602140004",
        "alipay_user_id": WANG,
        "mobile": "13900000011",
    },
    {
        "name": "李建国",
        "id_type": "外国人永久居留身份证",
        "id_number": "911440300101010009",
        "alipay_user_id": LI,
    },
]


@dataclass
class Merchant:
    """Takes notifications and answers what a test wants; keeps what came."""

    answer: str = "success"
    status: int = 200
    dies: bool = False
    forms: list[dict[str, str]] = field(default_factory=list)

    async def take(self, request: Request) -> HTTPResponse:
        if self.dies:
            os.kill(os.getpid(), signal.SIGKILL)
        self.forms.append(dict(parse_qsl(request.body.decode(), keep_blank_values=True)))
        return text(self.answer, status=self.status)

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
    client: AlipayClient
    gateway: AlipayGateway
    identity: AlipayIdentity
    merchant: Merchant
    settings: Settings

    @property
    def gateway_url(self) -> str:
        return f"{self.base}/sandbox/alipay/gateway.do"

    def advance(self, **delta: float) -> None:
        self.clock.set(self.clock.now() + timedelta(**delta))

    def expires(self, minutes: float = 15) -> datetime:
        return self.clock.now() + timedelta(minutes=minutes)

    async def fault(self, operation: str, mode: str, *, times: int = 1, seconds: float | None = None) -> None:
        await self.books.order_fault("alipay", operation, mode, times=times, seconds=seconds, delta=None)

    async def pay(self, url: str, *, account: str = WANG, password: str = "123456") -> httpx2.Response:
        return await press(url, "确认付款", account=account, password=password)


async def at_rest(books: Books, message: type[NotificationRow] | type[WxNotificationRow]) -> None:
    """Until no message is due by the sandbox's clock or under way."""
    due = message.due_at <= books.clock.now()
    async with asyncio.timeout(30):
        while True:
            async with books.database.read() as session:
                if (
                    await session.scalars(select(message).where(due | message.leased_until.isnot(None)))
                ).first() is None:
                    return
            await asyncio.sleep(0.02)


async def look(url: str) -> BeautifulSoup:
    async with httpx2.AsyncClient(follow_redirects=True, verify=False) as browser:
        return BeautifulSoup((await browser.get(url)).text, "html.parser")


async def open_form(url: str, button: str) -> tuple[str, dict[str, str]]:
    """Where the form of a page goes, and what is in it when a button is pressed."""
    async with httpx2.AsyncClient(follow_redirects=True, verify=False) as browser:
        page = await browser.get(url)
    assert page.status_code == 200, page.text
    soup = BeautifulSoup(page.text, "html.parser")
    pressed = next(b for b in soup.find_all("button") if b.get_text(strip=True) == button)
    form = pressed.find_parent("form")
    values = {i["name"]: i.get("value", "") for i in form.find_all("input") if i.get("name")}
    return urljoin(str(page.url), form.get("action") or ""), values | {pressed["name"]: pressed["value"]}


async def send(url: str, values: dict[str, str]) -> httpx2.Response:
    async with httpx2.AsyncClient(follow_redirects=True, verify=False) as browser:
        return await browser.post(url, data=values)


async def press(url: str, button: str, **fields: str) -> httpx2.Response:
    """Open a page, fill its form and press a button, as a browser without script would."""
    action, values = await open_form(url, button)
    return await send(action, values | fields)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def shared_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with keys: making RSA keys is slow."""
    folder = tmp_path_factory.mktemp("keys")
    ensure_keys(folder)
    return folder


async def _echo(request: Request, **_: str) -> HTTPResponse:
    return text(f"back: {request.path}?{request.query_string}")


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
    app = Sanic(f"alipay-{new_id()}", configure_logging=False)
    app.config.TOUCHUP = False  # Sanic rewrites its own methods once per process only
    app.blueprint(alipay.blueprint(books, own, settings))
    app.blueprint(keys.blueprint(own))
    app.add_route(merchant.take, "/notify/alipay", methods=["POST"])
    app.add_route(_echo, "/return/<rest:path>", name="return")
    app.add_route(_echo, "/oauth/alipay/callback", name="callback")
    server = await app.create_server(sock=listener, return_asyncio_server=True, access_log=False)
    assert server is not None
    await server.startup()
    await server.before_start()
    await server.start_serving()
    stop = asyncio.Event()
    courier = asyncio.create_task(alipay.run(books, own, stop))
    client = AlipayClient(
        gateway_url=f"{base}/sandbox/alipay/gateway.do",
        app_id=own.alipay_app_id,
        private_key_pem=own.app_private_key_file.read_text(),
        public_key_pem=own.gateway_public_key_file.read_text(),
        clock=clock,
        timeout=PATIENCE,
    )
    gateway = AlipayGateway(
        client,
        seller_id=own.alipay_seller_id,
        notify_url=f"{base}/notify/alipay",
        return_url=f"{base}/return/alipay/cashier",
    )
    identity = AlipayIdentity(client, oauth_url=f"{base}/sandbox/alipay/oauth")
    try:
        yield Town(base, books, clock, own, client, gateway, identity, merchant, settings)
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


async def load(books: Books, folder: Path, people: list[dict[str, Any]]) -> None:
    file = folder / "residents.yml"
    file.write_text(yaml.safe_dump({"residents": people}, allow_unicode=True), encoding="utf-8")
    await residents.load_file(books, file)
