"""Calls to the Alipay gateway: signed out, verified in (`protocols` 1).

What an answer proves is decided here, once: no signature, no fact.
"""

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import httpx2
import structlog

from services.adapters.alipay.signing import (
    Unreadable,
    notification_text,
    read_private_key,
    read_public_keys,
    request_text,
    sign,
    split_answer,
    verifies,
)
from services.domain.errors import OutcomeUnknown, Refused, Unavailable
from services.ports import Clock

log = structlog.get_logger("alipay")

CONNECT_SECONDS = 2.0
MAX_ANSWER_BYTES = 1_000_000
MAX_FILE_BYTES = 64_000_000
FILE_SECONDS = 60.0
SUCCESS = "10000"
UNKNOWN = "20000"
UNKNOWN_SUB_CODES = frozenset({"ACQ.SYSTEM_ERROR", "AQC.SYSTEM_ERROR"})
"""Business failures that say nothing about what happened; the second spelling is Alipay's own."""


class Rejected(Exception):
    """A signed answer that says no. `code` and `sub_code` are Alipay's; adapters map them to our errors."""

    def __init__(self, method: str, code: str, sub_code: str) -> None:
        self.method, self.code, self.sub_code = method, code, sub_code
        super().__init__(f"{method}: {code} {sub_code}")


class AlipayClient:
    """One application at one gateway. `timeout` bounds a whole call, in seconds.

    `page_url` is the gateway's address for a resident's browser, where that is another than ours.
    """

    def __init__(
        self,
        *,
        gateway_url: str,
        app_id: str,
        private_key_pem: str,
        public_key_pem: str,
        clock: Clock,
        timeout: float = 8,
        page_url: str = "",
    ) -> None:
        self.app_id = app_id
        self._gateway_url = gateway_url
        self._page_url = page_url or gateway_url
        self._private_key = read_private_key(private_key_pem)
        self._public_keys = read_public_keys(public_key_pem)
        self._clock = clock
        self._timeout = timeout
        self._http = httpx2.AsyncClient(
            timeout=httpx2.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout)), follow_redirects=False
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def call(
        self,
        method: str,
        biz_content: Mapping[str, Any] | None = None,
        *,
        common: Mapping[str, str] | None = None,
        arguments: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The verified inner object of a successful answer.

        `common` are further common parameters (`notify_url`, `auth_token`), `arguments` top-level ones of
        the method. Raises `Rejected`, `Unavailable` (never sent) or `OutcomeUnknown`.
        """
        body = dict(arguments or {})
        if biz_content is not None:
            body["biz_content"] = _json(biz_content)
        query = self._common(method) | dict(common or {})
        query["sign"] = self._sign(query | body)
        answer = await self._post(method, query, body)
        return self._open(method, answer)

    def link(self, method: str, biz_content: Mapping[str, Any], **common: str) -> str:
        """A signed link that a browser opens (page execution)."""
        parameters = self._common(method) | common | {"biz_content": _json(biz_content)}
        parameters["sign"] = self._sign(parameters)
        return f"{self._page_url}?{urlencode(parameters)}"

    def now(self) -> datetime:
        return self._clock.now()

    async def download(self, url: str) -> bytes | None:
        """A file whose address came in an answer; None when the address is dead.

        Nothing but that address is signed. `OutcomeUnknown` for a file that does not end.
        """
        if not url.startswith(("https://", "http://")):
            raise OutcomeUnknown("gateway_unreadable")
        try:
            async with asyncio.timeout(FILE_SECONDS), self._http.stream("GET", url) as answer:
                return await _whole(answer) if answer.status_code == httpx2.codes.OK else None
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            log.warning("gateway_unreachable", method="download", error=type(error).__name__)
            raise Unavailable("gateway_unavailable") from error
        except (httpx2.HTTPError, TimeoutError) as error:
            log.warning("gateway_silent", method="download", error=type(error).__name__)
            raise OutcomeUnknown("gateway_silent") from error

    async def ping(self) -> None:
        """Whether something that speaks the gateway's language answers. `Unavailable` if not."""
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._http.get(self._gateway_url)
        except (httpx2.TransportError, TimeoutError) as error:
            raise Unavailable("gateway_unavailable") from error
        try:
            split_answer(answer.text)
        except Unreadable as error:
            raise Unavailable("gateway_unavailable") from error

    def verify_notification(self, form: Mapping[str, str]) -> None:
        """`Refused("forged_notification")` unless Alipay signed exactly this form."""
        try:
            text = notification_text(form).encode(form.get("charset") or "utf-8")
        except (LookupError, UnicodeEncodeError) as error:
            raise Refused("forged_notification") from error
        genuine = form.get("sign_type") == "RSA2" and verifies(text, form.get("sign", ""), self._public_keys)
        if not genuine or form.get("app_id") != self.app_id:
            raise Refused("forged_notification")

    # --- private ------------------------------------------------------------------------------------

    def _common(self, method: str) -> dict[str, str]:
        return {
            "app_id": self.app_id,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": self._clock.now().strftime("%Y-%m-%d %H:%M:%S"),
            "version": "1.0",
        }

    def _sign(self, parameters: Mapping[str, str]) -> str:
        return sign(request_text(parameters).encode(), self._private_key)

    async def _post(self, method: str, query: Mapping[str, str], body: Mapping[str, str]) -> str:
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._http.post(self._gateway_url, params=query, data=body)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            log.warning("gateway_unreachable", method=method, error=type(error).__name__)
            raise Unavailable("gateway_unavailable") from error
        except (httpx2.HTTPError, TimeoutError) as error:
            log.warning("gateway_silent", method=method, error=type(error).__name__)
            raise OutcomeUnknown("gateway_silent") from error
        if answer.status_code != httpx2.codes.OK or len(answer.content) > MAX_ANSWER_BYTES:
            log.warning("gateway_failed", method=method, status=answer.status_code)
            raise OutcomeUnknown("gateway_failed")
        try:
            return answer.content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise OutcomeUnknown("gateway_unreadable") from error

    def _open(self, method: str, text: str) -> dict[str, Any]:
        node, content = self._verified(method, text)
        code, sub_code = str(content.get("code", "")), str(content.get("sub_code", ""))
        if node != "error_response" and code in {"", SUCCESS}:
            return content
        if code == UNKNOWN or sub_code in UNKNOWN_SUB_CODES:
            log.warning("gateway_system_error", method=method, sub_code=sub_code)
            raise OutcomeUnknown("gateway_system_error")
        log.info("gateway_rejected", method=method, code=code, sub_code=sub_code)
        raise Rejected(method, code, sub_code)

    def _verified(self, method: str, text: str) -> tuple[str, dict[str, Any]]:
        """Name and content of the answer's node, after its signature was checked over its own characters."""
        own = method.replace(".", "_") + "_response"
        try:
            members = split_answer(text)
        except Unreadable as error:
            log.warning("gateway_unreadable", method=method)
            raise OutcomeUnknown("gateway_unreadable") from error
        node = own if own in members else "error_response"
        raw, content = members.get(node, ("", None))
        _, signature = members.get("sign", ("", ""))
        genuine = isinstance(signature, str) and verifies(raw.encode(), signature, self._public_keys)
        if not genuine or not isinstance(content, dict):
            log.error("gateway_answer_not_genuine", method=method)
            raise OutcomeUnknown("gateway_not_genuine")
        return node, content


async def _whole(answer: httpx2.Response) -> bytes:
    found = bytearray()
    async for part in answer.aiter_bytes():
        found += part
        if len(found) > MAX_FILE_BYTES:
            raise OutcomeUnknown("bill_too_large")
    return bytes(found)


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
