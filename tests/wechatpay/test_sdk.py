"""The independent client `wechatpayv3` against the sandbox, in both of its modes, for every call it offers."""

import asyncio
import gzip
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from wechatpayv3 import WeChatPay, WeChatPayType

from bot.sandbox.keys import pem
from tests.wechatpay.conftest import START, Town

Sdk = Callable[..., Any]


async def make(town: Town, *, certificates: bool = False, kind: Any = WeChatPayType.NATIVE) -> Any:
    """The client sends to the sandbox; it stamps with the machine's time. It has its address built in."""
    from wechatpayv3.core import Core

    keys = town.keys
    platform = {} if certificates else {
        "public_key": pem(keys.wechatpay_platform_public_key_file),
        "public_key_id": keys.wechatpay_platform_key_id,
    }  # fmt: skip
    original = Core._init_certificates

    def init(core: Any) -> None:
        core._gate_way = town.url
        original(core)

    Core._init_certificates = init
    try:
        sdk = await asyncio.to_thread(
            WeChatPay,
            wechatpay_type=kind,
            mchid=keys.wechatpay_mch_id,
            private_key=pem(keys.wechatpay_merchant_private_key_file),
            cert_serial_no=keys.wechatpay_serial,
            appid=keys.wechat_app_id,
            apiv3_key=keys.wechatpay_api_v3_key,
            notify_url=f"{town.base}/notify/wechatpay",
            timeout=(5, 5),
            **platform,
        )
    finally:
        Core._init_certificates = original
    sdk._core._gate_way = town.url
    return sdk


async def call(function: Sdk, **arguments: Any) -> tuple[int, Any]:
    status, text = await asyncio.to_thread(lambda: function(**arguments))
    return status, json.loads(text) if text else None


ORDER = {
    "description": "社会保险费",
    "out_trade_no": "GZ1ORDER",
    "amount": {"total": 40000, "currency": "CNY"},
}


@pytest.mark.parametrize("certificates", [False, True])
async def test_order_query_refund_and_its_query(town: Town, certificates: bool) -> None:
    sdk = await make(town, certificates=certificates)
    status, placed = await call(sdk.pay, **ORDER, time_expire=town.expires().isoformat(timespec="seconds"))
    assert status == 200
    _, order = await call(sdk.query, out_trade_no="GZ1ORDER")
    assert (order["trade_state"], order["amount"]["total"]) == ("NOTPAY", 40000)
    await town.pay(placed["code_url"])
    _, order = await call(sdk.query, out_trade_no="GZ1ORDER")
    _, same = await call(sdk.query, transaction_id=order["transaction_id"])
    assert same == order
    assert order["trade_state"] == "SUCCESS"
    amount = {"refund": 10000, "total": 40000, "currency": "CNY"}
    status, refund = await call(sdk.refund, out_refund_no="R1", out_trade_no="GZ1ORDER", amount=amount)
    assert (status, refund["status"]) == (200, "PROCESSING")
    status, refund = await call(sdk.query_refund, out_refund_no="R1")
    assert (status, refund["status"], refund["amount"]["refund"]) == (200, "SUCCESS", 10000)


@pytest.mark.parametrize("certificates", [False, True])
async def test_the_notification_is_verified_and_decrypted(town: Town, certificates: bool) -> None:
    sdk = await make(town, certificates=certificates)
    _, placed = await call(sdk.pay, **ORDER)
    await town.pay(placed["code_url"])
    [form] = await town.merchant.wait_for(1)
    headers = {name.title(): value for name, value in form.items() if name != "body"}
    told = await asyncio.to_thread(sdk.callback, headers, form["body"])
    assert told["event_type"] == "TRANSACTION.SUCCESS"
    assert told["resource"]["out_trade_no"] == "GZ1ORDER"
    assert told["resource"]["amount"] == {
        "total": 40000, "payer_total": 40000, "currency": "CNY", "payer_currency": "CNY",
    }  # fmt: skip
    assert not await asyncio.to_thread(sdk.callback, headers, form["body"].replace("支付", "退款"))


async def test_close_and_what_comes_after(town: Town) -> None:
    sdk = await make(town)
    await call(sdk.pay, **ORDER)
    assert (await call(sdk.close, out_trade_no="GZ1ORDER"))[0] == 204
    assert (await call(sdk.query, out_trade_no="GZ1ORDER"))[1]["trade_state"] == "CLOSED"
    status, refusal = await call(sdk.pay, **ORDER)
    assert (status, refusal["code"]) == (400, "ORDER_CLOSED")
    status, refusal = await call(sdk.query, out_trade_no="GZ1NOBODY")
    assert (status, refusal["code"]) == (404, "ORDER_NOT_EXIST")


async def test_jsapi_ends_at_the_bridge(town: Town) -> None:
    sdk = await make(town, kind=WeChatPayType.JSAPI)
    status, placed = await call(sdk.pay, **ORDER, payer={"openid": "oPayer"})
    assert status == 200
    fields = [town.keys.wechat_app_id, "1790000000", "nonce", f"prepay_id={placed['prepay_id']}"]
    signature = sdk.sign(fields)
    assert signature
    status, refusal = await call(sdk.pay, **ORDER | {"out_trade_no": "GZ1OTHER"}, payer={"openid": ""})
    assert (status, refusal["code"]) == (400, "PARAM_ERROR")


async def test_the_bill(town: Town) -> None:
    sdk = await make(town)
    _, placed = await call(sdk.pay, **ORDER)
    await town.pay(placed["code_url"])
    town.advance(days=1, hours=1)
    _, bill = await call(sdk.trade_bill, bill_date=START.date().isoformat())
    status, packed = await asyncio.to_thread(sdk.download_bill, bill["download_url"])
    assert status == 200
    content = gzip.decompress(packed)
    assert hashlib.sha1(content, usedforsecurity=False).hexdigest() == bill["hash_value"]
    assert "GZ1ORDER" in content.decode()


async def test_a_wrong_key_and_a_wrong_merchant_are_refused(town: Town) -> None:
    sdk = await make(town)
    for attribute, value in (("_mchid", "1600000000"), ("_cert_serial_no", "5ABC")):
        original = getattr(sdk._core, attribute)
        setattr(sdk._core, attribute, value)
        status, refusal = await call(sdk.query, out_trade_no="GZ1ORDER", mchid=town.keys.wechatpay_mch_id)
        assert (status, refusal["code"]) == (401, "SIGN_ERROR")
        setattr(sdk._core, attribute, original)
    assert (await call(sdk.query, out_trade_no="GZ1ORDER"))[0] == 404


@pytest.mark.parametrize("mode", ["wrong_signature", "unsigned"])
async def test_answers_with_a_wrong_signature_are_noticed(town: Town, mode: str) -> None:
    sdk = await make(town)
    await call(sdk.pay, **ORDER)
    await town.fault("query", mode)
    with pytest.raises(Exception, match=r"signature|algorithm"):
        await call(sdk.query, out_trade_no="GZ1ORDER")
    assert (await call(sdk.query, out_trade_no="GZ1ORDER"))[0] == 200
