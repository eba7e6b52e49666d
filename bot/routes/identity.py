"""Where residents land when they come back from consent, verification and the cashier.

The pages tell what to do next and prove nothing: what is true the service asks the provider. They hold no
personal data, and their addresses, which carry one-time references, go to nobody as a referrer.
"""

import base64
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from jinja2 import Environment, PackageLoader
from sanic import Blueprint, Request
from sanic.response import HTTPResponse, html
from sqlalchemy.exc import SQLAlchemyError

from services.domain.errors import ServiceError
from services.identity import CONSENT_RETURN, VERIFICATION_RETURN, Identity, Returned

log = structlog.get_logger("returns")

CASHIER_RETURN = "/return/alipay/cashier"
LONGEST_REFERENCE, LONGEST_CODE = 100, 1000


@dataclass(frozen=True)
class Page:
    """`tone` is `good` or `warn`; `next_label` is on the button that leads on."""

    title: str
    lines: tuple[str, ...]
    tone: str = "good"
    mark: str = "✓"
    next_label: str = ""
    status: int = 200


BACK = "请回到聊天窗口，说“好了”，接着办。"
PAGES = {
    "verifying": Page("授权办好了", ("还差一步：核验是您本人。",), next_label="去核验身份"),
    "missing_facts": Page("授权办好了", ("支付宝没有给出证件信息，需要您自己说一下。", BACK)),
    "refused": Page("没有授权", ("没关系，不授权也能办。请回到聊天窗口，自己输入就行。",), "warn", "!"),
    "verified": Page("核验通过了", (BACK, "这一页可以关掉了。")),
    "failed": Page("核验没有通过", ("请回到聊天窗口，再试一次。",), "warn", "!"),
    "waiting": Page("还没有收到结果", ("请稍等一会儿。", BACK), "warn", "…"),
    "cashier": Page(
        "请回到聊天窗口看结果", ("付好了，就回去说“好了”。没有付，也不要紧，没有扣您的钱。",), mark="…"
    ),
    "gone": Page("这一步已经过去了", ("链接用过了，或者过了时间。", BACK), "warn", "!", status=410),
    "not_granted": Page("授权没有成功", ("请回到聊天窗口，再点一次授权链接。",), "warn", "!"),
    "busy": Page("系统正忙", ("请过一会儿刷新这一页，或者直接回到聊天窗口。",), "warn", "!", status=503),
}
STEP_PAGES = {"none": "not_granted", "consent_asked": "waiting"}
"""`consent_asked`: the provider can't be asked at the moment. Other pages have the name of their step."""


def blueprint(identity: Identity, *, on_progress: Callable[[str], Awaitable[None]]) -> Blueprint:
    """`on_progress(conversation_id)` is called when something has come back for a conversation."""
    routes = Blueprint("identity")
    pages = _Pages()

    @routes.get(CONSENT_RETURN)
    async def consented(request: Request) -> HTTPResponse:
        state, code = request.args.get("state", ""), request.args.get("auth_code")
        if not state or len(state) > LONGEST_REFERENCE or len(code or "") > LONGEST_CODE:
            return pages.show("gone")
        return await settle(
            lambda: identity.on_consent_return(state, code=code, error=request.args.get("error")),
            after_consent=True,
        )

    @routes.get(VERIFICATION_RETURN)
    async def verified(request: Request) -> HTTPResponse:
        reference = request.args.get("ref", "")
        if not reference or len(reference) > LONGEST_REFERENCE:
            return pages.show("gone")
        return await settle(lambda: identity.on_verification_return(reference), after_consent=False)

    @routes.get(CASHIER_RETURN)
    async def paid(_request: Request) -> HTTPResponse:
        return pages.show("cashier")

    async def settle(
        take_in: Callable[[], Awaitable[Returned | None]], *, after_consent: bool
    ) -> HTTPResponse:
        try:
            returned = await take_in()
            if returned is None:
                return pages.show("gone")
            await on_progress(returned.conversation_id)
        except (ServiceError, SQLAlchemyError) as error:
            log.error("return_not_taken_in", error=type(error).__name__)
            return pages.show("busy")
        name = STEP_PAGES.get(returned.step, returned.step)
        if name == "verifying" and not (after_consent and returned.link):
            name = "waiting"
        next_url = returned.link.url if returned.link and name == "verifying" else ""
        return pages.show(name, next_url=next_url, conversation_id=returned.conversation_id)

    return routes


class _Pages:
    """The one template and its style, read once."""

    def __init__(self) -> None:
        templates = Environment(loader=PackageLoader("bot.routes"), autoescape=True)
        self._template = templates.get_template("returned.html")
        style = templates.get_template("returned.css").render()
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self._headers = {
            "Cache-Control": "no-store",
            "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'none'",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }

    def show(self, name: str, *, next_url: str = "", conversation_id: str = "") -> HTTPResponse:
        page = PAGES[name]
        chat_url = "/" if conversation_id.startswith("web:") else ""
        body = self._template.render(page=page, next_url=next_url, chat_url=chat_url)
        return html(body, status=page.status, headers=dict(self._headers))
