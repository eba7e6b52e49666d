"""What logging in is told about: steps, levels, links, and the person of a conversation."""

from dataclasses import dataclass
from datetime import datetime

NONE, CONSENT_ASKED, CONSENT_REFUSED, MISSING_FACTS = "none", "consent_asked", "refused", "missing_facts"
VERIFYING, FAILED, VERIFIED = "verifying", "failed", "verified"

KNOWN_LEVEL, VERIFIED_LEVEL, FRESH_LEVEL = 1, 2, 3
"""Of a channel identity: known to the channel, verified, verified in the last five minutes."""

CONSENT_RETURN = "/oauth/alipay/callback"
VERIFICATION_RETURN = "/return/alipay/verification"


@dataclass(frozen=True, kw_only=True)
class BoundPerson:
    """The person of a conversation. `level` is 2 (verified) or 3 (verified in the last five minutes)."""

    person_id: str
    masked_name: str
    level: int
    verified_at: datetime


@dataclass(frozen=True, kw_only=True)
class Link:
    """A page of the provider for the resident; `state` is opaque."""

    url: str
    state: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far logging in has come.

    `step`: `none`, `consent_asked`, `refused` (the consent), `missing_facts` (consent gave no usable number
    or name), `verifying`, `failed` (the verification), `verified`. `link` goes with the two that wait.
    """

    step: str
    link: Link | None = None


@dataclass(frozen=True, kw_only=True)
class Returned:
    """Somebody came back from a page of the provider: the conversation, and where it stands now.

    `link` is the verification that comes next, if there is one.
    """

    conversation_id: str
    step: str
    link: Link | None = None
