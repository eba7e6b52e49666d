"""Our client against a gateway that lies, mumbles, hangs or is not there (`protocols` 1.2, `reliability` P10)."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from services.adapters.alipay.client import AlipayClient
from services.adapters.alipay.gateway import AlipayGateway
from services.adapters.alipay.signing import Unreadable, read_public_keys, sign, split_answer
from services.domain.errors import OutcomeUnknown, Refused, Unavailable
from services.ports import TradeStatus
from tests.alipay.conftest import free_port
from tests.conftest import FixedClock

OURS, THEIRS, STRANGERS = (generate_private_key(65537, 2048) for _ in range(3))
NODE = "alipay_trade_query_response"
PAID = {
    "code": "10000",
    "msg": "Success",
    "out_trade_no": "GZ1A",
    "trade_no": "2026112322001" + "0" * 15,
    "trade_status": "TRADE_SUCCESS",
    "total_amount": "400.00",
    "send_pay_date": "2026-11-23 10:00:00",
}


def public_pem(*keys: object) -> str:
    return "".join(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()  # type: ignore[attr-defined]
        for key in keys
    )


@dataclass
class Liar:
    """Answers every connection with the same bytes, after `wait` seconds."""

    body: bytes = b""
    status: str = "200 OK"
    wait: float = 0
    cut: bool = False

    def says(self, text: str, *, key: object = THEIRS, node: str = NODE) -> None:
        signature = sign(text.encode(), key)  # type: ignore[arg-type]
        self.body = f'{{"{node}":{text},"sign":"{signature}"}}'.encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100_000)
        await asyncio.sleep(self.wait)
        if not self.cut:
            head = f"HTTP/1.1 {self.status}\r\nContent-Length: {len(self.body)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + self.body)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def opened(url: str, public: str) -> AsyncIterator[AlipayGateway]:
    pem = OURS.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    client = AlipayClient(
        gateway_url=url,
        app_id="2021000000000001",
        private_key_pem=pem,
        public_key_pem=public,
        clock=FixedClock(),
        timeout=3,
    )
    yield AlipayGateway(client, seller_id="2088000000000001", notify_url="http://n", return_url="http://r")
    await client.close()


@pytest.fixture
async def liar() -> Liar:
    return Liar()


@pytest.fixture
async def gateway(liar: Liar) -> AsyncIterator[AlipayGateway]:
    server = await asyncio.start_server(liar.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with opened(f"http://127.0.0.1:{port}/gateway.do", public_pem(STRANGERS, THEIRS)) as gateway:
        yield gateway
    server.close()


def compact(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize(
    "text",
    [
        compact(PAID),
        json.dumps(PAID, indent=2),
        json.dumps(PAID | {"subject": "居民医保"}),
        compact(PAID | {"subject": "a/b"}).replace("/", "\\/"),
        compact(PAID | {"subject": 'line\n"sign":"x","error_response":{ } } { "'}),
    ],
)
async def test_the_signed_text_is_the_exact_run_of_characters(
    gateway: AlipayGateway, liar: Liar, text: str
) -> None:
    liar.says(text)
    facts = await gateway.query("GZ1A")
    assert (facts.status, facts.total) == (TradeStatus.PAID, Decimal("400.00"))


async def test_the_order_of_the_members_does_not_matter(gateway: AlipayGateway, liar: Liar) -> None:
    text, signature = compact(PAID), sign(compact(PAID).encode(), THEIRS)
    for body in (
        f'{{"{NODE}":{text},"alipay_cert_sn":"1","sign":"{signature}"}}',
        f'{{"sign":"{signature}","{NODE}":{text}}}',
        f' {{ "{NODE}" : {text} , "sign" : "{signature}" }} \n',
    ):
        liar.body = body.encode()
        assert (await gateway.query("GZ1A")).status is TradeStatus.PAID


async def test_nothing_unsigned_or_wrongly_signed_is_believed(gateway: AlipayGateway, liar: Liar) -> None:
    text = compact(PAID)
    genuine, forged = sign(text.encode(), THEIRS), sign(text.encode(), OURS)
    failure = compact({"code": "40004", "sub_code": "ACQ.TRADE_NOT_EXIST"})
    for body in (
        f'{{"{NODE}":{text}}}',
        f'{{"{NODE}":{text},"sign":""}}',
        f'{{"{NODE}":{text},"sign":"{forged}"}}',
        f'{{"{NODE}":{text},"sign":"é"}}',
        f'{{"{NODE}":{text},"sign":["{genuine}"]}}',
        f'{{"{NODE}":{text.replace("400.00", "900.00")},"sign":"{genuine}"}}',
        f'{{"{NODE}": {text} ,"{NODE}":{text},"sign":"{genuine}"}}',
        f'{{"error_response":{failure}}}',
        f'{{"{NODE}":{failure},"sign":"{genuine}"}}',
        f'{{"alipay_trade_close_response":{text},"sign":"{genuine}"}}',
        f'{{"{NODE}":"text","sign":"{sign(b"text", THEIRS)}"}}',
        f'{{"{NODE}":{text},"sign":"{genuine}"}} more',
        "<html>busy</html>",
        "",
        "[]",
        "{",
        '{"a":' * 5000,
    ):
        liar.body = body.encode()
        with pytest.raises(OutcomeUnknown):
            await gateway.query("GZ1A")
    liar.body = b'{"a":"\xff"}'
    with pytest.raises(OutcomeUnknown):
        await gateway.query("GZ1A")


async def test_a_genuine_answer_about_another_order_is_no_evidence(
    gateway: AlipayGateway, liar: Liar
) -> None:
    liar.says(compact(PAID))
    with pytest.raises(OutcomeUnknown, match="gateway_not_genuine"):
        await gateway.query("GZ1B")
    liar.says(compact(PAID), node="alipay_trade_close_response")
    with pytest.raises(OutcomeUnknown):
        await gateway.close("GZ1B")
    found = compact(
        PAID | {"refund_status": "REFUND_SUCCESS", "out_request_no": "r9", "refund_amount": "1.00"}
    )
    liar.says(found, node="alipay_trade_fastpay_refund_query_response")
    with pytest.raises(OutcomeUnknown):
        await gateway.find_refund(order_no="GZ1A", request_no="r1")


async def test_success_without_a_change_of_funds_is_no_refund(gateway: AlipayGateway, liar: Liar) -> None:
    answer = {"code": "10000", "out_trade_no": "GZ1A", "fund_change": "N", "refund_fee": "400.00"}
    liar.says(compact(answer), node="alipay_trade_refund_response")
    facts = await gateway.refund(order_no="GZ1A", request_no="r", amount=Decimal("400"), reason="x")
    assert not facts.done


@pytest.mark.parametrize(
    "code, sub_code",
    [("20000", "isp.unknow-error"), ("40004", "ACQ.SYSTEM_ERROR"), ("40004", "AQC.SYSTEM_ERROR")],
)
async def test_a_system_error_says_nothing_about_what_happened(
    gateway: AlipayGateway, liar: Liar, code: str, sub_code: str
) -> None:
    liar.says(compact({"code": code, "sub_code": sub_code}))
    with pytest.raises(OutcomeUnknown, match="gateway_system_error"):
        await gateway.query("GZ1A")


async def test_other_refusals_keep_the_reason(gateway: AlipayGateway, liar: Liar) -> None:
    liar.says(compact({"code": "40006", "sub_code": "isv.insufficient-isv-permissions"}))
    with pytest.raises(Refused, match="gateway_refused") as refused:
        await gateway.query("GZ1A")
    assert refused.value.facts == {"sub_code": "isv.insufficient-isv-permissions"}
    node = "alipay_trade_refund_response"
    liar.says(compact({"code": "40004", "sub_code": "ACQ.SELLER_BALANCE_NOT_ENOUGH"}), node=node)
    with pytest.raises(Unavailable, match="refund_balance"):
        await gateway.refund(order_no="GZ1A", request_no="r", amount=Decimal("1"), reason="x")


@pytest.mark.parametrize(
    "fields",
    [
        {"trade_status": "ODD"},
        {"total_amount": "NaN"},
        {"total_amount": "-1"},
        {"send_pay_date": "yesterday"},
    ],
)
async def test_facts_that_make_no_sense_are_not_guessed_at(
    gateway: AlipayGateway, liar: Liar, fields: dict[str, str]
) -> None:
    liar.says(compact(PAID | fields))
    with pytest.raises(OutcomeUnknown):
        await gateway.query("GZ1A")


async def test_bad_connections(gateway: AlipayGateway, liar: Liar) -> None:
    liar.says(compact(PAID))
    liar.status = "500 Internal Server Error"
    with pytest.raises(OutcomeUnknown, match="gateway_failed"):
        await gateway.query("GZ1A")
    liar.status = "302 Found"
    with pytest.raises(OutcomeUnknown, match="gateway_failed"):
        await gateway.query("GZ1A")
    liar.status, liar.wait = "200 OK", 3.5
    with pytest.raises(OutcomeUnknown, match="gateway_silent"):
        await gateway.query("GZ1A")
    liar.wait, liar.cut = 0, True
    with pytest.raises(OutcomeUnknown, match="gateway_silent"):
        await gateway.query("GZ1A")


async def test_a_gateway_that_is_not_there_was_never_asked() -> None:
    async with opened(f"http://127.0.0.1:{free_port()}/", public_pem(THEIRS)) as gateway:
        with pytest.raises(Unavailable, match="gateway_unavailable"):
            await gateway.query("GZ1A")
        with pytest.raises(Unavailable, match="gateway_unavailable"):
            await gateway.ping()


async def test_a_ping_wants_the_language_of_a_gateway(gateway: AlipayGateway, liar: Liar) -> None:
    liar.body = b'{"error_response":{},"sign":""}'
    await gateway.ping()
    liar.body = b"<html>"
    with pytest.raises(Unavailable):
        await gateway.ping()


def test_a_public_key_file_may_hold_two_keys_but_not_none() -> None:
    assert len(read_public_keys("# new\n" + public_pem(OURS, THEIRS))) == 2
    for text in ("", "not a key"):
        with pytest.raises(ValueError):
            read_public_keys(text)


@pytest.mark.parametrize("text", ['{"a":1,"a":2}', '{"a" 1}', "{1:2}", '{"a":1}x', "null", '{"a":1,}'])
def test_only_one_object_with_distinct_names_is_an_answer(text: str) -> None:
    with pytest.raises(Unreadable):
        split_answer(text)
