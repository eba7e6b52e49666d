"""The simulated Alipay: gateway, pages and notifications, with books of its own.

It is reached over HTTP only, and commits before it answers.
"""

from sanic import Blueprint

from bot.sandbox.alipay import bills, console, gateway, pages
from bot.sandbox.alipay.desk import Desk
from bot.sandbox.alipay.notifications import run
from bot.sandbox.books import Books
from bot.sandbox.keys import SandboxKeys
from services.settings import Settings

__all__ = ["blueprint", "run"]


def blueprint(books: Books, keys: SandboxKeys, settings: Settings) -> Blueprint:
    """`/sandbox/alipay/…`; `run(books, keys, stop)` must go beside it."""
    routes = Blueprint("sandbox_alipay", url_prefix="/sandbox/alipay")
    inside = settings.alipay_gateway_url.removesuffix("/gateway.do") or f"{settings.base_url}/sandbox/alipay"
    desk = Desk(books=books, keys=keys, base_url=settings.base_url, inside_url=inside)
    gateway.add_routes(routes, desk)
    pages.add_routes(routes, desk)
    bills.add_routes(routes, desk)
    console.add_routes(routes, desk)
    return routes
