"""Socket.io payloads <-> our shapes, pure: what a client said, and an answer as clients of Rasa know it."""

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import segno

from bot.channels.base import Message
from bot.channels.web.transcript import offers

MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
MAX_SESSION_ID = 128


@dataclass(frozen=True, kw_only=True, repr=False)
class Utterance:
    """`user_uttered`. `message_id` is the client's, the same again for a resent message."""

    text: str
    message_id: str | None
    session_id: str | None


def read_utterance(data: Any) -> Utterance | None:
    """None for what is not an utterance. Metadata other than the id is not taken: nobody has checked it."""
    if not isinstance(data, dict) or not isinstance(data.get("message", ""), str):
        return None
    metadata = _object(data.get("metadata"))
    message_id = data.get("message_id") or metadata.get("message_id")
    return Utterance(
        text=data.get("message", ""),
        message_id=message_id if isinstance(message_id, str) and MESSAGE_ID.fullmatch(message_id) else None,
        session_id=read_session_id(data),
    )


def read_session_id(data: Any) -> str | None:
    given = data.get("session_id") if isinstance(data, dict) else None
    return given if isinstance(given, str) and 0 < len(given) <= MAX_SESSION_ID and readable(given) else None


def read_cursor(data: Any, epoch: str) -> int:
    """Up to where the client has everything of this epoch; 0 when that can't be said."""
    if not isinstance(data, dict) or data.get("epoch") != epoch:
        return 0
    cursor = data.get("cursor")
    return cursor if isinstance(cursor, int) and cursor > 0 else 0


def readable(text: str) -> bool:
    """False for NUL and lone surrogates, which no store or peer takes (`reliability` M14)."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def outgoing(message: Message) -> dict[str, Any]:
    """An answer as it is sent: our fields, and beside them what stock Rasa clients draw.

    `quick_replies` repeats buttons, options and menu items; `attachment` repeats the image;
    a payment request gains `qr`: {size, path}, the SVG path of its QR code.
    """
    answer = dict(message)
    card = answer.get("custom")
    if isinstance(card, dict) and card.get("kind") == "payment_request" and card.get("qr_code"):
        answer["custom"] = {**card, "qr": qr_path(card["qr_code"])}
    taps = offers(message)
    if taps:
        answer["quick_replies"] = [
            {"content_type": "text", "title": title, "payload": payload} for title, payload in taps
        ]
    if message.get("image"):
        answer["attachment"] = {"type": "image", "payload": {"src": message["image"]}}
    return answer


@lru_cache(maxsize=64)
def qr_path(data: str) -> dict[str, Any]:
    """Modules of the QR code as one SVG path in a square of `size` units, quiet zone included."""
    code = segno.make_qr(data, error="m")
    strokes = []
    for y, row in enumerate(bytes(modules) for modules in code.matrix_iter(border=4)):
        x = 0
        while x < len(row):
            if not row[x]:
                x += 1
                continue
            start = x
            while x < len(row) and row[x]:
                x += 1
            strokes.append(f"M{start} {y}h{x - start}v1h-{x - start}z")
    return {"size": code.symbol_size(border=4)[0], "path": "".join(strokes)}


def _object(value: Any) -> dict[str, Any]:
    """Stock clients send metadata as an object or as JSON text."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}
