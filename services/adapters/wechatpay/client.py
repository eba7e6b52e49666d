"""Calls to WeChat Pay v3: signed out, verified in (`protocols` 8).

What an answer proves is decided here, once: no fresh signature of the platform, no fact. That holds for
refusals too: recorded ones are mostly signed, and one that is not says nothing.
"""

import asyncio
import json
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx2
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from services.adapters.alipay.signing import sign, verifies
from services.adapters.wechatpay.signing import (
    API_V3_KEY_BYTES,
    HEADERS,
    PUBLIC_KEY_ID,
    SCHEME,
    Merchant,
    Undecipherable,
    answer_text,
    bridge_text,
    decrypt,
    read_certificate,
    read_platform_keys,
    read_private_key,
)
from services.domain.errors import OutcomeUnknown, Refused, Unavailable
from services.ports import Clock

log = structlog.get_logger("wechatpay")

CONNECT_SECONDS = 2.0
MAX_ANSWER_BYTES = 1_000_000
MAX_BILL_BYTES = 200_000_000
FRESH = timedelta(minutes=5)
CERTIFICATES = "/v3/certificates"
UNKNOWN_CODES = frozenset({"SYSTEM_ERROR", "SYSTEMERROR", "BANK_ERROR", "BANKERROR"})
"""Refusals that say nothing about what happened; both spellings are about."""
BUSY_CODES = frozenset({"FREQUENCY_LIMITED", "FREQUENCY_LIMIT_EXCEED", "RATELIMIT_EXCEEDED"})
SERVER_ERRORS = 500


class Rejected(Exception):
    """A genuine answer that says no. `code` is WeChat Pay's; the gateway maps it to our errors."""

    def __init__(self, status: int, code: str) -> None:
        self.status, self.code = status, code
        super().__init__(f"{status} {code}")


