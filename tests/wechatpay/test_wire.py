"""Our client and a platform that lies: signatures, age, certificates, encryption (`protocols` 8)."""

import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from bot.sandbox.wechatpay.desk import Desk
from services.adapters.wechatpay.client import WechatPayClient
from services.adapters.wechatpay.gateway import WechatPayGateway
from services.adapters.wechatpay.signing import Merchant, Undecipherable, decrypt, encrypt, read_private_key
from services.domain.errors import OutcomeUnknown, Refused, Unavailable
from services.domain.ids import order_number
from services.ports import TradeStatus
from tests.wechatpay.conftest import Town, make_client

STRANGER = generate_private_key(65537, 2048)


async def paid(town: Town) -> str:
    number = order_number("GZ1")
    cashier = await town.gateway.place(
        order_no=number, total=Decimal("400"), subject="社会保险费", expires_at=town.expires()
    )
    await town.pay(cashier.cashier_url)
    return number


@pytest.mark.parametrize("mode", ["wrong_signature", "old_timestamp", "unsigned"])
async def test_no_fact_without_a_fresh_signature(town: Town, mode: str) -> None:
    number, expires = await paid(town), town.expires()
    calls: dict[str, Any] = {
        "query": lambda: town.gateway.query(number),
        "close": lambda: town.gateway.close("GZ1NOBODY"),
        "refund": lambda: town.gateway.refund(
            order_no=number, request_no="R1", amount=Decimal("1"), reason="退款"
        ),
        "find_refund": lambda: town.gateway.find_refund(order_no=number, request_no="R1"),
        "place": lambda: town.gateway.place(
            order_no="GZ1SECOND", total=Decimal("1"), subject="社会保险费", expires_at=expires
        ),
    }
    for operation, ask in calls.items():
        await town.fault(operation, mode)
        with pytest.raises(OutcomeUnknown, match="gateway_not_genuine"):
            await ask()
    assert (await town.gateway.query("GZ1SECOND")).total == Decimal("1.00")


async def test_too_many_calls_are_busy(town: Town) -> None:
    await town.fault("query", "busy")
    with pytest.raises(Unavailable, match="gateway_busy"):
        await town.gateway.query("GZ1NOBODY")


async def test_certificates_are_fetched_when_an_answer_names_one(town: Town) -> None:
    """The operator's file holds a key that is out of use; the platform signs with its certificate."""
    old = STRANGER.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    client = make_client(
        town.url, town.keys, town.clock, platform_key_pem=old, platform_key_id="PUB_KEY_ID_0OLD"
    )
    gateway = WechatPayGateway(client, town.keys.wechat_app_id, f"{town.base}/notify/wechatpay")
    assert (await gateway.query("GZ1NOBODY")).status is TradeStatus.ABSENT
    cashier = await gateway.place(
        order_no="GZ1CERT", total=Decimal("400"), subject="社会保险费", expires_at=town.expires()
    )
    await town.pay(cashier.cashier_url)
    [form] = await town.merchant.wait_for(1)
    assert gateway.read_notification(form).status is TradeStatus.PAID
    assert not form["wechatpay-serial"].startswith("PUB_KEY_ID_")
    await client.close()


async def test_certificates_in_the_file_need_no_call(town: Town) -> None:
    own = town.keys
    client = make_client(
        town.url,
        own,
        town.clock,
        platform_key_id="",
        platform_key_pem=own.wechatpay_platform_cert_file.read_text(),
    )
    await town.fault("certificates", "system_error")
    gateway = WechatPayGateway(client, own.wechat_app_id, "http://n")
    assert (await gateway.query("GZ1NOBODY")).status is TradeStatus.ABSENT
    await client.close()


