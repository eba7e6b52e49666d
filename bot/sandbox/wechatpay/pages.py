"""The cashier that a payer sees, and the bridge that leads to it from a page inside WeChat.

Plain forms without script, shown every time.
"""

import re
import secrets
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from sanic import Blueprint, Request
from sanic.response import HTTPResponse, html, redirect
from sqlalchemy import select

from bot.sandbox import residents
from bot.sandbox.alipay import forms
from bot.sandbox.wechatpay import trades
from bot.sandbox.wechatpay.desk import ROOT, Desk
from bot.sandbox.wechatpay.store import CLOSED, WxTradeRow
from services.adapters.alipay.signing import verifies
from services.adapters.clock import SHANGHAI
from services.adapters.wechatpay.signing import bridge_text
from services.domain.money import wire, yuan

PASSWORD = re.compile(r"[0-9]{6}")
NO_ORDER = "没有这张付款单，或者链接不完整。"
OLD_PAGE = "页面已经过期，请重新打开付款链接。"

_pages = Environment(
    loader=ChoiceLoader([PackageLoader("bot.sandbox.wechatpay"), PackageLoader("bot.sandbox.alipay")]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def add_routes(routes: Blueprint, desk: Desk) -> None:
    path = "/cashier/<page:str>"
    routes.add_route(partial(show_cashier, desk), path, methods=["GET"], name="cashier_page")
    routes.add_route(partial(act_on_cashier, desk), path, methods=["POST"], name="cashier_act")
    routes.add_route(partial(cross_bridge, desk), "/bridge", methods=["GET"], name="bridge")


async def cross_bridge(desk: Desk, request: Request) -> HTTPResponse:
    """What `getBrandWCPayRequest` does with its parameters, which stand in the query here."""
    asked = {name: request.args.get(name, "") for name in ("appId", "timeStamp", "nonceStr", "package")}
    text = bridge_text(*asked.values())
    own = asked["appId"] == desk.keys.wechat_app_id and request.args.get("signType") == "RSA"
    if not own or not verifies(text, request.args.get("paySign", ""), [desk.merchant_key]):
        return _refuse("支付验证签名失败。")
    wanted = select(WxTradeRow).where(WxTradeRow.prepay_id == asked["package"].removeprefix("prepay_id="))
    async with desk.books.database.read() as session:
        trade = await session.scalar(wanted)
    return _refuse(NO_ORDER, status=404) if trade is None else _go(f"{ROOT}/cashier/{trade.page}")


async def show_cashier(desk: Desk, request: Request, page: str) -> HTTPResponse:
    async with desk.books.database.read() as session:
        trade = await session.scalar(select(WxTradeRow).filter_by(page=page))
    if trade is None:
        return _refuse(NO_ORDER, status=404)
    return await _cashier_page(desk, trade, left="left" in request.args)


async def act_on_cashier(desk: Desk, request: Request, page: str) -> HTTPResponse:
    form = _form(request)
    if not forms.fits(desk.form_secret, f"cashier|{page}", form.get(forms.FIELD, "")):
        return _refuse(OLD_PAGE, status=403)
    if form.get("act") != "pay":
        return _go(f"{page}?left=1")
    account = form.get("account", "")
    person = await residents.find_resident(desk.books, alipay_user_id=account)
    problem = _payment_problem(form, known=person is not None)
    async with desk.books.database.begin() as session:
        trade = await session.scalar(select(WxTradeRow).filter_by(page=page))
        if trade is not None and not problem:
            trades.pay(session, desk, trade, account=account)
    if trade is None:
        return _refuse(NO_ORDER, status=404)
    return await _cashier_page(desk, trade, problem=problem) if problem else _go(page)


def _payment_problem(form: dict[str, str], *, known: bool) -> str:
    if not known:
        return "请先选择付款人。"
    return "" if PASSWORD.fullmatch(form.get("password", "")) else "支付密码是六位数字，请再输一次。"


async def _cashier_page(
    desk: Desk, trade: WxTradeRow, *, problem: str = "", left: bool = False
) -> HTTPResponse:
    hidden = {"name": forms.FIELD, "value": forms.make(desk.form_secret, f"cashier|{trade.page}")}
    return _page(
        "cashier.html",
        status=422 if problem else 200,
        state=_state(trade, desk.now(), left=left),
        total=wire(yuan(trade.total) / 100),
        subject=trade.description,
        number=trade.out_trade_no,
        pay_before=_minute(trade.time_expire),
        paid_at=_minute(trade.paid_at),
        accounts=await residents.list_accounts(desk.books),
        problem=problem,
        hidden=hidden,
    )


def _state(trade: WxTradeRow, now: datetime, *, left: bool) -> str:
    if trade.paid_at:
        return "refunded" if trade.refunded == trade.total else "paid"
    if trade.state == CLOSED or not trades.is_payable(trade, now):
        return "closed"
    return "left" if left else "open"


def _minute(moment: datetime | None) -> str:
    return f"{moment.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" if moment else ""


def _form(request: Request) -> dict[str, str]:
    """The posted fields; empty when the body is not a form in UTF-8."""
    try:
        return dict(parse_qsl(request.body.decode("ascii"), errors="strict", max_num_fields=20))
    except ValueError:
        return {}


def _page(template: str, *, status: int = 200, **facts: Any) -> HTTPResponse:
    """A page that runs nothing, and whose form ends at our own host."""
    nonce = secrets.token_urlsafe(16)
    headers = {
        "Content-Security-Policy": f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    body = _pages.get_template(template).render(nonce=nonce, **facts)
    return html(body, status=status, headers=headers)


def _refuse(message: str, *, status: int = 400) -> HTTPResponse:
    return _page("refused.html", status=status, message=message)


def _go(url: str) -> HTTPResponse:
    """On to the next page by GET."""
    return redirect(url, status=303, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
