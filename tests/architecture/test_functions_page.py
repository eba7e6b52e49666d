"""docs/functions.md says what the flow table says."""

import re
from pathlib import Path

from actions.flows import FLOWS

PAGE = (Path(__file__).parents[2] / "docs" / "functions.md").read_text(encoding="utf-8")


def test_every_function_of_the_table_is_on_the_page_with_its_questions_in_order() -> None:
    sections = dict(re.findall(r"^## ([A-Z]\d) [^\n]*\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
    for number, flow in FLOWS.items():
        asked = re.search(r"^asks: (.*)$", sections[number], re.MULTILINE)
        assert asked is not None
        assert re.findall(r"`(\w+)`", asked[1]) == [slot.name for slot in flow.asks]
