"""Consent and identity: what a provider shares, and whether somebody is who he says."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from services.domain.kinds import (
    IdType,
)
from services.domain.people import Person


@dataclass(frozen=True, kw_only=True, repr=False)
class ConsentedProfile:
    """What the provider shares after consent; every personal field can be missing."""

    subject: str  # open_id or user_id at the provider
    name: str | None = None
    id_type: IdType | None = None
    id_number: str | None = None
    mobile: str | None = None


class VerificationStatus(StrEnum):
    PENDING = "pending"
    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Verification:
    certify_id: str
    url: str


class IdentityProvider(Protocol):
    """Consent by OAuth and real-name verification. `exchange`: `Refused("consent_code")` for a bad code."""

    def authorization_url(self, *, state: str, redirect_uri: str) -> str: ...
    async def exchange(self, code: str) -> ConsentedProfile: ...

    async def start_verification(self, person: Person, *, request_no: str, return_url: str) -> Verification:
        """`Refused("id_type_not_verifiable")` for documents that the provider can't verify."""
        ...

    async def find_verification(self, certify_id: str) -> VerificationStatus: ...
