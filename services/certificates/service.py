"""Certificates: number, draw, sign, seal, hand out, verify; for oneself and for those one has paid for."""

from collections.abc import Collection
from decimal import Decimal

from services.certificates.archive import Archive
from services.certificates.checking import Checked, Checker
from services.certificates.facts import in_order, net
from services.certificates.model import (
    PAYMENT_RECORD,
    TAX_CERTIFICATE,
    Document,
    Holder,
    NotYet,
    Persons,
    TaxTicket,
)
from services.certificates.press import Press
from services.certificates.signing import Signer
from services.certificates.taxes import TaxCertificates
from services.certificates.tickets import PaperFile, Tickets
from services.certificates.vouchers import Vouchers
from services.certificates.waiting import PendingPayments, Waiting
from services.domain.id_documents import check_id_number
from services.domain.kinds import IdType
from services.domain.names import canonical_name
from services.domain.people import Person
from services.durable import Durable
from services.notices import Notices
from services.ports import Clock, FeeRecord
from services.records import Records, record_year
from services.settings import Settings
from services.store.certificates import CertificateRow
from services.store.session import Database
from services.vault import Vault


class Certificates:
    """`pending_payments(person_id, payer_id=)` tells by fee year which payments are not known to be booked yet: the
    key of each in the bureau's books, and when it was made.

    Of every method that issues or lists: the caller has made sure that who asks was verified a moment ago.
    `Unavailable` when the bureau can't be asked.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        vault: Vault,
        records: Records,
        persons: Persons,
        pending_payments: PendingPayments,
        durable: Durable,
        notices: Notices,
        settings: Settings,
        secret: bytes,
    ) -> None:
        self._clock = clock
        self._records = records
        self._persons = persons
        self._vault = vault
        self._tickets = Tickets(database=database, clock=clock, vault=vault, settings=settings, secret=secret)
        self._archive = Archive(
            database=database,
            clock=clock,
            vault=vault,
            press=Press(Signer.named(settings)),
            tickets=self._tickets,
            settings=settings,
            secret=secret,
        )
        self._vouchers = Vouchers(database=database, vault=vault, archive=self._archive, settings=settings)
        self._taxes = TaxCertificates(database=database, vault=vault, archive=self._archive)
        self._waiting = Waiting(
            database=database,
            clock=clock,
            durable=durable,
            notices=notices,
            pending_payments=pending_payments,
            conversations=persons.find_conversations,
            is_there=self._is_there,
        )
        self._checker = Checker(
            database=database, clock=clock, vault=vault, read_records=self._booked_of, secret=secret
        )

    # --- issuing ----------------------------------------------------------------------------------------

    async def issue_payment_record(
        self, holder: Holder, *, conversation_id: str, fee_year: int
    ) -> Document | NotYet | None:
        """The payment record voucher of a year: the same books give the same paper. None: nothing was paid,
        or all of it was refunded."""
        records = await self._booked(holder, fee_year)
        if net(records) <= 0:
            return await self.not_yet(holder, fee_year)
        await self._archive.warm_up()
        payer = await self._persons.get_person(holder.payer_id) if holder.payer_id else None
        paper = await self._vouchers.get(
            holder=holder,
            person=await self._persons.get_person(holder.person_id),
            payer=payer,
            fee_year=fee_year,
            records=records,
        )
        await self._waiting.forget(holder, conversation_id, PAYMENT_RECORD, fee_year)
        return await self._archive.hand_out(
            paper, reader_id=holder.reader_id, conversation_id=conversation_id
        )

    async def list_tickets(self, holder: Holder) -> list[TaxTicket]:
        """The booked tax tickets, newest first."""
        return await self._taxes.list_tickets(holder.person_id, await self._booked(holder))

    async def issue_tax_certificate(
        self, holder: Holder, *, conversation_id: str, handle: str, issue: int
    ) -> Document:
        """The certificate of a ticket: `issue` 0 is the first, n the n-th reissue; the same again is the
        same paper. `Refused` as in `TaxCertificates.issue`."""
        records = await self._booked(holder)
        await self._archive.warm_up()
        paper = await self._taxes.issue(
            holder=holder,
            conversation_id=conversation_id,
            person=await self._persons.get_person(holder.person_id),
            records=records,
            handle=handle,
            issue=issue,
        )
        for fee_year in {record_year(record) for record in records if record.ticket_no == paper.number}:
            await self._waiting.forget(holder, conversation_id, TAX_CERTIFICATE, fee_year)
        return paper

    async def years(self, holder: Holder) -> list[int]:
        """The years of the fee periods that have booked payments, newest first."""
        return sorted({record_year(record) for record in await self._booked(holder)}, reverse=True)

    async def kept_years(self, holder: Holder) -> list[int]:
        """Those of them of which a payment record can be issued: not all was refunded."""
        records = await self._booked(holder)
        years = sorted({record_year(record) for record in records}, reverse=True)
        return [year for year in years if net([r for r in records if record_year(r) == year]) > 0]

    async def total(self, holder: Holder, fee_years: Collection[int]) -> Decimal:
        """What the payment records of these years come to, refunds taken off."""
        return net([record for record in await self._booked(holder) if record_year(record) in fee_years])

    async def is_named(self, person_id: str, *, conversation_id: str, name_token: str) -> bool:
        """Whether the name as it was typed is that of the person."""
        name = canonical_name(await self._vault.open(conversation_id, name_token))
        return bool(name) and (await self._persons.get_person(person_id)).name == name

    async def find_paid_for(
        self,
        payer_id: str,
        *,
        conversation_id: str,
        id_token: str,
        name_token: str,
        id_type: IdType = IdType.RESIDENT_ID_CARD,
    ) -> Holder | None:
        """Somebody whom the payer has paid for, by number and name as they were typed. None tells nothing:
        no such person, another name, or never paid for by this payer."""
        number = await self._vault.open(conversation_id, id_token)
        checked = check_id_number(number, id_type, today=self._clock.now().date())
        name = canonical_name(await self._vault.open(conversation_id, name_token))
        if not checked.ok or not name:
            return None
        other = Person(id_type=checked.id_type, id_number=checked.number, name=name)
        if await self._records.paid_for(payer_id, other):
            return Holder(person_id=await self._persons.keep_person(other), payer_id=payer_id)
        known = await self._persons.find_person_id(other)
        holder = Holder(person_id=known or "", payer_id=payer_id)
        if known and (await self._persons.get_person(known)).name == name and await self.pending(holder):
            return holder
        return None

    # --- too early --------------------------------------------------------------------------------------

    async def pending(self, holder: Holder) -> dict[int, NotYet]:
        """The years that were paid and are not booked, newest first, with the days from which their papers can
        be had. The books count: they may have a payment before we have looked for it."""
        if not await self._waiting.pending(holder):
            return {}
        booked = {record.order_no for record in await self._booked(holder) if record.order_no}
        return await self._waiting.pending(holder, booked)

    async def not_yet(self, holder: Holder, fee_year: int) -> NotYet | None:
        """When the papers of a year can be had that was paid and is not booked; None if nothing is pending."""
        return await self._waiting.not_yet(holder, fee_year)

    async def tell_when_there(
        self, holder: Holder, *, conversation_id: str, kind: str, fee_year: int
    ) -> bool:
        """Send a notice `paper_ready` once the paper can be had; `kind` is `payment_record` or
        `tax_certificate`. False: nothing is pending any more."""
        pending = await self.not_yet(holder, fee_year)
        if pending is None:
            return False
        await self._waiting.watch(holder, conversation_id, kind, pending)
        return True

    async def told(self, holder: Holder, *, conversation_id: str, fee_year: int) -> None:
        """This conversation knows that the voucher of the year can be had: it is not told once more."""
        await self._waiting.forget(holder, conversation_id, PAYMENT_RECORD, fee_year)

    # --- reading ----------------------------------------------------------------------------------------

    async def open_file(
        self, token: str, *, preview: bool = False, browser: str | None = None
    ) -> PaperFile | None:
        """The file behind a link; None for every link that does not work, whatever the reason.

        `browser`: the conversation of the web chat whose cookie comes with the request.
        """
        return await self._tickets.open(token, preview=preview, browser=browser)

    async def check(self, number: str, code: str, *, address: str) -> Checked:
        """Is the paper with this number and code genuine? `address` is whose tries are counted."""
        return await self._checker.check(number, code, address=address)

    # --- private ----------------------------------------------------------------------------------------

    async def _booked(self, holder: Holder, fee_year: int | None = None) -> list[FeeRecord]:
        if holder.payer_id:
            person = await self._persons.get_person(holder.person_id)
            found = await self._records.paid_for(holder.payer_id, person, fee_year)
        else:
            found = await self._records.paid(holder.person_id, fee_year)
        return in_order([record for record in found if record.booked_on is not None])

    async def _booked_of(self, paper: CertificateRow) -> list[FeeRecord]:
        year = paper.fee_year if paper.kind == PAYMENT_RECORD else None
        return await self._booked(Holder(person_id=paper.person_id, payer_id=paper.payer_id), year)

    async def _is_there(self, holder: Holder, kind: str, fee_year: int) -> bool:
        records = await self._booked(holder, fee_year)
        return net(records) > 0 and (kind != TAX_CERTIFICATE or any(record.ticket_no for record in records))
