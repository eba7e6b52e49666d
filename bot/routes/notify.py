"""Alipay's asynchronous notification: `success` is answered only after what it says is committed."""

from urllib.parse import parse_qsl

import structlog
from sanic import Blueprint, Request
from sanic.response import HTTPResponse, text
from sqlalchemy.exc import SQLAlchemyError

from services.domain.errors import ServiceError
from services.payment import Payment

log = structlog.get_logger("notify")

LARGEST = 32_768
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

    return routes


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
