"""WeChat as a second door: the same conversation, repeated deliveries answered once."""

import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from html import unescape

from wechatpy.crypto import WeChatCrypto

from bot.channels.wechat.wire import signature_of
from tests.journeys.driver import Resident, Town
from tests.journeys.people import who


class WeChat:
    """Plays WeChat's server: encrypts, signs, delivers, reads the passive answer."""

    def __init__(self, town: Town, openid: str) -> None:
        self.town, self.openid = town, openid
        self.keys = town.http.get("/sandbox/keys").json()
        self.crypto = WeChatCrypto(
            self.keys["wechat_token"], self.keys["wechat_aes_key"], self.keys["wechat_app_id"]
        )

    def say(self, text: str, message_id: str = "") -> str:
        message_id = message_id or str(secrets.randbits(62))
        return self.deliver(
            f"<MsgType>text</MsgType><Content><![CDATA[{text}]]></Content><MsgId>{message_id}</MsgId>"
        )

    def deliver(self, body: str, *, stamp: int | None = None, tamper: bool = False) -> str:
        now = str(stamp or int(self.town.now().timestamp()))
        nonce = secrets.token_hex(5)
        xml = (
            f"<xml><ToUserName>gh_1</ToUserName><FromUserName>{self.openid}</FromUserName>"
            f"<CreateTime>{now}</CreateTime>{body}</xml>"
        )
        cipher = self.crypto.encrypt_message(xml, nonce, now).split("<Encrypt><![CDATA[")[1].split("]]>")[0]
        token = self.keys["wechat_token"]
        query = {
            "signature": signature_of(token, now, nonce), "timestamp": now, "nonce": nonce, "openid": self.openid,
            "encrypt_type": "aes", "msg_signature": signature_of(token, now, nonce, cipher),
        }  # fmt: skip
        if tamper:
            cipher = cipher[:40] + ("A" if cipher[40] != "A" else "B") + cipher[41:]
        envelope = f"<xml><ToUserName>gh_1</ToUserName><Encrypt><![CDATA[{cipher}]]></Encrypt></xml>"
        answer = self.town.http.post("/webhooks/wechat", params=query, content=envelope.encode())
        if answer.status_code != 200 or answer.text in {"", "success"}:
            return f"{answer.status_code} {answer.text}".strip()
        signature = answer.text.split("<MsgSignature><![CDATA[")[1].split("]]>")[0]
        plain = self.crypto.decrypt_message(answer.text, signature, now, nonce)
        return plain.split("<Content><![CDATA[")[1].rsplit("]]></Content>", 1)[0]


def link(text: str) -> str:
    found = re.search(r'<a href="([^"]+)">', text)
    assert found, text
    return unescape(found[1])


def test_a_premium_is_paid_in_wechat(town: Town) -> None:
    me = who("writes_in_wechat")
    wechat = WeChat(town, "o" + secrets.token_hex(8))
    browser = Resident(town, "wechat")
    browser.fill(link(wechat.say("帮我交明年的居民医保")), "同意", account=me["alipay_user_id"])
    browser.fill(link(wechat.say("好了")), "通过")
    assert "400" in wechat.say("好了")
    request = wechat.say("确认支付")
    browser.fill(link(request), "确认付款", account=me["alipay_user_id"], password="123456")
    assert "已付款" in wechat.say("付好了")


def test_a_repeated_delivery_is_answered_once_and_the_same(town: Town) -> None:
    wechat = WeChat(town, "o" + secrets.token_hex(8))
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: wechat.say("你好", "77001122"), range(4)))
    assert len(set(answers)) == 1
    assert "社保" in answers[0]
    assert wechat.say("你好", "77001122") == answers[0]


def test_forged_and_old_deliveries_have_no_effect(town: Town) -> None:
    wechat = WeChat(town, "o" + secrets.token_hex(8))
    text = "<MsgType>text</MsgType><Content>你好</Content><MsgId>1</MsgId>"
    assert wechat.deliver(text, tamper=True).startswith("403")
    assert wechat.deliver(text, stamp=int(town.now().timestamp()) - 3600).startswith("403")


def test_subscribing_is_greeted_and_a_picture_gets_a_polite_sentence(town: Town) -> None:
    wechat = WeChat(town, "o" + secrets.token_hex(8))
    assert "您好" in wechat.deliver("<MsgType>event</MsgType><Event>subscribe</Event>")
    assert "文字" in wechat.deliver(
        "<MsgType>image</MsgType><PicUrl>u</PicUrl><MediaId>m</MediaId><MsgId>5</MsgId>"
    )
