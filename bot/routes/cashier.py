"""The way to the gateway's cashier: our link, which leads on as long as there is something to pay."""

import re
from urllib.parse import urlsplit

from sanic import Blueprint, Request
from sanic.response import HTTPResponse, redirect
from sqlalchemy.exc import SQLAlchemyError

from bot.routes.pages import Pages
from services.payment import CASHIER, Payment

ORDER_NO = re.compile(r"[0-9A-Z]{4,32}")


def blueprint(payment: Payment) -> Blueprint:
    routes = Blueprint("cashier")
    pages = Pages()

    @routes.get(f"{CASHIER}/<order_no>")
    async def pay(_request: Request, order_no: str) -> HTTPResponse:
        """On to the cashier. What was paid, given up or has expired is not paid again."""
        if not ORDER_NO.fullmatch(order_no):
            return pages.show("nothing_to_pay")
        try:
            link = await payment.open_cashier(order_no)
        except SQLAlchemyError:
            return pages.show("busy")
        if link is None:
            return pages.show("nothing_to_pay")
        if urlsplit(link).scheme not in {"http", "https"}:
            return pages.show("scan", code=link)  # WeChat Pay's code is for its own camera
        return redirect(link, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})

    return routes
