"""Payment record vouchers (缴费记录凭证): one for the same books, a new one when they have changed."""

from collections.abc import Sequence
from typing import Any

from services.certificates.archive import Archive
from services.certificates.checking import read_facts
from services.certificates.facts import Numbering, contradicts, fingerprint_of, payment_record_facts
from services.certificates.model import PAYMENT_RECORD, Holder
from services.domain.ids import random_code
from services.domain.people import Person
from services.ports import FeeRecord
from services.settings import Settings
from services.store.certificates import VOID, CertificateRow, find_by_fingerprint, standing_papers
from services.store.session import Database
from services.vault import Vault

NUMBER_LENGTH = 14
"""Random characters of five bits: 70 in a number."""


class Vouchers:
    def __init__(self, *, database: Database, vault: Vault, archive: Archive, settings: Settings) -> None:
        self._database = database
        self._vault = vault
        self._archive = archive
        self._settings = settings

    async def get(
        self,
        *,
        holder: Holder,
        person: Person,
        payer: Person | None,
        fee_year: int,
        records: Sequence[FeeRecord],
    ) -> CertificateRow:
        """The paper about these records: the one that stands, or a new one."""
        about = fingerprint_of(person, fee_year, records)
        subject = "|".join(filter(None, (holder.person_id, holder.payer_id)))
        untrue = await self._contradicted(holder, fee_year, records)

        def make_facts(numbering: Numbering) -> dict[str, Any]:
            return payment_record_facts(person, fee_year, records, numbering, payer=payer)

        round_no = 0
        while True:
            fingerprint = self._vault.blind_index("certificate", f"{round_no}|{subject}|{about}")
            async with self._database.read() as session:
                known = await find_by_fingerprint(session, fingerprint)
            if known is None:
                fresh = await self._archive.prepare(
                    kind=PAYMENT_RECORD,
                    number=self._settings.order_prefix + random_code(NUMBER_LENGTH),
                    holder=holder,
                    fee_year=fee_year,
                    fingerprint=fingerprint,
                    make_facts=make_facts,
                )
                if await self._archive.add(fresh, untrue):
                    return fresh
            elif known.state == VOID:
                round_no += 1  # the books have come back to what they were: a void number stays void
            else:
                return known

    async def _contradicted(
        self, holder: Holder, fee_year: int, records: Sequence[FeeRecord]
    ) -> frozenset[str]:
        """Ids of the papers that say what the books no longer say."""
        async with self._database.read() as session:
            papers = await standing_papers(
                session,
                person_id=holder.person_id,
                payer_id=holder.payer_id,
                kind=PAYMENT_RECORD,
                fee_year=fee_year,
            )
        return frozenset(
            [
                paper.certificate_id
                for paper in papers
                if contradicts(await read_facts(self._vault, paper), records)
            ]
        )
