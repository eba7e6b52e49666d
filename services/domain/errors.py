"""Errors of the business. A class has a `code` and facts; the sentence is made at the end, by the bot.

ServiceError
├── Refused          the answer is no; trying again is useless
├── Unavailable      the peer can't be reached or is busy; try again later
└── OutcomeUnknown   the call may have had its effect; ask, never send again
"""

from typing import Any


class ServiceError(Exception):
    """Base. `code` names the sentence `error.<code>`; `facts` fill it and hold no personal data."""

    code = "internal"
    retryable = False

    def __init__(self, code: str | None = None, **facts: Any) -> None:
        if code is not None:
            self.code = code
        self.facts = facts
        super().__init__(self.code)


class Refused(ServiceError):
    code = "refused"


class Unavailable(ServiceError):
    code = "unavailable"
    retryable = True


class OutcomeUnknown(ServiceError):
    code = "outcome_unknown"
    retryable = True
