"""A client that the project did not write: python-alipay-sdk against the simulated gateway."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import alipay as sdk
import pytest

from services.domain.ids import order_number
from tests.alipay.conftest import WANG, Town, look

Ask = Callable[..., Awaitable[Any]]


@pytest.fixture
def ask(town: Town) -> Ask:
    """Calls a method of the SDK, which blocks, beside the event loop."""
    client = sdk.AliPay(
        appid=town.keys.alipay_app_id,
        app_notify_url=f"{town.base}/notify/alipay",
        app_private_key_string=town.keys.app_private_key_file.read_text().split("\n", 1)[1],
        alipay_public_key_string=town.keys.gateway_public_key_file.read_text().split("\n", 1)[1],
    )
    client._gateway = town.gateway_url
    town.sdk = client  # type: ignore[attr-defined]

    async def call(name: str, *arguments: Any, **named: Any) -> Any:
        return await asyncio.to_thread(getattr(client, name), *arguments, **named)

    return call


async def test_a_whole_payment(town: Town, ask: Ask) -> None:
    number = order_number("GZ1")
    placed = await ask("api_alipay_trade_precreate", "居民医保 2027", number, "400.00")
    assert (placed["code"], placed["out_trade_no"]) == ("10000", number)
    absent = await ask("api_alipay_trade_query", number)
    assert (absent["code"], absent["sub_code"]) == ("40004", "ACQ.TRADE_NOT_EXIST")

    await look(placed["qr_code"])
    waiting = await ask("api_alipay_trade_query", number)
    assert waiting["trade_status"] == "WAIT_BUYER_PAY"
    await town.pay(placed["qr_code"])
    paid = await ask("api_alipay_trade_query", number)
    assert (paid["trade_status"], paid["total_amount"], paid["buyer_user_id"]) == (
        "TRADE_SUCCESS",
        "400.00",
        WANG,
    )

    [form] = await town.merchant.wait_for(1)
    signature = form.pop("sign")
    assert town.sdk.verify(dict(form), signature)  # type: ignore[attr-defined]
    assert not town.sdk.verify(form | {"total_amount": "1.00"}, signature)  # type: ignore[attr-defined]

    part = await ask("api_alipay_trade_refund", "100.00", out_trade_no=number, out_request_no="r1")
    assert (part["fund_change"], part["refund_fee"]) == ("Y", "100.00")
    rest = await ask("api_alipay_trade_refund", "300.00", trade_no=paid["trade_no"], out_request_no="r2")
    assert (rest["fund_change"], rest["refund_fee"]) == ("Y", "400.00")
    again = await ask("api_alipay_trade_refund", "300.00", out_trade_no=number, out_request_no="r2")
    assert (again["fund_change"], again["refund_fee"]) == ("N", "400.00")
    found = await ask("api_alipay_trade_fastpay_refund_query", "r1", out_trade_no=number)
    assert (found["refund_status"], found["refund_amount"]) == ("REFUND_SUCCESS", "100.00")
    none = await ask("api_alipay_trade_fastpay_refund_query", "r3", out_trade_no=number)
    assert "refund_status" not in none
    too_much = await ask("api_alipay_trade_refund", "1.00", out_trade_no=number, out_request_no="r4")
    assert (too_much["sub_code"], too_much["refund_fee"]) == ("ACQ.REASON_TRADE_REFUND_FEE_ERR", "0.00")


async def test_close_and_cancel(town: Town, ask: Ask) -> None:
    first, second = order_number("GZ1"), order_number("GZ1")
    urls = [
        (await ask("api_alipay_trade_precreate", "居民医保", number, 0.01))["qr_code"]
        for number in (first, second)
    ]
    assert (await ask("api_alipay_trade_close", first))["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    assert (await ask("api_alipay_trade_cancel", first))["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    await look(urls[0])
    assert (await ask("api_alipay_trade_close", first))["code"] == "10000"
    await town.pay(urls[1])
    assert (await ask("api_alipay_trade_close", second))["sub_code"] == "ACQ.TRADE_STATUS_ERROR"
    undone = await ask("api_alipay_trade_cancel", second)
    assert (undone["action"], undone["retry_flag"]) == ("refund", "N")
    assert (await ask("api_alipay_trade_query", second))["trade_status"] == "TRADE_CLOSED"
    town.advance(hours=25)
    late = await ask("api_alipay_trade_cancel", first)
    assert late["sub_code"] == "ACQ.TRADE_CANCEL_TIME_OUT"


async def test_a_relative_limit_starts_when_the_payer_comes(town: Town, ask: Ask) -> None:
    number = order_number("GZ1")
    placed = await ask("api_alipay_trade_precreate", "居民医保", number, "400.00", timeout_express="15m")
    town.advance(minutes=110)
    await look(placed["qr_code"])
    town.advance(minutes=14)
    assert (await ask("api_alipay_trade_query", number))["trade_status"] == "WAIT_BUYER_PAY"
    town.advance(minutes=2)
    assert (await ask("api_alipay_trade_query", number))["trade_status"] == "TRADE_CLOSED"
    stale = await ask("api_alipay_trade_precreate", "居民医保", order_number("GZ1"), "400.00")
    town.advance(minutes=121)
    assert "付款单已失效" in (await look(stale["qr_code"])).text


async def test_a_bad_code_and_a_wrong_key_are_told_as_the_sdk_expects(town: Town, ask: Ask) -> None:
    with pytest.raises(sdk.exceptions.AliPayException, match=r"isv\.code-invalid"):
        await ask("server_api", "alipay.system.oauth.token", grant_type="authorization_code", code="invented")
    town.sdk._appid = "2021000000000000"  # type: ignore[attr-defined]
    wrong = await ask("api_alipay_trade_query", "GZ1A")
    assert wrong["sub_code"] == "isv.invalid-app-id"
