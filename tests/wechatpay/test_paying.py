"""Paying in a conversation in WeChat: the second gateway under the same payment core, on both stores."""

import asyncio
import json
import shutil
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlencode

import httpx2
import pytest
from playwright.async_api import async_playwright
from sanic import Sanic
from sqlalchemy import select

from bot import worker
from bot.routes import cashier, notify
from bot.sandbox.wechatpay.store import WxRefundRow, WxTradeRow
from services.domain.errors import Refused
from services.domain.ids import new_id
from services.durable import Durable
from services.notices import Notices
from services.payment import Bill, Checkout, OrderView, Payment, Placed
from services.ports import TradeStatus
from services.settings import Settings
from services.store.session import Database
from tests.bot.web.test_browser import ARGUMENTS
from tests.payment.conftest import get_person
from tests.payment.peers import RESIDENT_MEDICAL, FakeBureau, FakeGateway
from tests.wechatpay.conftest import Town, WechatPayGateway

IN_WECHAT, ON_THE_WEB = "wechat:oSomebody", "web:somebody"


@dataclass
class Street:
    town: Town
    payment: Payment
    alipay: FakeGateway
    bureau: FakeBureau
    notify_url: str

    async def place(self, conversation_id: str = IN_WECHAT) -> OrderView:
        quote = await self.bureau.quote(await get_person("p1"), RESIDENT_MEDICAL)
        draft = await self.payment.draft(
            conversation_id=conversation_id, payer_id="p1", bills=[Bill(insured_id="p1", quote=quote)]
        )
        placed = await self.payment.place(draft.draft_id, conversation_id=conversation_id)
        assert isinstance(placed, Placed)
        return placed.order

    async def pay(self, order: OrderView) -> None:
        checkout = await self.payment.open_cashier(order.order_no)
        assert checkout is not None
        assert checkout.bridge is not None
        await self.town.pay(f"{self.town.url}/bridge?{urlencode(checkout.bridge)}")

    async def until(self, order_no: str, status: str) -> None:
        async with asyncio.timeout(30):
            while True:
                view = await self.payment.find_order(order_no)
                if view is not None and view.status == status:
                    return
                await asyncio.sleep(0.05)

    async def asked_back(self) -> None:
        """Until the platform has been asked for a refund."""
        async with asyncio.timeout(30):
            while True:
                async with self.town.books.database.read() as session:
                    if (await session.scalars(select(WxRefundRow))).first() is not None:
                        return
                await asyncio.sleep(0.05)


@pytest.fixture
async def street(town: Town, database: Database) -> AsyncIterator[Street]:
    listener = socket.create_server(("127.0.0.1", 0))
    notify_url = f"http://127.0.0.1:{listener.getsockname()[1]}/notify/wechatpay"
    settings = Settings(_env_file=None, wechat_pays_with="wechatpay")
    alipay, bureau = FakeGateway(town.clock), FakeBureau(town.clock)
    own = WechatPayGateway(town.client, town.keys.wechat_app_id, notify_url)
    durable = Durable(database=database, clock=town.clock)
    payment = Payment(
        database=database, clock=town.clock, gateways={"alipay": alipay, "wechatpay": own}, bureau=bureau,
        durable=durable, notices=Notices(database, town.clock), get_person=get_person, settings=settings,
    )  # fmt: skip
    app = Sanic(f"paying-{new_id()}", configure_logging=False)
    app.config.TOUCHUP = False  # Sanic rewrites its own methods once per process only
    app.blueprint(notify.blueprint(payment))
    app.blueprint(cashier.blueprint(payment, bridge_url=f"{town.url}/bridge"))
    server = await app.create_server(sock=listener, return_asyncio_server=True, access_log=False)
    assert server is not None
    await server.startup()
    await server.before_start()
    await server.start_serving()
    stop = asyncio.Event()
    working = asyncio.create_task(worker.run(durable, stop))
    yield Street(town, payment, alipay, bureau, notify_url)
    stop.set()
    await working
    await server.close()
    Sanic.unregister_app(app)


async def test_in_wechat_it_is_paid_by_wechat_and_elsewhere_by_alipay(street: Street) -> None:
    order = await street.place()
    assert order.provider == "wechatpay"
    await street.pay(order)
    await street.until(order.order_no, "paid")
    assert street.alipay.table("trades") == {}
    with pytest.raises(Refused, match="already_paid"):
        await street.place(ON_THE_WEB)


async def test_a_bill_has_one_order_whichever_channel_asks(street: Street) -> None:
    first, second = await street.place(ON_THE_WEB), await street.place(IN_WECHAT)
    assert (first.order_no, first.provider) == (second.order_no, "alipay")


async def test_another_wechat_account_gets_an_order_of_its_own_and_the_first_is_closed(
    street: Street,
) -> None:
    first = await street.place()
    second = await street.place("wechat:oSecond")
    assert second.order_no != first.order_no
    await street.until(first.order_no, "closed")
    await street.pay(second)
    await street.until(second.order_no, "paid")
    assert (await street.town.gateway.query(second.order_no)).buyer == "oSecond"


async def test_another_amount_in_a_genuine_message_moves_nothing(street: Street) -> None:
    await street.town.fault("notify", "wrong_amount")
    await street.town.fault("query", "system_error", times=50)
    order = await street.place()
    await street.pay(order)
    await asyncio.sleep(0.5)
    view = await street.payment.find_order(order.order_no)
    assert view is not None
    assert view.status == "pending"
    await street.town.books.clear_faults("wechatpay")
    street.town.advance(seconds=31)
    await street.until(order.order_no, "paid")


