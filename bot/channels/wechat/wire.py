"""Between WeChat's XML and our messages. Pure: bytes and objects in, bytes and objects out."""

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha1, sha256
from html import escape
from typing import Any

from sanic import Request
from wechatpy import create_reply, parse_message
from wechatpy.crypto import WeChatCrypto

from bot.channels.base import Message

MAX_TEXT_BYTES = 2048
"""A longer text is not shown at all (`protocols` 7.3)."""
LINKS = {
    "authorization_request": ("url", "点这里授权"),
    "identity_verification": ("url", "点这里核验身份"),
    "payment_request": ("cashier_url", "去支付"),
    "document": ("url", "点这里打开"),
}
SENTENCE_END = re.compile(r"(?<=[。！？\n])")
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
SUBSCRIBED = {"event.subscribe", "event.subscribe_scan"}


class NotFromWeChat(Exception):
    """Signature, app id or form of a delivery is wrong. What exactly is told to nobody."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One thing that WeChat delivered. `text` is what was said, or a payload for an event; None: nothing.

    `message_id` is the same in each repetition. `kind` is WeChat's own: `text`, `voice`, `event.click`, ….
    """

    openid: str
    account: str
    message_id: str
    kind: str
    text: str | None


@dataclass(frozen=True, kw_only=True)
class Signed:
    """The query of a delivery."""

    signature: str
    timestamp: str
    nonce: str
    msg_signature: str = ""


class Wire:
    """`plain=True` also takes unencrypted deliveries, whose signature does not cover the body."""

    def __init__(self, *, token: str, aes_key: str, app_id: str, plain: bool) -> None:
        self._token, self._plain = token, plain
        self._crypto = WeChatCrypto(token, aes_key, app_id)

    def check_address(self, signed: Signed) -> bool:
        """Whether WeChat itself asks if this address is ours (`GET` with `echostr`)."""
        right = signature_of(self._token, signed.timestamp, signed.nonce)
        return hmac.compare_digest(right.encode(), signed.signature.encode())

    def read(self, body: bytes, signed: Signed, *, encrypted: bool) -> Delivery:
        """The delivery in `body`. `NotFromWeChat` for anything that is not surely WeChat's."""
        try:
            text = body.decode("utf-8")
            if encrypted:
                text = self._crypto.decrypt_message(
                    text, signed.msg_signature, signed.timestamp, signed.nonce
                )
            elif not (self._plain and self.check_address(signed)):
                raise NotFromWeChat
            return _delivery(parse_message(text)._data)
        except NotFromWeChat:
            raise
        except (
            Exception
        ) as error:  # signature, XML, base64 and padding errors of three libraries mean the same
            raise NotFromWeChat from error

    def write(self, delivery: Delivery, text: str, signed: Signed, *, encrypted: bool) -> str:
        """The passive answer: one text, encrypted and signed like the delivery."""
        reply = create_reply(NOT_XML.sub("", text).replace("]]>", "]]]]><![CDATA[>"))
        reply.source, reply.target = delivery.account, delivery.openid
        xml = str(reply.render())
        if not encrypted:
            return xml
        return str(self._crypto.encrypt_message(xml, signed.nonce, signed.timestamp))


def signed_of(request: Request) -> Signed:
    """The signature and what it covers, from the query of a delivery."""
    names = ("signature", "timestamp", "nonce", "msg_signature")
    return Signed(**{name: request.args.get(name, "") for name in names})


def signature_of(*parts: str) -> str:
    """WeChat's signature: SHA-1 of the sorted parts, joined."""
    return sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324 - the protocol's


def _delivery(fields: Mapping[str, Any]) -> Delivery:
    """From the fields of any kind of message, also of one that is newer than this code."""
    openid, kind = str(fields["FromUserName"]), str(fields["MsgType"]).lower()
    if kind == "event":
        kind = f"event.{str(fields['Event']).lower()}"
    return Delivery(
        openid=openid,
        account=str(fields["ToUserName"]),
        message_id=str(fields.get("MsgId") or _own_id(kind, fields)),
        kind=kind,
        text=_said(kind, fields),
    )


def _own_id(kind: str, fields: Mapping[str, Any]) -> str:
    """For what has no number: the same in each repetition, since all fields are."""
    whole = sha256(repr(sorted((name, str(value)) for name, value in fields.items())).encode()).hexdigest()
    return f"{kind}:{fields.get('CreateTime', '')}:{whole[:16]}"


def _said(kind: str, fields: Mapping[str, Any]) -> str | None:
    if kind == "text":
        return str(fields.get("Content") or "")
    if kind == "voice":
        return str(fields.get("Recognition") or "") or None
    if kind in SUBSCRIBED:
        return "/greet"
    if kind == "event.click":
        return str(fields.get("EventKey") or "") or None
    return None


# --- answers ----------------------------------------------------------------------------------------


def texts(messages: Sequence[Message]) -> list[str]:
    """The messages as texts of at most 2048 bytes, links as WeChat shows them; as few as possible."""
    whole = "\n\n".join(part for part in map(_as_text, messages) if part)
    return _split(whole)


def _as_text(message: Message) -> str:
    card: Mapping[str, Any] = message.get("custom") or {}
    lines = [str(message.get("text") or "")]
    if card.get("kind") in LINKS:
        field, title = LINKS[card["kind"]]
        lines.append(f'<a href="{escape(str(card[field]))}">{title}</a>')
    if message.get("image"):
        lines.append(f'<a href="{escape(str(message["image"]))}">点这里看图</a>')
    if card.get("kind") == "menu":
        lines += [f"· {item['title']}" for item in card["items"]]
    buttons = [button["title"] for button in message.get("buttons") or []]
    if buttons:
        lines.append("可以回复：" + "、".join(buttons))
    return "\n".join(line for line in lines if line)


def _split(text: str) -> list[str]:
    """Cut at sentences where that is possible, never inside a character or a link."""
    found, current = [], ""
    for piece in _pieces(text):
        if current and len((current + piece).encode()) > MAX_TEXT_BYTES:
            found.append(current.strip())
            current = ""
        current += piece
    return [part for part in (*found, current.strip()) if part]


def _pieces(text: str) -> list[str]:
    pieces = []
    for sentence in SENTENCE_END.split(text):
        rest = sentence
        while len(rest.encode()) > MAX_TEXT_BYTES and "<a " not in rest:
            head = rest.encode()[:MAX_TEXT_BYTES].decode("utf-8", "ignore")
            pieces.append(head)
            rest = rest[len(head) :]
        pieces.append(rest)
    return pieces
