"""The way to the gateway's cashier: our link, which leads on as long as there is something to pay.

Inside WeChat the page itself calls WeChat's bridge. Elsewhere the sandbox plays the bridge at `bridge_url`.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from sanic import Blueprint, Request
from sanic.response import HTTPResponse, redirect
from sqlalchemy.exc import SQLAlchemyError

from bot.routes.pages import Pages
from services.domain.errors import Unavailable
from services.domain.money import wire
from services.payment import CASHIER, Checkout, Payment

ORDER_NO = re.compile(r"[0-9A-Z]{4,32}")
IN_WECHAT = "MicroMessenger"
"""What the name of WeChat's browser holds."""
LEADS_ON = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def blueprint(payment: Payment, *, bridge_url: str = "") -> Blueprint:
    routes = Blueprint("cashier")
    pages = Pages()

    @routes.get(f"{CASHIER}/<order_no>")
    async def pay(request: Request, order_no: str) -> HTTPResponse:
        """On to the cashier. What was paid, given up or has expired is not paid again."""
        if not ORDER_NO.fullmatch(order_no):
            return pages.show("nothing_to_pay")
        try:
            checkout = await payment.open_cashier(order_no)
        except (SQLAlchemyError, Unavailable):
            return pages.show("busy")
        if checkout is None:
            return pages.show("nothing_to_pay")
        if checkout.bridge is not None:
            return over_the_bridge(request, checkout, checkout.bridge)
        link = checkout.link or ""
        if urlsplit(link).scheme not in {"http", "https"}:
            return pages.show("scan", code=link)  # WeChat Pay's code is for its own camera
        return redirect(link, headers=LEADS_ON)

    def over_the_bridge(request: Request, checkout: Checkout, bridge: Mapping[str, str]) -> HTTPResponse:
        if IN_WECHAT in request.headers.get("user-agent", ""):
            return pages.show_bridge(wire(checkout.total), bridge)
        if bridge_url:
            return redirect(f"{bridge_url}?{urlencode(bridge)}", headers=LEADS_ON)
        return pages.show("only_in_wechat")

    return routes
