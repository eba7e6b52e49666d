"""What the tests of certificates share: books of the bureau in memory, and the service over them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from services.certificates import Certificates, service
from services.certificates.press import Press
from services.domain.errors import Unavailable
from services.domain.kinds import IdType, Insurance, InsuredGroup, RecordKind
from services.domain.people import Person
from services.ports import FeeRecord
from services.records import Records
from services.settings import Settings
from services.store.session import Database
from services.vault import Vault
from tests.conftest import FixedClock

PERSON_ID, CHAT, SECRET = "per_1", "web:room-1", b"s" * 32
NUMBER, NAME = "520000198601150009", "王小芳"
SETTINGS = Settings(_env_file=None, public_url="https://sb.example")

RESIDENT_MEDICAL = FeeRecord(
    record_id="rec_1",
    kind=RecordKind.PAID,
    insured_group=InsuredGroup.RESIDENT,
    insurance=Insurance.MEDICAL,
    agency="520103",
    agency_name="贵阳市云岩区医疗保险经办机构",
    tax_office="国家税务总局贵阳市云岩区税务局",
    fee_year=2026,
    amount=Decimal("400.00"),
    booked_on=date(2025, 11, 5),
    ticket_no="452015251190000001",
)
PENSION_HALF_YEAR = FeeRecord(
    record_id="rec_2",
    kind=RecordKind.PAID,
    insured_group=InsuredGroup.FLEXIBLE,
    insurance=Insurance.PENSION,
    agency="520103",
    agency_name="贵阳市云岩区社会保险经办机构",
    tax_office="国家税务总局贵阳市云岩区税务局",
    fee_period="2026-01/2026-06",
    tier="60%",
    base=Decimal("4394.70"),
    rate=Decimal("0.20"),
    amount=Decimal("5273.64"),
    booked_on=date(2026, 6, 12),
    ticket_no="452015260690000002",
)


@dataclass
class Town:
    """Everything around the service: a test puts payments in, takes the bureau away, moves the clock."""

    database: Database
    clock: FixedClock
    vault: Vault
    records: list[FeeRecord] = field(default_factory=list)
    pending: list[datetime] = field(default_factory=list)
    bureau_up: bool = True
    name: str = NAME

    async def find_records(
        self, _person: Person, kind: RecordKind, *, fee_year: int | None = None, **_: Any
    ) -> Sequence[FeeRecord]:
        if not self.bureau_up:
            raise Unavailable
        assert kind is RecordKind.PAID
        return [r for r in self.records if fee_year in (None, r.fee_year or int(r.fee_period[:4]))]

    async def get_person(self, _person_id: str) -> Person:
        return Person(id_type=IdType.RESIDENT_ID_CARD, id_number=NUMBER, name=self.name)

    async def pending_payments(self, _person_id: str, _fee_year: int) -> Sequence[datetime]:
        return self.pending

    def service(self, **settings: Any) -> Certificates:
        return Certificates(
            database=self.database,
            clock=self.clock,
            vault=self.vault,
            records=Records(bureau=self, get_person=self.get_person),  # type: ignore[arg-type]
            get_person=self.get_person,
            pending_payments=self.pending_payments,
            settings=SETTINGS.model_copy(update=settings),
            secret=SECRET,
        )

    def refund(self, record_id: str, day: date) -> None:
        self.records = [
            replace(record, refunded_on=day) if record.record_id == record_id else record
            for record in self.records
        ]


@pytest.fixture(scope="session")
def press() -> Iterator[Press]:
    """One printing process for all tests: starting it takes longer than most of them."""
    press = Press()
    yield press
    press.close()


@pytest.fixture
async def town(
    database: Database, clock: FixedClock, press: Press, monkeypatch: pytest.MonkeyPatch
) -> Town:
    monkeypatch.setattr(service, "Press", lambda: press)
    vault = Vault(database, clock, root_key=bytes(range(32)))
    await vault.prepare()
    return Town(database, clock, vault, records=[RESIDENT_MEDICAL])


@pytest.fixture
def certificates(town: Town) -> Certificates:
    return town.service()
