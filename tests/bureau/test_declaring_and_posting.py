"""Declare, post, book: once per key, at the figures that were answered, entered by the working calendar."""

import asyncio
from datetime import date, datetime
from decimal import Decimal

import pytest

from services.adapters.clock import SHANGHAI
from services.domain.errors import Refused
from services.domain.kinds import RecordKind
from services.ports import Declaration, Dues, Posting
from tests.bureau.conftest import ANNA, NOW, Town, dues, enrolment, person, resident
from tests.bureau.test_what_is_due import FLEXIBLE, MEDICAL, PENSION, RESIDENT, due_of

MEDICAL_2027 = dues(RESIDENT, MEDICAL, fee_year=2027)
TOTAL = Decimal("400.00")


async def declare(
    town: Town, key: str = "order-0001", wanted: Dues = MEDICAL_2027, total: Decimal = TOTAL
) -> Declaration:
    return await town.client.declare(ANNA, wanted, key=key, total=total)


async def post(
    town: Town,
    declaration: Declaration,
    key: str = "order-0001",
    paid_at: datetime = NOW,
    amount: Decimal = TOTAL,
) -> Posting:
    return await town.client.post_payment(
        declaration_no=declaration.declaration_no, key=key, amount=amount, paid_at=paid_at, paid_by=ANNA
    )


@pytest.fixture
async def anna(town: Town) -> Town:
    await town.load(resident(enrolments=[enrolment(RESIDENT, MEDICAL), enrolment(FLEXIBLE, PENSION)]))
    return town


async def test_the_same_key_is_the_same_declaration(anna: Town) -> None:
    first = await declare(anna)
    assert await declare(anna) == first
    assert first.quote.total == TOTAL
    assert (await declare(anna, "order-0002")).declaration_no != first.declaration_no


async def test_a_key_is_not_used_for_something_else(anna: Town) -> None:
    await declare(anna)
    with pytest.raises(Refused) as refused:
        await declare(anna, wanted=dues(FLEXIBLE, PENSION, fee_period="2026-01", tier="60%"))
    assert refused.value.code == "key_reused"


async def test_two_at_once_with_one_key_file_one_declaration(anna: Town) -> None:
    filed = await asyncio.gather(*(declare(anna) for _ in range(5)))
    assert len({declaration.declaration_no for declaration in filed}) == 1
    assert len(await anna.client.find_records(ANNA, RecordKind.DECLARATION)) == 1


async def test_another_total_is_refused_with_the_right_one(anna: Town) -> None:
    with pytest.raises(Refused) as refused:
        await declare(anna, total=Decimal("399.00"))
    assert (refused.value.code, refused.value.facts) == ("figures_changed", {"total": TOTAL})
    assert await anna.client.find_records(ANNA, RecordKind.DECLARATION) == ()


async def test_a_payment_is_posted_once_per_key(anna: Town) -> None:
    declaration = await declare(anna)
    assert await anna.client.find_posting("order-0001") is None
    first = await post(anna, declaration)
    assert first.booked_on is None
    assert await post(anna, declaration) == first
    assert await anna.client.find_posting("order-0001") == first
    assert (await due_of(anna))[0] == ()


async def test_the_same_fee_is_not_taken_twice(anna: Town) -> None:
    first, second = await declare(anna, "order-0001"), await declare(anna, "order-0002")
    await post(anna, first)
    with pytest.raises(Refused) as refused:
        await post(anna, second, "order-0002")
    assert refused.value.code == "already_paid"
    with pytest.raises(Refused) as refused:
        await declare(anna, "order-0003")
    assert refused.value.code == "already_paid"


async def test_months_that_overlap_are_not_taken_twice(anna: Town) -> None:
    half = dues(FLEXIBLE, PENSION, fee_period="2026-01/2026-06", tier="60%")
    year = dues(FLEXIBLE, PENSION, fee_period="2026-01/2026-12", tier="60%")
    first = await declare(anna, "order-0001", half, Decimal("5328.00"))
    second = await declare(anna, "order-0002", year, Decimal("10656.00"))
    await post(anna, first, amount=Decimal("5328.00"))
    with pytest.raises(Refused) as refused:
        await post(anna, second, "order-0002", amount=Decimal("10656.00"))
    assert refused.value.code == "already_paid"


async def test_an_unknown_declaration_and_another_amount_are_refused(anna: Town) -> None:
    declaration = await declare(anna)
    with pytest.raises(Refused) as refused:
        await post(anna, Declaration(declaration_no="SB0", quote=declaration.quote))
    assert refused.value.code == "unknown_declaration"
    with pytest.raises(Refused) as refused:
        await post(anna, declaration, amount=Decimal("1.00"))
    assert refused.value.code == "figures_changed"


@pytest.mark.parametrize(
    "paid_at, booked_on",
    [
        ("2026-11-23T23:59:59", date(2026, 11, 25)),
        ("2026-11-27T10:00:00", date(2026, 12, 1)),
        ("2026-09-30T10:00:00", date(2026, 10, 9)),
        ("2026-12-30T10:00:00", date(2027, 1, 4)),
    ],
)
async def test_it_is_entered_at_nine_on_the_second_working_day(
    anna: Town, paid_at: str, booked_on: date
) -> None:
    anna.at(paid_at)
    declaration = await declare(anna)
    await post(anna, declaration, paid_at=datetime.fromisoformat(paid_at).replace(tzinfo=SHANGHAI))
    anna.at(f"{booked_on}T08:59:50")
    before = await anna.client.find_posting("order-0001")
    assert before is not None
    assert before.booked_on is None
    assert await anna.client.find_records(ANNA, RecordKind.PAID) == ()
    anna.at(f"{booked_on}T09:00:01")
    after = await anna.client.find_posting("order-0001")
    assert after is not None
    assert after.booked_on == booked_on


