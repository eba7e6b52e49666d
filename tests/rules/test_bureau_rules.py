"""The rules as the bureau applies them, figure by figure: each test bears the numbers of its rules."""

from decimal import Decimal

import pytest

from services.domain.errors import Refused
from services.domain.kinds import PaymentType
from services.domain.windows import Afterwards, Standing
from services.ports import Caution
from tests.bureau.conftest import ANNA, Town, dues, enrolment, person, resident
from tests.bureau.test_what_is_due import FLEXIBLE, MEDICAL, PENSION, RESIDENT, paid

MARKS = {
    "特困人员": "400.00", "孤儿": "400.00", "事实无人抚养未成年人": "400.00", "六十年代精减退职老职工": "400.00",
    "肇事肇祸精神障碍患者": "400.00", "计生两户及特殊家庭": "400.00", "低保对象": "200.00", "脱贫不稳定人口": "200.00",
    "边缘易致贫人口": "200.00", "突发严重困难人口": "200.00", "低保边缘老年人": "120.00", "低保边缘未成年人": "120.00",
    "低保边缘重度残疾人": "120.00", "稳定脱贫人口": "60.00",
}  # fmt: skip
TIERS_OF_2025 = {
    "60%": ("4394.70", "878.94"), "70%": ("5127.15", "1025.43"), "80%": ("5859.60", "1171.92"),
    "90%": ("6592.05", "1318.41"), "100%": ("7324.50", "1464.90"), "150%": ("10986.75", "2197.35"),
    "180%": ("13184.10", "2636.82"), "200%": ("14649.00", "2929.80"), "250%": ("18311.25", "3662.25"),
    "300%": ("21973.50", "4394.70"),
}  # fmt: skip


@pytest.mark.parametrize("mark", MARKS)
async def test_each_mark_has_its_aid(town: Town, mark: str) -> None:
    """Rates 2.4, business 2.5: the bureau takes the aid off; who is aided in full has nothing to pay."""
    await town.load(resident(enrolments=[enrolment(RESIDENT, MEDICAL)], marks=[mark]))
    aid, wanted = Decimal(MARKS[mark]), dues(RESIDENT, MEDICAL, fee_year=2027)
    if aid == 400:
        with pytest.raises(Refused) as refused:
            await town.client.quote(ANNA, wanted)
        assert (refused.value.code, refused.value.facts) == ("not_payable", {"aided": True})
        return
    quote = await town.client.quote(ANNA, wanted)
    assert (quote.total, quote.aid) == (400 - aid, aid)


@pytest.mark.parametrize("tier", TIERS_OF_2025)
async def test_the_tiers_of_2025_to_the_cent(town: Town, tier: str) -> None:
    """Rates 3.1, 3.3: base, month and year as in the table."""
    await town.load(resident(enrolments=[enrolment(FLEXIBLE, PENSION)]))
    town.at("2025-10-08T10:00:00")
    quote = await town.client.quote(ANNA, dues(FLEXIBLE, PENSION, fee_period="2025-01/2025-12", tier=tier))
    base, month = TIERS_OF_2025[tier]
    assert (str(quote.base), quote.total) == (base, 12 * Decimal(month))


@pytest.mark.parametrize(
    "day, july, provisional",
    [
        ("2026-06-30", "249.03", True),
        ("2026-08-31", "249.03", True),
        ("2026-09-01", "251.60", False),
    ],
)
async def test_the_base_of_a_month_is_that_of_the_day_of_the_quote(
    town: Town, day: str, july: str, provisional: bool
) -> None:
    """Rates 3.4, 4.1: from July on this year's base once it is published, and before that last year's, provisionally."""
    await town.load(
        resident(person("顾小满", "52010319950616000"), enrolments=[enrolment(FLEXIBLE, MEDICAL)])
    )
    town.at(f"{day}T10:00:00")
    who = person("顾小满", "52010319950616000")
    first = await town.client.quote(who, dues(FLEXIBLE, MEDICAL, fee_period="2026-01/2026-06"))
    assert (first.total, first.provisional) == (6 * Decimal("249.03"), False)
    both = await town.client.quote(who, dues(FLEXIBLE, MEDICAL, fee_period="2026-01/2026-07"))
    assert (both.total - first.total, both.provisional) == (Decimal(july), provisional)


