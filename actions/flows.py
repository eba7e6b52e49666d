"""The functions of the official guide as rows: number, what it is for, and what is asked in which order."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from actions import slots as ask
from actions.slots import Slot
from services.domain.kinds import Insurance, InsuredGroup


@dataclass(frozen=True)
class Flow:
    """One function that pays: ask → review → pay → result.

    A row without insurance is for somebody else; `then` are the rows one of which it goes on as.
    """

    id: str
    asks: tuple[Slot, ...]
    insured_group: InsuredGroup | None = None
    insurance: Insurance | None = None
    then: tuple[str, ...] = ()

    @property
    def slots(self) -> dict[str, Slot]:
        return {slot.name: slot for slot in self.asks}


WHICH_INSURANCE = (ask.insured_group, ask.insurance)
WHO_IS_INSURED = (ask.insured_person, ask.id_type, ask.id_number, ask.person_name)


def pay(number: str, group: InsuredGroup, insurance: Insurance, *asks: Slot) -> Flow:
    return Flow(number, (*WHICH_INSURANCE, *asks), group, insurance)


def pay_for_other(number: str, group: InsuredGroup, *then: str) -> Flow:
    return Flow(number, (*WHICH_INSURANCE, *WHO_IS_INSURED), group, then=then)


FLEXIBLE, RESIDENT = InsuredGroup.FLEXIBLE, InsuredGroup.RESIDENT
PENSION, MEDICAL = Insurance.PENSION, Insurance.MEDICAL

FLOWS = {
    flow.id: flow
    for flow in (
        pay(
            "P1", FLEXIBLE, PENSION, ask.agency, ask.payment_type, ask.arrears_item, ask.fee_period, ask.tier
        ),
        pay("P2", FLEXIBLE, MEDICAL, ask.agency, ask.payment_type, ask.arrears_item, ask.fee_period),
        pay_for_other("P3", FLEXIBLE, "P1", "P2"),
        pay("P4", RESIDENT, PENSION, ask.agency, ask.payment_type, ask.arrears_item, ask.fee_year, ask.tier),
        pay("P5", RESIDENT, MEDICAL, ask.agency, ask.fee_year),
        pay_for_other("P6", RESIDENT, "P4", "P5"),
    )
}

UNDECIDED = Flow("P", WHICH_INSURANCE)
"""Paying before it is known which insurance: the first two questions only."""


def find_flow(facts: Mapping[str, object]) -> Flow:
    """The row that fits the facts; for somebody else the row with the questions of the one it goes on as."""
    for flow in (flow for flow in FLOWS.values() if flow.insurance):
        if (flow.insured_group, flow.insurance) == (facts.get("insured_group"), facts.get("insurance")):
            return _for_other(flow) if facts.get("beneficiary") == ask.FOR_OTHER else flow
    return UNDECIDED


@cache
def _for_other(flow: Flow) -> Flow:
    row = next(row for row in FLOWS.values() if flow.id in row.then)
    return Flow(row.id, (*row.asks, *flow.asks[len(WHICH_INSURANCE) :]), flow.insured_group, flow.insurance)