async def test_nothing_is_entered_before_it_was_posted(anna: Town) -> None:
    declaration = await declare(anna)
    anna.at("2026-12-10T15:00:00")
    posting = await post(anna, declaration, paid_at=NOW)
    assert posting.booked_on == date(2026, 12, 10)


async def test_the_record_holds_what_a_certificate_needs(anna: Town) -> None:
    half = dues(FLEXIBLE, PENSION, fee_period="2026-01/2026-06", tier="60%")
    declaration = await declare(anna, wanted=half, total=Decimal("5328.00"))
    await post(anna, declaration, amount=Decimal("5328.00"))
    anna.at("2026-11-25T09:00:01")
    [record] = await anna.client.find_records(ANNA, RecordKind.PAID, fee_year=2026)
    assert (record.fee_period, record.tier, str(record.base), str(record.rate)) == (
        "2026-01/2026-06",
        "60%",
        "4440.00",
        "0.20",
    )
    assert (str(record.amount), record.order_no, record.booked_on) == (
        "5328.00",
        "order-0001",
        date(2026, 11, 25),
    )
    assert record.paid_at == NOW
    assert record.tax_office == "国家税务总局贵阳市云岩区税务局"
    assert record.ticket_no is not None
    assert record.ticket_no.startswith("45201526119000")
    assert len(record.ticket_no) == 18
    assert await anna.client.find_records(ANNA, RecordKind.PAID, fee_year=2025) == ()
    [enrolled] = [e for e in await anna.client.find_enrolments(ANNA) if e.insurance is PENSION]
    assert enrolled.last_tier == "60%"


async def test_a_declaration_counts_as_paid_when_the_payment_is_entered(anna: Town) -> None:
    await post(anna, await declare(anna))
    [filed] = await anna.client.find_records(ANNA, RecordKind.DECLARATION)
    assert (filed.status, filed.declared_on) == ("unpaid", NOW.date())
    anna.at("2026-11-26T12:00:00")
    [filed] = await anna.client.find_records(ANNA, RecordKind.DECLARATION)
    assert filed.status == "paid"


async def test_a_later_choice_of_tier_replaces_the_earlier_one(town: Town) -> None:
    choice = {"tier": "60%", "base": "4440.00", "from": "2026-01", "to": "2026-12"}
    await town.load(resident(enrolments=[enrolment(FLEXIBLE, PENSION)], tier_choices=[choice]))
    wanted = dues(FLEXIBLE, PENSION, fee_period="2026-01", tier="100%")
    declaration = await declare(town, wanted=wanted, total=Decimal("1480.00"))
    await post(town, declaration, amount=Decimal("1480.00"))
    found = await town.client.find_records(ANNA, RecordKind.TIER_CHOICE)
    assert [(record.tier, record.valid) for record in found] == [("60%", False), ("100%", True)]


async def test_what_was_paid_for_another_is_shown_to_the_payer_only(anna: Town) -> None:
    payer, stranger = person("安康", "52010319600101000"), person("安心", "52010319600102000")
    declaration = await declare(anna)
    await anna.client.post_payment(
        declaration_no=declaration.declaration_no, key="order-0001", amount=TOTAL, paid_at=NOW, paid_by=payer
    )
    anna.at("2026-11-26T12:00:00")
    assert len(await anna.client.find_records(payer, RecordKind.PAID, paid_for=ANNA)) == 1
    assert await anna.client.find_records(stranger, RecordKind.PAID, paid_for=ANNA) == ()


async def test_loading_a_resident_again_keeps_what_was_paid_meanwhile(anna: Town) -> None:
    await post(anna, await declare(anna))
    await anna.load(resident(enrolments=[enrolment(RESIDENT, MEDICAL)]))
    assert await due_of(anna) == [()]


async def test_a_day_s_bookings_are_those_that_were_posted_by_us_and_entered_on_it(anna: Town) -> None:
    posting = await post(anna, await declare(anna))
    monday, wednesday = NOW.date(), date(2026, 11, 25)
    assert await anna.client.find_bookings(wednesday) == ()
    anna.at("2026-11-25T09:00:00")
    [booking] = await anna.client.find_bookings(wednesday)
    assert (booking.key, booking.payment_no, booking.amount, booking.booked_on) == (
        "order-0001", posting.payment_no, TOTAL, wednesday,
    )  # fmt: skip
    assert await anna.client.find_bookings(monday) == ()
    anna.at("2027-03-01T09:00:00")
    assert await anna.client.find_bookings(wednesday) == (booking,)


async def test_what_was_posted_late_is_booked_when_it_was_posted(anna: Town) -> None:
    declaration = await declare(anna)
    anna.at("2027-02-01T12:00:00")
    await post(anna, declaration)
    assert len(await anna.client.find_bookings(date(2027, 2, 1))) == 1
