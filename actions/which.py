"""Which of several bills is meant by insurance, year or amount: 医保先不要, 二五年的, 一万零四百七十二那笔."""

import re
from collections.abc import Sequence
from decimal import Decimal

from actions.spoken import read_number
from actions.state import Task
from actions.turn import Turn
from services.domain.kinds import Insurance

DIGITS = {char: str(n) for n, char in enumerate("零一二三四五六七八九")} | {"〇": "0"}
YEAR = re.compile(
    r"(?<![\d零〇一二三四五六七八九十])(?:20|二零|二〇)?([0-9]{2}|[零〇一二三四五六七八九]{2})年"
)
AMOUNT = re.compile(
    r"(?<![\d.])([0-9]{3,}(?:\.[0-9]+)?|[一二两三四五六七八九][零一二两三四五六七八九十百千万]+)(?!年|月|号)"
)
INSURANCES = {"医": Insurance.MEDICAL, "养老": Insurance.PENSION}
ASKS = re.compile(r"吗|嘛|怎|什么|啥|会不会|能不能|可不可以|多少|影响|[?？]")


def by_what(turn: Turn, members: Sequence[Task]) -> list[Task]:
    """Those that have the insurance, the year and the amount that are named; nobody where all have, or nothing is."""
    said = [
        {str(insurance) for word, insurance in INSURANCES.items() if word in turn.text},
        {"20" + "".join(DIGITS.get(char, char) for char in found) for found in YEAR.findall(turn.words)},
    ]
    meant = [
        one
        for one in members
        if any(said) and all(not wanted or wanted & has for wanted, has in zip(said, _what(one), strict=True))
    ]
    meant = meant if any(said) else by_amount(turn, members)
    return meant if len(meant) < len(members) else []


def by_amount(turn: Turn, members: Sequence[Task]) -> list[Task]:
    """Those whose amount is named, in whole yuan."""
    named = {read_number(found.split(".")[0]) for found in AMOUNT.findall(turn.words)}
    return [one for one in members if one.facts.get("total") and int(Decimal(one.facts["total"])) in named]


def _what(one: Task) -> tuple[set[str], set[str]]:
    return {str(one.facts.get("insurance"))}, set(re.findall(r"20\d\d", str(one.facts.get("about", ""))))