@pytest.mark.parametrize(
    "born, november", [("19901031", "325.60"), ("19901101", "325.60"), ("19901102", "251.60")]
)
async def test_the_age_counts_on_the_first_of_the_month(town: Town, born: str, november: str) -> None:
    """Rates 4.1, business 2.1: 35 and below pay the lower rate; who turns 36 on the first pays the higher one."""
    who = person("顾小雪", f"520103{born}000")
    await town.load(resident(who, enrolments=[enrolment(FLEXIBLE, MEDICAL, since="2026-11")]))
    quote = await town.client.quote(who, dues(FLEXIBLE, MEDICAL, fee_period="2026-11"))
    assert str(quote.total) == november


@pytest.mark.parametrize(
    "last, agency, waiting",
    [
        ("2026-07", "520103", None),
        ("2026-06", "520103", "2027-01-22"),
        ("2026-06", "520302", None),
    ],
)
async def test_in_guiyang_a_long_gap_means_sixty_days(
    town: Town, last: str, agency: str, waiting: str | None
) -> None:
    """Rates 4.1, business 7.6: three missed months can be made up for; a fourth means waiting, the day of paying is 0."""
    history = paid(FLEXIBLE, MEDICAL, agency=agency, fee_period=f"2026-01/{last}")
    await town.load(resident(enrolments=[enrolment(FLEXIBLE, MEDICAL, agency=agency)], payments=[history]))
    period = f"2026-{int(last[5:]) + 1:02d}/2026-12"
    quote = await town.client.quote(ANNA, dues(FLEXIBLE, MEDICAL, agency=agency, fee_period=period))
    assert (str(quote.waiting_until) if quote.waiting_until else None) == waiting


@pytest.mark.parametrize("period", ["2026-01", "2026-01/2026-03", "2026-01/2026-06", "2026-01/2026-12"])
async def test_months_quarters_halves_and_the_year(town: Town, period: str) -> None:
    """Rates 3.5: a month, a quarter, half a year, a year; the total is months times the month."""
    await town.load(resident(enrolments=[enrolment(FLEXIBLE, PENSION)]))
    quote = await town.client.quote(ANNA, dues(FLEXIBLE, PENSION, fee_period=period, tier="60%"))
    assert quote.total == Decimal("888.00") * (quote.months or 0)
    assert quote.window
    assert (str(quote.window.ends), quote.window.afterwards) == ("2026-12-31", Afterwards.AGENCY)


async def test_a_month_that_was_paid_between_is_not_paid_again(town: Town) -> None:
    """Business 2.2: the period spans it, the total leaves it out."""
    await town.load(
        resident(
            enrolments=[enrolment(FLEXIBLE, PENSION)],
            payments=[paid(FLEXIBLE, PENSION, fee_period="2026-03/2026-04")],
        )
    )
    quote = await town.client.quote(ANNA, dues(FLEXIBLE, PENSION, fee_period="2026-01/2026-06", tier="60%"))
    assert (quote.months, str(quote.total)) == (4, "3552.00")


@pytest.mark.parametrize(
    "marks, day, year, total, benefit",
    [
        (["退役军人"], "2026-11-23", 2026, "400.00", "2026-11-23"),
        (["随军未就业配偶"], "2026-05-01", 2026, "400.00", "2026-05-01"),
        (["职工医保转入"], "2026-11-23", 2026, "400.00", "2026-11-01"),
        (["低保对象"], "2026-12-31", 2026, "200.00", "2026-12-31"),
        ([], "2026-03-10", 2026, "1100.00", "2026-06-09"),
        ([], "2026-01-10", 2026, "400.00", "2026-04-01"),
    ],
)
async def test_from_which_day_on_it_helps(
    town: Town, marks: list[str], day: str, year: int, total: str, benefit: str
) -> None:
    """Rates 2.2, business 2.5, 2.6, 7.6: by mark and by day, for somebody without an earlier year."""
    await town.load(resident(enrolments=[enrolment(RESIDENT, MEDICAL)], marks=marks))
    town.at(f"{day}T12:00:00")
    quote = await town.client.quote(ANNA, dues(RESIDENT, MEDICAL, fee_year=year))
    assert (str(quote.total), str(quote.benefit_from)) == (total, benefit)


