"""The cashier's page and the bridge, as a browser without script meets them."""

from decimal import Decimal
from urllib.parse import urlencode

import httpx2

from services.ports import TradeStatus
from tests.alipay.conftest import look, open_form, press, send
from tests.wechatpay.conftest import WANG, Town


async def place(town: Town, number: str = "GZ1ORDER") -> str:
    cashier = await town.gateway.place(
        order_no=number, total=Decimal("400"), subject="社会保险费", expires_at=town.expires()
    )
    return cashier.cashier_url


async def test_the_cashier_shows_what_is_paid_and_takes_it_once(town: Town) -> None:
    url = await place(town)
    page = await look(url)
    for shown in ("模拟微信支付", "演示环境", "社会保险费", "400.00", "GZ1ORDER", "2026-11-23 10:15"):
        assert shown in page.text
    assert page.find("script") is None
    done = await town.pay(url)
    assert "支付成功" in done.text
    assert "确认付款" not in (await look(url)).text
    assert (await town.gateway.query("GZ1ORDER")).status is TradeStatus.PAID


async def test_headers_forbid_everything_that_is_not_needed(town: Town) -> None:
    async with httpx2.AsyncClient() as browser:
        page = await browser.get(await place(town))
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert page.headers["cache-control"] == "no-store"


async def test_a_wrong_password_an_unknown_payer_and_leaving_cost_nothing(town: Town) -> None:
    url = await place(town)
    for fields in ({"account": WANG, "password": "12345"}, {"account": "nobody", "password": "123456"}):
        assert (await press(url, "确认付款", **fields)).status_code == 422
    assert "付款已取消" in (await press(url, "取消")).text
    assert (await town.gateway.query("GZ1ORDER")).status is TradeStatus.WAITING


async def test_a_form_of_another_page_is_not_taken(town: Town) -> None:
    action, _ = await open_form(await place(town), "确认付款")
    _, values = await open_form(await place(town, "GZ1SECOND"), "确认付款")
    answer = await send(action, values | {"account": WANG, "password": "123456"})
    assert answer.status_code == 403
    assert (await send(action, {"act": "pay"})).status_code == 403
    assert (await town.gateway.query("GZ1ORDER")).status is TradeStatus.WAITING


async def test_expired_is_not_payable_and_still_to_be_closed(town: Town) -> None:
    url = await place(town)
    action, values = await open_form(url, "确认付款")
    town.advance(minutes=15)
    answer = await send(action, values | {"account": WANG, "password": "123456"})
    assert "付款单已失效" in answer.text
    assert (await town.gateway.query("GZ1ORDER")).status is TradeStatus.WAITING
    assert await town.gateway.close("GZ1ORDER") is TradeStatus.CLOSED


async def test_unknown_pages_are_404(town: Town) -> None:
    await place(town)
    async with httpx2.AsyncClient() as browser:
        assert (await browser.get(f"{town.url}/cashier/nothing")).status_code == 404


async def test_inside_wechat_the_bridge_leads_to_the_same_cashier(town: Town) -> None:
    cashier = await town.gateway.place(
        order_no="GZ1JSAPI",
        total=Decimal("1.23"),
        subject="社会保险费",
        expires_at=town.expires(),
        payer="oPayer",
    )
    assert (cashier.cashier_url, cashier.qr_code) == (None, None)
    bridge = town.gateway.bridge(cashier.prepay_id or "")
    assert (await look(f"{town.url}/bridge?{urlencode(bridge | {'nonceStr': 'x'})}")).text.count(
        "验证签名失败"
    )
    await town.pay(f"{town.url}/bridge?{urlencode(bridge)}")
    facts = await town.gateway.query("GZ1JSAPI")
    assert (facts.status, facts.total, facts.buyer) == (TradeStatus.PAID, Decimal("1.23"), "oPayer")


async def test_faults_are_ordered_over_http(town: Town) -> None:
    async with httpx2.AsyncClient(base_url=town.url) as http:
        assert (await http.post("/faults", json={"operation": "query", "mode": "busy"})).json() == {
            "ordered": True
        }
        assert (await http.post("/faults", json={"clear": True})).json() == {"cleared": True}
        assert (await http.post("/faults", json={"operation": "all", "mode": "busy"})).status_code == 400
    assert (await town.gateway.query("GZ1NOBODY")).status is TradeStatus.ABSENT
