"""The pages on which residents land, over real HTTP."""

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx2 as httpx
import pytest
from bs4 import BeautifulSoup
from sanic import Sanic

from bot.routes.identity import blueprint
from services.domain.errors import Unavailable
from services.domain.ids import new_id
from services.identity import Identity
from services.ports import ConsentedProfile, VerificationStatus
from tests.identity.conftest import CHAT, NAME, NUMBER, Flow
from tests.identity.fakes import FakeProvider

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # the pages are the same on both

CALLBACK, RETURN = "/oauth/alipay/callback", "/return/alipay/verification"


@dataclass
class Site:
    http: httpx.AsyncClient
    told: list[str] = field(default_factory=list)

    async def get(self, path: str, **query: str) -> httpx.Response:
        return await self.http.get(path, params=query)


@pytest.fixture
async def site(identity: Identity) -> AsyncIterator[Site]:
    site = Site(http=httpx.AsyncClient())

    async def on_progress(conversation_id: str) -> None:
        site.told.append(conversation_id)

    app = Sanic(f"returns-{new_id()}", configure_logging=False)
    app.config.TOUCHUP = False  # Sanic rewrites its own methods once per process only
    app.blueprint(blueprint(identity, on_progress=on_progress))
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = await app.create_server(sock=listener, return_asyncio_server=True, access_log=False)
    assert server
    await server.startup()
    await server.start_serving()
    site.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}")
    yield site
    await site.http.aclose()
    await server.close()
    Sanic.unregister_app(app)


def heading(page: httpx.Response) -> str:
    found = BeautifulSoup(page.text, "html.parser").find("h1")
    assert found
    return found.get_text()


async def test_consent_leads_straight_to_the_verification(
    site: Site, identity: Identity, provider: FakeProvider
) -> None:
    link = await identity.start_consent(CHAT)
    provider.profiles["code"] = ConsentedProfile(subject="2088", name=NAME, id_number=NUMBER)
    page = await site.get(CALLBACK, state=link.state, auth_code="code", app_id="2021", source="alipay_wallet")
    assert page.status_code == 200
    assert heading(page) == "授权办好了"
    assert site.told == [CHAT]
    button = BeautifulSoup(page.text, "html.parser").select_one("a.button")
    assert button
    back = provider.decide(str(button["href"]))
    page = await site.get(RETURN, ref=back.partition("ref=")[2])
    assert heading(page) == "核验通过了"
    bound = await identity.find_bound(CHAT)
    assert bound
    assert bound.level == 3


async def test_a_callback_without_a_code_is_a_refusal(site: Site, identity: Identity) -> None:
    link = await identity.start_consent(CHAT)
    page = await site.get(CALLBACK, state=link.state, error="access_denied")
    assert heading(page) == "没有授权"
    assert (await identity.progress(CHAT)).step == "refused"
    assert site.told == [CHAT]


@pytest.mark.parametrize(
    "query", [{}, {"state": ""}, {"state": "0" * 32, "auth_code": "x"}, {"state": "x" * 5000}]
)
async def test_a_state_that_is_none_changes_nothing(site: Site, query: dict[str, str]) -> None:
    page = await site.get(CALLBACK, **query)
    assert page.status_code == 410
    assert site.told == []


async def test_a_page_opened_twice_takes_effect_once(
    site: Site, identity: Identity, provider: FakeProvider
) -> None:
    link = await identity.start_consent(CHAT)
    provider.profiles["code"] = ConsentedProfile(subject="2088", name=NAME, id_number=NUMBER)
    first = await site.get(CALLBACK, state=link.state, auth_code="code")
    again = await site.get(CALLBACK, state=link.state, auth_code="code")
    assert (first.status_code, again.status_code) == (200, 410)
    assert provider.calls.count("exchange") == 1


async def test_the_return_page_alone_proves_nothing(site: Site, identity: Identity, flow: Flow) -> None:
    await flow.consent()
    progress = await identity.progress(CHAT)
    assert progress.link
    page = await site.get(RETURN, ref=progress.link.state, passed="T")
    assert heading(page) == "还没有收到结果"
    assert await identity.find_bound(CHAT) is None


async def test_a_failed_verification_is_told(
    site: Site, identity: Identity, flow: Flow, provider: FakeProvider
) -> None:
    await flow.consent()
    progress = await identity.progress(CHAT)
    assert progress.link
    provider.decide(progress.link.url, VerificationStatus.FAILED)
    assert heading(await site.get(RETURN, ref=progress.link.state)) == "核验没有通过"


async def test_a_provider_that_is_away_leaves_the_consent_in_hand(
    site: Site, identity: Identity, provider: FakeProvider
) -> None:
    link = await identity.start_consent(CHAT)
    provider.profiles["code"] = ConsentedProfile(subject="2088", name=NAME, id_number=NUMBER)
    provider.fail("exchange", Unavailable())
    page = await site.get(CALLBACK, state=link.state, auth_code="code")
    assert heading(page) == "还没有收到结果"
    assert (await identity.progress(CHAT)).step == "verifying"


async def test_pages_hold_nothing_personal_and_are_shut_to_everything(
    site: Site, identity: Identity, flow: Flow
) -> None:
    await flow.consent()
    progress = await identity.progress(CHAT)
    assert progress.link
    for page in (
        await site.get(RETURN, ref=progress.link.state),
        await site.get("/return/alipay/cashier", out_trade_no="GZ1X"),
    ):
        assert page.status_code == 200
        for secret in (NAME, NUMBER, NUMBER[-4:], CHAT, "GZ1X"):
            assert secret not in page.text
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["x-content-type-options"] == "nosniff"
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert "<script" not in page.text
