"""Which reason is one (`business-rules` 4), the states of a case, and its number."""

import re
from datetime import date
from itertools import product

import pytest

from services.domain.kinds import Insurance, InsuredGroup, PaymentType
from services.domain.refunds import (
    CASE_EDGES,
    UNDER_WAY,
    CaseState,
    IllegalCaseMove,
    Reason,
    case_number,
    check_case_move,
    judge,
)
from services.ports import Dues

TODAY, NEXT_YEAR = date(2026, 11, 23), date(2027, 1, 1)


def dues(group: str, insurance: str) -> Dues:
    resident = group == "resident"
    return Dues(
        insured_group=InsuredGroup.RESIDENT if resident else InsuredGroup.FLEXIBLE,
        insurance=Insurance(insurance), payment_type=PaymentType.NORMAL, agency="520103",
        fee_year=2027 if resident else None, fee_period=None if resident else "2026-11",
    )  # fmt: skip


MEDICAL, PENSION = ("resident", "medical"), ("resident", "pension")
OWN_MEDICAL, OWN_PENSION = ("flexible", "medical"), ("flexible", "pension")


@pytest.mark.parametrize("what", [MEDICAL, PENSION, OWN_MEDICAL, OWN_PENSION])
@pytest.mark.parametrize("reason", [Reason.WRONG_PERSON, Reason.PAID_TWICE])
@pytest.mark.parametrize("today", [TODAY, NEXT_YEAR])
def test_a_mistake_may_always_be_applied_for(what: tuple[str, str], reason: Reason, today: date) -> None:
    assert judge(dues(*what), reason, booked=True, today=today).ok


@pytest.mark.parametrize(
    "what, reason, code",
    [
        (MEDICAL, Reason.WRONG_AMOUNT, ""),
        (MEDICAL, Reason.INSURED_ELSEWHERE, ""),
        (MEDICAL, Reason.DECEASED, ""),
        (MEDICAL, Reason.OTHER, "not_refundable"),
        (OWN_PENSION, Reason.OTHER, "not_refundable"),
        (OWN_PENSION, Reason.WRONG_AMOUNT, "not_refundable"),
        (OWN_PENSION, Reason.INSURED_ELSEWHERE, ""),
        (OWN_PENSION, Reason.DECEASED, "ask_agency"),
        (PENSION, Reason.WRONG_AMOUNT, "ask_agency"),
        (PENSION, Reason.INSURED_ELSEWHERE, "ask_agency"),
        (PENSION, Reason.OTHER, "not_refundable"),
        (OWN_MEDICAL, Reason.WRONG_AMOUNT, ""),
        (OWN_MEDICAL, Reason.OTHER, "not_refundable"),
    ],
)
def test_what_is_booked(what: tuple[str, str], reason: Reason, code: str) -> None:
    verdict = judge(dues(*what), reason, booked=True, today=TODAY)
    assert (verdict.route, verdict.code) == ("office", code)


@pytest.mark.parametrize("what, reason", list(product([MEDICAL, PENSION, OWN_MEDICAL, OWN_PENSION], Reason)))
def test_what_is_not_booked_can_be_given_up(what: tuple[str, str], reason: Reason) -> None:
    verdict = judge(dues(*what), reason, booked=False, today=TODAY)
    assert (verdict.route, verdict.code) == ("gateway", "")


@pytest.mark.parametrize("booked", [True, False])
@pytest.mark.parametrize("reason", [Reason.OTHER, Reason.DECEASED, Reason.INSURED_ELSEWHERE])
def test_residents_medical_insurance_ends_on_new_year(booked: bool, reason: Reason) -> None:
    assert judge(dues(*MEDICAL), reason, booked=booked, today=NEXT_YEAR).code == "benefit_began"
    assert judge(dues(*MEDICAL), Reason.WRONG_AMOUNT, booked=booked, today=NEXT_YEAR).ok


@pytest.mark.parametrize("booked", [True, False])
def test_the_benefit_of_who_waits_starts_later(booked: bool) -> None:
    waits = date(2027, 5, 1)
    early = judge(dues(*MEDICAL), Reason.DECEASED, booked=booked, today=NEXT_YEAR, benefit_from=waits)
    late = judge(dues(*MEDICAL), Reason.DECEASED, booked=booked, today=waits, benefit_from=waits)
    assert (early.code, late.code) == ("", "benefit_began")


def test_only_edges_are_moves_and_every_state_can_be_reached() -> None:
    reached = {CaseState.REQUESTED}
    while more := {new for old, new in CASE_EDGES if old in reached} - reached:
        reached |= more
    assert reached == set(CaseState)
    for old, new in product(CaseState, CaseState):
        if (old, new) not in CASE_EDGES:
            with pytest.raises(IllegalCaseMove):
                check_case_move(old, new)
    assert not [edge for edge in CASE_EDGES if edge[0] not in UNDER_WAY]


def test_a_number_can_be_read_aloud() -> None:
    numbers = {case_number() for _ in range(100)}
    assert len(numbers) == 100
    assert all(re.fullmatch(r"TF\d{10}", number) for number in numbers)
