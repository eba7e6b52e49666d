"""The pages that a person sees at the simulated Alipay: consent, verification, cashier.

Plain forms without script, shown every time.
"""

import re
import secrets
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from sanic import Blueprint, Request
from sanic.response import HTTPResponse, html, redirect

from bot.sandbox import residents
from bot.sandbox.alipay import forms, people, trades
from bot.sandbox.alipay.desk import Desk, Failure, masked_login
from bot.sandbox.alipay.store import CLOSED, WAITING, CertifyRow, TradeRow
from services.adapters.clock import SHANGHAI

PASSWORD = re.compile(r"[0-9]{6}")
SCOPES = frozenset({"auth_user", "auth_base"})
LONGEST_STATE = 100
CERT_NAMES = {
    "IDENTITY_CARD": "居民身份证",
    "HOME_VISIT_PERMIT_HK_MC": "港澳居民来往内地通行证",
    "HOME_VISIT_PERMIT_TAIWAN": "台湾居民来往大陆通行证",
    "RESIDENCE_PERMIT_HK_MC": "港澳居民居住证",
    "RESIDENCE_PERMIT_TAIWAN": "台湾居民居住证",
}

_pages = Environment(
    loader=PackageLoader("bot.sandbox.alipay"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def add_routes(routes: Blueprint, desk: Desk) -> None:
    for path, name, show, act in (
        ("/oauth", "consent", show_consent, act_on_consent),
        ("/certify/<page:str>", "certify", show_certify, act_on_certify),
        ("/cashier/<page:str>", "cashier", show_cashier, act_on_cashier),
    ):
        routes.add_route(partial(show, desk), path, methods=["GET"], name=f"{name}_page")
        routes.add_route(partial(act, desk), path, methods=["POST"], name=f"{name}_act")


# --- consent --------------------------------------------------------------------------------------


async def show_consent(desk: Desk, request: Request) -> HTTPResponse:
    asked = {name: request.args.get(name, "") for name in ("app_id", "scope", "redirect_uri", "state")}
    wrong = _wrong(desk, asked)
    if wrong:
        return _refuse(wrong)
    return await _consent_page(desk, asked)


async def act_on_consent(desk: Desk, request: Request) -> HTTPResponse:
    form = _form(request)
    asked = {name: form.get(name, "") for name in ("app_id", "scope", "redirect_uri", "state")}
    if _wrong(desk, asked) or not _genuine(desk, _consent_id(asked), form):
        return _refuse("页面已经过期，请回到聊天里重新点一次链接。", status=403)
    back = {
        "app_id": asked["app_id"],
        "source": "alipay_wallet",
        "scope": asked["scope"],
        "state": asked["state"],
    }
    if form.get("act") == "agree":
        account = form.get("account", "")
        if await residents.find_resident(desk.books, alipay_user_id=account) is None:
            return await _consent_page(desk, asked, problem="请先选择账户。")
        back["auth_code"] = await people.consent(desk, user_id=account, scope=asked["scope"])
    return _go(_with(asked["redirect_uri"], back))


def _wrong(desk: Desk, asked: dict[str, str]) -> str:
    """What is wrong with a consent link, or nothing. Only the service's own host is sent back to."""
    there = urlsplit(asked["redirect_uri"])
    if asked["app_id"] != desk.keys.alipay_app_id or asked["scope"] not in SCOPES:
        return "链接里的应用或授权范围不对。"
    if there.scheme not in {"http", "https"} or there.hostname != urlsplit(desk.base_url).hostname:
        return "链接里的回跳地址没有登记过。"
    if len(asked["state"]) > LONGEST_STATE:
        return "链接里的 state 太长。"
    return ""


def _consent_id(asked: dict[str, str]) -> str:
    return "consent|" + urlencode(asked)


async def _consent_page(desk: Desk, asked: dict[str, str], *, problem: str = "") -> HTTPResponse:
    return _page(
        "consent.html",
        leads_to=asked["redirect_uri"],
        status=422 if problem else 200,
        asked=asked,
        accounts=await residents.list_accounts(desk.books),
        problem=problem,
        hidden=_hidden(desk, _consent_id(asked)),
    )


# --- verification ---------------------------------------------------------------------------------


async def show_certify(desk: Desk, _request: Request, page: str) -> HTTPResponse:
    try:
        attempt = await people.find_try(desk, page=page)
    except Failure:
        return _refuse("没有这次核验，或者链接不完整。", status=404)
    return _certify_page(desk, attempt)


async def act_on_certify(desk: Desk, request: Request, page: str) -> HTTPResponse:
    form = _form(request)
    if not _genuine(desk, f"certify|{page}", form):
        return _refuse("页面已经过期，请回到聊天里重新点一次链接。", status=403)
    try:
        attempt = await people.decide(desk, page, passed=form.get("act") == "pass")
    except Failure:
        return _refuse("没有这次核验，或者链接不完整。", status=404)
    return _go(attempt.return_url)


def _certify_page(desk: Desk, attempt: CertifyRow) -> HTTPResponse:
    return _page(
        "certify.html",
        leads_to=attempt.return_url,
        name=attempt.cert_name[-1:].rjust(len(attempt.cert_name), "*"),
        kind=CERT_NAMES[attempt.cert_type],
        number=f"{attempt.cert_no[:1]}{'*' * (len(attempt.cert_no) - 2)}{attempt.cert_no[-1:]}",
        passed=attempt.passed,
        reason=attempt.fail_reason,
        return_url=attempt.return_url,
        hidden=_hidden(desk, f"certify|{attempt.page}"),
    )


# --- cashier --------------------------------------------------------------------------------------


async def show_cashier(desk: Desk, request: Request, page: str) -> HTTPResponse:
    """Opening the cashier is the scan: the trade exists from now on."""
    async with desk.books.database.begin() as session:
        trade = await trades.scan(session, page, desk.now())
    if trade is None:
        return _refuse("没有这张付款单，或者链接不完整。", status=404)
    return await _cashier_page(desk, trade, left="left" in request.args)


async def act_on_cashier(desk: Desk, request: Request, page: str) -> HTTPResponse:
    form = _form(request)
    if not _genuine(desk, f"cashier|{page}", form):
        return _refuse("页面已经过期，请重新打开付款链接。", status=403)
    if form.get("act") != "pay":
        return _go(f"{page}?left=1")
    person = await residents.find_resident(desk.books, alipay_user_id=form.get("account", ""))
    problem = _payment_problem(form, known=person is not None)
    async with desk.books.database.begin() as session:
        trade = await trades.scan(session, page, desk.now())
        if trade is not None and person is not None and not problem:
            user_id = form["account"]
            logon_id = masked_login(user_id, person.mobile)
            trades.pay(session, trade, desk.now(), user_id=user_id, logon_id=logon_id)
    if trade is None:
        return _refuse("没有这张付款单，或者链接不完整。", status=404)
    return await _cashier_page(desk, trade, problem=problem) if problem else _go(page)


def _payment_problem(form: dict[str, str], *, known: bool) -> str:
    if not known:
        return "请先选择付款账户。"
    return "" if PASSWORD.fullmatch(form.get("password", "")) else "支付密码是六位数字，请再输一次。"


async def _cashier_page(
    desk: Desk, trade: TradeRow, *, problem: str = "", left: bool = False
) -> HTTPResponse:
    return _page(
        "cashier.html",
        leads_to=trade.return_url,
        status=422 if problem else 200,
        state=_state(trade, left=left),
        total=trade.total,
        subject=trade.subject,
        number=trade.out_trade_no,
        pay_before=_minute(trade.pay_before),
        paid_at=_minute(trade.paid_at),
        return_url=_safe(trade.return_url),
        accounts=await residents.list_accounts(desk.books),
        problem=problem,
        hidden=_hidden(desk, f"cashier|{trade.page}"),
    )


def _state(trade: TradeRow, *, left: bool) -> str:
    if trade.paid_at:
        return "refunded" if trade.status == CLOSED else "paid"
    if trade.status == WAITING:
        return "left" if left else "open"
    return "closed"


def _minute(moment: datetime | None) -> str:
    return f"{moment.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" if moment else ""


# --- for all --------------------------------------------------------------------------------------


def _form(request: Request) -> dict[str, str]:
    """The posted fields; empty when the body is not a form in UTF-8."""
    try:
        return dict(parse_qsl(request.body.decode("ascii"), errors="strict", max_num_fields=20))
    except ValueError:
        return {}


def _genuine(desk: Desk, page: str, form: dict[str, str]) -> bool:
    return forms.fits(desk.form_secret, page, form.get(forms.FIELD, ""))


def _hidden(desk: Desk, page: str) -> dict[str, str]:
    return {"name": forms.FIELD, "value": forms.make(desk.form_secret, page)}


def _page(template: str, *, leads_to: str = "", status: int = 200, **facts: Any) -> HTTPResponse:
    """A page that runs nothing; its form may end at our own host or where the merchant asked us to lead."""
    nonce = secrets.token_urlsafe(16)
    there = urlsplit(leads_to)
    targets = f"'self' {there.scheme}://{there.netloc}" if _safe(leads_to) else "'self'"
    body = _pages.get_template(template).render(nonce=nonce, **facts)
    headers = {
        "Content-Security-Policy": f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; "
        f"form-action {targets}; frame-ancestors 'none'; base-uri 'none'",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return html(body, status=status, headers=headers)


def _refuse(message: str, *, status: int = 400) -> HTTPResponse:
    return _page("refused.html", status=status, message=message)


def _go(url: str) -> HTTPResponse:
    """On to the next page by GET."""
    return redirect(url, status=303, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})


def _with(url: str, parameters: dict[str, str]) -> str:
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(parameters)}"


def _safe(url: str) -> str:
    """`url` when a link may lead there."""
    return url if urlsplit(url).scheme in {"http", "https"} else ""
