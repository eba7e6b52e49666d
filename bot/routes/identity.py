"""Where residents land when they come back from consent, verification and the cashier.

What a page says proves nothing: what is true the service asks the provider.
"""

from collections.abc import Awaitable, Callable

import structlog
from sanic import Blueprint, Request
from sanic.response import HTTPResponse
from sqlalchemy.exc import SQLAlchemyError

from bot.routes.pages import Pages
from services.domain.errors import ServiceError
from services.identity import CONSENT_RETURN, VERIFICATION_RETURN, Identity, Returned

log = structlog.get_logger("returns")

CASHIER_RETURN = "/return/alipay/cashier"
LONGEST_REFERENCE, LONGEST_CODE = 100, 1000


STEP_PAGES = {"none": "not_granted", "consent_asked": "waiting"}
"""`consent_asked`: the provider can't be asked at the moment. Other pages have the name of their step."""


def blueprint(identity: Identity, *, on_progress: Callable[[str], Awaitable[None]]) -> Blueprint:
    """`on_progress(conversation_id)` is called when something has come back for a conversation."""
    routes = Blueprint("identity")
    pages = Pages()

    @routes.get(CONSENT_RETURN)
    async def consented(request: Request) -> HTTPResponse:
        state, code = request.args.get("state", ""), request.args.get("auth_code")
        if not state or len(state) > LONGEST_REFERENCE or len(code or "") > LONGEST_CODE:
            return pages.show("gone")
        return await settle(
            lambda: identity.on_consent_return(state, code=code, error=request.args.get("error")),
            after_consent=True,
        )

    @routes.get(VERIFICATION_RETURN)
    async def verified(request: Request) -> HTTPResponse:
        reference = request.args.get("ref", "")
        if not reference or len(reference) > LONGEST_REFERENCE:
            return pages.show("gone")
        return await settle(lambda: identity.on_verification_return(reference), after_consent=False)

    @routes.get(CASHIER_RETURN)
    async def paid(_request: Request) -> HTTPResponse:
        return pages.show("cashier")

    async def settle(
        take_in: Callable[[], Awaitable[Returned | None]], *, after_consent: bool
    ) -> HTTPResponse:
        try:
            returned = await take_in()
            if returned is None:
                return pages.show("gone")
            await on_progress(returned.conversation_id)
        except (ServiceError, SQLAlchemyError) as error:
            log.error("return_not_taken_in", error=type(error).__name__)
            return pages.show("busy")
        name = STEP_PAGES.get(returned.step, returned.step)
        if name == "verifying" and not (after_consent and returned.link):
            name = "waiting"
        next_url = returned.link.url if returned.link and name == "verifying" else ""
        return pages.show(name, next_url=next_url, conversation_id=returned.conversation_id)

    return routes
