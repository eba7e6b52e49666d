"""The gateways' asynchronous notifications: success is answered only after what they say is committed."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

import structlog
from sanic import Blueprint, Request
from sanic.response import HTTPResponse, empty, json, text
from sqlalchemy.exc import SQLAlchemyError

from services.domain.errors import ServiceError
from services.payment import Payment

log = structlog.get_logger("notify")

LARGEST = 32_768
SIGNED_HEADERS = tuple(
    f"wechatpay-{name}" for name in ("timestamp", "nonce", "signature", "serial", "signature-type")
)
MOST_FIELDS = 100


def blueprint(payment: Payment) -> Blueprint:
    routes = Blueprint("notify")

    @routes.post("/notify/alipay")
    async def alipay(request: Request) -> HTTPResponse:
        form = read_form(request.body)
        if form is None:
            return _answer("failure", 400)
        try:
            taken = await payment.on_notification(form)
        except ServiceError as error:  # forged, or genuine and not understood: it must come again
            log.warning("notification_refused", code=error.code)
            return _answer("failure")
        except (SQLAlchemyError, OSError) as error:
            log.error("notification_not_stored", error=type(error).__name__)
            return _answer("failure", 503)
        return _answer("success" if taken else "failure")

    @routes.post("/notify/wechatpay")
    async def wechatpay(request: Request) -> HTTPResponse:
        form = read_signed(request.headers, request.body)
        if form is None:
            return _fail(400)
        try:
            taken = await payment.on_notification(form, provider="wechatpay")
        except ServiceError as error:
            log.warning("notification_refused", code=error.code)
            return _fail(401)
        except (SQLAlchemyError, OSError) as error:
            log.error("notification_not_stored", error=type(error).__name__)
            return _fail(503)
        return empty(204) if taken else _fail(500)

    return routes


def read_signed(headers: Mapping[str, str], body: bytes) -> dict[str, str] | None:
    """Headers and body of a message that is signed over its exact bytes; None for one that is no text."""
    if not body or len(body) > LARGEST:
        return None
    try:
        content = body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    signed = {name: headers.get(name, "") for name in SIGNED_HEADERS}
    return {**signed, "body": content}


def read_form(body: bytes) -> dict[str, str] | None:
    """The fields of a URL-encoded body, each once; None for one that can't be trusted to say one thing.

    Read from the bytes, since the signature covers every field, also empty ones, which Sanic leaves out.
    """
    if not body or len(body) > LARGEST:
        return None
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        return None
    form = dict(pairs)
    if len(form) != len(pairs) or any("\x00" in part for pair in pairs for part in pair):
        return None
    return form


def _answer(word: str, status: int = 200) -> HTTPResponse:
    """Exactly the word: anything around it would count as a failure."""
    return text(word, status=status, headers={"cache-control": "no-store"})


def _fail(status: int) -> HTTPResponse:
    """Not taken: it comes again."""
    return json({"code": "FAIL", "message": "失败"}, status=status, headers={"cache-control": "no-store"})