@pytest.mark.parametrize(
    "born, day, total",
    [
        ("20260410", "2026-07-09", "400.00"),  # the ninetieth day
        ("20260410", "2026-07-10", "1100.00"),
        ("20261003", "2027-01-01", "400.00"),
        ("20261231", "2027-03-31", "400.00"),
    ],
)
async def test_a_newborn_has_ninety_days(town: Town, born: str, day: str, total: str) -> None:
    """Rates 2.2: from birth, ninety days and the ninetieth with them, also over the turn of the year."""
    baby = person("安宁", f"520103{born}000")
    await town.load(
        resident(baby, enrolments=[enrolment(RESIDENT, MEDICAL, since=f"{born[:4]}-{born[4:6]}")])
    )
    town.at(f"{day}T12:00:00")
    quote = await town.client.quote(baby, dues(RESIDENT, MEDICAL, fee_year=2026))
    assert str(quote.total) == total
    if total == "400.00":
        assert str(quote.benefit_from).replace("-", "") == born


@pytest.mark.parametrize("missed, benefit", [(0, "2027-01-01"), (1, "2027-04-01"), (2, "2027-05-01")])
async def test_each_further_year_missed_is_a_month_more(town: Town, missed: int, benefit: str) -> None:
    """Rates 2.3: three months, and one for each further year since 2025."""
    history = [paid(RESIDENT, MEDICAL, fee_year=year) for year in (2024, 2025, 2026)[: 3 - missed]]
    await town.load(resident(enrolments=[enrolment(RESIDENT, MEDICAL)], payments=history))
    quote = await town.client.quote(ANNA, dues(RESIDENT, MEDICAL, fee_year=2027))
    assert str(quote.benefit_from) == benefit


async def test_what_comes_after_the_central_window(town: Town) -> None:
    """Rates 2.1, 2.5, business 2.4: 1130 yuan and ninety days, and that it is invented."""
    await town.load(resident(enrolments=[enrolment(RESIDENT, MEDICAL)]))
    window = (await town.client.quote(ANNA, dues(RESIDENT, MEDICAL, fee_year=2027))).window
    assert window
    assert (str(window.opens), str(window.ends)) == ("2026-09-28", "2027-02-28")
    assert (window.afterwards, str(window.price), window.wait_days) == (Afterwards.DEARER, "1130.00", 90)
    assert window.standing is Standing.DEMO
    town.at("2027-03-01T09:00:00")
    window = (await town.client.quote(ANNA, dues(RESIDENT, MEDICAL, fee_year=2027))).window
    assert window
    assert (str(window.ends), window.afterwards) == ("2027-09-30", Afterwards.OVER)


async def test_a_published_window_says_by_whom_and_when(town: Town) -> None:
    """Rates 2.1: 2026 is published by Tongren's bureau; the end of the late window is reckoned."""
    await town.load(resident(enrolments=[enrolment(RESIDENT, MEDICAL)]))
    town.at("2026-01-10T12:00:00")
    window = (await town.client.quote(ANNA, dues(RESIDENT, MEDICAL, fee_year=2026))).window
    assert window
    assert {(basis.source, str(basis.dated)) for basis in window.basis if basis.dated} == {
        ("铜仁市医保局 2026 年度", "2025-12-11")
    }
    assert window.standing is Standing.ASSUMED


@pytest.mark.parametrize(
    "marks, day, year, facts",
    [
        ([], "2026-09-15", 2027, {"year": 2027, "opens_on": "2026-09-28"}),
        ([], "2027-10-08", 2027, {"year": 2027, "closed_on": "2027-09-30"}),
        (["低保对象"], "2027-01-05", 2026, {"year": 2026, "closed_on": "2026-12-31"}),
        ([], "2025-09-20", 2026, {"year": 2026, "opens_on": "2025-09-28"}),
    ],
)
async def test_a_closed_window_says_since_when_and_until_when(
    town: Town, marks: list[str], day: str, year: int, facts: dict[str, object]
) -> None:
    """Business 2.4, rates 2.1: closed before it opens and after it ends; for people with a mark at the year's end."""
    await town.load(resident(enrolments=[enrolment(RESIDENT, MEDICAL)], marks=marks))
    town.at(f"{day}T12:00:00")
    with pytest.raises(Refused) as refused:
        await town.client.quote(ANNA, dues(RESIDENT, MEDICAL, fee_year=year))
    assert refused.value.code == "window_closed"
    assert {
        name: v if isinstance(v, int) else v.isoformat() for name, v in refused.value.facts.items()
    } == facts


