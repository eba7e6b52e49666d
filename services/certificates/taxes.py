"""Tax certificates (完税证明): issued first once for each ticket, and again as reissues of the same number.

The rules are `certificates` 9. First issues are unique in the store: whoever asks, and however many at the
same time, they all get the one paper.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from services.certificates.archive import Archive
from services.certificates.checking import read_facts
from services.certificates.facts import (
    Numbering,
    contradicts,
    in_order,
    net,
    period_of,
    tax_certificate_facts,
)
from services.certificates.model import TAX_CERTIFICATE, Document, Holder, TaxTicket
from services.domain.errors import Refused, Unavailable
from services.domain.people import Person
from services.ports import FeeRecord
from services.store.certificates import VOID, CertificateRow, find_chain, find_chains
from services.store.session import Database
from services.vault import Vault

HANDLE_LENGTH = 12
TRIES = 5
OFTEN, OFTEN_WITHIN = 5, timedelta(hours=1)
"""More reissues of one ticket within that time than that, and help is offered (`certificates` 9)."""


class TaxCertificates:
    """Works on the booked records that it is given; the caller has read them from the bureau."""

    def __init__(self, *, database: Database, vault: Vault, archive: Archive) -> None:
        self._database = database
        self._vault = vault
        self._archive = archive

    async def list_tickets(self, person_id: str, records: Sequence[FeeRecord]) -> list[TaxTicket]:
        """The tickets that certificates can be issued on, newest first; not what was refunded."""
        tickets = _by_ticket(records)
        async with self._database.read() as session:
            papers = await find_chains(session, list(tickets))
        chains: dict[str, list[CertificateRow]] = {}
        for paper in papers:
            if paper.person_id == person_id:
                chains.setdefault(paper.number, []).append(paper)
        found = [
            self._ticket(number, of_ticket, chains.get(number, []))
            for number, of_ticket in tickets.items()
            if net(of_ticket) > 0
        ]
        return sorted(found, key=lambda ticket: (ticket.booked_on, ticket.number), reverse=True)

    async def issue(
        self,
        *,
        holder: Holder,
        conversation_id: str,
        person: Person,
        records: Sequence[FeeRecord],
        handle: str,
        issue: int,
    ) -> Document:
        """The certificate number `issue` of a ticket: 0 the first, n the n-th reissue. The same again is the
        same paper.

        `Refused`: `unknown_ticket`, `ticket_refunded`, `already_issued` (the first one, elsewhere),
        `not_issued_yet` (a reissue of nothing), `paper_void`.
        """
        number, booked = self._find(records, handle)
        for _ in range(TRIES):
            async with self._database.read() as session:
                chain = await find_chain(session, number)
            if any(paper.person_id != holder.person_id for paper in chain):
                raise Refused("unknown_ticket")
            known = next((paper for paper in chain if paper.issue == issue), None)
            if known is None:
                known = await self._add(holder, person, number, booked=booked, chain=chain, issue=issue)
            elif known.state == VOID or contradicts(await read_facts(self._vault, known), booked):
                raise Refused("paper_void")
            if known is not None:
                recent = [p for p in chain if p.issue and self._archive.is_recent(p, OFTEN_WITHIN)]
                return await self._archive.hand_out(
                    known,
                    reader_id=holder.reader_id,
                    conversation_id=conversation_id,
                    often=len(recent) >= OFTEN,
                )
        raise Unavailable

    # --- inside -----------------------------------------------------------------------------------------

    def _find(self, records: Sequence[FeeRecord], handle: str) -> tuple[str, list[FeeRecord]]:
        for number, of_ticket in _by_ticket(records).items():
            if self._handle(number) == handle:
                if net(of_ticket) <= 0:
                    raise Refused("ticket_refunded")
                return number, of_ticket
        raise Refused("unknown_ticket")

    async def _add(
        self,
        holder: Holder,
        person: Person,
        number: str,
        *,
        booked: Sequence[FeeRecord],
        chain: Sequence[CertificateRow],
        issue: int,
    ) -> CertificateRow | None:
        """A new link of the chain; None when another task was faster."""
        first_issued_on = _first_issued_on(booked, chain)
        reissues = max((paper.issue for paper in chain), default=0)
        if issue == 0 and first_issued_on is not None:
            raise Refused("already_issued")
        if issue > 0 and first_issued_on is None:
            raise Refused("not_issued_yet")
        if issue not in (0, reissues + 1):
            raise Refused("unknown_ticket")

        def make_facts(numbering: Numbering) -> dict[str, Any]:
            return tax_certificate_facts(
                person,
                booked,
                numbering,
                issue=issue,
                first_issued_on=first_issued_on or numbering.issued_on,
            )

        fresh = await self._archive.prepare(
            kind=TAX_CERTIFICATE,
            number=number,
            holder=Holder(person_id=holder.person_id),
            fee_year=period_of(booked[0])[0].year,
            fingerprint=self._vault.blind_index("certificate", f"tax|{number}|{issue}"),
            make_facts=make_facts,
            issue=issue,
        )
        untrue = [
            paper.certificate_id
            for paper in chain
            if paper.state != VOID and contradicts(await read_facts(self._vault, paper), booked)
        ]
        return fresh if await self._archive.add(fresh, untrue) else None

    def _ticket(
        self, number: str, records: Sequence[FeeRecord], chain: Sequence[CertificateRow]
    ) -> TaxTicket:
        days = [period_of(record) for record in records]
        issued = [paper.issued_on for paper in chain]
        first = _first_issued_on(records, chain)
        return TaxTicket(
            handle=self._handle(number),
            number=number,
            insured_group=records[0].insured_group,
            insurance=records[0].insurance,
            first_day=min(day for day, _ in days),
            last_day=max(day for _, day in days),
            amount=net(records),
            booked_on=max(record.booked_on or date.min for record in records),
            first_issued_on=first,
            last_issued_on=max([*issued, first]) if first else None,
            reissues=max((paper.issue for paper in chain), default=0),
            issued_here=any(paper.issue == 0 and paper.state != VOID for paper in chain),
        )

    def _handle(self, number: str) -> str:
        return self._vault.blind_index("ticket", number)[:HANDLE_LENGTH]


def _by_ticket(records: Sequence[FeeRecord]) -> dict[str, list[FeeRecord]]:
    """Ticket number → its records; a ticket may have several lines (`certificates` 2)."""
    numbered = sorted((r for r in records if r.ticket_no), key=lambda r: str(r.ticket_no))
    return {str(number): in_order(list(group)) for number, group in groupby(numbered, lambda r: r.ticket_no)}


def _first_issued_on(records: Sequence[FeeRecord], chain: Sequence[CertificateRow]) -> date | None:
    """The bureau may know of a first issue elsewhere, before ours could be."""
    known = [record.first_issued_on for record in records if record.first_issued_on]
    known += [paper.issued_on for paper in chain if paper.issue == 0]
    return min(known, default=None)
