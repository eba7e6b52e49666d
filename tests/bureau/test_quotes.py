"""What it costs: figures worked out by hand from the published rates."""

from decimal import Decimal

import pytest

from services.domain.errors import Refused
from services.domain.kinds import Insurance, InsuredGroup, PaymentType
from tests.bureau.conftest import ANNA, Town, dues, enrolment, person, resident
from tests.bureau.test_what_is_due import FLEXIBLE, MEDICAL, PENSION, RESIDENT, paid


async def refusal(town: Town, group: InsuredGroup, insurance: Insurance, **facts: object) -> str:
    with pytest.raises(Refused) as refused:
        await town.client.quote(ANNA, dues(group, insurance, **facts))
    return refused.value.code


async def test_flexible_pension_is_months_times_the_rounded_monthly_fee(town: Town) -> None:
    """Rates 3.1, business 2.2: flexible pension is months times the rounded monthly fee."""
    await town.load(resident(enrolments=[enrolment(FLEXIBLE, PENSION)]))
    town.at("2025-10-08T10:00:00")
    quote = await town.client.quote(ANNA, dues(FLEXIBLE, PENSION, fee_period="2025-01/2025-12", tier="60%"))
    assert (str(quote.total), str(quote.base), str(quote.rate), quote.months) == (
        "10547.28",
        "4394.70",
        "0.20",
        12,
    )
    assert not quote.provisional
    assert not quote.demo


async def test_before_the_base_is_published_last_years_is_used_and_said(town: Town) -> None:
    """Rates 3.4, business 2.1: before the base is published last years is used and said."""
    await town.load(resident(enrolments=[enrolment(FLEXIBLE, PENSION)]))
    wanted = dues(FLEXIBLE, PENSION, fee_period="2026-01", tier="60%")
    town.at("2026-08-31T23:59:59")
    before = await town.client.quote(ANNA, wanted)
    assert (str(before.total), before.provisional, before.demo) == ("878.94", True, False)
    town.at("2026-09-01T00:00:01")
    after = await town.client.quote(ANNA, wanted)
    assert (str(after.total), str(after.base), after.provisional, after.demo) == (
        "888.00",
        "4440.00",
        False,
        True,
    )
    assert before.version != after.version


async def test_the_tiers_go_from_sixty_to_three_hundred_and_mark_the_last_one(town: Town) -> None:
    await town.load(
        resident(
            enrolments=[enrolment(FLEXIBLE, PENSION)],
            tier_choices=[{"tier": "80%", "base": "5859.60", "from": "2025-01", "to": "2025-12"}],
        )
    )
    tiers = await town.client.find_tiers(ANNA, dues(FLEXIBLE, PENSION))
    assert len(tiers) == 25
    assert (tiers[0].tier, tiers[-1].tier) == ("60%", "300%")
    assert [tier.tier for tier in tiers if tier.last] == ["80%"]


async def test_flexible_medical_changes_base_in_july_and_rate_with_age(town: Town) -> None:
    """Guiyang, 36 in October: Jan-Jun 249.03 (2025's base), Jul-Oct 7400 x 3.4 %, Nov-Dec x 4.4 %."""
    who = person("孙涛", "52012119901018000")
    entry = enrolment(FLEXIBLE, MEDICAL, agency="520121")
    await town.load(resident(who, enrolments=[entry]))
    wanted = dues(FLEXIBLE, MEDICAL, agency="520121", fee_period="2026-01/2026-12")
    quote = await town.client.quote(who, wanted)
    assert quote.total == 6 * Decimal("249.03") + 4 * Decimal("251.60") + 2 * Decimal("325.60")
    assert (quote.base, quote.rate, quote.months) == (None, None, 12)
    half = await town.client.quote(
        who, dues(FLEXIBLE, MEDICAL, agency="520121", fee_period="2026-01/2026-06")
    )
    assert (str(half.base), str(half.rate)) == ("7324.50", "0.034")


async def test_elsewhere_flexible_medical_costs_eight_and_a_half_percent(town: Town) -> None:
    """Rates 4.2: elsewhere flexible medical costs eight and a half percent."""
    await town.load(resident(enrolments=[enrolment(FLEXIBLE, MEDICAL, agency="520302", since="2026-12")]))
    quote = await town.client.quote(ANNA, dues(FLEXIBLE, MEDICAL, agency="520302", fee_period="2026-12"))
    assert str(quote.total) == "629.00"


async def test_months_can_neither_be_skipped_nor_paid_twice(town: Town) -> None:
    """Business 2.2, rates 3.5: months can neither be skipped nor paid twice."""
    await town.load(
        resident(
            enrolments=[enrolment(FLEXIBLE, PENSION)],
            payments=[paid(FLEXIBLE, PENSION, fee_period="2026-01/2026-03")],
        )
    )

    async def code(period: str) -> str:
        return await refusal(town, FLEXIBLE, PENSION, fee_period=period, tier="60%")

    assert await code("2026-02") == "already_paid"
    assert await code("2026-05/2026-06") == "not_payable"
    assert await code("2025-12") == "not_payable"
    assert await code("2027-01") == "window_closed"


async def test_resident_pension_costs_its_tier_and_the_subsidy_is_told(town: Town) -> None:
    """Rates 1.1, 1.2: resident pension costs its tier and the subsidy is told."""
    await town.load(resident(enrolments=[enrolment(RESIDENT, PENSION)]))
    quote = await town.client.quote(ANNA, dues(RESIDENT, PENSION, fee_year=2026, tier="2000"))
    assert (str(quote.total), str(quote.subsidy), quote.base) == ("2000.00", "200.00", None)
    assert await refusal(town, RESIDENT, PENSION, fee_year=2026, tier="100") == "tier_not_allowed"
    assert await refusal(town, RESIDENT, PENSION, fee_year=2026) == "tier_not_allowed"
    assert await refusal(town, RESIDENT, PENSION, fee_year=2025, tier="300") == "not_payable"
    assert await refusal(town, RESIDENT, PENSION, fee_year=2027, tier="300") == "window_closed"


