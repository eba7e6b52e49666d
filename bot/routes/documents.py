"""Papers behind their links, and the page that tells whether a paper is genuine.

Whoever comes with a link that does not work, gets the same answer, whatever is the matter with it.
"""

import base64
import hashlib
import re
from collections.abc import Callable
from urllib.parse import quote

import structlog
from jinja2 import Environment, PackageLoader
from sanic import Blueprint, Request
from sanic.response import HTTPResponse, html, json, raw, redirect
from sqlalchemy.exc import SQLAlchemyError

from services.certificates import Certificates, Checked, Verdict
from services.certificates.checking import tidy_code, tidy_number
from services.domain.errors import ServiceError

log = structlog.get_logger("documents")

STATUS = {Verdict.GENUINE: 200, Verdict.VOID: 200, Verdict.UNKNOWN: 404, Verdict.LOCKED: 429}
RETRY_AFTER = "900"
PRINTED_DAY = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日")
STRICT = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}
BARE = {**STRICT, "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}
"""For what is no page."""


BrowserOf = Callable[[Request], str | None]
"""The conversation of the web chat that is open in the browser which asks."""


def blueprint(certificates: Certificates, *, browser_of: BrowserOf) -> Blueprint:
    routes = Blueprint("documents")
    pages = _Pages()

    @routes.get("/documents/<token:str>")
    async def download(request: Request, token: str) -> HTTPResponse:
        file = await certificates.open_file(token, browser=browser_of(request))
        if file is None:
            return pages.gone()
        name = quote(f"{file.title}-{file.number}.pdf")
        disposition = f"attachment; filename=\"{file.number}.pdf\"; filename*=UTF-8''{name}"
        return _file(file.content, "application/pdf", disposition)

    @routes.get("/documents/<token:str>/preview")
    async def preview(request: Request, token: str) -> HTTPResponse:
        file = await certificates.open_file(token, preview=True, browser=browser_of(request))
        if file is None:
            return pages.gone()
        return _file(file.content, "image/png", f'inline; filename="{file.number}.png"')

    @routes.get("/verify")
    async def verify_any(request: Request) -> HTTPResponse:
        """The form; with a number it leads to the address of that paper."""
        number, code = tidy_number(request.args.get("number", "")), tidy_code(request.args.get("code", ""))
        if not number.isalnum():
            return pages.ask()
        return redirect(f"/verify/{quote(number)}?code={quote(code)}", headers=dict(STRICT))

    @routes.get("/verify/<number:str>")
    async def verify(request: Request, number: str) -> HTTPResponse:
        as_json = "application/json" in request.headers.get("accept", "")
        code = request.args.get("code", "")
        if not code and not as_json:
            return pages.ask(tidy_number(number))
        try:
            found = await certificates.check(number, code, address=request.client_ip)
        except (ServiceError, SQLAlchemyError) as error:
            log.error("verification_failed", error=type(error).__name__)
            return _json({"verdict": "unavailable"}, 503) if as_json else pages.busy()
        headers = {"Retry-After": RETRY_AFTER} if found.verdict is Verdict.LOCKED else {}
        answer = _json(_wire(found), STATUS[found.verdict]) if as_json else pages.judged(found)
        answer.headers.update(headers)
        return answer

    return routes


def _file(content: bytes, content_type: str, disposition: str) -> HTTPResponse:
    return raw(
        content,
        content_type=content_type,
        headers={
            **BARE,
            "Content-Disposition": disposition,
            "Cross-Origin-Resource-Policy": "same-origin",
        },
    )


def _json(body: dict[str, object], status: int) -> HTTPResponse:
    return json(body, status=status, headers=dict(BARE))


def _wire(found: Checked) -> dict[str, object]:
    """`verdict` alone, unless the paper is known; the name is masked. A tax certificate tells its place in the
    chain: `issue` 0 is the first, n the n-th reissue."""
    if found.verdict in (Verdict.UNKNOWN, Verdict.LOCKED):
        return {"verdict": str(found.verdict)}
    chain = {
        "issue": found.issue,
        "latest_issue": found.latest_issue,
        "first_issued_on": _iso(found.first_issued_on),
    }
    return {
        **(chain if found.first_issued_on else {}),
        "verdict": str(found.verdict),
        "title": found.title,
        "number": found.number,
        "name": found.name,
        "year": found.year,
        "issued_on": _iso(found.issued_on),
        "total": _yuan(found.total),
        "items": [
            {"item": line.item, "from": line.first_day, "to": line.last_day, "amount": _yuan(line.amount)}
            for line in found.items
        ],
        "demo": found.demo,
    }


def _iso(printed: str) -> str:
    """`2026年11月23日` → `2026-11-23`."""
    match = PRINTED_DAY.fullmatch(printed)
    return f"{match[1]}-{int(match[2]):02d}-{int(match[3]):02d}" if match else printed


def _yuan(printed: str) -> str:
    """`¥5,273.64` → `5273.64`."""
    return printed.removeprefix("¥").replace(",", "")


class _Pages:
    """The one template and its style, read once."""

    def __init__(self) -> None:
        templates = Environment(loader=PackageLoader("bot.routes"), autoescape=True)
        self._template = templates.get_template("paper.html")
        style = templates.get_template("paper.css").render()
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self._headers = {
            **STRICT,
            "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
            "form-action 'self'; frame-ancestors 'none'",
        }

    def gone(self) -> HTTPResponse:
        return self._page("gone", 404)

    def busy(self) -> HTTPResponse:
        return self._page("busy", 503)

    def ask(self, number: str = "") -> HTTPResponse:
        return self._page("ask", 200, number=number)

    def judged(self, found: Checked) -> HTTPResponse:
        return self._page(str(found.verdict), STATUS[found.verdict], found=found)

    def _page(self, view: str, status: int, **values: object) -> HTTPResponse:
        return html(self._template.render(view=view, **values), status=status, headers=dict(self._headers))
