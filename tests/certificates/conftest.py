"""What the tests of certificates share: a person, the bureau's records of them, the service over both."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader

from bot.sandbox.keys import ensure_keys
from services.certificates import Certificates, Document, Holder, TaxTicket
from services.certificates import service as module
from services.certificates.press import Press, Rendered
from services.certificates.signing import Signer
from services.domain.errors import Refused
from services.domain.kinds import IdType, Insurance, InsuredGroup, RecordKind
from services.domain.orders import Unbooked
from services.domain.people import Person
from services.durable import Durable
from services.notices import Notices
from services.ports import FeeRecord
from services.records import Records
from services.settings import Settings
from services.store.session import Database
from services.vault import Vault
from tests.conftest import FixedClock

NAME, NUMBER = "王小芳", "520103198602140004"
PERSON_ID, CHAT = "person-1", "rest:resident-1"
PAYER_ID, PAYER_NUMBER = "person-2", "520103199003070006"
PAYER = Person(id_type=IdType.RESIDENT_ID_CARD, id_number=PAYER_NUMBER, name="李大伟")
ONESELF, FOR_ANOTHER = Holder(person_id=PERSON_ID), Holder(person_id=PERSON_ID, payer_id=PAYER_ID)
SECRET = b"s" * 32
QUICK = b"%PDF-quick "


def record(record_id: str = "r1", **changed: Any) -> FeeRecord:
    medical = FeeRecord(
        record_id=record_id,
        kind=RecordKind.PAID,
        insured_group=InsuredGroup.RESIDENT,
        insurance=Insurance.MEDICAL,
        agency="520103",
        agency_name="云岩区医疗保障局",
        tax_office="国家税务总局贵阳市云岩区税务局",
        fee_year=2026,
        amount=Decimal("400.00"),
        booked_on=date(2025, 11, 5),
        ticket_no="452015251190000001",
    )
    return replace(medical, **changed)


def months(count: int) -> list[FeeRecord]:
    """Months of pension insurance of flexible employment, one record each."""
    return [
        record(
            f"m{month:02}",
            insured_group=InsuredGroup.FLEXIBLE,
            insurance=Insurance.PENSION,
            fee_year=None,
            fee_period=f"2026-{month:02}",
            base=Decimal("4394.70"),
            rate=Decimal("0.20"),
            amount=Decimal("878.94"),
            booked_on=date(2026, month, 20),
            ticket_no=f"4520152611900001{month:02}",
        )
        for month in range(1, count + 1)
    ]


@dataclass
class Bureau:
    """The bureau's books for everybody, as a list that a test writes. Only `find_records` is asked of it."""

    books: list[FeeRecord] = field(default_factory=list)
    error: Exception | None = None

    paid_for: list[tuple[str, str]] = field(default_factory=list)
    """(payer, record): which records somebody paid for another; all others the person paid for himself."""

    async def find_records(
        self, person: Person, _kind: RecordKind, *, fee_year: int | None, paid_for: Person | None = None
    ) -> list[FeeRecord]:
        if self.error is not None:
            raise self.error
        found = [r for r in self.books if fee_year in (None, r.fee_year or int((r.fee_period or "0")[:4]))]
        if paid_for is None:
            return found
        if (paid_for.id_number, paid_for.name) != (NUMBER, NAME):
            raise Refused("not_registered")
        return [r for r in found if (person.id_number, r.record_id) in self.paid_for]


@dataclass
class People:
    """Whoever is named is the one person, but for the payer."""

    person: Person
    speaks: bool = True

    async def get_person(self, person_id: str) -> Person:
        return PAYER if person_id == PAYER_ID else self.person

    async def find_person_id(self, person: Person) -> str | None:
        return PERSON_ID if person.id_number == NUMBER else None

    async def keep_person(self, _person: Person) -> str:
        return PERSON_ID

    async def find_conversations(self, _person_id: str) -> list[str]:
        return [CHAT] if self.speaks else []