async def test_next_years_pension_waits_for_next_year(town: Town) -> None:
    """Business 2.2, 2.3, rates 1.2: neither the resident pension nor months can be paid ahead of their year."""
    people = [enrolment(RESIDENT, PENSION), enrolment(FLEXIBLE, PENSION)]
    await town.load(resident(enrolments=people))
    for wanted in (
        dues(RESIDENT, PENSION, fee_year=2027, tier="300"),
        dues(FLEXIBLE, PENSION, fee_period="2027-01", tier="60%"),
    ):
        with pytest.raises(Refused) as refused:
            await town.client.quote(ANNA, wanted)
        assert refused.value.code == "window_closed"
        assert str(refused.value.facts["opens_on"]) == "2027-01-01"


async def test_the_pension_is_paid_once_a_year(town: Town) -> None:
    """Rates 1.2: a second normal payment of a year is refused, whatever its tier."""
    await town.load(
        resident(
            enrolments=[enrolment(RESIDENT, PENSION)],
            payments=[paid(RESIDENT, PENSION, fee_year=2026, amount="300.00")],
        )
    )
    with pytest.raises(Refused) as refused:
        await town.client.quote(ANNA, dues(RESIDENT, PENSION, fee_year=2026, tier="3000"))
    assert refused.value.code == "already_paid"


@pytest.mark.parametrize(
    "born, due, cautions",
    [
        ("20101124", (), ()),
        ("20101123", ("2026",), ()),
        ("19661124", ("2026",), ()),
        ("19661123", ("2026",), (Caution.PENSION_AGE,)),
    ],
)
async def test_from_sixteen_to_sixty(
    town: Town, born: str, due: tuple[str, ...], cautions: tuple[Caution, ...]
) -> None:
    """Rates 1.2: below sixteen nothing is due; from sixty on it is told that the pension is drawn."""
    who = person("顾小寒", f"520103{born}000")
    await town.load(resident(who, enrolments=[enrolment(RESIDENT, PENSION)]))
    [entry] = await town.client.find_enrolments(who)
    assert entry.due == due
    wanted = dues(RESIDENT, PENSION, fee_year=2026, tier="300")
    if not due:
        with pytest.raises(Refused) as refused:
            await town.client.quote(who, wanted)
        assert refused.value.facts == {"too_young": 16}
        return
    assert (await town.client.quote(who, wanted)).warnings == cautions


@pytest.mark.parametrize("status, cautions", [("active", (Caution.EMPLOYEE_INSURED,)), ("suspended", ())])
async def test_a_double_medical_insurance_is_told(
    town: Town, status: str, cautions: tuple[Caution, ...]
) -> None:
    """Business 3: paying as a resident while insured by own work is told, and not refused."""
    double = enrolment(FLEXIBLE, MEDICAL, status=status)
    await town.load(resident(enrolments=[enrolment(RESIDENT, MEDICAL), double]))
    quote = await town.client.quote(ANNA, dues(RESIDENT, MEDICAL, fee_year=2027))
    assert quote.warnings == cautions


async def test_arrears_are_the_assessed_amount_whatever_else_is_said(town: Town) -> None:
    """Business R2, 8 (2), rates 1.3, 3.6: neither period, tier nor addition; a paid item is gone."""
    item = {"insured_group": "urban_rural_resident", "insurance": "pension", "agency": "520103"}
    assessed = [{**item, "period": "2024-01/2024-12", "amount": "300.00"}]
    await town.load(resident(enrolments=[enrolment(RESIDENT, PENSION)], assessed_arrears=assessed))
    [found] = await town.client.find_arrears(ANNA)
    wanted = dues(RESIDENT, PENSION, payment_type=PaymentType.ARREARS, arrears_item=found.item_id)
    quote = await town.client.quote(ANNA, wanted)
    assert (str(quote.total), quote.fee_period, quote.subsidy, quote.window) == (
        "300.00",
        "2024-01/2024-12",
        None,
        None,
    )
