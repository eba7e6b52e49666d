"""What the callers of `Certificates` get and give."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from services.domain.kinds import Insurance, InsuredGroup
from services.domain.orders import Unbooked
from services.domain.people import Person

PAYMENT_RECORD, TAX_CERTIFICATE = "payment_record", "tax_certificate"


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Whose payments a paper is about: all of `person_id`, or those that `payer_id` paid for that person."""

    person_id: str
    payer_id: str | None = None

    @property
    def reader_id(self) -> str:
        """Who asks for the paper."""
        return self.payer_id or self.person_id


@dataclass(frozen=True, kw_only=True)
class Document:
    """A paper as a card shows it. The links work for a few minutes; `sha256` is of the PDF, in hex.

    `often`: the same was reissued many times within the hour, so somebody may need help.
    """

    title: str
    number: str
    url: str
    preview_url: str
    expires_at: datetime
    sha256: str
    issue: int = 0
    often: bool = False


@dataclass(frozen=True, kw_only=True)
class NotYet:
    """Paid but not booked: the first and the last day on which the paper can be had, and of what.
    `provisional`: the days may still move, because the year's holidays are not published."""

    earliest: date
    latest: date
    fee_year: int
    provisional: bool = False
    bills: tuple[Unbooked, ...] = field(default=(), compare=False)


@dataclass(frozen=True, kw_only=True, repr=False)
class TaxTicket:
    """One booked tax ticket (税票). `handle` names it in buttons; `amount` in yuan is what was paid by it.

    `first_issued_on` is empty until its certificate was issued, by us or elsewhere; `reissues` counts ours.
    `issued_here`: the first certificate is in our books, and can be had again byte by byte.
    """

    handle: str
    number: str
    insured_group: InsuredGroup
    insurance: Insurance
    first_day: date
    last_day: date
    amount: Decimal
    booked_on: date
    first_issued_on: date | None
    last_issued_on: date | None
    reissues: int
    issued_here: bool

    @property
    def next_issue(self) -> int:
        """0: its first certificate, n: the n-th reissue."""
        return 0 if self.first_issued_on is None else self.reissues + 1


class Persons(Protocol):
    """Who people are, and which conversations speak for them (`services.identity`)."""

    async def find_person_id(self, person: Person) -> str | None: ...
    async def get_person(self, person_id: str) -> Person: ...
    async def keep_person(self, person: Person) -> str: ...
    async def find_conversations(self, person_id: str) -> Sequence[str]: ...
