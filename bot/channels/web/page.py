"""The page, its files and its session over HTTP, with the headers that keep strangers' scripts out."""

import hashlib
import mimetypes
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.resources import files
from urllib.parse import urlsplit

from jinja2 import Environment, Template, select_autoescape
from sanic import Blueprint, Request
from sanic.response import HTTPResponse, empty, html, json, raw

from bot.channels.web.sessions import COOKIE, Sessions, WebSession, origin_of
from services.ports import Clock
from services.settings import Settings

HOST = re.compile(r"[A-Za-z0-9.\-\[\]:]+")
PACKAGE = "bot.channels.web"
MODULES = ("app", "cards", "conversation", "dom", "format", "icons", "links", "socket", "speech", "view")
QUICK = (
    (
        "缴居民医保",
        '/pay_insurance{"insured_group": "urban_rural_resident", "insurance": "medical"}',
        "heart",
    ),
    ("缴居民养老", '/pay_insurance{"insured_group": "urban_rural_resident", "insurance": "pension"}', "sun"),
    (
        "灵活就业 医保",
        '/pay_insurance{"insured_group": "flexible_employment", "insurance": "medical"}',
        "heart",
    ),
    (
        "灵活就业 养老",
        '/pay_insurance{"insured_group": "flexible_employment", "insurance": "pension"}',
        "sun",
    ),
    ("开缴费凭证", '/get_certificate{"certificate_kind": "payment_record"}', "paper"),
    ("查付款结果", "/check_payment_status", "search"),
)
SHORTCUTS = (
    ("能办什么", "/help", "grid"),
    ("上一步", "/go_back", "back"),
    ("找人工", "/request_human", "person"),
)
SAYINGS = ("帮我交明年的居民医保", "养老保险跟去年交一样的", "我要去年的缴费凭证")


@dataclass(frozen=True)
class Asset:
    body: bytes
    content_type: str


class Gate:
    """Which origins are ours, and the session of a request."""

    def __init__(self, *, settings: Settings, sessions: Sessions) -> None:
        self._settings, self._sessions = settings, sessions
        self.secure = settings.base_url.startswith("https://")
        self.cookie_name = f"__Host-{COOKIE}" if self.secure else COOKIE

    def own_origin(self, origin: str | None, request: Request) -> bool:
        """In the sandbox the page may be open under any name of this host; else the public URL only."""
        if origin == origin_of(self._settings.base_url):
            return True
        return self._settings.sandbox and origin == f"http://{request.headers.get('host', '')}"

    def may_connect(self, origin: str | None, request: Request) -> bool:
        """Programs send no Origin; browsers always do."""
        return origin is None or self.own_origin(origin, request)

    def find_session(self, request: Request) -> WebSession | None:
        return self._sessions.find(request.cookies.get(self.cookie_name))

    def give_cookie(self, response: HTTPResponse, session: WebSession) -> HTTPResponse:
        response.add_cookie(
            COOKIE,
            self._sessions.seal(session),
            httponly=True,
            samesite="Lax",
            secure=self.secure,
            host_prefix=self.secure,
        )
        return response

    def take_cookie(self, response: HTTPResponse) -> HTTPResponse:
        response.add_cookie(
            COOKIE, "", httponly=True, samesite="Lax", secure=self.secure, host_prefix=self.secure, max_age=0
        )
        return response

    @property
    def outside_links(self) -> list[str]:
        """Where links of cards may lead beside the page's own origin."""
        urls = (self._settings.base_url, self._settings.alipay_gateway_url, self._settings.alipay_oauth_url)
        return sorted({origin_of(url) for url in urls if url} - {""})


