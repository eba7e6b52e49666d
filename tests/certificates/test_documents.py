"""Links and the page of verification over real HTTP."""

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from io import BytesIO

import httpx2 as httpx
import pytest
from bs4 import BeautifulSoup
from PIL import Image
from sanic import Sanic

from bot.routes import documents
from services.certificates.budgets import ADDRESS
from services.domain.errors import Unavailable
from services.store.links import BROWSERS
from tests.certificates.conftest import NAME, NUMBER, Office, record

JSON = {"Accept": "application/json"}


@dataclass
class Site:
    office: Office
    http: httpx.AsyncClient

    async def get(self, url: str, **options: object) -> httpx.Response:
        return await self.http.get(url.removeprefix("https://shebao.example"), **options)  # type: ignore[arg-type]

    async def check(self, number: str, code: str) -> httpx.Response:
        return await self.http.get(f"/verify/{number}", params={"code": code}, headers=JSON)


@pytest.fixture
async def site(office: Office) -> AsyncIterator[Site]:
    Sanic.test_mode = True
    app = Sanic(f"documents-{id(office)}", configure_logging=False)
    app.blueprint(
        documents.blueprint(office.certificates, browser_of=lambda request: request.cookies.get("browser"))
    )
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = await app.create_server(sock=listening, return_asyncio_server=True)
        assert server is not None
        await server.startup()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=url) as http:
            yield Site(office, http)
        await server.close()  # type: ignore[misc]


def assert_strict(response: httpx.Response) -> None:
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]


async def test_a_link_gives_the_paper_and_its_picture(site: Site) -> None:
    document = await site.office.issue()
    pdf = await site.get(document.url)
    assert pdf.status_code == 200
    assert pdf.headers["content-type"] == "application/pdf"
    assert document.number in pdf.headers["content-disposition"]
    assert pdf.content.startswith(b"%PDF")
    assert_strict(pdf)
    preview = await site.get(document.preview_url)
    assert preview.headers["content-type"] == "image/png"
    assert Image.open(BytesIO(preview.content)).size == (1684, 1191)
    assert_strict(preview)


async def test_three_downloads_and_no_more_and_pictures_do_not_count(site: Site) -> None:
    document = await site.office.issue()
    for _ in range(5):
        assert (await site.get(document.preview_url)).status_code == 200
    for _ in range(3):
        assert (await site.get(document.url)).status_code == 200
    assert (await site.get(document.url)).status_code == 404
    assert (await site.get(document.preview_url)).status_code == 200


async def test_a_link_that_was_given_to_a_browser_opens_in_no_other(site: Site) -> None:
    document = await site.office.issue(conversation_id=f"{BROWSERS}1")
    for other in ("", "rest:resident-1", f"{BROWSERS}2"):
        for url in (document.url, document.preview_url):
            assert (await site.get(url, headers={"Cookie": f"browser={other}"})).status_code == 404
    own = {"Cookie": f"browser={BROWSERS}1"}
    assert (await site.get(document.preview_url, headers=own)).status_code == 200
    assert (await site.get(document.url, headers=own)).content.startswith(b"%PDF")


async def test_every_link_that_does_not_work_gets_the_same_answer(site: Site) -> None:
    document = await site.office.issue()
    token = document.url.rpartition("/")[2]
    altered = token[:-1] + ("A" if token[-1] != "A" else "B")
    guesses = ["x", "A" * 43, "A" * 5000, altered, token.lower(), "%00", "..%2F", "字"]
    answers = [await site.get(f"/documents/{guess}") for guess in guesses]
    site.office.clock.advance(minutes=10)
    answers += [await site.get(document.url), await site.get(document.preview_url)]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert token not in answers[-1].text
    assert_strict(answers[-1])


async def test_a_paper_is_found_genuine_and_tells_no_more_than_it_may(site: Site) -> None:
    document = await site.office.issue()
    answer = await site.check(document.number, await site.office.code(document))
    assert answer.status_code == 200
    found = answer.json()
    assert found["verdict"] == "genuine"
    assert found["number"] == document.number
    assert found["name"] == "**芳"
    assert found["items"] == [
        {"item": "城乡居民基本医疗保险费", "from": "2026-01-01", "to": "2026-12-31", "amount": "400.00"}
    ]
    assert "400.00" in found["total"]
    assert NAME not in answer.text
    assert not any(NUMBER[place : place + 4] in answer.text for place in range(0, 15, 3))
    assert_strict(answer)


