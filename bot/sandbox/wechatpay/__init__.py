"""The simulated WeChat Pay: API v3, cashier and notifications, with books of its own.

It is reached over HTTP only, and commits before it answers.
"""

from sanic import Blueprint

from bot.sandbox.books import Books
from bot.sandbox.keys import SandboxKeys
from bot.sandbox.wechatpay import faults, gateway, pages
from bot.sandbox.wechatpay.desk import ROOT, Desk
from bot.sandbox.wechatpay.notifications import run
from services.settings import Settings

__all__ = ["blueprint", "run"]


def blueprint(books: Books, keys: SandboxKeys, settings: Settings) -> Blueprint:
    """`/sandbox/wechatpay/…`; `run(books, keys, stop)` must go beside it."""
    routes = Blueprint("sandbox_wechatpay", url_prefix=ROOT)
    desk = Desk(books=books, keys=keys, base_url=settings.base_url)
    gateway.add_routes(routes, desk)
    pages.add_routes(routes, desk)
    faults.add_routes(routes, books)
    return routes
