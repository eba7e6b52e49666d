"""Every sentence has a use, and every use has a sentence."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from actions.say import _texts
from services.domain import errors

ROOT = Path(__file__).parents[2]
SOURCES = [*ROOT.glob("actions/*.py"), *ROOT.glob("bot/**/*.py")]
FROM_OUTSIDE = {"error", "id_problem", "cancel", "pay", "problem"}
"""Groups whose keys are also made from codes of the services: an error's code, an order's status."""
INTERNAL = re.compile(r"(?i)token|null|none|uuid|exception|intent|slot|id_number|rasa|{%-|undefined")


def said() -> Iterator[str]:
    """Patterns of the keys that the code looks up."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 60:
                yield re.escape(node.value)
            elif isinstance(node, ast.JoinedStr):
                yield "".join(
                    re.escape(str(part.value)) if isinstance(part, ast.Constant) else r"[\w.]+"
                    for part in node.values
                )


def test_every_sentence_is_used() -> None:
    pattern = re.compile("|".join(f"(?:{one})" for one in set(said())))
    unused = [key for key in _texts() if not pattern.fullmatch(key)]
    assert unused == []


def test_every_key_in_the_code_has_a_sentence() -> None:
    groups = {key.split(".")[0] for key in _texts() if "." in key}
    looked_up = set()
    for path in ROOT.glob("actions/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in {
                "say",
                "tell",
            }:
                looked_up |= {
                    a.value for a in node.args[:1] if isinstance(a, ast.Constant) and isinstance(a.value, str)
                }
    assert looked_up
    assert [key for key in looked_up if key not in _texts()] == []
    assert groups


@pytest.mark.parametrize(
    "family", [errors.Refused, errors.Unavailable, errors.OutcomeUnknown, errors.ServiceError]
)
def test_every_family_of_errors_has_a_sentence(family: type[errors.ServiceError]) -> None:
    assert f"error.{family.code}" in _texts()


def test_sentences_speak_to_the_resident() -> None:
    """您, never 你; no internal word; no more than four sentences at once."""
    for key, sentence in _texts().items():
        bare = re.sub(r"{[{%].*?[%}]}", "", sentence)
        assert "你" not in bare, key
        assert not INTERNAL.search(bare), key
        assert len(re.findall("[。？！]", bare)) <= 5, key