async def test_the_page_says_the_same_in_words(site: Site) -> None:
    document = await site.office.issue()
    code = await site.office.code(document)
    answer = await site.http.get(f"/verify/{document.number}", params={"code": code})
    page = BeautifulSoup(answer.text, "html.parser")
    assert page.html is not None
    assert page.html["lang"] == "zh-CN"
    assert "凭证是真的" in page.get_text()
    assert "**芳" in page.get_text()
    assert "400.00" in page.get_text()
    assert NAME not in answer.text
    assert not page.find("script")
    assert_strict(answer)


async def test_number_and_code_may_be_typed_as_people_type(site: Site) -> None:
    document = await site.office.issue()
    code = (await site.office.code(document)).replace(" ", "-").lower()
    wide = "".join(chr(ord(c) + 0xFEE0) if c.isalnum() else c for c in code)
    for typed in (code, wide, f"  {code} "):
        assert (await site.check(document.number.lower(), typed)).json()["verdict"] == "genuine"


async def test_without_a_code_the_page_asks_for_it(site: Site) -> None:
    document = await site.office.issue()
    answer = await site.http.get(f"/verify/{document.number}")
    form = BeautifulSoup(answer.text, "html.parser").find("form")
    assert form is not None
    assert answer.status_code == 200
    sent = await site.http.get(
        form["action"],
        params={"number": document.number, "code": await site.office.code(document)},
        follow_redirects=True,
    )
    assert "凭证是真的" in sent.text


async def test_a_wrong_code_and_an_unknown_number_get_the_same_answer(site: Site) -> None:
    document = await site.office.issue()
    wrong = await site.check(document.number, "0" * 16)
    unknown = await site.check("GZ1" + "0" * 14, "0" * 16)
    assert (wrong.status_code, unknown.status_code) == (404, 404)
    assert wrong.content == unknown.content


async def test_five_wrong_tries_lock_the_number_for_a_quarter_of_an_hour(site: Site) -> None:
    document = await site.office.issue()
    code = await site.office.code(document)
    for _ in range(5):
        assert (await site.check(document.number, "0" * 16)).status_code == 404
    locked = await site.check(document.number, code)
    assert locked.status_code == 429
    assert int(locked.headers["retry-after"]) > 0
    site.office.clock.advance(minutes=14)
    assert (await site.check(document.number, code)).status_code == 429
    site.office.clock.advance(minutes=2)
    assert (await site.check(document.number, code)).status_code == 200


async def test_a_right_try_begins_the_count_anew(site: Site) -> None:
    document = await site.office.issue()
    code = await site.office.code(document)
    for _ in range(2):
        for _ in range(4):
            assert (await site.check(document.number, "0" * 16)).status_code == 404
        assert (await site.check(document.number, code)).status_code == 200


async def test_an_address_that_tries_many_numbers_is_locked_too(site: Site) -> None:
    document = await site.office.issue()
    code = await site.office.code(document)
    for place in range(ADDRESS.tries):
        assert (await site.check(f"GZ1{place:014}", "0" * 16)).status_code == 404
    assert (await site.check(document.number, code)).status_code == 429
    site.office.clock.advance(minutes=16)
    assert (await site.check(document.number, code)).status_code == 200


async def test_a_refund_makes_the_paper_void_from_then_on(site: Site) -> None:
    document = await site.office.issue()
    code = await site.office.code(document)
    site.office.bureau.books[:] = [record(refunded_on=date(2026, 3, 2))]
    answer = await site.check(document.number, code)
    assert answer.status_code == 200
    assert answer.json()["verdict"] == "void"
    assert (await site.get(document.url)).status_code == 404
    page = await site.http.get(f"/verify/{document.number}", params={"code": code})
    assert "凭证已作废" in page.text


async def test_nothing_is_called_genuine_while_the_bureau_can_not_be_asked(site: Site) -> None:
    document = await site.office.issue()
    code = await site.office.code(document)
    site.office.bureau.error = Unavailable("bureau")
    assert (await site.check(document.number, code)).status_code == 503
    page = await site.http.get(f"/verify/{document.number}", params={"code": code})
    assert page.status_code == 503
    assert "凭证是真的" not in page.text


async def test_odd_questions_are_answered(site: Site) -> None:
    for path in (
        "/verify/1?code=1",
        "/verify/%00?code=%00",
        "/verify/字?code=字",
        "/verify?number=<b>&code=x",
    ):
        answer = await site.http.get(path, follow_redirects=True)
        assert answer.status_code in (200, 404), path
        assert "<b>" not in answer.text
