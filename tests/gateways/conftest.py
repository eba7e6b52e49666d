"""Both gateways in their simulated towns, as one shape: what a test of the port may use."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.alipay import notifications as alipay_notifications
from bot.sandbox.keys import ensure_keys
from bot.sandbox.wechatpay import notifications as wechatpay_notifications
from services.domain.ids import order_number
from services.ports import Cashier, PaymentGateway
from tests.alipay import conftest as alipay
from tests.wechatpay import conftest as wechatpay

Hasty = Callable[[], AbstractContextManager[None]]
TOTAL = Decimal("400.00")
OPERATIONS = {
    "alipay": {
        "place": "alipay.trade.precreate",
        "query": "alipay.trade.query",
        "close": "alipay.trade.close",
        "refund": "alipay.trade.refund",
        "find_refund": "alipay.trade.fastpay.refund.query",
        "bill": "alipay.data.dataservice.bill.downloadurl.query",
    },
    "wechatpay": {name: name for name in ("place", "query", "close", "refund", "find_refund", "bill")},
}


@dataclass
class Street:
    """`town` is the gateway's own; `gateway` is all that a test calls."""

    town: Any
    gateway: PaymentGateway

    async def place(self, number: str = "", **changes: Any) -> tuple[str, Cashier]:
        number = number or order_number("GZ1")
        wishes: dict[str, Any] = {"total": TOTAL, "subject": "社会保险费", "expires_at": self.town.expires()}
        return number, await self.gateway.place(order_no=number, **(wishes | changes))

    async def paid(self) -> str:
        number, cashier = await self.place()
        await self.town.pay(cashier.cashier_url)
        return number

    async def open(self, cashier: Cashier) -> str:
        """The text of the cashier's page; for some gateways the order exists from then on."""
        return (await alipay.look(cashier.cashier_url)).text

    async def fault(self, operation: str, mode: str, **wishes: Any) -> None:
        await self.town.fault(OPERATIONS[self.gateway.provider][operation], mode, **wishes)


@pytest.fixture(scope="session")
def shared_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    ensure_keys(folder)
    return folder


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alipay_notifications, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(wechatpay_notifications, "LOOK_EVERY", 0.05)


@asynccontextmanager
async def open_street(provider: str, folder: Path, keys: Path, **wishes: Any) -> AsyncIterator[Street]:
    opening = {"alipay": alipay.open_town, "wechatpay": wechatpay.open_town}[provider]
    async for town in opening(folder, keys, **wishes):
        yield Street(town, town.gateway)


@pytest.fixture(params=["alipay", "wechatpay"])
async def street(request: pytest.FixtureRequest, tmp_path: Path, shared_keys: Path) -> AsyncIterator[Street]:
    async with open_street(request.param, tmp_path, shared_keys) as opened:
        yield opened


@pytest.fixture
def hasty(street: Street, monkeypatch: pytest.MonkeyPatch) -> Hasty:
    """Within it the client gives up after a second; what comes after it may take its time on a busy machine."""

    @contextmanager
    def hastily() -> Iterator[None]:
        with monkeypatch.context() as patch:
            patch.setattr(street.town.client, "_timeout", 1)
            yield

    return hastily
