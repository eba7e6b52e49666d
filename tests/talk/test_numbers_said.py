"""What is read as a tier or an amount: what was said, and nothing of what stands for somebody's number."""

import pytest

from actions import choosing, family, which
from actions.state import Task
from actions.turn import Turn

DIGITS = "⟦id_number:600A1500B300⟧"


def said(text: str) -> Turn:
    return Turn(conversation_id="rest:a", intent="inform", text=text, values={})


@pytest.mark.parametrize(
    ("text", "numbers"), [("六百那档", [600]), (f"我爸{DIGITS}也交", []), (f"{DIGITS}，一千", [1000])]
)
def test_a_token_is_no_number(text: str, numbers: list[int]) -> None:
    assert choosing.numbers(text) == numbers


def test_a_token_is_no_tier_of_anybody() -> None:
    assert family.tiers_of_each(f"我妈交三百，我爸交六百，{DIGITS}") == {"妈妈": "300", "爸爸": "600"}


def test_a_token_is_no_amount_of_a_bill() -> None:
    bills = [Task(kind="pay", facts={"total": "600.00"}), Task(kind="pay", facts={"total": "400.00"})]
    assert which.by_amount(said(f"{DIGITS}不要"), bills) == []
    assert which.by_amount(said("600那笔不要"), bills) == bills[:1]
