"""Every rule that touches paying has a test that bears its number."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

TESTS = Path(__file__).parents[1]
RULES: dict[str, dict[str, str]] = yaml.safe_load(Path(__file__).with_name("rules.yml").read_text("utf-8"))
NAMED = [(page, str(number)) for page, rules in RULES.items() for number in rules]
PAGE = re.compile(
    r"\b(business|rates) ((?:(?:R[0-9]|[0-9]+(?:\.[0-9]+)?(?: \([0-9]+\))?)(?:, )?)+)", re.IGNORECASE
)
NUMBER = re.compile(r"R[0-9]|[0-9]+(?:\.[0-9]+)?(?: \([0-9]+\))?")


def numbers(docstring: str) -> set[tuple[str, str]]:
    """`Business R2, 2.3, rates 1.3: …` before the colon."""
    head = docstring.partition(":")[0]
    return {
        (match[1].lower(), number) for match in PAGE.finditer(head) for number in NUMBER.findall(match[2])
    }


def find_tested() -> dict[tuple[str, str], list[str]]:
    found = defaultdict(list)
    for file in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                for rule in numbers(ast.get_docstring(node) or ""):
                    found[rule].append(f"{file.relative_to(TESTS)}::{node.name}")
    return found


TESTED = find_tested()


@pytest.mark.parametrize("rule", NAMED, ids=" ".join)
def test_a_rule_has_a_test(rule: tuple[str, str]) -> None:
    assert TESTED.get(rule)


def test_a_test_names_a_rule_that_there_is() -> None:
    unknown = {rule: tests for rule, tests in TESTED.items() if rule not in NAMED}
    assert not unknown


@pytest.mark.parametrize(
    "docstring, found",
    [
        ("Business R2, 2.3, rates 1.3: x 4.4", {("business", "R2"), ("business", "2.3"), ("rates", "1.3")}),
        ("Business 8 (11): x", {("business", "8 (11)")}),
        ("Nothing of the kind: business 2.1", set()),
    ],
)
def test_how_a_number_is_read(docstring: str, found: set[tuple[str, str]]) -> None:
    assert numbers(docstring) == found
