"""The bureau over HTTP: `POST /sandbox/bureau/<operation>`, JSON both ways, a bearer token.

200 the answer · 400 not understood · 401 no token · 409 refused `{code, facts}` · 503 busy, nothing happened.
"""

import hmac
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sanic import Blueprint, Request
from sanic.response import HTTPResponse, json, raw

from bot.sandbox.books import Books, Fault
from bot.sandbox.bureau import bodies, office, refunds
from services.domain.errors import Refused
from services.ports import (
    ArrearsItem,
    Booking,
    Declaration,
    Enrolment,
    FeeRecord,
    Posting,
    Quote,
    RefundApplication,
    Tier,
)

SLOW_SECONDS = 3.0
Answer = tuple[TypeAdapter[Any], Any]
Operation = Callable[[Books, Any], Awaitable[Answer]]


def blueprint(books: Books, token: str) -> Blueprint:
    """The routes; `token` is what callers must bear."""
    routes = Blueprint("sandbox-bureau", url_prefix="/sandbox/bureau")

    async def serve(request: Request, name: str) -> HTTPResponse:
        if not _bears(request, token):
            return json({"code": "unauthorized"}, status=401)
        body_type, operation = OPERATIONS[name]
        try:
            body = body_type.model_validate_json(request.body)
        except ValidationError:
            return json({"code": "bad_request"}, status=400)
        fault = None
        if name != "ping":  # health checks must not use up what a test ordered
            fault = await books.take_fault("bureau", name, modes={"unavailable", "slow"})
        if fault and fault.mode == "unavailable":
            return json({"code": "unavailable"}, status=503)
        await refunds.pay_out(books)
        answer = await _answer(operation, books, body)
        if fault:
            await _stall(books, fault)
        return answer

    for name in OPERATIONS:
        routes.add_route(_handler(serve, name), f"/{name}", methods=["POST"], name=name)
    return routes


def _handler(
    serve: Callable[[Request, str], Awaitable[HTTPResponse]], name: str
) -> Callable[[Request], Coroutine[Any, Any, HTTPResponse]]:
    async def handle(request: Request) -> HTTPResponse:
        return await serve(request, name)

    return handle


def _bears(request: Request, token: str) -> bool:
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    return hmac.compare_digest(given.encode(), token.encode())


async def _answer(operation: Operation, books: Books, body: bodies.Body) -> HTTPResponse:
    try:
        adapter, found = await operation(books, body)
    except Refused as refused:
        return json({"code": refused.code, "facts": refused.facts}, status=409)
    return raw(adapter.dump_json(found), content_type="application/json")


async def _stall(books: Books, fault: Fault) -> None:
    """The work is done and committed; only the answer comes late."""
    await books.stall(fault, SLOW_SECONDS)


class NoBody(bodies.Body):
    """`{}`"""


ENROLMENTS = TypeAdapter(list[Enrolment])
ARREARS = TypeAdapter(list[ArrearsItem])
TIERS = TypeAdapter(list[Tier])
QUOTE = TypeAdapter(Quote)
DECLARATION = TypeAdapter(Declaration)
POSTING = TypeAdapter(Posting)
FOUND_POSTING = TypeAdapter(dict[str, Posting | None])
BOOKINGS = TypeAdapter(list[Booking])
WITHDRAWN = TypeAdapter(dict[str, bool])
REFUND = TypeAdapter(RefundApplication)
FOUND_REFUND = TypeAdapter(dict[str, RefundApplication | None])
RECORDS = TypeAdapter(list[FeeRecord])
PONG = TypeAdapter(dict[str, bool])


async def _enrolments(books: Books, body: bodies.PersonBody) -> Answer:
    return ENROLMENTS, await office.find_enrolments(books, body.person)


async def _arrears(books: Books, body: bodies.PersonBody) -> Answer:
    return ARREARS, await office.find_arrears(books, body.person)


async def _tiers(books: Books, body: bodies.TiersBody) -> Answer:
    return TIERS, await office.find_tiers(books, body.person, body.dues)


async def _quote(books: Books, body: bodies.QuoteBody) -> Answer:
    return QUOTE, await office.quote(books, body.person, body.dues)


async def _declare(books: Books, body: bodies.DeclareBody) -> Answer:
    return DECLARATION, await office.declare(books, body)


async def _post_payment(books: Books, body: bodies.PostPaymentBody) -> Answer:
    return POSTING, await office.post_payment(books, body)


async def _find_posting(books: Books, body: bodies.KeyBody) -> Answer:
    return FOUND_POSTING, {"posting": await office.find_posting(books, body.key)}


async def _bookings(books: Books, body: bodies.DayBody) -> Answer:
    return BOOKINGS, await office.find_bookings(books, body.day)


async def _withdraw_payments(books: Books, body: bodies.KeysBody) -> Answer:
    await refunds.withdraw_payments(books, body.keys)
    return WITHDRAWN, {"withdrawn": True}


async def _file_refund(books: Books, body: bodies.FileRefundBody) -> Answer:
    return REFUND, await refunds.file_refund(books, body)


async def _find_refund(books: Books, body: bodies.KeyBody) -> Answer:
    return FOUND_REFUND, {"refund": await refunds.find_refund(books, body.key)}


async def _records(books: Books, body: bodies.RecordsBody) -> Answer:
    return RECORDS, await office.find_records(books, body)


async def _ping(_books: Books, _body: NoBody) -> Answer:
    return PONG, {"ok": True}


OPERATIONS: dict[str, tuple[type[bodies.Body], Operation]] = {
    "enrolments": (bodies.PersonBody, _enrolments),
    "arrears": (bodies.PersonBody, _arrears),
    "tiers": (bodies.TiersBody, _tiers),
    "quote": (bodies.QuoteBody, _quote),
    "declare": (bodies.DeclareBody, _declare),
    "post_payment": (bodies.PostPaymentBody, _post_payment),
    "find_posting": (bodies.KeyBody, _find_posting),
    "bookings": (bodies.DayBody, _bookings),
    "withdraw_payments": (bodies.KeysBody, _withdraw_payments),
    "file_refund": (bodies.FileRefundBody, _file_refund),
    "find_refund": (bodies.KeyBody, _find_refund),
    "records": (bodies.RecordsBody, _records),
    "ping": (NoBody, _ping),
}
