"""What every part of the simulated WeChat Pay works with: its keys, whom it lets in, how it answers."""

import hashlib
import json
import re
import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from sanic import Request
from sanic.response import HTTPResponse, raw

from bot.sandbox.books import Books
from bot.sandbox.keys import SandboxKeys, pem
from services.adapters.alipay.signing import sign, verifies
from services.adapters.clock import SHANGHAI
from services.adapters.wechatpay.signing import (
    SCHEME,
    answer_text,
    read_certificate,
    read_platform_keys,
    read_private_key,
    request_text,
)

ROOT = "/sandbox/wechatpay"
"""Before it stands the address, behind it the path that is signed: clients see it as part of the address."""
FRESH_SECONDS = 300
STALE_SECONDS = 3600
_FIELD = re.compile(r'([a-z_]+)="([^"]*)"')
_FIELDS = {"mchid", "nonce_str", "signature", "timestamp", "serial_no"}


class Failure(Exception):
    """An answer that says no."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.code, self.message = status, code, message
        super().__init__(code)


def bad(name: str) -> Failure:
    return Failure(400, "PARAM_ERROR", f"参数错误：{name}")


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The one merchant, its service account, and the books."""

    books: Books
    keys: SandboxKeys
    base_url: str

    def now(self) -> datetime:
        return self.books.clock.now()

    @cached_property
    def merchant_key(self) -> RSAPublicKey:
        text = self.keys.wechatpay_merchant_public_key_file.read_text("ascii")
        return read_platform_keys(text, self.keys.wechatpay_serial)[self.keys.wechatpay_serial]

    @cached_property
    def platform_key(self) -> RSAPrivateKey:
        return read_private_key(self.keys.wechatpay_platform_private_key_file.read_text("ascii"))

    @cached_property
    def certificate(self) -> str:
        return pem(self.keys.wechatpay_platform_cert_file)

    @cached_property
    def certificate_serial(self) -> str:
        return read_certificate(self.certificate)[0]

    @cached_property
    def form_secret(self) -> bytes:
        """For the hidden fields of the pages; the same in all workers."""
        return hashlib.sha256(b"forms" + self.keys.wechatpay_platform_private_key_file.read_bytes()).digest()

    def openid(self, account: str) -> str:
        """The person's id for this service account only."""
        return "o" + hashlib.sha256(f"{self.keys.wechat_app_id}|{account}".encode()).hexdigest()[:27]

    def signer(self, request: Request) -> str:
        """Who signs for this merchant: the public key if it says that it knows it, else the certificate."""
        known = request.headers.get("wechatpay-serial", "") == self.keys.wechatpay_platform_key_id
        return self.keys.wechatpay_platform_key_id if known else self.certificate_serial

    def check(self, request: Request) -> None:
        """`Failure` 401 unless the merchant has signed exactly this request in the last five minutes."""
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        fields = dict(_FIELD.findall(rest))
        if scheme != SCHEME or fields.keys() != _FIELDS:
            raise Failure(401, "SIGN_ERROR", "Http头Authorization值格式错误")
        keys = self.keys
        if fields["mchid"] != keys.wechatpay_mch_id or fields["serial_no"] != keys.wechatpay_serial:
            raise Failure(401, "SIGN_ERROR", "商户号或证书序列号有误")
        if not self._is_fresh(fields["timestamp"]):
            raise Failure(401, "SIGN_ERROR", "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟")
        target = request.path.removeprefix(ROOT) + (
            f"?{request.query_string}" if request.query_string else ""
        )
        try:
            body = request.body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise bad("body") from error
        text = request_text(request.method, target, fields["timestamp"], fields["nonce_str"], body)
        if not verifies(text, fields["signature"], [self.merchant_key]):
            raise Failure(401, "SIGN_ERROR", "签名错误，请检查后再试")

    def _is_fresh(self, timestamp: str) -> bool:
        """By the sandbox's clock, or by the machine's: an outside client can't see the sandbox's."""
        if not timestamp.isascii() or not timestamp.isdigit():
            return False
        moments = (self.now().timestamp(), time.time())
        return any(abs(moment - int(timestamp)) <= FRESH_SECONDS for moment in moments)

    def seal(self, body: str, signer: str, *, mode: str = "") -> dict[str, str]:
        """The headers that sign `body`; `mode` is what a test has ordered to be wrong with them."""
        if mode == "unsigned":
            return {}
        timestamp = str(int(self.now().timestamp()) - (STALE_SECONDS if mode == "old_timestamp" else 0))
        nonce = secrets.token_hex(16)
        signed = "WECHATPAY/SIGNTEST/" + body if mode == "wrong_signature" else body
        return {
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": sign(answer_text(timestamp, nonce, signed), self.platform_key),
            "Wechatpay-Serial": signer,
            "Wechatpay-Signature-Type": SCHEME,
        }

    def answer(
        self, status: int, content: dict[str, Any] | None, *, signer: str, mode: str = ""
    ) -> HTTPResponse:
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")) if content is not None else ""
        headers = self.seal(body, signer, mode=mode) | {"Request-ID": secrets.token_hex(16)}
        kind = "application/json; charset=utf-8"
        return raw(body.encode(), status=status, headers=headers, content_type=kind)


def stamp(moment: datetime) -> str:
    """`2026-11-23T10:00:00+08:00`."""
    return moment.astimezone(SHANGHAI).isoformat(timespec="seconds")
