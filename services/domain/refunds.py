"""Refunds that somebody asks for: the states of a case, the reasons, and which reason is one (`business-rules` 4).

A case goes one of two ways. What the bureau has not booked goes back through the gateway (`Route.GATEWAY`); what
it has booked is a matter for the tax office (`Route.OFFICE`, `reliability` R5), after two members of staff agreed.
"""

import secrets
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.domain.kinds import Insurance, InsuredGroup
from services.ports import Dues

CASE_PREFIX = "TF"
FIRST_NUMBER, NUMBERS = 7_200_000_000, 800_000_000


class CaseState(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    SENT = "sent"
    DONE = "done"
    STUCK = "stuck"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


S = CaseState
UNDER_WAY = frozenset({S.REQUESTED, S.APPROVED, S.SENT, S.STUCK})
"""There is one such case per payment at most; asking again finds it."""

CASE_EDGES: dict[tuple[CaseState, CaseState], str] = {
    (S.REQUESTED, S.APPROVED): "two members of staff agreed; or it is not booked, then nobody has to",
    (S.REQUESTED, S.REJECTED): "a member of staff said no",
    (S.REQUESTED, S.WITHDRAWN): "the resident took it back",
    (S.APPROVED, S.REQUESTED): "it was booked meanwhile: now the staff decide",
    (
        S.APPROVED,
        S.REJECTED,
    ): "it was booked meanwhile and is no case for the office, or the office refuses it",
    (S.APPROVED, S.SENT): "the gateway pays back, or the office has the application",
    (S.SENT, S.DONE): "the money is back",
    (S.SENT, S.STUCK): "the gateway refuses",
    (S.SENT, S.REJECTED): "the agency did not confirm",
    (S.STUCK, S.DONE): "the money went back after all",
}


class IllegalCaseMove(Exception):
    """A move that is not in `CASE_EDGES`."""


def check_case_move(old: CaseState, new: CaseState) -> None:
    if (old, new) not in CASE_EDGES:
        raise IllegalCaseMove(f"{old} -> {new}")


class Route(StrEnum):
    GATEWAY = "gateway"
    OFFICE = "office"


class Reason(StrEnum):
    WRONG_PERSON = "wrong_person"
    PAID_TWICE = "paid_twice"
    WRONG_AMOUNT = "wrong_amount"
    INSURED_ELSEWHERE = "insured_elsewhere"
    DECEASED = "deceased"
    OTHER = "other"


ALWAYS = frozenset({Reason.WRONG_PERSON, Reason.PAID_TWICE})
BEFORE_BENEFIT = frozenset({Reason.INSURED_ELSEWHERE, Reason.DECEASED})
"""Of residents' medical insurance: only before the benefit of that bill starts."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`code` says why not: `benefit_began`, `not_refundable`, `ask_agency`."""

    route: Route
    code: str = ""

    @property
    def ok(self) -> bool:
        return not self.code


def judge(
    dues: Dues, reason: Reason, *, booked: bool, today: date, benefit_from: date | None = None
) -> Verdict:
    """Whether this reason is one for this payment today, and which way the money would go. `benefit_from` is the
    bureau's word on the bill; where it has said nothing the benefit starts with the year that is paid for."""
    route = Route.OFFICE if booked else Route.GATEWAY
    if reason in ALWAYS:
        return Verdict(route=route)
    if (dues.insured_group, dues.insurance) == (InsuredGroup.RESIDENT, Insurance.MEDICAL):
        began = today >= (benefit_from or date(dues.fee_year or today.year, 1, 1))
        return Verdict(route=route, code=_of_resident_medical(reason, booked=booked, began=began))
    return Verdict(route=route, code=_of_the_others(dues, reason) if booked else "")


def _of_resident_medical(reason: Reason, *, booked: bool, began: bool) -> str:
    if reason is Reason.WRONG_AMOUNT:
        return ""
    if began:
        return "benefit_began"
    return "" if reason in BEFORE_BENEFIT or not booked else "not_refundable"


def _of_the_others(dues: Dues, reason: Reason) -> str:
    """Booked pensions, and medical insurance of flexible employment."""
    resident = dues.insured_group is InsuredGroup.RESIDENT
    if reason is Reason.DECEASED:
        return "ask_agency"
    if reason is Reason.INSURED_ELSEWHERE:
        return "ask_agency" if resident else ""
    if reason is Reason.WRONG_AMOUNT:
        return ("ask_agency" if resident else "not_refundable") if dues.insurance is Insurance.PENSION else ""
    return "not_refundable"


def case_number() -> str:
    """`TF` and ten digits, easy to read aloud. Random as every number of ours, and from a range in which neither
    a telephone number nor an ID number begins: what a resident says of it is no personal data."""
    return f"{CASE_PREFIX}{FIRST_NUMBER + secrets.randbelow(NUMBERS)}"