@dataclass
class Office:
    """The service with its surroundings."""

    certificates: Certificates
    bureau: Bureau
    database: Database
    clock: FixedClock
    pending: list[datetime]
    people: People
    durable: Durable
    notices: Notices
    vault: Vault

    async def issue(self, year: int = 2026, person_id: str = PERSON_ID, conversation_id: str = CHAT) -> Any:
        return await self.certificates.issue_payment_record(
            Holder(person_id=person_id), conversation_id=conversation_id, fee_year=year
        )

    async def tickets(self, holder: Holder = ONESELF) -> list[TaxTicket]:
        return await self.certificates.list_tickets(holder)

    async def tax(self, issue: int = 0, *, place: int = 0, holder: Holder = ONESELF) -> Document:
        """The certificate of a ticket, by its place in the list."""
        handle = (await self.tickets(holder))[place].handle
        return await self.certificates.issue_tax_certificate(
            holder, conversation_id=CHAT, handle=handle, issue=issue
        )

    async def pdf(self, document: Document) -> bytes:
        file = await self.certificates.open_file(token_of(document))
        assert file is not None
        return file.content

    async def code(self, document: Document) -> str:
        """The code that is printed on the paper."""
        text = text_of(await self.pdf(document))
        return text.partition("查验码：")[2][:19]


def token_of(document: Document) -> str:
    return document.url.rpartition("/")[2]


def text_of(pdf: bytes) -> str:
    """What stands on a paper, of the real press or of the quick one."""
    if pdf.startswith(QUICK):
        return pdf.decode()
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)


class QuickPress:
    """Facts as plain text instead of a drawing, which takes longer than all the rest of a test."""

    def __init__(self, _signer: Signer) -> None:
        picture = BytesIO()
        Image.new("1", (1684, 1191)).save(picture, "PNG")
        self._preview = picture.getvalue()

    async def warm_up(self) -> None:
        """There is no process to start."""

    async def make(self, kind: str, facts: Mapping[str, Any], made_at: datetime) -> Rendered:
        text = f"{kind} {made_at}\n查验码：{facts['code']}\n{json.dumps(facts, ensure_ascii=False)}"
        pdf = QUICK + text.encode()
        return Rendered(pdf=pdf, sha256=hashlib.sha256(pdf).hexdigest(), preview=self._preview)


@pytest.fixture(scope="session")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    keys = ensure_keys(tmp_path_factory.mktemp("keys"))
    return Signer(key_file=keys.signing_key_file, cert_file=keys.signing_cert_file)


@pytest.fixture(scope="session")
def press(signer: Signer) -> Iterator[Press]:
    """One printing process for all tests: its start takes longer than a paper."""
    press = Press(signer)
    yield press
    press.close()


@pytest.fixture
async def office(
    database: Database, clock: FixedClock, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> Office:
    monkeypatch.setattr(module, "Press", QuickPress)
    return await open_office(database, clock, signer)


async def open_office(database: Database, clock: FixedClock, signer: Signer) -> Office:
    vault = Vault(database, clock, root_key=bytes(range(32)))
    await vault.prepare()
    bureau, pending = Bureau(books=[record()]), []
    people = People(Person(id_type=IdType.RESIDENT_ID_CARD, id_number=NUMBER, name=NAME))
    durable, notices = Durable(database=database, clock=clock), Notices(database=database, clock=clock)

    async def pending_payments(
        _person_id: str, *, payer_id: str | None = None
    ) -> dict[int, dict[str, Unbooked]]:
        medical = {"insured_group": InsuredGroup.RESIDENT, "insurance": Insurance.MEDICAL, "fee_year": 2026}
        bills = {f"key{place}": Unbooked(paid_at=at, **medical) for place, at in enumerate(pending)}
        return {2026: bills} if bills else {}

    certificates = Certificates(
        database=database,
        clock=clock,
        vault=vault,
        records=Records(bureau=bureau, get_person=people.get_person),  # type: ignore[arg-type]
        persons=people,
        pending_payments=pending_payments,
        durable=durable,
        notices=notices,
        settings=Settings(
            _env_file=None,
            public_url="https://shebao.example",
            signing_key_file=signer.key_file,
            signing_cert_file=signer.cert_file,
        ),
        secret=SECRET,
    )
    return Office(certificates, bureau, database, clock, pending, people, durable, notices, vault)
