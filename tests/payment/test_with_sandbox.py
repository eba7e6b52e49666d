"""The whole line against the sandbox's gateway and bureau over real HTTP: signed calls, pages, notifications."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urljoin

import httpx2 as httpx
import pytest
from bs4 import BeautifulSoup
from sanic import Sanic

from bot import worker
from bot.routes import cashier, notify
from bot.sandbox import alipay, bureau, residents
from bot.sandbox.books import Books
from bot.sandbox.keys import ensure_keys
from services.adapters.alipay.client import AlipayClient
from services.adapters.alipay.gateway import AlipayGateway
from services.adapters.bureau.client import BureauClient
from services.adapters.clock import SandboxClock
from services.domain.errors import Unavailable
from services.domain.ids import new_id
from services.domain.kinds import IdType
from services.domain.people import Person
from services.durable import Durable
from services.notices import Notices
from services.payment import Bill, Changed, Draft, OrderView, Payment, Placed, settling
from services.settings import Settings
from services.store.session import Database
from tests.conftest import FixedClock
from tests.payment.peers import RESIDENT_MEDICAL

DUES = replace(RESIDENT_MEDICAL, agency="520602")

ACCOUNT = "2088600000000002"
INSURED = "520602197508200003"


@dataclass
class Street:
    payment: Payment
    bureau: BureauClient
    books: Books
    clock: SandboxClock

    async def draft(self) -> Draft:
        quote = await self.bureau.quote(await get_chen("p1"), DUES)
        return await self.payment.draft(
            conversation_id="rest:a", payer_id="p1", bills=[Bill(insured_id="p1", quote=quote)]
        )

    async def place(self) -> OrderView:
        placed = await self.payment.place((await self.draft()).draft_id, conversation_id="rest:a")
        assert isinstance(placed, Placed)
        return placed.order

    async def fault(self, peer: str, operation: str, mode: str, **facts: object) -> None:
        wishes: dict[str, object] = {"times": 1, "seconds": None, "delta": None}
        await self.books.order_fault(peer, operation, mode, **{**wishes, **facts})  # type: ignore[arg-type]

    def advance(self, **delta: float) -> None:
        self.clock.set(self.clock.now() + timedelta(**delta))

    async def posted(self, order_no: str) -> None:
        """Until the bureau has been told: it books only what it knew before the clock jumps."""
        async with asyncio.timeout(20):
            while await settling.is_unposted(self.payment._desk, order_no):
                await asyncio.sleep(0.05)

    async def until(self, order_no: str, *, seconds: float = 30, **wanted: object) -> OrderView:
        """Nobody asks: the notification and the workers do it."""
        async with asyncio.timeout(seconds):
            while True:
                view = await self.payment.find_order(order_no)
                assert view is not None
                if all(getattr(view, name) == value for name, value in wanted.items()):
                    return view
                await asyncio.sleep(0.05)


async def get_chen(_person_id: str) -> Person:
    return Person(id_type=IdType.RESIDENT_ID_CARD, id_number=INSURED, name="陈建国")


async def pay(view: OrderView) -> None:
    """On the cashier's page, as a browser without script."""
    assert view.cashier is not None
    async with httpx.AsyncClient(follow_redirects=True) as browser:
        page = await browser.get(view.cashier.cashier_url)
        soup = BeautifulSoup(page.text, "html.parser")
        button = next(b for b in soup.find_all("button") if b.get_text(strip=True) == "确认付款")
        form = button.find_parent("form")
        assert form is not None
        values = {str(i["name"]): str(i.get("value", "")) for i in form.find_all("input") if i.get("name")}
        values |= {"account": ACCOUNT, "password": "123456", str(button["name"]): str(button["value"])}
        await browser.post(urljoin(str(page.url), str(form.get("action") or "")), data=values)


