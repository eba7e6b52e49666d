"""Every named crash point of the code is killed at, by SIGKILL, in some test (`reliability` 6)."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.killed import KILLED_AT

ROOT = Path(__file__).parents[2]
CODE = ("services", "actions", "bot")


def find_points() -> Iterator[tuple[str, str]]:
    """Name and place of every `crashpoint(…)` in the code. A name is a plain string, so that it can be found."""
    for file in (path for folder in CODE for path in sorted((ROOT / folder).rglob("*.py"))):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "crashpoint":
                [name] = node.args
                place = f"{file.relative_to(ROOT)}:{node.lineno}"
                assert isinstance(name, ast.Constant), f"{place}: the name is not a plain string"
                yield str(name.value), place


POINTS = dict(find_points())


@pytest.fixture(scope="module")
def killed() -> set[str]:
    """The names that the tests kill at: all their modules are read, whichever of them run now."""
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        if "killed_at" in file.read_text() and file != Path(__file__):
            importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
    return KILLED_AT


@pytest.mark.parametrize("point", sorted(POINTS))
def test_the_point_is_killed_at(point: str, killed: set[str]) -> None:
    assert point in killed, f"no test kills a process at {point} ({POINTS[point]})"


def test_names_are_used_once_and_none_is_left_over(killed: set[str]) -> None:
    names = [name for name, _ in find_points()]
    assert len(names) == len(set(names))
    assert killed == set(names)