@pytest.mark.parametrize("mode", ["wrong_signature", "old_timestamp", "unsigned", "system_error"])
async def test_certificates_that_nobody_vouches_for_are_not_taken(town: Town, mode: str) -> None:
    old = STRANGER.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    client = make_client(
        town.url, town.keys, town.clock, platform_key_pem=old, platform_key_id="PUB_KEY_ID_0OLD"
    )
    gateway = WechatPayGateway(client, town.keys.wechat_app_id, "http://n")
    await town.fault("certificates", mode)
    with pytest.raises(OutcomeUnknown):
        await gateway.query("GZ1NOBODY")
    assert (await gateway.query("GZ1NOBODY")).status is TradeStatus.ABSENT
    await client.close()


async def test_another_api_key_reads_no_certificates_and_no_messages(town: Town) -> None:
    await paid(town)
    [form] = await town.merchant.wait_for(1)
    client = make_client(town.url, town.keys, town.clock, api_v3_key="0" * 32)
    gateway = WechatPayGateway(client, town.keys.wechat_app_id, "http://n")
    with pytest.raises(Refused, match="forged_notification"):
        gateway.read_notification(form)
    await client.close()


async def test_our_own_wrong_key_is_refused_and_said(town: Town) -> None:
    pem = STRANGER.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    client = make_client(town.url, town.keys, town.clock, private_key_pem=pem)
    with pytest.raises(Refused, match="gateway_refused"):
        await WechatPayGateway(client, town.keys.wechat_app_id, "http://n").query("GZ1NOBODY")
    await client.close()


async def test_keys_that_can_not_be_right_are_refused_at_once(town: Town) -> None:
    for changes in ({"api_v3_key": "short"}, {"platform_key_pem": "none"}, {"platform_key_id": ""}):
        with pytest.raises(ValueError, match=r"WeChat Pay|public key"):
            make_client(town.url, town.keys, town.clock, **changes)


async def test_the_sandbox_refuses_requests_of_another_time(town: Town) -> None:
    for age in (-3600, -310, 310):
        answer = await signed_get(town, timestamp=int(town.clock.now().timestamp()) + age)
        assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_ERROR")
        assert "wechatpay-signature" in answer.headers


async def test_the_machine_s_time_is_as_good(town: Town) -> None:
    town.advance(days=30)
    assert (await signed_get(town, timestamp=int(time.time()))).status_code == 404


async def signed_get(town: Town, *, timestamp: int) -> httpx2.Response:
    keys = town.keys
    merchant = Merchant(
        mch_id=keys.wechatpay_mch_id,
        serial=keys.wechatpay_serial,
        key=read_private_key(keys.wechatpay_merchant_private_key_file.read_text()),
    )
    target = f"/v3/pay/transactions/out-trade-no/GZ1NOBODY?mchid={keys.wechatpay_mch_id}"
    authorization = merchant.authorization("GET", target, timestamp=str(timestamp), nonce="n", body="")
    async with httpx2.AsyncClient() as http:
        return await http.get(town.url + target, headers={"Authorization": authorization})


async def test_every_part_of_a_request_is_signed(town: Town) -> None:
    body = json.dumps({"mchid": town.keys.wechatpay_mch_id})
    merchant = town.client._merchant
    target = "/v3/pay/transactions/out-trade-no/GZ1NOBODY/close"
    stamp = str(int(town.clock.now().timestamp()))
    good = merchant.authorization("POST", target, timestamp=stamp, nonce="n", body=body)
    async with httpx2.AsyncClient(base_url=town.url) as http:
        for path, content, header, status in (
            (target, body, good, 404),
            (target, body + " ", good, 401),
            (target + "?a=1", body, good, 401),
            (target.replace("NOBODY", "SOMEBODY"), body, good, 401),
            (target, body, good.replace('nonce_str="n"', 'nonce_str="m"'), 401),
            (target, body, good.replace("WECHATPAY2", "WECHATPAY1"), 401),
            (target, body, "", 401),
        ):
            answer = await http.post(path, content=content, headers={"Authorization": header})
            assert answer.status_code == status, (path, header)


