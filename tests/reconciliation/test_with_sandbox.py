"""Both gateways and the bureau of the sandbox over real HTTP: signed calls, packed bills, bookings, one match."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from sanic import Sanic

from bot import worker
from bot.routes import cashier, notify
from bot.sandbox import alipay, bureau, residents, wechatpay
from bot.sandbox.books import Books
from bot.sandbox.keys import ensure_keys
from services.adapters.alipay.client import AlipayClient
from services.adapters.alipay.gateway import AlipayGateway
from services.adapters.bureau.client import BureauClient
from services.adapters.clock import SandboxClock
from services.adapters.wechatpay.gateway import WechatPayGateway
from services.domain.errors import Unavailable
from services.domain.ids import new_id
from services.domain.kinds import IdType
from services.domain.people import Person
from services.durable import Durable
from services.notices import Notices
from services.payment import Bill, OrderView, Payment, Placed, settling
from services.ports import BillKind
from services.reconciliation import Reconciliation
from services.settings import Settings
from services.store.session import Database
from tests.alipay.conftest import press
from tests.conftest import FixedClock
from tests.payment.test_with_sandbox import ACCOUNT, DUES
from tests.reconciliation.conftest import MONDAY, WEDNESDAY, told
from tests.wechatpay.conftest import make_client

PAYERS = {"p1": ("520602197508200003", "陈建国", "520602"), "p2": ("52030219680311000X", "吴秀英", "520302")}
CONVERSATIONS = {"alipay": "rest:a", "wechatpay": "wechat:oSomebody"}


@dataclass
class Street:
    base: str
    clock: SandboxClock
    books: Books
    bureau: BureauClient
    payment: Payment
    reconciliation: Reconciliation

    async def paid(self, provider: str, person: str) -> OrderView:
        conversation = CONVERSATIONS[provider]
        dues = replace(DUES, agency=PAYERS[person][2])
        quote = await self.bureau.quote(await get_person(person), dues)
        draft = await self.payment.draft(
            conversation_id=conversation, payer_id=person, bills=[Bill(insured_id=person, quote=quote)]
        )
        placed = await self.payment.place(draft.draft_id, conversation_id=conversation)
        assert isinstance(placed, Placed)
        assert placed.order.provider == provider
        checkout = await self.payment.open_cashier(placed.order.order_no)
        assert checkout is not None
        bridge = f"{self.base}/sandbox/wechatpay/bridge?{urlencode(checkout.bridge or {})}"
        await press(checkout.link or bridge, "确认付款", account=ACCOUNT, password="123456")
        return placed.order

    async def until(self, order_no: str, status: str = "paid") -> None:
        async with asyncio.timeout(20):
            while True:
                view = await self.payment.find_order(order_no)
                if view is not None and view.status == status:
                    return
                await asyncio.sleep(0.05)

    async def posted(self, order_no: str) -> None:
        async with asyncio.timeout(20):
            while await settling.is_unposted(self.payment._desk, order_no):
                await asyncio.sleep(0.05)

    async def booked(self, order_no: str) -> None:
        """Until the worker has seen it."""
        async with asyncio.timeout(20):
            while not await settling.find_booking(self.payment._desk, order_no):
                await asyncio.sleep(0.05)

    async def fault(self, peer: str, operation: str, mode: str, times: int) -> None:
        await self.books.order_fault(peer, operation, mode, times=times, seconds=None, delta=None)

    async def console(self, **wish: Any) -> None:
        async with httpx2.AsyncClient() as http:
            assert (await http.post(f"{self.base}/sandbox/alipay/console", json=wish)).status_code == 200

    def advance(self, **delta: float) -> None:
        self.clock.set(self.clock.now() + timedelta(**delta))


async def get_person(person_id: str) -> Person:
    number, name, _ = PAYERS[person_id]
    return Person(id_type=IdType.RESIDENT_ID_CARD, id_number=number, name=name)


@pytest.fixture(scope="module")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
async def street(tmp_path: Path, key_folder: Path, database: Database) -> AsyncIterator[Street]:
    listener = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = Settings(_env_file=None, public_url=base, data_dir=tmp_path, wechat_pays_with="wechatpay")  # type: ignore[call-arg]
    clock = SandboxClock(tmp_path / "sandbox-clock.json", FixedClock().now())
    books, keys = Books(tmp_path, clock), ensure_keys(key_folder)
    await books.open()
    await residents.load_shipped(books)
    client = AlipayClient(
        gateway_url=f"{base}/sandbox/alipay/gateway.do", app_id=keys.alipay_app_id, clock=clock,
        private_key_pem=keys.app_private_key_file.read_text(),
        public_key_pem=keys.gateway_public_key_file.read_text(),
    )  # fmt: skip
    wechat = make_client(f"{base}/sandbox/wechatpay", keys, clock)
    gateways = {
        "alipay": AlipayGateway(client, keys.alipay_seller_id, f"{base}/notify/alipay", f"{base}/return"),
        "wechatpay": WechatPayGateway(wechat, keys.wechat_app_id, f"{base}/notify/wechatpay"),
    }
    bureau_client = BureauClient(f"{base}/sandbox/bureau", keys.bureau_token)
    durable = Durable(database=database, clock=clock)
    payment = Payment(
        database=database, clock=clock, gateways=gateways, bureau=bureau_client, durable=durable,
        notices=Notices(database, clock), get_person=get_person, settings=settings,
    )  # fmt: skip
    quiet = Durable(database=database, clock=clock)  # its daily look is not wanted here
    reconciliation = Reconciliation(
        database=database, clock=clock, gateways=gateways, bureau=bureau_client, payment=payment,
        durable=quiet, settings=settings,
    )  # fmt: skip
    app = Sanic(f"street-{new_id()}", configure_logging=False)
    app.config.TOUCHUP = False  # Sanic rewrites its own methods once per process only
    for routes in (
        alipay.blueprint(books, keys, settings), wechatpay.blueprint(books, keys, settings),
        bureau.blueprint(books, keys.bureau_token), cashier.blueprint(payment), notify.blueprint(payment),
    ):  # fmt: skip
        app.blueprint(routes)
    server = await app.create_server(sock=listener, return_asyncio_server=True, access_log=False)
    assert server is not None
    await server.startup()
    await server.before_start()
    await server.start_serving()
    stop = asyncio.Event()
    running = [
        asyncio.create_task(alipay.run(books, keys, stop)),
        asyncio.create_task(wechatpay.run(books, keys, stop)),
        asyncio.create_task(worker.run(durable, stop)),
    ]
    yield Street(base, clock, books, bureau_client, payment, reconciliation)
    stop.set()
    await asyncio.gather(*running)
    for connection in (client, wechat, bureau_client):
        await connection.close()
    await server.close()
    Sanic.unregister_app(app)
    await books.close()


async def test_both_gateways_and_the_bureau_agree(street: Street) -> None:
    orders = [await street.paid("alipay", "p1"), await street.paid("wechatpay", "p2")]
    for order in orders:
        await street.until(order.order_no)
        await street.posted(order.order_no)
    with pytest.raises(Unavailable, match="bill_not_ready"):
        await street.reconciliation.run(MONDAY)
    street.advance(days=1)
    report = await street.reconciliation.run(MONDAY)
    assert (report.payments, report.refunds, report.bookings, report.matched) == (2, 0, 0, 2)
    assert report.findings == ()
    street.advance(days=2)
    for order in orders:
        await street.booked(order.order_no)
    report = await street.reconciliation.run(WEDNESDAY)
    assert (report.payments, report.bookings, report.matched, report.findings) == (0, 2, 2, ())


@pytest.mark.parametrize("provider", ["alipay", "wechatpay"])
async def test_what_was_not_heard_of_is_taken_in_from_the_bill(street: Street, provider: str) -> None:
    query = "alipay.trade.query" if provider == "alipay" else "query"
    await street.fault(provider, "notify", "drop", 100)
    await street.fault(provider, query, "system_error", 100_000)
    order = await street.paid(provider, "p1")
    street.advance(days=1)
    report = await street.reconciliation.run(MONDAY)
    assert told(report.findings) == [("long", "open", "not_asked_yet")]
    await street.books.clear_faults(provider)
    report = await street.reconciliation.run(MONDAY)
    assert [(f.kind, f.state) for f in report.findings] == [("long", "mended")]
    await street.until(order.order_no)
    await street.posted(order.order_no)
    assert report.matched == 1


async def test_a_refund_and_a_discount_past_us(street: Street) -> None:
    first, second = await street.paid("alipay", "p1"), await street.paid("alipay", "p2")
    for order in (first, second):
        await street.until(order.order_no)
        await street.posted(order.order_no)
    await street.fault("alipay", "notify", "drop", 100)
    await street.console(out_trade_no=first.order_no, refund="400.00")
    await street.console(out_trade_no=second.order_no, discount="12.34")
    street.advance(days=1)
    report = await street.reconciliation.run(MONDAY)
    assert told(report.findings) == [
        ("discount", "mended", "booked"),
        ("external_refund", "mended", "order_refunded"),
    ]
    await street.until(first.order_no, "refunded")
    assert (await street.reconciliation.run(MONDAY)).findings == report.findings


async def test_a_refund_in_part_in_wechat_is_no_refund_of_the_whole(street: Street) -> None:
    """Its gateway says `REFUND` of an order from the first part on."""
    order = await street.paid("wechatpay", "p1")
    await street.until(order.order_no)
    await street.posted(order.order_no)
    gateway = street.payment._desk.gateways["wechatpay"]
    await street.fault("wechatpay", "notify", "drop", 100)
    part = order.total / 4
    await gateway.refund(order_no=order.order_no, request_no="CONSOLE1", amount=part, reason="退款")
    street.advance(days=1)
    report = await street.reconciliation.run(MONDAY)
    assert told(report.findings) == [("external_refund", "open", "part_given_back")]
    assert (await street.payment.find_order(order.order_no)).status == "paid"  # type: ignore[union-attr]
    bill = await gateway.fetch_bill(MONDAY)
    assert [line.kind for line in bill.lines] == [BillKind.PAID, BillKind.REFUND]
