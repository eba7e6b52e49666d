"""Paying for somebody else: who is meant, and nothing else about them (`reliability` 4.2).

A payer learns the masked name of a person whose number and name both fit and for whom there is something to pay.
"No such person", "the name does not match", "nothing due" and "already paid" are one answer, at one time.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from math import ceil

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from services.crypto import CannotDecrypt
from services.domain.errors import Refused, Unavailable
from services.domain.id_documents import IdCheck, check_id_number, could_be
from services.domain.kinds import EnrolmentStatus, IdType, Insurance, InsuredGroup, PaymentType
from services.domain.names import canonical_name, mask_name
from services.domain.orders import CAPTURED
from services.domain.people import Person
from services.identity import Identity
from services.ports import Clock, TaxBureau
from services.settings import Settings
from services.store.orders import OrderLineRow, OrderRow
from services.store.people import FailureRow
from services.store.session import Database
from services.vault import Vault

log = structlog.get_logger("insured")

NOTHING_FOUND = "nothing_found"
PAYER, NUMBER = "payer", "insured_number"
BUDGETS = {PAYER: 5, NUMBER: 10}
"""Failures in a day: of one payer, and for one number over all payers."""
OFFERED = 6
ROUNDS = 5


@dataclass(frozen=True, kw_only=True)
class Insured:
    """Somebody who is paid for. `last` is what this payer paid for them last, if anything."""

    person_id: str
    masked_name: str
    last: tuple[InsuredGroup, Insurance] | None = None


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be paid for them."""

    insured_group: InsuredGroup
    insurance: Insurance
    payment_type: PaymentType = PaymentType.NORMAL
    fee_year: int | None = None


@dataclass(frozen=True, kw_only=True)
class NumberCheck:
    """`reason` as in `IdCheck`. `could_be`: the documents that such a number may belong to instead."""

    ok: bool
    reason: str
    could_be: tuple[IdType, ...] = ()


