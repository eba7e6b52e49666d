"""The simulated peers in our own application: reached over HTTP only, with books and keys of their own."""

import asyncio
from functools import partial

from sanic import Sanic

from bot.sandbox import alipay, bureau, control, keys, wechat, wechatpay
from bot.sandbox.books import Books
from bot.sandbox.opening import open_books
from services.settings import Settings


def attach(app: Sanic, settings: Settings) -> None:
    """Put the gateways, the bureau, the chat platform and the controls at `/sandbox/…`."""
    books = open_books(settings)
    own_keys = keys.ensure_keys(settings.data_dir)
    app.blueprint(bureau.blueprint(books, own_keys.bureau_token))
    app.blueprint(alipay.blueprint(books, own_keys, settings))
    app.blueprint(wechatpay.blueprint(books, own_keys, settings))
    app.blueprint(wechat.blueprint(books, own_keys))
    wechat.observe(app, books, own_keys)
    app.blueprint(control.blueprint(books))
    app.blueprint(keys.blueprint(own_keys))
    stop = asyncio.Event()
    app.before_server_start(partial(_open, books))
    app.after_server_start(partial(_notify, books, own_keys, stop))
    app.before_server_stop(partial(_rest, stop))
    app.after_server_stop(partial(_close, books))


async def _open(books: Books, _app: Sanic) -> None:
    await books.open()


async def _notify(books: Books, own_keys: keys.SandboxKeys, stop: asyncio.Event, app: Sanic) -> None:
    app.add_task(alipay.run(books, own_keys, stop))
    app.add_task(wechatpay.run(books, own_keys, stop))


async def _rest(stop: asyncio.Event, _app: Sanic) -> None:
    stop.set()


async def _close(books: Books, _app: Sanic) -> None:
    await books.close()
