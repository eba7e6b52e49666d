"""What is due follows from enrolments, `since`, payments and the clock alone."""

import pytest

from services.domain.errors import Refused
from services.domain.kinds import Insurance, InsuredGroup
from services.domain.people import Person
from tests.bureau.conftest import ANNA, Town, dues, enrolment, id_number, person, resident

FLEXIBLE, RESIDENT = InsuredGroup.FLEXIBLE, InsuredGroup.RESIDENT
PENSION, MEDICAL = Insurance.PENSION, Insurance.MEDICAL


def paid(group: InsuredGroup, insurance: Insurance, **facts: object) -> dict[str, object]:
    entry = {
        "insured_group": group.value,
        "insurance": insurance.value,
        "agency": "520103",
        "amount": "400.00",
    }
    return {**entry, "paid_at": "2025-11-03T09:12:00+08:00", "booked_on": "2025-11-05", **facts}


async def due_of(town: Town, who: Person = ANNA) -> list[tuple[str, ...]]:
    return [entry.due for entry in await town.client.find_enrolments(who)]


async def test_flexible_months_run_from_since_to_december(town: Town) -> None:
    await town.load(resident(enrolments=[enrolment(FLEXIBLE, PENSION, since="2026-03")]))
    [months] = await due_of(town)
    assert (months[0], months[-1], len(months)) == ("2026-03", "2026-12", 10)


async def test_paid_months_are_left_out_and_earlier_years_never_owed(town: Town) -> None:
    await town.load(
        resident(
            enrolments=[enrolment(FLEXIBLE, MEDICAL, since="2020-01")],
            payments=[paid(FLEXIBLE, MEDICAL, fee_period="2026-01/2026-10")],
        )
    )
    assert await due_of(town) == [("2026-11", "2026-12")]


async def test_a_refunded_payment_is_owed_again(town: Town) -> None:
    payment = paid(RESIDENT, MEDICAL, fee_year=2027, paid_at="2026-10-08T10:00:00", booked_on="2026-10-10")
    people = [resident(enrolments=[enrolment(RESIDENT, MEDICAL)], payments=[payment])]
    await town.load(*people)
    assert await due_of(town) == [()]
    people[0]["payments"] = [{**payment, "refunded_on": "2026-11-02"}]
    await town.load(*people)
    assert await due_of(town) == [("2027",)]


@pytest.mark.parametrize("status", ["suspended", "terminated"])
async def test_nothing_is_due_where_the_enrolment_is_not_active(town: Town, status: str) -> None:
    """Business R7: nothing is due where the enrolment is not active."""
    await town.load(resident(enrolments=[enrolment(RESIDENT, PENSION, status=status)]))
    assert await due_of(town) == [()]


@pytest.mark.parametrize(
    "day, years",
    [
        ("2025-09-27", ("2025",)),
        ("2025-09-28", ("2025", "2026")),
        ("2025-10-01", ("2026",)),
        ("2026-01-15", ("2026",)),
        ("2026-04-01", ("2026",)),
        ("2026-09-30", ("2026", "2027")),
        ("2026-11-23", ("2027",)),
        ("2027-02-28", ("2027",)),
        ("2027-10-01", ()),
    ],
)
async def test_resident_medical_years_follow_their_windows(
    town: Town, day: str, years: tuple[str, ...]
) -> None:
    """Rates 2.1, business 2.4: resident medical years follow their windows."""
    await town.load(resident(enrolments=[enrolment(RESIDENT, MEDICAL)]))
    town.at(f"{day}T12:00:00")
    assert await due_of(town) == [years]


async def test_a_newborn_has_ninety_days_across_the_turn_of_the_year(town: Town) -> None:
    """Rates 2.2: a newborn has ninety days across the turn of the year."""
    baby = person("安宁", "52010320261201000")
    await town.load(resident(baby, enrolments=[enrolment(RESIDENT, MEDICAL, since="2026-12")]))
    town.at("2027-01-15T09:00:00")
    assert await due_of(town, baby) == [("2026", "2027")]
    quote = await town.client.quote(baby, dues(RESIDENT, MEDICAL, fee_year=2026))
    assert (str(quote.total), str(quote.benefit_from), str(quote.window and quote.window.ends)) == (
        "400.00",
        "2026-12-01",
        "2027-03-01",
    )
    town.at("2027-03-02T09:00:00")
    assert "2026" not in (await due_of(town, baby))[0]


async def test_a_new_number_of_the_same_permit_is_the_same_person(town: Town) -> None:
    old = {"name": "何家杰", "id_type": "港澳居民来往内地通行证", "id_number": "H1234567801"}
    await town.load({**old, "enrolments": [enrolment(RESIDENT, PENSION)]})
    from services.domain.kinds import IdType

    renewed = Person(id_type=IdType.HK_MACAO_TRAVEL_PERMIT, id_number="H12345678", name="何家杰")
    assert await due_of(town, renewed) == [("2026",)]


@pytest.mark.parametrize(
    "who",
    [
        person("安然", "52010319850616000"),
        Person(id_type=ANNA.id_type, id_number=ANNA.id_number, name="安燃"),
    ],
    ids=["no such number", "another name"],
)
async def test_unknown_number_and_wrong_name_are_answered_alike(town: Town, who: Person) -> None:
    """Business 2.10: unknown number and wrong name are answered alike."""
    await town.load(resident())
    with pytest.raises(Refused) as refused:
        await town.client.find_enrolments(who)
    assert (refused.value.code, refused.value.facts) == ("not_registered", {})


async def test_the_dots_of_a_name_may_be_written_as_one_likes(town: Town) -> None:
    written = Person(id_type=ANNA.id_type, id_number=id_number("52010319850617000"), name="阿依古丽.买买提")
    await town.load(
        resident(Person(id_type=written.id_type, id_number=written.id_number, name="阿依古丽•买买提"))
    )
    assert await due_of(town, written) == []
