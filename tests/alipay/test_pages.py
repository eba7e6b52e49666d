"""The pages as a stranger, a forger and a person with a small screen meet them."""

from decimal import Decimal

import httpx2
import pytest

from services.domain.ids import order_number
from services.ports import TradeStatus
from tests.alipay.conftest import WANG, Town, look, open_form, send

PAY = {"account": WANG, "password": "123456"}


async def cashier(town: Town) -> tuple[str, str]:
    number = order_number("GZ1")
    placed = await town.gateway.place(
        order_no=number, total=Decimal("400"), subject="城乡居民基本医疗保险", expires_at=town.expires()
    )
    return number, placed.cashier_url


async def test_the_select_shows_every_account_by_name(town: Town) -> None:
    _, url = await cashier(town)
    options = (await look(url)).select("select[name=account] option")
    assert [(option["value"], option.get_text()) for option in options] == [
        (WANG, "王小芳"),
        ("2088000000000022", "李建国"),
    ]


async def test_a_password_that_is_not_six_digits_pays_nothing(town: Town) -> None:
    number, url = await cashier(town)
    action, values = await open_form(url, "确认付款")
    for password in ("", "12345", "1234567", "12345a", "１２３４５６"):
        page = await send(action, values | PAY | {"password": password})
        assert "支付密码是六位数字" in page.text
    assert (await town.gateway.query(number)).status is TradeStatus.WAITING


async def test_an_unknown_account_pays_nothing(town: Town) -> None:
    number, url = await cashier(town)
    action, values = await open_form(url, "确认付款")
    page = await send(action, values | PAY | {"account": "2088999999999999"})
    assert "请先选择付款账户" in page.text
    assert (await town.gateway.query(number)).status is TradeStatus.WAITING


async def test_a_forged_form_pays_nothing(town: Town) -> None:
    number, url = await cashier(town)
    _, other_url = await cashier(town)
    _, others = await open_form(other_url, "确认付款")
    action, values = await open_form(url, "确认付款")
    until, _, mac = values["form_token"].partition(".")
    for token in ("", "x", others["form_token"], f"{int(until) + 9}.{mac}", f"1.{mac}", "é.é"):
        page = await send(action, values | PAY | {"form_token": token})
        assert page.status_code == 403
    assert (await send(action, PAY | {"act": "pay"})).status_code == 403
    assert (await town.gateway.query(number)).status is TradeStatus.WAITING


async def test_a_consent_form_cannot_be_turned_to_another_address(town: Town) -> None:
    url = town.identity.authorization_url(state="s", redirect_uri=f"{town.base}/oauth/alipay/callback")
    action, values = await open_form(url, "同意")
    page = await send(action, values | {"account": WANG, "redirect_uri": f"{town.base}/elsewhere"})
    assert page.status_code == 403
    page = await send(action, values | {"account": "nobody"})
    assert page.status_code == 422
    assert "请先选择账户" in page.text


async def test_pages_run_nothing_are_kept_nowhere_and_tell_nobody(town: Town) -> None:
    _, url = await cashier(town)
    async with httpx2.AsyncClient(verify=False) as browser:
        answer = await browser.get(url)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'nonce-")
    assert f"form-action 'self' {town.base};" in policy
    assert "<script" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["cashier/unknown", "certify/unknown"])
async def test_a_guessed_page_is_not_there(town: Town, path: str) -> None:
    async with httpx2.AsyncClient(verify=False) as browser:
        answer = await browser.get(f"{town.base}/sandbox/alipay/{path}")
    assert answer.status_code == 404
