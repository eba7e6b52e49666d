"""Small pages on the way out to a provider and back. They tell what to do next and prove nothing.

They hold no personal data, and their addresses, which carry one-time references, go to nobody as a referrer.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import segno
from jinja2 import Environment, PackageLoader
from markupsafe import Markup
from sanic.response import HTTPResponse, html


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
    "scan": Page("请用微信扫码付款", ("请用另一部手机或电脑打开这一页，用微信“扫一扫”。", BACK), mark="扫"),
    "only_in_wechat": Page(
        "请在微信里打开", ("这张付款单只能在微信里付。请在微信的聊天窗口里点付款链接。",), "warn", "!"
    ),
    "nothing_to_pay": Page(
        "这张付款单不用付了",
        ("已经付过、取消了，或者过了时间。没有多扣您的钱。", BACK),
        "warn",
        "!",
        status=410,
    ),
    "gone": Page("这一步已经过去了", ("链接用过了，或者过了时间。", BACK), "warn", "!", status=410),
    "no_file": Page(
        "链接不能用了",
        ("用过了，或者过了时间。", "请回到聊天窗口，再说一次“导出”。"),
        "warn",
        "!",
        status=404,
    ),
    "not_granted": Page("授权没有成功", ("请回到聊天窗口，再点一次授权链接。",), "warn", "!"),
    "busy": Page("系统正忙", ("请过一会儿刷新这一页，或者直接回到聊天窗口。",), "warn", "!", status=503),
}


class Pages:
    """The one template and its style, read once."""

    def __init__(self) -> None:
        templates = Environment(loader=PackageLoader("bot.routes"), autoescape=True)
        self._template = templates.get_template("returned.html")
        self._bridge = templates.get_template("bridge.html")
        self._style = _hash(templates.get_template("returned.css").render())
        self._script = _hash(templates.get_template("bridge.js").render())

    def _headers(self, script: str = "'none'") -> dict[str, str]:
        return {
            "Cache-Control": "no-store",
            "Content-Security-Policy": f"default-src 'none'; style-src {self._style}; script-src {script}; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }

    def show(
        self, name: str, *, next_url: str = "", conversation_id: str = "", code: str = ""
    ) -> HTTPResponse:
        """`code` is what to draw as a QR code."""
        page = PAGES[name]
        chat_url = "/" if conversation_id.startswith("web:") else ""
        body = self._template.render(page=page, next_url=next_url, chat_url=chat_url, code=_draw(code))
        return html(body, status=page.status, headers=self._headers())

    def show_bridge(self, total: str, bridge: Mapping[str, str]) -> HTTPResponse:
        """The page inside WeChat that calls its bridge with the signed parameters."""
        body = self._bridge.render(total=total, bridge=bridge)
        return html(body, headers=self._headers(self._script))


def _hash(text: str) -> str:
    """What allows just this text in a Content-Security-Policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _draw(content: str) -> Markup:
    """An SVG without styles, on white with its quiet zone, so that it can be scanned in the dark scheme too."""
    if not content:
        return Markup("")
    drawn = segno.make(content, error="m", micro=False).svg_inline(
        border=4, light="white", dark="black", omitsize=True
    )
    return Markup(drawn)  # noqa: S704 - made by the library, the content is in it as dots only
