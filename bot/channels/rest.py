"""Rasa's REST channel and `/model/parse`, gated: open in the sandbox, else off or behind a bearer token."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Any

from sanic import Blueprint, Request
from sanic.response import HTTPResponse, json

from actions.say import say
from bot.channels.base import Converse, UserMessage
from bot.errors import problem
from services.settings import Settings

MAX_SENDER = 255
Parse = Callable[[str], Awaitable[dict[str, Any]]]


def blueprint(*, converse: Converse, parse: Parse, settings: Settings) -> Blueprint:
    routes = Blueprint("rest")

    @routes.on_request
    async def gate(request: Request) -> HTTPResponse | None:
        token = settings.rest_token
        if token:
            given = request.headers.get("authorization", "").removeprefix("Bearer ").encode()
            if hmac.compare_digest(given, token.get_secret_value().encode()):
                return None
            return problem(401, "unauthorized", "A bearer token is needed.")
        return None if settings.rest_open else problem(404, "not_found", "This channel is off.")

    @routes.post("/webhooks/rest/webhook")
    async def webhook(request: Request) -> HTTPResponse:
        body = _body(request)
        sender, text = (body or {}).get("sender"), (body or {}).get("message", "")
        if body is None or not isinstance(sender, str) or not _is_name(sender):
            return problem(400, "bad_request", "Send JSON with a sender and a message.")
        if not isinstance(text, str):
            return problem(400, "bad_request", "The message must be a string.")
        sentence = unusable(text, settings.max_message_chars)
        if sentence:
            return json([{"recipient_id": sender, "text": say(sentence)}])
        metadata = body.get("metadata")
        message_id = body.get("message_id")
        answers = await converse(
            UserMessage(
                channel="rest",
                sender=sender,
                text=clean(text),
                message_id=message_id if isinstance(message_id, str) else None,
                metadata=metadata if isinstance(metadata, dict) else {},
            )
        )
        return json([{"recipient_id": sender, **answer} for answer in answers])

    @routes.post("/model/parse")
    async def model_parse(request: Request) -> HTTPResponse:
        body = _body(request)
        text = (body or {}).get("text")
        if not isinstance(text, str):
            return problem(400, "bad_request", "Send JSON with a text.")
        return json(await parse(clean(text)[: settings.max_message_chars]))

    return routes


def unusable(text: str, limit: int) -> str | None:
    """The text key that says why `text` can't be taken, or None."""
    if not clean(text).strip():
        return "input.empty"
    return "input.too_long" if len(text) > limit else None


def clean(text: str) -> str:
    """Without NUL and lone surrogates, which no store or peer takes (`reliability` F9)."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")


def _body(request: Request) -> dict[str, Any] | None:
    try:
        body = request.json
    except Exception:
        return None
    return body if isinstance(body, dict) else None


def _is_name(sender: str) -> bool:
    return 0 < len(sender) <= MAX_SENDER and clean(sender) == sender
