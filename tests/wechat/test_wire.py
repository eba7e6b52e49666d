"""WeChat's XML in and out: what is taken for WeChat's, what is said, how an answer is cut."""

import time

import pytest
from wechatpy.crypto import WeChatCrypto

from bot.channels.wechat.wire import MAX_TEXT_BYTES, NotFromWeChat, Signed, Wire, signature_of, texts

TOKEN, KEY, APP = "token-of-a-test", "a" * 43, "wx0123456789abcdef"
NONCE, STAMP = "nonce", str(int(time.time()))


def xml(body: str) -> str:
    return (
        "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[openid-1]]></FromUserName>"
        f"<CreateTime>1790000000</CreateTime>{body}</xml>"
    )


TEXT = xml("<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[帮我交医保]]></Content><MsgId>6404</MsgId>")


@pytest.fixture
def wire() -> Wire:
    return Wire(token=TOKEN, aes_key=KEY, app_id=APP, plain=False)


def encrypted(body: str, *, app_id: str = APP) -> tuple[bytes, Signed]:
    envelope = WeChatCrypto(TOKEN, KEY, app_id).encrypt_message(body, NONCE, STAMP)
    cipher = envelope.split("<Encrypt><![CDATA[")[1].split("]]>")[0]
    sent = f"<xml><ToUserName>gh_1</ToUserName><Encrypt><![CDATA[{cipher}]]></Encrypt></xml>"
    return sent.encode(), Signed(
        signature=signature_of(TOKEN, STAMP, NONCE),
        timestamp=STAMP,
        nonce=NONCE,
        msg_signature=signature_of(TOKEN, STAMP, NONCE, cipher),
    )


def test_an_encrypted_text_is_read_and_its_answer_can_be_read_by_wechat(wire: Wire) -> None:
    body, signed = encrypted(TEXT)
    delivery = wire.read(body, signed, encrypted=True)
    assert (delivery.openid, delivery.message_id, delivery.text) == ("openid-1", "6404", "帮我交医保")
    answer = wire.write(delivery, "好的 ]]> <b>", signed, encrypted=True)
    signature = answer.split("<MsgSignature><![CDATA[")[1].split("]]>")[0]
    plain = WeChatCrypto(TOKEN, KEY, APP).decrypt_message(answer, signature, STAMP, NONCE)
    assert "openid-1" in plain
    assert "好的 ]]]]><![CDATA[> <b>" in plain


def test_a_changed_body_or_another_account_is_refused(wire: Wire) -> None:
    body, signed = encrypted(TEXT)
    for place in range(80, len(body) - 30, 37):
        changed = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        with pytest.raises(NotFromWeChat):
            wire.read(changed, signed, encrypted=True)
    foreign, signed = encrypted(TEXT, app_id="wxffffffffffffffff")
    with pytest.raises(NotFromWeChat):
        wire.read(foreign, signed, encrypted=True)


def test_a_plain_delivery_is_refused_unless_the_sandbox_allows_it(wire: Wire) -> None:
    signed = Signed(signature=signature_of(TOKEN, STAMP, NONCE), timestamp=STAMP, nonce=NONCE)
    with pytest.raises(NotFromWeChat):
        wire.read(TEXT.encode(), signed, encrypted=False)
    open_wire = Wire(token=TOKEN, aes_key=KEY, app_id=APP, plain=True)
    assert open_wire.read(TEXT.encode(), signed, encrypted=False).text == "帮我交医保"


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ("<MsgType>event</MsgType><Event>subscribe</Event>", "event.subscribe", "/greet"),
        ("<MsgType>event</MsgType><Event>unsubscribe</Event>", "event.unsubscribe", None),
        ("<MsgType>event</MsgType><Event>CLICK</Event><EventKey>/help</EventKey>", "event.click", "/help"),
        ("<MsgType>voice</MsgType><MediaId>m</MediaId><Format>amr</Format><Recognition>交社保</Recognition><MsgId>1</MsgId>", "voice", "交社保"),
        ("<MsgType>image</MsgType><PicUrl>u</PicUrl><MediaId>m</MediaId><MsgId>2</MsgId>", "image", None),
    ],
)  # fmt: skip
def test_what_counts_as_said(wire: Wire, body: str, kind: str, said: str | None) -> None:
    delivery = wire.read(*encrypted(xml(body)), encrypted=True)
    assert (delivery.kind, delivery.text) == (kind, said)


@pytest.mark.parametrize("body", [b"", b"<xml>", b"\xff\xfe", b"<xml></xml>", b"{}"])
def test_broken_bodies_are_refused(wire: Wire, body: bytes) -> None:
    _, signed = encrypted(TEXT)
    with pytest.raises(NotFromWeChat):
        wire.read(body, signed, encrypted=True)


def test_a_card_becomes_a_text_with_a_link_and_the_possible_answers() -> None:
    card = {"kind": "payment_request", "cashier_url": "https://pay.example/?a=1&b=2"}
    [text] = texts(
        [{"text": "请付款。", "custom": card, "buttons": [{"title": "我付好了", "payload": "/x"}]}]
    )
    assert text == '请付款。\n<a href="https://pay.example/?a=1&amp;b=2">去支付</a>\n可以回复：我付好了'


def test_long_answers_are_cut_at_sentences_and_never_too_long() -> None:
    parts = texts([{"text": "社保费可以在手机上缴。" * 200}, {"text": "字" * 3000}])
    assert all(0 < len(part.encode()) <= MAX_TEXT_BYTES for part in parts)
    assert "".join(parts).replace("\n", "") == "社保费可以在手机上缴。" * 200 + "字" * 3000
