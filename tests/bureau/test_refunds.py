"""The bureau gives money back: payments that are given up, and applications that go their way by working days."""

from decimal import Decimal

import pytest

from services.domain.errors import Refused
from services.domain.kinds import RecordKind
from services.ports import RefundStage
from tests.bureau.conftest import ANNA, Town, dues, enrolment, resident
from tests.bureau.test_what_is_due import MEDICAL, RESIDENT

FEE = dues(RESIDENT, MEDICAL, fee_year=2027)
PRICE = Decimal("400.00")


async def post(town: Town, key: str = "order-00001") -> None:
    filed = await town.client.declare(ANNA, FEE, key=key, total=PRICE)
    await town.client.post_payment(
        declaration_no=filed.declaration_no,
        key=key,
        amount=PRICE,
        paid_at=town.books.clock.now(),
        paid_by=ANNA,
    )


@pytest.fixture
async def booked(town: Town) -> Town:
    await town.load(resident(enrolments=[enrolment(RESIDENT, MEDICAL)]))
    await post(town)
    town.at("2026-11-26T10:00:00")
    return town


async def test_what_is_given_up_is_due_again_and_its_key_is_spent(town: Town) -> None:
    await town.load(resident(enrolments=[enrolment(RESIDENT, MEDICAL)]))
    await post(town)
    for _ in range(2):
        await town.client.withdraw_payments(["order-00001", "order-00002"])
    assert await town.client.find_posting("order-00001") is None
    with pytest.raises(Refused, match="withdrawn"):
        await post(town)
    with pytest.raises(Refused, match="withdrawn"):
        await post(town, "order-00002")
    await post(town, "order-00003")
    declared = await town.client.find_records(ANNA, RecordKind.DECLARATION)
    assert sorted(str(record.status) for record in declared) == ["unpaid", "unpaid", "void"]


async def test_what_is_booked_is_not_given_up_and_neither_is_what_was_asked_with_it(booked: Town) -> None:
    with pytest.raises(Refused, match="already_booked"):
        await booked.client.withdraw_payments(["order-00001", "order-00002"])
    assert await booked.client.find_posting("order-00001") is not None
    await booked.client.withdraw_payments(["order-00003"])
    for key, code in (("order-00002", "unknown_declaration"), ("order-00003", "withdrawn")):
        with pytest.raises(Refused, match=code):
            await booked.client.post_payment(
                declaration_no="D", key=key, amount=PRICE, paid_at=booked.books.clock.now(), paid_by=ANNA
            )


async def file(town: Town, key: str, reason: str = "wrong_person") -> RefundStage:
    applied = await town.client.file_refund(key=key, payment_key="order-00001", amount=PRICE, reason=reason)
    return applied.stage


async def test_the_stages_come_by_working_days_and_end_in_the_books(booked: Town) -> None:
    assert await file(booked, "TF7200000001") is RefundStage.ACCEPTED
    assert await file(booked, "TF7200000001") is RefundStage.ACCEPTED
    seen, found = [RefundStage.ACCEPTED], None
    for day in range(27, 31 + 20):
        booked.at(f"2026-{11 + (day > 30)}-{day - 30 * (day > 30):02d}T10:00:00")
        found = await booked.client.find_refund("TF7200000001")
        assert found is not None
        if found.stage is not seen[-1]:
            seen.append(found.stage)
        [record] = await booked.client.find_records(ANNA, RecordKind.PAID, fee_year=2027)
        assert (record.refunded_on is not None) == (found.stage is RefundStage.PAID)
    assert seen == [RefundStage.ACCEPTED, RefundStage.CONFIRMED, RefundStage.RELEASED, RefundStage.PAID]
    assert found is not None
    assert found.paid_on is not None
    assert found.expected_by is not None
    assert found.paid_on <= found.expected_by
    await post(booked, "order-00009")  # the year can be paid anew


@pytest.mark.parametrize(
    "key, payment_key, amount, code",
    [
        ("TF7200000002", "order-00001", PRICE, "already_refunded"),
        ("TF7200000001", "order-00001", Decimal("1.00"), "key_reused"),
        ("TF7200000003", "order-00404", PRICE, "not_booked"),
    ],
)
async def test_an_application_that_can_not_be(
    booked: Town, key: str, payment_key: str, amount: Decimal, code: str
) -> None:
    await file(booked, "TF7200000001")
    with pytest.raises(Refused, match=code):
        await booked.client.file_refund(
            key=key, payment_key=payment_key, amount=amount, reason="wrong_person"
        )


async def test_who_still_waits_for_the_benefit_may_give_it_up(booked: Town) -> None:
    booked.at("2027-01-04T10:00:00")
    assert await file(booked, "TF7200000001", "insured_elsewhere") is RefundStage.ACCEPTED


async def test_once_the_benefit_has_begun_only_mistakes_are_refunded(booked: Town) -> None:
    booked.at("2027-05-04T10:00:00")
    with pytest.raises(Refused, match="not_refundable"):
        await file(booked, "TF7200000001", "insured_elsewhere")
    assert await file(booked, "TF7200000001", "wrong_person") is RefundStage.ACCEPTED


async def test_what_the_agency_does_not_confirm_stays_paid_and_may_be_applied_for_again(booked: Town) -> None:
    await file(booked, "TF7200000001", "other")
    booked.at("2026-12-20T10:00:00")
    found = await booked.client.find_refund("TF7200000001")
    assert found is not None
    assert found.stage is RefundStage.REFUSED
    [record] = await booked.client.find_records(ANNA, RecordKind.PAID, fee_year=2027)
    assert record.refunded_on is None
    assert await file(booked, "TF7200000002") is RefundStage.ACCEPTED
