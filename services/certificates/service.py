"""Certificates: number, draw, seal, hand out, verify.

A paper gets its number and its facts in one transaction and its file in another: after a crash in between
the file is drawn again from the same facts, byte for byte.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import structlog
from sqlalchemy.exc import IntegrityError

from services.certificates.checking import Checked, Checker, hash_code, read_facts
from services.certificates.facts import (
    Numbering,
    contradicts,
    fingerprint_of,
    in_order,
    net,
    payment_record_facts,
)
from services.certificates.layout import get_layout
from services.certificates.press import Press
from services.certificates.tickets import PaperFile, Tickets
from services.crashpoints import crashpoint
from services.domain.ids import new_id, random_code
from services.domain.people import Person
from services.domain.workdays import add_workdays, records_available
from services.ports import Clock, FeeRecord
from services.records import Records
from services.settings import Settings
from services.store.certificates import (
    AVAILABLE,
    FACTS_PURPOSE,
    NUMBERED,
    PDF_PURPOSE,
    PREVIEW_PURPOSE,
    VOID,
    CertificateFileRow,
    CertificateRow,
    find_by_fingerprint,
    standing_papers,
)
from services.store.session import Database
from services.vault import Vault

log = structlog.get_logger("certificates")

PAYMENT_RECORD = "payment_record"
NUMBER_LENGTH, CODE_LENGTH = 14, 16
"""Random characters of five bits: 70 in a number, 80 in a code (`reliability` C6)."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """A paper as a card shows it. The links work for a few minutes; `sha256` is of the PDF, in hex."""

    title: str
    number: str
    url: str
    preview_url: str
    expires_at: datetime
    sha256: str


@dataclass(frozen=True, kw_only=True)
class NotYet:
    """Paid but not booked: the first and the last day on which the paper can be had."""

    earliest: date
    latest: date


class Certificates:
    """`pending_payments(person_id, fee_year)` tells when the payments were made that are not booked yet."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        vault: Vault,
        records: Records,
        get_person: Callable[[str], Awaitable[Person]],
        pending_payments: Callable[[str, int], Awaitable[Sequence[datetime]]],
        settings: Settings,
        secret: bytes,
    ) -> None:
        self._database = database
        self._clock = clock
        self._vault = vault
        self._records = records
        self._get_person = get_person
        self._pending_payments = pending_payments
        self._settings = settings
        self._secret = secret
        self._press = Press()
        self._one_drawing = asyncio.Lock()
        self._tickets = Tickets(database=database, clock=clock, vault=vault, settings=settings, secret=secret)
        self._checker = Checker(
            database=database, clock=clock, vault=vault, read_records=self._booked_of, secret=secret
        )

    async def issue_payment_record(
        self, *, person_id: str, conversation_id: str, fee_year: int
    ) -> Document | NotYet | None:
        """The payment record voucher of a year: the same books give the same paper. None: nothing was paid,
        or all of it was refunded.

        The caller has made sure that the person was verified a moment ago. `Unavailable` when the bureau
        can't be asked.
        """
        records = await self._booked(person_id, fee_year)
        if net(records) <= 0:
            return await self._not_yet(person_id, fee_year)
        paper = await self._number(person_id, fee_year, records)
        sha256 = await self._file(paper)
        ticket = await self._tickets.give(
            paper.certificate_id, person_id=person_id, conversation_id=conversation_id
        )
        url = f"{self._settings.base_url}/documents/{ticket.token}"
        log.info("certificate_handed_out", kind=paper.kind, year=fee_year)
        return Document(
            title=get_layout(paper.kind).title,
            number=paper.number,
            url=url,
            preview_url=f"{url}/preview",
            expires_at=ticket.expires_at,
            sha256=sha256,
        )

    async def open_file(self, token: str, *, preview: bool = False) -> PaperFile | None:
        """The file behind a link; None for every link that does not work, whatever the reason."""
        return await self._tickets.open(token, preview=preview)

    async def check(self, number: str, code: str, *, address: str) -> Checked:
        """Is the paper with this number and code genuine? `address` is whose tries are counted."""
        return await self._checker.check(number, code, address=address)

    # --- private ----------------------------------------------------------------------------------------

    async def _booked(self, person_id: str, fee_year: int) -> list[FeeRecord]:
        found = await self._records.paid(person_id, fee_year)
        return in_order([record for record in found if record.booked_on is not None])

    async def _booked_of(self, paper: CertificateRow) -> list[FeeRecord]:
        return await self._booked(paper.person_id, paper.fee_year)

    async def _not_yet(self, person_id: str, fee_year: int) -> NotYet | None:
        """From the first pending payment on; a day that has passed without a record is not promised again."""
        paid = await self._pending_payments(person_id, fee_year)
        if not paid:
            return None
        today = self._clock.now().date()
        earliest, _ = records_available(min(paid).date())
        _, latest = records_available(max(paid).date())
        earliest = max(earliest, today)
        return NotYet(earliest=earliest, latest=max(latest, add_workdays(today, 1), earliest))

    async def _number(self, person_id: str, fee_year: int, records: Sequence[FeeRecord]) -> CertificateRow:
        """The paper about these records: the one that stands, or a new one."""
        person, _ = await asyncio.gather(self._get_person(person_id), self._press.warm_up())
        about = fingerprint_of(person, fee_year, records)
        contradicted = await self._contradicted(person_id, fee_year, records)
        round_no = 0
        while True:
            fingerprint = self._vault.blind_index("certificate", f"{round_no}|{person_id}|{about}")
            async with self._database.read() as session:
                known = await find_by_fingerprint(session, fingerprint)
            if known is None:
                fresh = await self._fresh(person, person_id, fee_year, records, fingerprint)
                if await self._add(fresh, contradicted):
                    return fresh
            elif known.state == VOID:
                round_no += 1  # the books have come back to what they were: a void number stays void
            else:
                return known

    async def _fresh(
        self,
        person: Person,
        person_id: str,
        fee_year: int,
        records: Sequence[FeeRecord],
        fingerprint: str,
    ) -> CertificateRow:
        now = self._clock.now()
        number, code = self._settings.order_prefix + random_code(NUMBER_LENGTH), random_code(CODE_LENGTH)
        numbering = Numbering(
            number=number,
            code=code,
            issued_on=now.date(),
            verify_url=f"{self._settings.base_url}/verify/{number}?code={code}",
            demo=self._settings.sandbox,
        )
        facts = json.dumps(payment_record_facts(person, fee_year, records, numbering), ensure_ascii=False)
        certificate_id = new_id("crt_")
        return CertificateRow(
            certificate_id=certificate_id,
            kind=PAYMENT_RECORD,
            person_id=person_id,
            fee_year=fee_year,
            fingerprint=fingerprint,
            number=number,
            code_hash=hash_code(self._secret, number, code),
            state=NUMBERED,
            issued_on=now.date(),
            numbered_at=now,
            voided_at=None,
            facts=await self._vault.encrypt(FACTS_PURPOSE, certificate_id, facts.encode(), subject=person_id),
        )

    async def _add(self, fresh: CertificateRow, contradicted: frozenset[str]) -> bool:
        """Commit the number, and void the papers that it replaces. False: another task was faster."""
        crashpoint("certificates.issue.before_number")
        try:
            async with self._database.begin() as session:
                standing = await standing_papers(
                    session, person_id=fresh.person_id, kind=fresh.kind, fee_year=fresh.fee_year
                )
                for paper in standing:
                    if paper.certificate_id in contradicted:
                        paper.state, paper.voided_at = VOID, fresh.numbered_at
                session.add(fresh)
        except IntegrityError:
            return False
        crashpoint("certificates.issue.after_number")
        log.info("certificate_numbered", kind=fresh.kind, voided=len(contradicted))
        return True

    async def _contradicted(
        self, person_id: str, fee_year: int, records: Sequence[FeeRecord]
    ) -> frozenset[str]:
        """Ids of the papers that say what the books no longer say."""
        async with self._database.read() as session:
            papers = await standing_papers(
                session, person_id=person_id, kind=PAYMENT_RECORD, fee_year=fee_year
            )
        return frozenset(
            [
                paper.certificate_id
                for paper in papers
                if contradicts(await read_facts(self._vault, paper), records)
            ]
        )

    async def _file(self, paper: CertificateRow) -> str:
        """See that the file is there; its SHA-256. The press draws one at a time, so who waits finds it drawn."""
        async with self._one_drawing:
            async with self._database.read() as session:
                stored = await session.get(CertificateFileRow, paper.certificate_id)
            return stored.sha256 if stored is not None else await self._draw(paper)

    async def _draw(self, paper: CertificateRow) -> str:
        facts = await read_facts(self._vault, paper)
        zone = self._clock.now().tzinfo
        made = await self._press.make(paper.kind, facts, paper.numbered_at.astimezone(zone))
        row = CertificateFileRow(
            certificate_id=paper.certificate_id,
            person_id=paper.person_id,
            sha256=made.sha256,
            made_at=self._clock.now(),
            pdf=await self._seal(PDF_PURPOSE, paper, made.pdf),
            preview=await self._seal(PREVIEW_PURPOSE, paper, made.preview),
        )
        crashpoint("certificates.issue.before_file")
        try:
            async with self._database.begin() as session:
                session.add(row)
                await session.flush()
                held = await session.get_one(CertificateRow, paper.certificate_id, with_for_update=True)
                if held.state == NUMBERED:
                    held.state = AVAILABLE
        except IntegrityError:
            log.info("certificate_file_was_there", kind=paper.kind)  # another task drew the same bytes
        crashpoint("certificates.issue.after_file")
        return made.sha256

    async def _seal(self, purpose: str, paper: CertificateRow, content: bytes) -> bytes:
        return await self._vault.encrypt(purpose, paper.certificate_id, content, subject=paper.person_id)