def resealed(town: Town, message: dict[str, Any], resource: dict[str, Any] | None = None) -> dict[str, str]:
    """A message as the platform itself would have made it."""
    desk = Desk(books=town.books, keys=town.keys, base_url="")
    if resource is not None:
        sealed = message["resource"]
        ciphertext = encrypt(
            json.dumps(resource).encode(),
            key=town.keys.wechatpay_api_v3_key.encode(),
            nonce=sealed["nonce"],
            associated=sealed["associated_data"],
        )
        message = message | {"resource": sealed | {"ciphertext": ciphertext}}
    body = json.dumps(message)
    headers = desk.seal(body, town.keys.wechatpay_platform_key_id)
    return {name.lower(): value for name, value in headers.items()} | {"body": body}


async def opened(town: Town) -> tuple[dict[str, Any], dict[str, Any]]:
    await paid(town)
    [form] = await town.merchant.wait_for(1)
    message = json.loads(form["body"])
    return message, json.loads(decrypt(message["resource"], town.keys.wechatpay_api_v3_key.encode()))


async def test_genuine_messages_to_somebody_else_are_refused(town: Town) -> None:
    message, content = await opened(town)
    assert town.gateway.read_notification(resealed(town, message, content)).status is TradeStatus.PAID
    for changes in ({"mchid": "1600000000"}, {"appid": "wx0"}, {"out_trade_no": ""}):
        with pytest.raises(Refused, match="forged_notification"):
            town.gateway.read_notification(resealed(town, message, content | changes))


NONSENSE: tuple[dict[str, Any], ...] = (
    {"trade_state": "ODD"},
    {"amount": {"total": "400"}},
    {"amount": {"total": 40000, "currency": "USD"}},
    {"amount": None},
    {"amount": {"total": -1}},
    {"success_time": "soon"},
    {"success_time": "2026-11-23T10:00:00"},
)
NOT_FOR_US: tuple[dict[str, Any], ...] = (
    {"event_type": "PAYSCORE.USER_PAID"},
    {"resource_type": "plain"},
    {"resource": []},
    {"id": ""},
)


async def test_genuine_messages_that_make_no_sense_are_not_guessed_at(town: Town) -> None:
    message, content = await opened(town)
    for changes in NONSENSE:
        with pytest.raises(OutcomeUnknown):
            town.gateway.read_notification(resealed(town, message, content | changes))
    for changes in NOT_FOR_US:
        with pytest.raises(OutcomeUnknown):
            town.gateway.read_notification(resealed(town, message | changes))


async def test_a_refund_that_failed_changes_nothing(town: Town) -> None:
    message, content = await opened(town)
    refund = {"mchid": content["mchid"], "out_trade_no": "GZ1A", "amount": {"total": 40000, "refund": 40000}}
    for kind in ("ABNORMAL", "CLOSED"):
        form = resealed(town, message | {"event_type": f"REFUND.{kind}"}, refund)
        facts = town.gateway.read_notification(form)
        assert (facts.status, facts.refunded) == (TradeStatus.PAID, None)


def test_encryption_is_authenticated() -> None:
    key = b"0123456789abcdef0123456789abcdef"
    sealed = {
        "ciphertext": encrypt(b"{}", key=key, nonce="123456789012", associated=""),
        "nonce": "123456789012",
    }
    assert decrypt(sealed, key) == b"{}"
    for changes in (
        {"associated_data": "x"}, {"nonce": "123456789013"}, {"nonce": ""}, {"nonce": 5}, {"ciphertext": "é"},
        {"ciphertext": ""}, {"algorithm": "AES"},
    ):  # fmt: skip
        with pytest.raises(Undecipherable):
            decrypt(sealed | changes, key)


async def test_the_platform_file_may_hold_certificate_and_public_key(town: Town, tmp_path: Path) -> None:
    own = town.keys
    both = own.wechatpay_platform_cert_file.read_text() + own.wechatpay_platform_public_key_file.read_text()
    client: WechatPayClient = make_client(town.url, own, town.clock, platform_key_pem=both)
    assert len(client._keys) == 2
    await client.close()
