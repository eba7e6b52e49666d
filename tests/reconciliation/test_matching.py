"""Every difference is found and classed, and nothing else is (`reliability` R7)."""

import random
from dataclasses import replace
from decimal import Decimal

import pytest

from services.reconciliation.facts import Kind
from services.reconciliation.findings import id_of
from services.reconciliation.matching import match
from tests.reconciliation.days import HARMLESS, INJECTIONS, Books, make_day

DAYS = 1000


def found(books: Books) -> list[tuple[str, str, str, str]]:
    differences = match(books.facts())
    assert len({id_of(difference) for difference in differences}) == len(differences)
    return [(d.day.isoformat(), d.source, d.kind.value, d.number) for d in differences]


def test_on_a_thousand_days_all_differences_are_found_and_classed() -> None:
    seen: set[str] = set()
    for seed in range(DAYS):
        books = make_day(seed)
        assert sorted(found(books)) == sorted(books.expected), f"day {seed}"
        seen |= {kind for _, _, kind, _ in books.expected}
    assert seen == {kind.value for kind in Kind}


@pytest.mark.parametrize("injection", INJECTIONS, ids=lambda injection: injection.__name__)
def test_each_difference_by_itself(injection) -> None:  # type: ignore[no-untyped-def]
    for seed in range(20):
        books = Books(random.Random(seed))
        injection(books)
        assert sorted(found(books)) == sorted(books.expected)
        assert books.expected


@pytest.mark.parametrize("harmless", HARMLESS, ids=lambda step: step.__name__)
def test_what_agrees_is_no_finding(harmless) -> None:  # type: ignore[no-untyped-def]
    for seed in range(20):
        books = Books(random.Random(seed))
        harmless(books)
        assert found(books) == []


def test_a_difference_says_by_how_much() -> None:
    books = Books(random.Random(1))
    order = books.paid()
    line = books.bills[order.provider][0]
    books.bills[order.provider][0] = replace(
        line, total=line.total + Decimal("0.01"), received=line.received + Decimal("0.01")
    )
    [difference] = match(books.facts())
    assert difference.found is not None
    assert difference.expected is not None
    assert difference.found - difference.expected == Decimal("0.01")
    assert difference.order_no == order.order_no


def test_a_number_with_our_letters_that_we_do_not_have_is_told_from_a_foreign_one() -> None:
    notes = set()
    for prefix in ("GZ1", "GZ9", "TILL"):
        books = Books(random.Random(2))
        order = books.paid()
        line = books.bills[order.provider].pop()
        del books.orders[order.order_no]
        books.bills[order.provider].append(replace(line, order_no=f"{prefix}X"))
        [difference] = match(books.facts())
        assert difference.kind is Kind.LONG
        notes.add((prefix, difference.note))
    assert notes == {("GZ1", "order_lost"), ("GZ9", "order_lost"), ("TILL", "foreign_number")}
