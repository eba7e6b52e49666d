"""Who is speaking: consent, typed facts, verification, and the binding of a conversation to a person."""

from services.identity.facts import (
    CONSENT_RETURN,
    VERIFICATION_RETURN,
    BoundPerson,
    Link,
    Progress,
    Returned,
)
from services.identity.service import Identity

__all__ = [
    "CONSENT_RETURN",
    "VERIFICATION_RETURN",
    "BoundPerson",
    "Identity",
    "Link",
    "Progress",
    "Returned",
]