async def test_the_lowest_tier_is_for_people_with_a_mark(town: Town) -> None:
    """Rates 1.1: the lowest tier is for people with a mark."""
    await town.load(resident(enrolments=[enrolment(RESIDENT, PENSION)], marks=["低保对象"]))
    tiers = await town.client.find_tiers(ANNA, dues(RESIDENT, PENSION))
    assert [tier.tier for tier in tiers][:2] == ["100", "300"]
    assert [str(tier.subsidy) for tier in tiers][:2] == ["30.00", "30.00"]


@pytest.mark.parametrize(
    "day, history, year, total, benefit, waiting",
    [
        ("2026-01-20", [2025], 2026, "400.00", "2026-01-01", None),
        ("2026-01-20", [], 2026, "400.00", "2026-04-01", "2026-03-31"),
        ("2026-03-10", [2025], 2026, "1100.00", "2026-06-09", "2026-06-08"),
        ("2026-11-23", [2026], 2027, "400.00", "2027-01-01", None),
        ("2026-11-23", [2025], 2027, "400.00", "2027-04-01", "2027-03-31"),
        ("2026-11-23", [2024], 2027, "400.00", "2027-05-01", "2027-04-30"),
        ("2027-03-01", [2026], 2027, "1130.00", "2027-05-31", "2027-05-30"),
    ],
)
async def test_resident_medical_price_and_first_day_of_benefit(
    town: Town, day: str, history: list[int], year: int, total: str, benefit: str, waiting: str | None
) -> None:
    """Rates 2.1, 2.2, 2.3, 2.5, business 2.4, 2.6: resident medical price and first day of benefit."""
    payments = [paid(RESIDENT, MEDICAL, fee_year=past) for past in history]
    await town.load(resident(enrolments=[enrolment(RESIDENT, MEDICAL)], payments=payments))
    town.at(f"{day}T12:00:00")
    quote = await town.client.quote(ANNA, dues(RESIDENT, MEDICAL, fee_year=year))
    found = (
        str(quote.total),
        str(quote.benefit_from),
        str(quote.waiting_until) if quote.waiting_until else None,
    )
    assert found == (total, benefit, waiting)
    assert quote.demo is (year == 2027)


async def test_who_pays_too_late_is_told_that_the_year_brings_nothing(town: Town) -> None:
    await town.load(resident(enrolments=[enrolment(RESIDENT, MEDICAL)]))
    town.at("2025-09-30T12:00:00")
    quote = await town.client.quote(ANNA, dues(RESIDENT, MEDICAL, fee_year=2025))
    assert not quote.no_benefit_this_year
    town.at("2026-11-23T12:00:00")
    assert await refusal(town, RESIDENT, MEDICAL, fee_year=2026) == "window_closed"


async def test_aided_people_pay_less_all_year(town: Town) -> None:
    """Rates 2.4, business 2.5: aided people pay less all year."""
    await town.load(resident(enrolments=[enrolment(RESIDENT, MEDICAL)], marks=["低保对象", "稳定脱贫人口"]))
    quote = await town.client.quote(ANNA, dues(RESIDENT, MEDICAL, fee_year=2026))
    assert (str(quote.total), str(quote.aid), str(quote.benefit_from)) == ("200.00", "200.00", "2026-11-23")


async def test_who_is_aided_in_full_has_nothing_to_pay(town: Town) -> None:
    await town.load(resident(enrolments=[enrolment(RESIDENT, MEDICAL)], marks=["孤儿"]))
    assert await refusal(town, RESIDENT, MEDICAL, fee_year=2027) == "not_payable"


async def test_only_assessed_items_can_be_paid_up(town: Town) -> None:
    """Business R2, rates 3.6: only assessed items can be paid up."""
    item = {"insured_group": "flexible_employment", "insurance": "pension", "agency": "520103"}
    assessed = [{**item, "period": "2023-01/2023-12", "amount": "9600.00"}]
    people = resident(enrolments=[enrolment(FLEXIBLE, PENSION)], assessed_arrears=assessed)
    await town.load(people)
    [found] = await town.client.find_arrears(ANNA)
    wanted = dues(FLEXIBLE, PENSION, payment_type=PaymentType.ARREARS, arrears_item=found.item_id)
    quote = await town.client.quote(ANNA, wanted)
    assert (str(quote.total), quote.fee_period) == ("9600.00", "2023-01/2023-12")
    await town.load(people)
    assert [item.item_id for item in await town.client.find_arrears(ANNA)] == [found.item_id]
    wrong = {"payment_type": PaymentType.ARREARS, "arrears_item": "HD0000000000"}
    assert await refusal(town, FLEXIBLE, PENSION, **wrong) == "not_payable"
    assert await refusal(town, FLEXIBLE, MEDICAL, **{**wrong, "arrears_item": found.item_id}) == "not_payable"


async def test_suspended_insurance_is_not_quoted(town: Town) -> None:
    """Business R7: suspended insurance is not quoted."""
    await town.load(resident(enrolments=[enrolment(RESIDENT, PENSION, status="suspended")]))
    assert await refusal(town, RESIDENT, PENSION, fee_year=2026, tier="300") == "not_payable"
