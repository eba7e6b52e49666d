"""The functions of the official guide as rows: number, what it is for, and what is asked in which order."""

from collections.abc import Mapping
from dataclasses import dataclass

from actions import slots as ask
from actions.slots import Slot
from services.domain.kinds import Insurance, InsuredGroup


@dataclass(frozen=True)
class Flow:
    """One function that pays: ask → review → pay → result."""

    id: str
    asks: tuple[Slot, ...]
    insured_group: InsuredGroup | None = None
    insurance: Insurance | None = None

    @property
    def slots(self) -> dict[str, Slot]:
        return {slot.name: slot for slot in self.asks}


WHICH_INSURANCE = (ask.insured_group, ask.insurance)


def pay(number: str, group: InsuredGroup, insurance: Insurance, *asks: Slot) -> Flow:
    return Flow(number, (*WHICH_INSURANCE, *asks), group, insurance)


FLEXIBLE, RESIDENT = InsuredGroup.FLEXIBLE, InsuredGroup.RESIDENT
PENSION, MEDICAL = Insurance.PENSION, Insurance.MEDICAL

FLOWS = {
    flow.id: flow
    for flow in (
        pay(
            "P1", FLEXIBLE, PENSION, ask.agency, ask.payment_type, ask.arrears_item, ask.fee_period, ask.tier
        ),
        pay("P2", FLEXIBLE, MEDICAL, ask.agency, ask.payment_type, ask.arrears_item, ask.fee_period),
        pay("P4", RESIDENT, PENSION, ask.agency, ask.payment_type, ask.arrears_item, ask.fee_year, ask.tier),
        pay("P5", RESIDENT, MEDICAL, ask.agency, ask.fee_year),
    )
}

UNDECIDED = Flow("P", WHICH_INSURANCE)
"""Paying before it is known which insurance: the first two questions only."""


def find_flow(facts: Mapping[str, object]) -> Flow:
    """The row that fits the facts."""
    for flow in FLOWS.values():
        if (flow.insured_group, flow.insurance) == (facts.get("insured_group"), facts.get("insurance")):
            return flow
    return UNDECIDED
