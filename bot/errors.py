"""What a failed request answers: one JSON shape, no stack, no values (`reliability` 4.4, F8)."""

import structlog
from sanic import Request
from sanic.exceptions import SanicException
from sanic.response import HTTPResponse, json
from sqlalchemy.exc import SQLAlchemyError

from services.domain.errors import ServiceError

log = structlog.get_logger("http")

NOT_TAKEN = {
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take this method."),
    413: ("too_large", "The request is too large."),
}
"""What is wrong with a request that no handler saw; anything else is not understood."""


def problem(status: int, code: str, message: str) -> HTTPResponse:
    return json({"code": code, "message": message}, status=status)


async def on_error(request: Request, error: Exception) -> HTTPResponse:
    """One handler for everything; it never reads `request.accept`, which can itself fail."""
    if isinstance(error, SanicException) and error.status_code < 500:
        said = NOT_TAKEN.get(error.status_code, ("bad_request", "The request was not understood."))
        return problem(error.status_code, *said)
    if isinstance(error, SQLAlchemyError | ServiceError) or getattr(error, "store_failed", False):
        log.error("request_failed", error=type(error).__name__, request_id=str(request.id))
        return problem(503, "unavailable", "The service is busy. Please try again.")
    log.error("request_crashed", error=type(error).__name__, request_id=str(request.id))
    return problem(500, "internal", f"Something went wrong. Request {request.id}.")