def blueprint(
    *,
    settings: Settings,
    sessions: Sessions,
    clock: Clock,
    gate: Gate,
    on_end: Callable[[str], Awaitable[None]],
    must_renew: Callable[[str], bool],
) -> Blueprint:
    """Routes. `on_end(sender)`: a resident leaves. `must_renew(sender)`: the level has risen."""
    routes = Blueprint("web")
    assets = _load_assets()
    version = hashlib.sha256(b"".join(asset.body for asset in assets.values())).hexdigest()[:12]
    template = _template()

    @routes.get("/")
    async def page(request: Request) -> HTTPResponse:
        session = gate.find_session(request)
        session = sessions.begin() if session is None else sessions.touch(session)
        nonce = secrets.token_urlsafe(16)
        body = template.render(
            nonce=nonce,
            base=f"/web/static/{version}",
            modules=MODULES,
            quick=QUICK,
            shortcuts=SHORTCUTS,
            sayings=SAYINGS,
            max_chars=settings.max_message_chars,
            links=" ".join(gate.outside_links),
        )
        response = html(body, headers=_page_headers(nonce, settings, gate, request))
        return gate.give_cookie(response, session)

    @routes.get("/web/static/<stamp:str>/<name:str>")
    async def static(_: Request, stamp: str, name: str) -> HTTPResponse:
        asset = assets.get(name)
        if asset is None or stamp != version:
            return empty(404)
        headers = {
            "cache-control": "public, max-age=31536000, immutable",
            "x-content-type-options": "nosniff",
        }
        return raw(asset.body, content_type=asset.content_type, headers=headers)

    @routes.post("/web/session")
    async def hold(request: Request) -> HTTPResponse:
        """A fresh cookie and the socket's ticket; `fresh` says that what was there before is over."""
        if not gate.own_origin(request.headers.get("origin"), request):
            return _closed()
        session = gate.find_session(request)
        fresh = session is None
        session = sessions.begin() if session is None else sessions.touch(session)
        if must_renew(session.sender):
            session = sessions.renew(session)
        answer = {"ticket": sessions.ticket(session), "fresh": fresh, "now": clock.now().isoformat()}
        return gate.give_cookie(json(answer, headers={"cache-control": "no-store"}), session)

    @routes.delete("/web/session")
    async def leave(request: Request) -> HTTPResponse:
        if not gate.own_origin(request.headers.get("origin"), request):
            return _closed()
        session = gate.find_session(request)
        if session is not None:
            sessions.end(session)
            await on_end(session.sender)
        return gate.take_cookie(empty())

    @routes.get("/webhooks/socketio/")
    async def health(_: Request) -> HTTPResponse:
        """Rasa's own health answer of this channel."""
        return json({"status": "ok"})

    return routes


def _page_headers(nonce: str, settings: Settings, gate: Gate, request: Request) -> dict[str, str]:
    """The policy of `reliability` 4.4. The socket is named for browsers whose 'self' leaves `ws:` out."""
    public = urlsplit(settings.base_url)
    sockets = [f"{'wss' if gate.secure else 'ws'}://{public.netloc}"]
    host = request.headers.get("host", "")
    if settings.sandbox and gate.own_origin(f"http://{host}", request) and HOST.fullmatch(host):
        sockets.append(f"ws://{host}")
    ours = origin_of(settings.base_url)
    gateways = " ".join(gate.outside_links)
    policy = [
        "default-src 'none'",
        f"script-src 'self' 'nonce-{nonce}'",
        f"style-src 'self' 'nonce-{nonce}'",
        f"img-src 'self' {ours}",
        f"connect-src 'self' {' '.join(dict.fromkeys(sockets))}",
        f"form-action 'self' {gateways}",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
    return {
        "content-security-policy": "; ".join(policy),
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "permissions-policy": "camera=(), microphone=(), geolocation=()",
    }


def _closed() -> HTTPResponse:
    return json({"code": "forbidden", "message": "Wrong origin."}, status=403)


def _load_assets() -> dict[str, Asset]:
    folder = files(PACKAGE).joinpath("static")
    return {
        path.name: Asset(path.read_bytes(), _content_type(path.name))
        for path in sorted(folder.iterdir(), key=lambda path: path.name)
        if path.is_file()
    }


def _content_type(name: str) -> str:
    kind = "text/javascript" if name.endswith(".js") else mimetypes.guess_type(name)[0] or "text/plain"
    return f"{kind}; charset=utf-8"


def _template() -> Template:
    environment = Environment(autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True)
    source = files(PACKAGE).joinpath("templates/index.html").read_text(encoding="utf-8")
    return environment.from_string(source)
