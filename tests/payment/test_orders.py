"""The table of states, the units of a bill, and the journal."""

from dataclasses import replace
from decimal import Decimal
from itertools import product

import pytest

from services.domain.orders import (
    CAPTURED,
    EDGES,
    OPEN,
    IllegalMove,
    OrderState,
    bill_units,
    bill_year,
    check_move,
)
from services.payment.model import Bill, digest, dump_quote, load_quote
from services.ports import Quote
from services.store.orders import Fen
from tests.payment.peers import RESIDENT_MEDICAL, pension


def test_every_state_is_open_or_closed_or_captured_and_can_be_reached() -> None:
    assert {*OPEN, *CAPTURED, OrderState.CLOSED} == set(OrderState)
    reached = {OrderState.NEW}
    while more := {new for old, new in EDGES if old in reached} - reached:
        reached |= more
    assert reached == set(OrderState)


def test_money_that_was_taken_never_becomes_unpaid() -> None:
    assert not [edge for edge in EDGES if edge[0] in CAPTURED and edge[1] not in CAPTURED]


def test_only_edges_are_moves() -> None:
    for old, new in product(OrderState, OrderState):
        if (old, new) in EDGES:
            check_move(old, new)
        else:
            with pytest.raises(IllegalMove):
                check_move(old, new)


def test_the_outside_states_are_those_of_the_contract() -> None:
    assert {state.status for state in OrderState} == {"pending", "paid", "closed", "refunding", "refunded"}


def test_a_bill_is_counted_in_months_or_a_year() -> None:
    assert bill_units(pension("2026-11/2027-02")) == ("2026-11", "2026-12", "2027-01", "2027-02")
    assert bill_units(pension("2026-03")) == ("2026-03",)
    assert bill_units(RESIDENT_MEDICAL) == ("2027",)
    assert bill_year(pension("2026-11/2026-12"), None) == 2026
    assert bill_year(RESIDENT_MEDICAL, None) == 2027


def test_a_quote_survives_its_storage_and_its_version_is_not_its_figures() -> None:
    quote = Quote(dues=pension(), agency_name="云岩区", total=Decimal("878.94"), base=Decimal("4394.70"))
    assert load_quote(dump_quote(quote)) == quote
    bill = Bill(insured_id="p1", quote=quote)
    later = replace(bill, quote=replace(quote, version="2026b"))
    dearer = replace(bill, quote=replace(quote, base=Decimal("4394.71")))
    assert digest(bill) == digest(later)
    assert len({digest(bill), digest(replace(bill, insured_id="p2")), digest(dearer)}) == 3


def test_money_is_stored_in_whole_fen() -> None:
    assert Fen().process_bind_param(Decimal("878.94"), None) == 87894
    assert Fen().process_result_value(87894, None) == Decimal("878.94")
    with pytest.raises(ValueError):
        Fen().process_bind_param(Decimal("0.001"), None)