@pytest.fixture(scope="module")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
async def street(tmp_path: Path, key_folder: Path, database: Database) -> AsyncIterator[Street]:
    listener = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = Settings(public_url=base, data_dir=tmp_path)
    clock = SandboxClock(tmp_path / "sandbox-clock.json", FixedClock().now())
    books, keys = Books(tmp_path, clock), ensure_keys(key_folder)
    await books.open()
    await residents.load_shipped(books)
    client = AlipayClient(
        gateway_url=f"{base}/sandbox/alipay/gateway.do",
        app_id=keys.alipay_app_id,
        private_key_pem=keys.app_private_key_file.read_text(),
        public_key_pem=keys.gateway_public_key_file.read_text(),
        clock=clock,
    )
    gateway = AlipayGateway(
        client, keys.alipay_seller_id, f"{base}/notify/alipay", f"{base}/return/alipay/cashier"
    )
    bureau_client = BureauClient(f"{base}/sandbox/bureau", keys.bureau_token)
    durable = Durable(database=database, clock=clock)
    payment = Payment(
        database=database, clock=clock, gateways={gateway.provider: gateway}, bureau=bureau_client, durable=durable,
        notices=Notices(database, clock), get_person=get_chen, settings=settings,
    )  # fmt: skip
    app = Sanic(f"street-{new_id()}", configure_logging=False)
    app.config.TOUCHUP = False  # Sanic rewrites its own methods once per process only
    app.blueprint(alipay.blueprint(books, keys, settings))
    app.blueprint(bureau.blueprint(books, keys.bureau_token))
    app.blueprint(cashier.blueprint(payment))
    app.blueprint(notify.blueprint(payment))
    server = await app.create_server(sock=listener, return_asyncio_server=True, access_log=False)
    assert server is not None
    await server.startup()
    await server.before_start()
    await server.start_serving()
    stop = asyncio.Event()
    running = [
        asyncio.create_task(alipay.run(books, keys, stop)),
        asyncio.create_task(worker.run(durable, stop)),
    ]
    yield Street(payment, bureau_client, books, clock)
    stop.set()
    await asyncio.gather(*running)
    await client.close()
    await bureau_client.close()
    await server.close()
    await books.close()


async def test_a_resident_pays_and_it_is_booked_without_anybody_asking(street: Street) -> None:
    order = await street.place()
    await pay(order)
    await street.until(order.order_no, status="paid")
    await street.posted(order.order_no)
    street.advance(days=2)
    view = await street.until(order.order_no, booked=True)
    assert str(view.records_available_on) == "2026-11-26"


async def test_without_notifications_it_is_known_by_asking(street: Street) -> None:
    await street.fault("alipay", "notify", "drop", times=20)
    order = await street.place()
    await pay(order)
    assert (await street.payment.refresh(order.order_no)).status == "paid"


async def test_changed_figures_are_not_charged(street: Street) -> None:
    draft = await street.draft()
    await street.fault("bureau", "*", "amount_changed", delta="12.00")
    changed = await street.payment.place(draft.draft_id, conversation_id="rest:a")
    assert isinstance(changed, Changed)
    assert changed.draft.total - changed.old.total == 12


async def test_a_gateway_that_fails_is_tried_again_by_itself(street: Street) -> None:
    draft = await street.draft()
    await street.fault("alipay", "alipay.trade.precreate", "system_error")
    with pytest.raises(Unavailable, match="gateway_busy"):
        await street.payment.place(draft.draft_id, conversation_id="rest:a")
    latest = await street.payment.find_latest("rest:a")
    assert latest is not None
    async with asyncio.timeout(30):
        while latest.cashier is None:
            await asyncio.sleep(0.05)
            latest = await street.payment.find_order(latest.order_no)
            assert latest is not None
    await pay(latest)
    await street.until(latest.order_no, status="paid")


async def test_a_jump_over_the_expiry_closes_by_itself(street: Street) -> None:
    order = await street.place()
    street.advance(minutes=20)
    await street.until(order.order_no, status="closed")
