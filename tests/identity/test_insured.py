"""Finding the person who is paid for: one answer, one time, and budgets against guessing."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.domain.errors import Refused, Unavailable
from services.domain.kinds import EnrolmentStatus, IdType, Insurance, InsuredGroup, PaymentType
from services.domain.orders import OrderState
from services.domain.people import Person
from services.identity import Identity
from services.insured import InsuredPersons, Wanted
from services.ports import ArrearsItem, Enrolment
from services.settings import Settings
from services.store.orders import OrderLineRow, OrderRow
from services.store.session import Database
from services.vault import Vault
from tests.conftest import FixedClock
from tests.identity.conftest import CHAT, NAME, NUMBER, OTHER_NAME, OTHER_NUMBER

MEDICAL = Wanted(insured_group=InsuredGroup.RESIDENT, insurance=Insurance.MEDICAL)
ME, AGENCY = "P-me", "520103"
FLOOR_MS = 60


class Bureau:
    """Knows people by number, type and name."""

    def __init__(self) -> None:
        self.people: dict[tuple[IdType, str, str], list[Enrolment]] = {}
        self.arrears: list[ArrearsItem] = []
        self.away = False
        self.asked = 0

    def enrol(
        self,
        name: str,
        number: str,
        *due: str,
        status: str = "active",
        id_type: IdType = IdType.RESIDENT_ID_CARD,
    ) -> None:
        self.people[id_type, number, name] = [
            Enrolment(
                insured_group=InsuredGroup.RESIDENT, insurance=Insurance.MEDICAL, agency=AGENCY,
                agency_name="云岩区", status=EnrolmentStatus(status), since="2021-03", due=due,
            )
        ]  # fmt: skip

    async def find_enrolments(self, person: Person) -> Sequence[Enrolment]:
        self.asked += 1
        if self.away:
            raise Unavailable
        try:
            return self.people[person.id_type, person.id_number, person.name]
        except KeyError:
            raise Refused("not_registered") from None

    async def find_arrears(self, _person: Person) -> Sequence[ArrearsItem]:
        return self.arrears


@pytest.fixture
def bureau() -> Bureau:
    found = Bureau()
    found.enrol(NAME, NUMBER, "2027")
    return found


@pytest.fixture
def insured(
    database: Database, vault: Vault, identity: Identity, clock: FixedClock, bureau: Any
) -> InsuredPersons:
    settings = Settings(_env_file=None, others_floor_ms=FLOOR_MS)
    return InsuredPersons(
        database=database, vault=vault, bureau=bureau, identity=identity, clock=clock, settings=settings
    )


@pytest.fixture
def find(insured: InsuredPersons, vault: Vault) -> Any:
    async def call(name: str = NAME, number: str = NUMBER, **more: Any) -> Any:
        chat = more.pop("conversation_id", CHAT)
        id_token, name_token = await vault.seal_all(chat, [("id_number", number), ("person_name", name)])
        asked = {"payer_id": ME, "id_type": IdType.RESIDENT_ID_CARD, "wanted": MEDICAL} | more
        return await insured.find(conversation_id=chat, id_token=id_token, name_token=name_token, **asked)

    return call


async def code_of(call: Any) -> str:
    with pytest.raises(Refused) as refused:
        await call
    return refused.value.code


async def test_somebody_is_found_by_number_and_name_and_only_the_masked_name_is_told(find: Any) -> None:
    found = await find()
    assert found.masked_name == "**芳"
    assert not {NAME, NUMBER} & {str(value) for value in vars(found).values()}
    assert (await find()).person_id == found.person_id


@pytest.mark.parametrize("what", ["nobody", "name", "nothing_due", "other_year", "suspended", "other_kind"])
async def test_whatever_is_wrong_is_one_answer_at_one_time(find: Any, bureau: Bureau, what: str) -> None:
    """Business 2.10: whatever is wrong is one answer at one time."""
    bureau.enrol(OTHER_NAME, OTHER_NUMBER, *([] if what == "nothing_due" else ["2027"]))
    asked: dict[str, Any] = {"name": OTHER_NAME, "number": OTHER_NUMBER}
    if what == "nobody":
        bureau.people.clear()
    elif what == "name":
        asked["name"] = "李建军"
    elif what == "other_year":
        asked["wanted"] = Wanted(
            insured_group=MEDICAL.insured_group, insurance=MEDICAL.insurance, fee_year=2026
        )
    elif what == "suspended":
        bureau.enrol(OTHER_NAME, OTHER_NUMBER, "2027", status="suspended")
    elif what == "other_kind":
        asked["wanted"] = Wanted(insured_group=InsuredGroup.FLEXIBLE, insurance=Insurance.PENSION)
    loop = asyncio.get_running_loop()
    started = loop.time()
    with pytest.raises(Refused) as refused:
        await find(**asked)
    assert (refused.value.code, refused.value.facts) == ("nothing_found", {})
    assert loop.time() - started >= FLOOR_MS / 1000 - 0.005


async def test_arrears_are_found_where_they_have_been_assessed(find: Any, bureau: Bureau) -> None:
    bureau.enrol(OTHER_NAME, OTHER_NUMBER)
    wanted = Wanted(
        insured_group=MEDICAL.insured_group, insurance=MEDICAL.insurance, payment_type=PaymentType.ARREARS
    )
    asked = {"name": OTHER_NAME, "number": OTHER_NUMBER, "wanted": wanted}
    assert await code_of(find(**asked)) == "nothing_found"
    bureau.arrears.append(
        ArrearsItem(
            item_id="1", insured_group=InsuredGroup.RESIDENT, insurance=Insurance.MEDICAL, agency=AGENCY,
            agency_name="云岩区", period="2023-01/2023-12", amount=Decimal("400.00"),
        )
    )  # fmt: skip
    assert (await find(**asked)).masked_name == "**国"


async def test_five_failures_a_day_of_one_payer_and_then_nobody_is_looked_up(
    find: Any, bureau: Bureau, clock: FixedClock
) -> None:
    for _ in range(5):
        assert await code_of(find("王小方")) == "nothing_found"
    asked = bureau.asked
    assert await code_of(find()) == "too_many_tries"
    assert bureau.asked == asked
    assert await find(payer_id="P-another")
    clock.advance(days=1)
    assert await find()


async def test_ten_failures_a_day_for_one_number_whoever_tries_and_whatever_it_is_called(find: Any) -> None:
    for n in range(10):
        assert await code_of(find("王小方", payer_id=f"P-{n}")) == "nothing_found"
    assert await code_of(find(payer_id="P-last")) == "too_many_tries"
    passport = await code_of(find(payer_id="P-last", id_type=IdType.TAIWAN_RESIDENCE_PERMIT))
    assert passport == "too_many_tries"


async def test_a_blocked_number_does_not_block_its_owner(find: Any, flow: Any) -> None:
    for n in range(10):
        await code_of(find("王小方", payer_id=f"P-{n}"))
    assert await flow.log_in("rest:owner")


async def test_who_is_found_and_a_bureau_that_is_away_cost_nothing(find: Any, bureau: Bureau) -> None:
    for _ in range(7):
        await find()
    bureau.away = True
    for _ in range(7):
        with pytest.raises(Unavailable):
            await find()
    bureau.away = False
    assert await find()


async def test_many_at_once_get_no_more_tries(find: Any) -> None:
    codes = await asyncio.gather(*(code_of(find("王小方", conversation_id=f"rest:{n}")) for n in range(9)))
    assert (codes.count("nothing_found"), codes.count("too_many_tries")) == (5, 4)


async def test_a_store_that_fails_lets_nobody_through(find: Any, database: Database, bureau: Bureau) -> None:
    await find()
    asked = bureau.asked
    async with database.engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE identity_failure RENAME TO gone")
    try:
        with pytest.raises(Exception, match="identity_failure"):
            await find()
    finally:
        async with database.engine.begin() as connection:
            await connection.exec_driver_sql("ALTER TABLE gone RENAME TO identity_failure")
    assert bureau.asked == asked


@pytest.mark.parametrize(
    "id_type, number",
    [
        (IdType.HK_MACAO_TRAVEL_PERMIT, "H12345678"),
        (IdType.HK_MACAO_RESIDENCE_PERMIT, "810000199408230021"),
        (IdType.TAIWAN_TRAVEL_PERMIT, "12345678"),
        (IdType.TAIWAN_RESIDENCE_PERMIT, "830000199201300022"),
        (IdType.FOREIGN_PASSPORT, "E12345678"),
        (IdType.FOREIGN_PERMANENT_RESIDENT_ID, "952840198002290019"),
        (IdType.FOREIGN_PERMANENT_RESIDENT_ID, "CAN520180050114"),
    ],
)
async def test_every_document_finds_its_holder(
    find: Any, insured: InsuredPersons, vault: Vault, bureau: Bureau, id_type: IdType, number: str
) -> None:
    bureau.enrol("陈大文", number, "2027", id_type=id_type)
    token = await vault.seal(CHAT, "id_number", number)
    assert (await insured.check_number(CHAT, token, id_type)).ok
    assert (await find("陈大文", number, id_type=id_type)).masked_name == "**文"


@pytest.mark.parametrize(
    "number, reason, could_be",
    [
        ("520000199003071239", "check_digit", ()),
        ("5200001990030712", "length", ()),
        ("E12345678", "characters", {IdType.FOREIGN_PASSPORT}),
        ("H12345678", "characters", {IdType.FOREIGN_PASSPORT, IdType.HK_MACAO_TRAVEL_PERMIT}),
        ("12345678", "length", {IdType.FOREIGN_PASSPORT, IdType.TAIWAN_TRAVEL_PERMIT}),
    ],
)
async def test_a_number_that_is_plainly_of_another_document(
    insured: InsuredPersons, vault: Vault, number: str, reason: str, could_be: Any
) -> None:
    token = await vault.seal(CHAT, "id_number", number)
    checked = await insured.check_number(CHAT, token, IdType.RESIDENT_ID_CARD)
    assert (checked.ok, checked.reason, set(checked.could_be)) == (False, reason, set(could_be))


async def test_people_paid_for_before_are_offered_and_found_again(
    find: Any, insured: InsuredPersons, database: Database, bureau: Bureau, clock: FixedClock
) -> None:
    bureau.enrol(OTHER_NAME, OTHER_NUMBER, "2027")
    first = (await find()).person_id
    second = (await find(OTHER_NAME, OTHER_NUMBER)).person_id
    for n, (payer, person, state) in enumerate(
        [
            (ME, first, OrderState.APPLIED),
            (ME, second, OrderState.APPLIED),
            (ME, ME, OrderState.APPLIED),
            (ME, "P-never", OrderState.CLOSED),
            ("P-another", "P-theirs", OrderState.APPLIED),
        ]
    ):
        await _order(database, clock, f"GZ{n}", payer, person, state)
    before = await insured.paid_before(ME)
    assert [(one.person_id, one.masked_name) for one in before] == [(second, "**国"), (first, "**芳")]
    assert before[0].last == (InsuredGroup.RESIDENT, Insurance.MEDICAL)
    assert (await insured.find_again(person_id=first, wanted=MEDICAL)).masked_name == "**芳"
    bureau.enrol(NAME, NUMBER)
    assert await code_of(insured.find_again(person_id=first, wanted=MEDICAL)) == "nothing_found"


async def _order(
    database: Database, clock: FixedClock, order_no: str, payer: str, insured_id: str, state: OrderState
) -> None:
    now = clock.now() + timedelta(minutes=int(order_no[2:]))
    async with database.begin() as session:
        session.add(
            OrderRow(
                order_no=order_no, conversation_id=CHAT, payer_id=payer, provider="alipay",
                total=Decimal("400.00"), state=state, moves=0, wanted=True, created_at=now, expires_at=now,
                sends=1, paid_at=now if state is not OrderState.CLOSED else None,
            )
        )  # fmt: skip
        await session.flush()
        session.add(
            OrderLineRow(
                order_no=order_no, line=1, key=order_no, insured_id=insured_id, year=2027,
                insured_group="urban_rural_resident", insurance="medical", amount=Decimal("400.00"),
                quote="{}", digest="0" * 64,
            )
        )  # fmt: skip
