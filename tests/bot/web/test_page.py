"""The page over HTTP: policy, cookie, files, session routes."""

import re
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.bot.web.conftest import Site, serving
from tests.conftest import FixedClock


@pytest.fixture
async def http(site: Site) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=site.base) as client:
        yield client


async def test_the_page_is_served_under_a_strict_policy_with_a_nonce_of_its_own(
    http: httpx2.AsyncClient,
) -> None:
    answer = await http.get("/")
    policy = answer.headers["content-security-policy"]
    for rule in (
        "default-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "require-trusted-types-for 'script'",
    ):
        assert rule in policy
    assert "unsafe" not in policy
    [nonce] = set(re.findall(r'nonce="([^"]+)"', answer.text))
    assert f"'nonce-{nonce}'" in policy
    assert nonce not in (await http.get("/")).text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_the_page_names_no_other_host_and_holds_no_inline_code(http: httpx2.AsyncClient) -> None:
    text = (await http.get("/")).text
    outside = [url for url in re.findall(r'(?:src|href)="([^"]+)"', text) if not url.startswith(("/", "#"))]
    assert outside == []
    assert " style=" not in text
    assert not re.search(r"\son\w+=", text)
    for source, body in re.findall(r"<script([^>]*)>(.*?)</script>", text, re.S):
        assert "src=" in source
        assert body.strip() == ""


async def test_over_http_the_cookie_is_httponly_and_lax(http: httpx2.AsyncClient) -> None:
    cookie = (await http.get("/")).headers["set-cookie"]
    assert cookie.startswith("shebao_session=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


async def test_over_https_the_cookie_is_secure_and_bound_to_the_host(clock: FixedClock) -> None:
    async with serving(clock, public_url="https://shebao.example") as site, httpx2.AsyncClient() as http:
        cookie = (await http.get(site.base)).headers["set-cookie"]
        assert cookie.startswith("__Host-shebao_session=")
        assert "Secure" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie
        page = (await http.get(site.base)).headers["content-security-policy"]
        assert "wss://shebao.example" in page


async def test_a_known_resident_keeps_the_session(http: httpx2.AsyncClient) -> None:
    await http.get("/")
    first = http.cookies["shebao_session"].split(".")[0]
    await http.get("/")
    assert http.cookies["shebao_session"].split(".")[0] == first


async def test_every_file_of_the_page_is_there_and_nothing_else(http: httpx2.AsyncClient) -> None:
    text = (await http.get("/")).text
    paths = set(re.findall(r'"(/web/static/[^"]+)"', text))
    assert len(paths) >= 11
    for path in paths:
        answer = await http.get(path)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-type"].split(";")[0] in {
            "text/javascript",
            "text/css",
            "image/svg+xml",
        }
    version = next(iter(paths)).split("/")[3]
    for path in (
        f"/web/static/{version}/index.html",
        f"/web/static/{version}/..%2fchannel.py",
        "/web/static/x/app.js",
    ):
        assert (await http.get(path)).status_code == 404


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("origin", [None, "https://evil.example", "null"])
async def test_another_site_cannot_touch_the_session(
    http: httpx2.AsyncClient, method: str, origin: str | None
) -> None:
    headers = {"origin": origin} if origin else {}
    answer = await http.request(method, "/web/session", headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_leaving_ends_the_session_for_good(site: Site, http: httpx2.AsyncClient) -> None:
    ours = {"origin": site.base}
    assert (await http.post("/web/session", headers=ours)).json()["fresh"] is True
    assert (await http.post("/web/session", headers=ours)).json()["fresh"] is False
    old = http.cookies["shebao_session"]
    await http.delete("/web/session", headers=ours)
    http.cookies.clear()
    answer = await http.post("/web/session", headers={**ours, "cookie": f"shebao_session={old}"})
    assert answer.json()["fresh"] is True


async def test_rasas_health_route_of_the_channel_answers(http: httpx2.AsyncClient) -> None:
    assert (await http.get("/webhooks/socketio/")).json() == {"status": "ok"}
