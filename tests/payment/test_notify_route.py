"""The notification's route: exact words, after the commit; what can't be trusted is a failure."""

import socket
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import httpx2 as httpx
import pytest
from sanic import Sanic
from sqlalchemy.exc import OperationalError

from bot.routes import notify
from services.domain.ids import new_id
from tests.payment.conftest import Town

PATH = "/notify/alipay"
HEADERS = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def client(town: Town) -> AsyncIterator[httpx.AsyncClient]:
    app = Sanic(f"notify-{new_id()}", configure_logging=False)
    app.config.TOUCHUP = False  # Sanic rewrites its own methods once per process only
    app.blueprint(notify.blueprint(town.payment))
    listener = socket.create_server(("127.0.0.1", 0))
    server = await app.create_server(sock=listener, return_asyncio_server=True, access_log=False)
    assert server is not None
    await server.startup()
    await server.before_start()
    await server.start_serving()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with httpx.AsyncClient(base_url=url, headers=HEADERS) as session:
        yield session
    await server.close()


def body(order_no: str, **fields: str) -> bytes:
    known = {
        "out_trade_no": order_no,
        "total_amount": "400.00",
        "status": "paid",
        "sign": "right",
        "empty": "",
    }
    return urlencode(known | fields).encode()


async def test_success_is_seven_bytes_after_the_commit(town: Town, client: httpx.AsyncClient) -> None:
    order = await town.place()
    town.gateway.pay(order.order_no)
    answer = await client.post(PATH, content=body(order.order_no))
    assert (answer.status_code, answer.content) == (200, b"success")
    assert await town.status(order.order_no) == "paid"
    assert (await client.post(PATH, content=body(order.order_no))).content == b"success"


@pytest.mark.parametrize(
    "fields", [{"sign": "wrong"}, {"out_trade_no": "GZ1NOBODY"}, {"total_amount": "1.00"}]
)
async def test_what_is_not_ours_is_a_failure(
    town: Town, client: httpx.AsyncClient, fields: dict[str, str]
) -> None:
    order = await town.place()
    answer = await client.post(PATH, content=body(order.order_no, **fields))
    assert answer.content == b"failure"
    assert await town.status(order.order_no) == "pending"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a",
        b"a=1&a=2",
        b"a=%00",
        b"a=%ff",
        "a=好".encode(),
        b"a=" + b"x" * 40_000,
        b"&".join([b"a=1"] * 200),
    ],
)
def test_what_can_not_be_read_says_nothing(content: bytes) -> None:
    assert notify.read_form(content) is None


def test_empty_fields_are_read_too_since_they_may_be_signed() -> None:
    assert notify.read_form(b"a=&b=%E5%A5%BD+1") == {"a": "", "b": "好 1"}


async def test_what_can_not_be_read_is_a_failure(client: httpx.AsyncClient) -> None:
    answer = await client.post(PATH, content=b"a=%ff")
    assert (answer.status_code, answer.content) == (400, b"failure")


async def test_a_failing_store_is_a_failure(
    town: Town, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_form: object) -> bool:
        raise OperationalError("", None, OSError())

    monkeypatch.setattr(town.payment, "on_notification", broken)
    answer = await client.post(PATH, content=body("GZ1A"))
    assert (answer.status_code, answer.content) == (503, b"failure")