class InsuredPersons:
    """Finds the people whom somebody pays for. Keeps the budgets against guessing in the store."""

    def __init__(
        self,
        *,
        database: Database,
        vault: Vault,
        bureau: TaxBureau,
        identity: Identity,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._database = database
        self._vault = vault
        self._bureau = bureau
        self._identity = identity
        self._clock = clock
        self._floor = settings.others_floor_ms / 1000

    async def check_number(self, conversation_id: str, id_token: str, id_type: IdType) -> NumberCheck:
        """The form of a number alone; nobody is looked up. `Refused("unknown_token")` for a foreign token."""
        checked = await self._checked(conversation_id, id_token, id_type)
        if checked.ok:
            return NumberCheck(ok=True, reason="")
        others = could_be(checked.number) if id_type is IdType.RESIDENT_ID_CARD else ()
        return NumberCheck(ok=False, reason=checked.reason, could_be=others)

    async def find(
        self,
        *,
        payer_id: str,
        conversation_id: str,
        id_type: IdType,
        id_token: str,
        name_token: str,
        wanted: Wanted,
    ) -> Insured:
        """The person with this number and this name for whom `wanted` can be paid.

        `Refused("nothing_found")` for whatever is wrong, never before the floor; `too_many_tries` when a budget
        is used up. Every try is counted before it is looked at, and given back when somebody is found.
        """
        started = _now()
        checked = await self._checked(conversation_id, id_token, id_type)
        name = canonical_name(await self._vault.open(conversation_id, name_token))
        subjects = {PAYER: payer_id, NUMBER: self._index(checked)}
        today = self._clock.now().date()
        if not await self._charge(subjects, today):
            await self._hold(started)
            raise Refused("too_many_tries")
        person = Person(id_type=checked.id_type, id_number=checked.number, name=name)
        try:
            found = checked.ok and await self._can_pay(person, wanted)
        except BaseException:
            await self._give_back(subjects, today)  # the bureau did not answer: nothing was learnt
            raise
        if not found:
            await self._hold(started)
            raise Refused(NOTHING_FOUND)
        await self._give_back(subjects, today)
        person_id = await self._identity.keep_person(person)
        return Insured(person_id=person_id, masked_name=mask_name(name))

    async def find_again(self, *, person_id: str, wanted: Wanted) -> Insured:
        """Somebody whom this payer has found or paid for before. `Refused("nothing_found")` as in `find`."""
        started = _now()
        if not await self._can_pay(await self._identity.get_person(person_id), wanted):
            await self._hold(started)
            raise Refused(NOTHING_FOUND)
        return Insured(person_id=person_id, masked_name=await self.masked_name(person_id))

    async def paid_before(self, payer_id: str) -> Sequence[Insured]:
        """The people whom this payer has paid for, the last one first; not those who have been erased."""
        found: list[Insured] = []
        for person_id, last in (await self._paid_for(payer_id)).items():
            with suppress(Refused, CannotDecrypt):
                name = await self.masked_name(person_id)
                found.append(Insured(person_id=person_id, masked_name=name, last=last))
            if len(found) == OFFERED:
                break
        return found

    async def masked_name(self, person_id: str) -> str:
        return mask_name((await self._identity.get_person(person_id)).name)

    async def hold(self) -> None:
        """Wait as long as a search that finds nothing: what is refused later tells no more than that."""
        await asyncio.sleep(self._floor)

    # --- private ----------------------------------------------------------------------------------------

    async def _checked(self, conversation_id: str, id_token: str, id_type: IdType) -> IdCheck:
        number = await self._vault.open(conversation_id, id_token)
        return check_id_number(number, id_type, today=self._clock.now().date())

    async def _paid_for(self, payer_id: str) -> dict[str, tuple[InsuredGroup, Insurance]]:
        """Whom this payer has paid for and what last, the latest first."""
        last = func.max(OrderRow.paid_at)
        what = (OrderLineRow.insured_id, OrderLineRow.insured_group, OrderLineRow.insurance)
        wanted = (
            select(*what)
            .join(OrderRow, OrderRow.order_no == OrderLineRow.order_no)
            .where(
                OrderRow.payer_id == payer_id,
                OrderLineRow.insured_id != payer_id,
                OrderRow.state.in_(CAPTURED),
            )
            .group_by(*what)
            .order_by(last.desc(), OrderLineRow.insured_id)
        )
        latest: dict[str, tuple[InsuredGroup, Insurance]] = {}
        async with self._database.read() as session:
            for person_id, group, insurance in (await session.execute(wanted)).all():
                latest.setdefault(person_id, (InsuredGroup(group), Insurance(insurance)))
        return latest

    async def _can_pay(self, person: Person, wanted: Wanted) -> bool:
        try:
            enrolments = await self._bureau.find_enrolments(person)
            items = await self._bureau.find_arrears(person)
        except Refused:
            return False
        what = (wanted.insured_group, wanted.insurance)
        active = [
            e
            for e in enrolments
            if (e.insured_group, e.insurance) == what and e.status is EnrolmentStatus.ACTIVE
        ]
        if wanted.payment_type is PaymentType.ARREARS:
            agencies = {e.agency for e in active}
            return any((i.insured_group, i.insurance) == what and i.agency in agencies for i in items)
        year = str(wanted.fee_year) if wanted.fee_year else None
        return any(year in e.due if year else bool(e.due) for e in active)

    async def _hold(self, started: float) -> None:
        """Until the floor, or a multiple of it when the bureau was slower than that."""
        if self._floor:
            spent = _now() - started
            await asyncio.sleep(self._floor * ceil(spent / self._floor) - spent)

    def _index(self, checked: IdCheck) -> str:
        """Whatever the number is said to be, and however often a permit was renewed, it is one budget."""
        number = checked.number[:9] if checked.id_type is IdType.HK_MACAO_TRAVEL_PERMIT else checked.number
        return self._vault.blind_index("insured.id_number", number)

    async def _charge(self, subjects: dict[str, str], today: date) -> bool:
        """Count a try in each budget; False, and nothing is counted, when one is used up."""
        for _ in range(ROUNDS):
            try:
                return await self._count(subjects, today)
            except IntegrityError:
                continue  # another process wrote the first try of the day: now the row is there
        raise Unavailable

    async def _count(self, subjects: dict[str, str], today: date) -> bool:
        async with self._database.begin() as session:
            rows = []
            for scope, subject in subjects.items():
                row = await session.get(FailureRow, (scope, subject, today), with_for_update=True)
                if row is None:
                    row = FailureRow(scope=scope, subject=subject, day=today, failures=0)
                if row.failures >= BUDGETS[scope]:
                    log.warning("insured_tries_used_up", scope=scope)
                    return False
                rows.append(row)
            for row in rows:
                row.failures += 1
                session.add(row)
        return True

    async def _give_back(self, subjects: dict[str, str], today: date) -> None:
        async with self._database.begin() as session:
            for scope, subject in subjects.items():
                await session.execute(
                    update(FailureRow)
                    .where(FailureRow.scope == scope, FailureRow.subject == subject, FailureRow.day == today)
                    .where(FailureRow.failures > 0)
                    .values(failures=FailureRow.failures - 1)
                )


def _now() -> float:
    return asyncio.get_running_loop().time()
