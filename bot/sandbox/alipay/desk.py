"""What every part of the simulated Alipay works with, and how it says no."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from bot.sandbox.books import Books
from bot.sandbox.keys import SandboxKeys
from services.adapters.alipay.signing import read_private_key, read_public_keys
from services.adapters.clock import SHANGHAI

MESSAGES = {
    "20000": "Service Currently Unavailable",
    "20001": "Insufficient Token Permissions",
    "40001": "Missing Required Arguments",
    "40002": "Invalid Arguments",
    "40004": "Business Failed",
    "40006": "Insufficient Permissions",
}


class Failure(Exception):
    """An answer that says no. `facts` are further fields of the answer."""

    def __init__(self, code: str, sub_code: str, sub_msg: str = "", **facts: Any) -> None:
        self.code, self.sub_code, self.sub_msg, self.facts = code, sub_code, sub_msg, facts
        super().__init__(sub_code)

    def as_answer(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "msg": MESSAGES[self.code],
            "sub_code": self.sub_code,
            "sub_msg": self.sub_msg or self.sub_code,
            **self.facts,
        }


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request whose signature was right. `biz` is the content of `biz_content`."""

    method: str
    parameters: dict[str, str]
    biz: dict[str, Any] = field(default_factory=dict)

    def text(self, name: str, *, longest: int = 256) -> str:
        """A field of `biz`, or nothing. Numbers are taken as they are written."""
        value = self.biz.get(name)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int | float) or len(str(value)) > longest:
            raise Failure("40002", "isv.invalid-parameter", f"参数无效：{name}")
        return str(value)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The one application, its seller, and the books. `inside_url` is where the service reaches us."""

    books: Books
    keys: SandboxKeys
    base_url: str
    inside_url: str = ""

    def now(self) -> datetime:
        return self.books.clock.now()

    @cached_property
    def app_keys(self) -> tuple[RSAPublicKey, ...]:
        return read_public_keys(self.keys.app_public_key_file.read_text("ascii"))

    @cached_property
    def gateway_key(self) -> RSAPrivateKey:
        return read_private_key(self.keys.gateway_private_key_file.read_text("ascii"))

    @cached_property
    def form_secret(self) -> bytes:
        """For the hidden fields of the pages; the same in all workers."""
        return hashlib.sha256(b"forms" + self.keys.gateway_private_key_file.read_bytes()).digest()

    def open_id(self, user_id: str) -> str:
        """The person's id for this application only."""
        return hashlib.sha256(f"{self.keys.alipay_app_id}|{user_id}".encode()).hexdigest()[:32]


def stamp(moment: datetime) -> str:
    """`2026-11-23 10:00:00` in China's time."""
    return moment.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def masked_login(user_id: str, mobile: str | None) -> str:
    """`139****0001`, as the gateway shows a payer."""
    return f"{mobile[:3]}****{mobile[-4:]}" if mobile else f"{user_id[:3]}***@sandbox.com"
