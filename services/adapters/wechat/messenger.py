"""Customer-service messages of a WeChat service account (`protocols` 7.4, 7.5)."""

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx2 as httpx

from services.domain.errors import OutcomeUnknown, Refused, Unavailable
from services.ports import Clock

TOKEN_INVALID = {40001, 40014, 42001}
BUSY = {-1, 45009, 45011}
OUTSIDE = {45015: "window", 45047: "quota", 43004: "window"}
RENEW_BEFORE = timedelta(minutes=5)


class WeChatMessenger:
    """Implements `Messenger`. `Refused`: `window`, `quota`, or the platform's own number as `wechat_<errcode>`.

    The token is WeChat's stable one: every process may ask for it, and all get the same.
    """

    def __init__(self, *, api_url: str, app_id: str, secret: str, clock: Clock, timeout: float = 5) -> None:
        self._http = httpx.AsyncClient(base_url=api_url, timeout=timeout)
        self._app_id, self._secret, self._clock = app_id, secret, clock
        self._token: tuple[str, datetime] | None = None
        self._renewing = asyncio.Lock()

    async def send(self, recipient: str, message: Mapping[str, Any]) -> None:
        """Send `{"text": …}` (at most 2048 bytes) to an openid."""
        body = {"touser": recipient, "msgtype": "text", "text": {"content": str(message["text"])}}
        token = await self._access_token()
        code = await self._send(body, token)
        if code in TOKEN_INVALID:
            code = await self._send(body, await self._access_token(instead_of=token))
        if code in OUTSIDE:
            raise Refused(OUTSIDE[code])
        if code in BUSY:
            raise Unavailable
        if code:
            raise Refused(f"wechat_{code}")

    async def ping(self) -> None:
        """Whether the platform knows us: it gives a token. Raises why not."""
        await self._access_token()

    async def close(self) -> None:
        await self._http.aclose()

    async def _send(self, body: Mapping[str, Any], token: str) -> int:
        content = json.dumps(body, ensure_ascii=False).encode()  # WeChat shows \u escapes as they are
        answer = await self._post(
            "/cgi-bin/message/custom/send", content, {"access_token": token}, sends=True
        )
        return int(answer.get("errcode", 0))

    async def _access_token(self, *, instead_of: str | None = None) -> str:
        """The token that is good now. `instead_of` is one that the platform has just refused."""
        async with self._renewing:
            if self._token and self._token[0] != instead_of and self._clock.now() < self._token[1]:
                return self._token[0]
            request = {
                "grant_type": "client_credential",
                "appid": self._app_id,
                "secret": self._secret,
                "force_refresh": False,
            }
            answer = await self._post("/cgi-bin/stable_token", json.dumps(request).encode(), {}, sends=False)
            if "access_token" not in answer:
                raise Unavailable("wechat_token")
            lasts = timedelta(seconds=int(answer["expires_in"])) - RENEW_BEFORE
            self._token = (str(answer["access_token"]), self._clock.now() + lasts)
            return self._token[0]

    async def _post(
        self, path: str, content: bytes, query: Mapping[str, str], *, sends: bool
    ) -> dict[str, Any]:
        try:
            response = await self._http.post(
                path, content=content, params=dict(query), headers={"Content-Type": "application/json"}
            )
            response.raise_for_status()
            answer = response.json()
            if not isinstance(answer, dict):
                raise ValueError("an object is wanted")
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unavailable from error
        except (httpx.HTTPError, ValueError) as error:
            raise (OutcomeUnknown if sends else Unavailable)() from error
        return answer