@pytest.mark.parametrize("mode", ["wrong_signature", "old_timestamp", "unsigned", "drop"])
async def test_without_a_good_message_it_is_known_by_asking(street: Street, mode: str) -> None:
    await street.town.fault("notify", mode, times=20)
    order = await street.place()
    await street.pay(order)
    assert (await street.payment.refresh(order.order_no)).status == "paid"


async def test_what_is_given_up_is_closed_there(street: Street) -> None:
    order = await street.place()
    await street.payment.open_cashier(order.order_no)
    assert (await street.payment.abandon(order.order_no)).status == "closed"
    assert (await street.town.gateway.query(order.order_no)).status is TradeStatus.CLOSED


async def test_what_has_expired_is_closed_there_too(street: Street) -> None:
    order = await street.place()
    await street.payment.open_cashier(order.order_no)
    street.town.advance(minutes=16)
    await street.until(order.order_no, "closed")
    assert (await street.town.gateway.query(order.order_no)).status is TradeStatus.CLOSED


async def test_money_that_may_not_be_applied_goes_back_by_itself(street: Street) -> None:
    """The platform took another amount than ours: its message is not believed, its answer is, and refunded."""
    order = await street.place()
    async with street.town.books.database.begin() as session:
        trade = await session.get_one(WxTradeRow, order.order_no)
        trade.total = 50000
    await street.pay(order)
    await street.until(order.order_no, "refunding")
    await street.asked_back()
    street.town.advance(seconds=11)
    await street.until(order.order_no, "refunded")
    async with street.town.books.database.read() as session:
        trade = await session.get_one(WxTradeRow, order.order_no)
        refunds = list(await session.scalars(select(WxRefundRow)))
    assert (trade.refunded, len(refunds)) == (50000, 1)


async def test_what_the_route_answers(street: Street) -> None:
    order = await street.place()
    async with httpx2.AsyncClient() as http:
        for content, status in ((b"", 400), (b"\xff", 400), (b"x" * 40_000, 400), (b"{}", 401)):
            answer = await http.post(street.notify_url, content=content)
            assert answer.status_code == status
            assert answer.json()["code"] == "FAIL"
    await street.pay(order)
    await street.until(order.order_no, "paid")


async def test_a_link_for_wechat_s_camera_is_drawn(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    order = await street.place()

    async def open_cashier(_order_no: str) -> Checkout:
        return Checkout(total=order.total, link="weixin://wxpay/bizpayurl?pr=abc")

    monkeypatch.setattr(street.payment, "open_cashier", open_cashier)
    async with httpx2.AsyncClient() as http:
        page = await http.get(pay_page(street, order))
    assert page.status_code == 200
    assert "<svg" in page.text
    assert "weixin://" not in page.text
    assert "微信扫码" in page.text


def pay_page(street: Street, order: OrderView) -> str:
    return street.notify_url.replace("/notify/wechatpay", f"/pay/{order.order_no}")


async def test_outside_wechat_the_sandbox_plays_the_bridge(street: Street) -> None:
    order = await street.place()
    async with httpx2.AsyncClient() as http:
        assert (
            f"{street.town.url}/bridge?appId="
            in (await http.get(pay_page(street, order))).headers["location"]
        )


@pytest.mark.parametrize("result", ["ok", "cancel", "fail"])
async def test_inside_wechat_the_page_calls_the_bridge_with_what_we_signed(
    street: Street, result: str
) -> None:
    order = await street.place()
    calls = f"""window.WeixinJSBridge = {{ invoke: (name, wishes, tell) => {{
        window.called = [name, wishes]; tell({{ err_msg: "get_brand_wcpay_request:{result}" }}); }} }};"""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        wechat = await chromium.new_context(
            user_agent="Mozilla/5.0 (Linux; Android 14) Mobile MicroMessenger/8.0.50",
            viewport={"width": 360, "height": 640},
        )
        await wechat.add_init_script(calls)
        page = await wechat.new_page()
        problems: list[str] = []
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        await page.goto(pay_page(street, order))
        assert "400.00 元" in await page.inner_text("h1")
        await page.click("#pay")
        said = await page.inner_text("#say")
        name, wishes = await page.evaluate("window.called")
        await chromium.close()
    assert problems == []
    assert {"ok": "付好了", "cancel": "没有扣您的钱", "fail": "刷新"}[result] in said
    assert name == "getBrandWCPayRequest"
    await street.town.pay(f"{street.town.url}/bridge?{urlencode(wishes)}")
    await street.until(order.order_no, "paid")


async def test_a_message_about_an_order_of_the_other_gateway_is_refused(street: Street) -> None:
    order = await street.place(ON_THE_WEB)
    cashier = await street.town.gateway.place(
        order_no=order.order_no, total=order.total, subject="社会保险费", expires_at=street.town.expires()
    )
    await street.town.pay(cashier.cashier_url)
    [form] = await street.town.merchant.wait_for(1)
    assert json.loads(form["body"])["event_type"] == "TRANSACTION.SUCCESS"
    with pytest.raises(Refused, match="forged_notification"):
        await street.payment.on_notification(form, provider="wechatpay")
    with pytest.raises(Refused, match="forged_notification"):
        await street.payment.on_notification(form, provider="nobody")