class WechatPayClient:
    """One merchant at `url`, the root of the API. `timeout` bounds a whole call, in seconds.

    `platform_key_pem` holds certificates of the platform, its public key with `platform_key_id`, or both.
    Certificates that come later are fetched when an answer names one.
    """

    def __init__(
        self,
        *,
        url: str,
        mch_id: str,
        serial: str,
        private_key_pem: str,
        platform_key_pem: str,
        api_v3_key: str,
        clock: Clock,
        platform_key_id: str = "",
        timeout: float = 8,
    ) -> None:
        self.mch_id = mch_id
        self._url = url.rstrip("/")
        self._merchant = Merchant(mch_id=mch_id, serial=serial, key=read_private_key(private_key_pem))
        self._keys = read_platform_keys(platform_key_pem, platform_key_id)
        self._platform_key_id = platform_key_id
        self._api_v3_key = api_v3_key.encode()
        if len(self._api_v3_key) != API_V3_KEY_BYTES:
            raise ValueError("the APIv3 key of WeChat Pay has 32 bytes")
        self._clock = clock
        self._timeout = timeout
        self._http = httpx2.AsyncClient(
            timeout=httpx2.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout)), follow_redirects=False
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def call(
        self, method: str, target: str, content: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The verified answer of a successful call; empty for 204. `target` is path and query.

        Raises `Rejected`, `Unavailable` (never sent, or too many) or `OutcomeUnknown`.
        """
        answer = await self._send(method, target, _json(content) if content is not None else "")
        text = _text(answer)
        if not answer.headers.get("wechatpay-signature") and answer.status_code == httpx2.codes.UNAUTHORIZED:
            raise Rejected(
                answer.status_code, "SIGN_ERROR"
            )  # our own keys: worse than a delay can't come of it
        if not await self._is_genuine(answer.headers, text):
            log.error("gateway_answer_not_genuine", status=answer.status_code)
            raise OutcomeUnknown("gateway_not_genuine")
        found = _object(text) if text else {}
        if answer.is_success:
            return found
        self._refuse(answer.status_code, str(found.get("code", "")))
        raise AssertionError("unreachable")

    async def download(self, url: str) -> bytes:
        """The bytes of a file that an answer has named; unsigned, so the caller compares its hash."""
        if not url.startswith(f"{self._url}/"):
            raise OutcomeUnknown("gateway_unreadable")
        answer = await self._send("GET", url.removeprefix(self._url), "", largest=MAX_BILL_BYTES)
        if not answer.is_success:
            raise OutcomeUnknown("gateway_failed")
        return answer.content

    def read_notification(
        self, headers: Mapping[str, str], body: str
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The message, and its decrypted resource. `Refused("forged_notification")` unless the platform
        has signed it within five minutes for us; `OutcomeUnknown` when it makes no sense.

        A certificate that is not known yet can't be fetched here: the next answer brings it, and the message
        comes again.
        """
        if not self._verifies(_signature(headers), body):
            raise Refused("forged_notification")
        message = _object(body)
        resource = message.get("resource")
        if message.get("resource_type") != "encrypt-resource" or not isinstance(resource, dict):
            raise OutcomeUnknown("gateway_unreadable")
        try:
            content = _object(decrypt(resource, self._api_v3_key).decode("utf-8"))
        except (Undecipherable, UnicodeDecodeError) as error:
            raise Refused("forged_notification") from error
        return message, content

    def bridge(self, app_id: str, prepay_id: str) -> dict[str, str]:
        """What a page inside WeChat hands to `getBrandWCPayRequest`."""
        timestamp, nonce = self._timestamp(), secrets.token_hex(16)
        package = f"prepay_id={prepay_id}"
        return {
            "appId": app_id,
            "timeStamp": timestamp,
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": sign(bridge_text(app_id, timestamp, nonce, package), self._merchant.key),
        }

    async def ping(self) -> None:
        """Whether something that speaks the platform's language answers. `Unavailable` if not."""
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._http.get(self._url + CERTIFICATES)
            refusal = _object(_text(answer))
        except (httpx2.HTTPError, TimeoutError, OutcomeUnknown) as error:
            raise Unavailable("gateway_unavailable") from error
        if "code" not in refusal:  # nobody gets certificates without signing for them
            raise Unavailable("gateway_unavailable")

    # --- private ------------------------------------------------------------------------------------

    async def _send(
        self, method: str, target: str, body: str, *, largest: int = MAX_ANSWER_BYTES
    ) -> httpx2.Response:
        authorization = self._merchant.authorization(
            method, target, timestamp=self._timestamp(), nonce=secrets.token_hex(16), body=body
        )
        headers = {"Authorization": authorization, "Accept": "application/json", "User-Agent": "shebao"}
        if self._platform_key_id:
            headers["Wechatpay-Serial"] = self._platform_key_id
        if body:
            headers["Content-Type"] = "application/json"
        operation = urlsplit(target).path.rsplit("/", 1)[-1] if method == "POST" else "get"
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._http.request(
                    method, self._url + target, content=body.encode() or None, headers=headers
                )
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            log.warning("gateway_unreachable", operation=operation, error=type(error).__name__)
            raise Unavailable("gateway_unavailable") from error
        except (httpx2.HTTPError, TimeoutError) as error:
            log.warning("gateway_silent", operation=operation, error=type(error).__name__)
            raise OutcomeUnknown("gateway_silent") from error
        if len(answer.content) > largest:
            raise OutcomeUnknown("gateway_failed")
        return answer

    def _refuse(self, status: int, code: str) -> None:
        if code in BUSY_CODES:
            log.warning("gateway_busy", code=code)
            raise Unavailable("gateway_busy")
        if code in UNKNOWN_CODES or status >= SERVER_ERRORS or not code:
            log.warning("gateway_system_error", status=status, code=code)
            raise OutcomeUnknown("gateway_system_error")
        log.info("gateway_rejected", status=status, code=code)
        raise Rejected(status, code)

    async def _is_genuine(self, headers: Mapping[str, str], text: str) -> bool:
        signature = _signature(headers)
        serial = signature["wechatpay-serial"]
        if serial and serial not in self._keys and not serial.startswith(PUBLIC_KEY_ID):
            await self._learn()
        return self._verifies(signature, text)

    def _verifies(self, signature: Mapping[str, str], text: str) -> bool:
        key = self._keys.get(signature["wechatpay-serial"])
        return key is not None and self._is_fresh(signature) and _signed_by(key, signature, text)

    def _is_fresh(self, signature: Mapping[str, str]) -> bool:
        timestamp = signature["wechatpay-timestamp"]
        if not timestamp.isascii() or not timestamp.isdigit():
            return False
        return abs(self._clock.now().timestamp() - int(timestamp)) <= FRESH.total_seconds()

    async def _learn(self) -> None:
        """Fetch the platform's certificates. They are encrypted with the key that only the platform and we
        have, and one of them has to have signed the answer, or a key that we know.
        """
        answer = await self._send("GET", CERTIFICATES, "")
        text = _text(answer)
        if not answer.is_success:
            raise OutcomeUnknown("gateway_failed")
        signature, keys = _signature(answer.headers), dict(self._keys)
        for entry in _object(text).get("data") or []:
            try:
                plain = decrypt(entry["encrypt_certificate"], self._api_v3_key).decode("ascii")
                serial, key = read_certificate(plain)
            except (Undecipherable, ValueError, KeyError, TypeError, AttributeError) as error:
                raise OutcomeUnknown("gateway_not_genuine") from error
            keys[serial] = key
        signer = keys.get(signature["wechatpay-serial"])
        if signer is None or not self._is_fresh(signature) or not _signed_by(signer, signature, text):
            raise OutcomeUnknown("gateway_not_genuine")
        self._keys = keys

    def _timestamp(self) -> str:
        return str(int(self._clock.now().timestamp()))


def _signature(headers: Mapping[str, str]) -> dict[str, str]:
    """The five headers, empty where missing."""
    return {name: headers.get(name, "") for name in HEADERS}


def _signed_by(key: RSAPublicKey, signature: Mapping[str, str], text: str) -> bool:
    if signature["wechatpay-signature-type"] not in {"", SCHEME}:
        return False
    signed = answer_text(signature["wechatpay-timestamp"], signature["wechatpay-nonce"], text)
    return verifies(signed, signature["wechatpay-signature"], [key])


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _text(answer: httpx2.Response) -> str:
    try:
        return answer.content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise OutcomeUnknown("gateway_unreadable") from error


def _object(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise OutcomeUnknown("gateway_unreadable") from error
    if not isinstance(content, dict):
        raise OutcomeUnknown("gateway_unreadable")
    return content
