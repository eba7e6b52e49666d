"""The question with its possible answers, and what one should know before choosing: what each costs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from actions import cards, returning, windows
from actions.cards import Message
from actions.say import known, say
from actions.slots import Case, Option, months_in
from actions.spoken import LOWEST, PERCENTS, PLAIN, numbers, read_number
from actions.state import Task
from actions.talk import Talk
from actions.turn import Turn
from services.domain.errors import Refused
from services.domain.kinds import Insurance, InsuredGroup
from services.domain.rates import find_rates
from services.ports import Tier

FEW = 6
"""So many answers are read aloud; of more the first and the last."""
_TIER = r"[0-9]{2,4}|[一二两三四五六七八九][百佰](?:五十?)?|[一二两三][千仟](?:五[百佰]?)?|[六七八九]十"
STANDS_ALONE = re.compile(
    rf"(?:[，,、 ](?!20[1-4]\d)|(?=(?:{_TIER})[元圆块]))({_TIER})(?:[元圆]|块钱?)?(?=[的吧哈嘛。.!！]*(?:[，,、 ]|$))"
)
"""交居民养老，三百. 到年底 60. 交六佰圆的"""
ASKS_ANEW = frozenset({"go_back", "change_answer"})
"""After these what was answered by the tier is asked."""
ASKS = re.compile(r"吗|多少|好多|[?？]")


def tier_said(turn: Turn, facts: Mapping[str, Any]) -> str | None:
    """A tier that is named by its number alone: 三百块的, or a bare number after the sentence or within it."""
    if facts.get("insurance") != Insurance.PENSION or turn.last("tier") is not None or ASKS.search(turn.text):
        return None
    resident = facts.get("insured_group") == InsuredGroup.RESIDENT
    amount = turn.last("amount")
    if amount is not None:
        return str(amount).removesuffix(".00") if resident else None
    named = [read_number(n.translate(PLAIN)) for n in STANDS_ALONE.findall(turn.words)]
    return _usable(facts, [n for n in reversed(named) if n])


def tier_within(turn: Turn, facts: Mapping[str, Any]) -> str | None:
    """A tier that is named by its number anywhere in the sentence: 我也交六百的 一起."""
    if facts.get("insurance") != Insurance.PENSION or turn.last("tier") is not None or ASKS.search(turn.text):
        return None
    return _usable(facts, numbers(turn.text.translate(PLAIN)))


def told_by_tier(turn: Turn, name: str, facts: Mapping[str, Any], today: date) -> str | None:
    """Which insurance, or group, is meant by the tier that was said: 两千 is a residents' pension, 六成 one of flexible
    employment. What is a price of the residents' medical insurance as well, tells nothing."""
    tier = str(facts.get("tier", ""))
    resident, pension = tier.isdigit(), facts.get("insurance") == Insurance.PENSION
    if (
        not tier
        or turn.intent in ASKS_ANEW
        or (resident and "档" not in turn.text and not pension and _is_price(tier, today))
    ):
        return None
    group = InsuredGroup.RESIDENT if resident else InsuredGroup.FLEXIBLE
    if name == "insured_group":
        return group.value if resident or tier.endswith("%") else None
    fits = facts.get("insured_group") == group or not (resident or tier.endswith("%"))
    return Insurance.PENSION.value if name == "insurance" and fits else None


def _is_price(amount: str, today: date) -> bool:
    """Whether a year of the residents' medical insurance costs just that."""
    rates = [find_rates(year) for year in (today.year, today.year + 1)]
    medical = [one.resident_medical for one in rates if one and one.resident_medical]
    prices = [price for m in medical for price in (m.personal.value, m.personal.value + m.subsidy.value)]
    return Decimal(amount) in prices


def _usable(facts: Mapping[str, Any], named: Sequence[int]) -> str | None:
    """The first of the numbers that may be a tier of this insurance."""
    resident = facts.get("insured_group") == InsuredGroup.RESIDENT
    usable = [n for n in named if (n >= LOWEST if resident else n in PERCENTS)]
    if not usable or "insured_group" not in facts:
        return None
    return str(usable[0]) if resident else f"{usable[0]}%"


def tier_at_end(turn: Turn, facts: Mapping[str, Any]) -> str | None:
    """算了 还是今年1000: the number with which the sentence ends, if it can be a tier of that pension."""
    if facts.get("insurance") != Insurance.PENSION or turn.last("tier") is not None:
        return None
    resident = facts.get("insured_group") == InsuredGroup.RESIDENT
    said = [n for n in numbers(turn.text, at_the_end=True) if (n >= LOWEST if resident else n in PERCENTS)]
    return (str(said[0]) if resident else f"{said[0]}%") if said else None


def tier_named(text: str, options: Sequence[Option], *, at_the_end: bool = False) -> str | None:
    """The offered tier that was named last: 不是三 我说三百."""
    offered = {int(option.value.rstrip("%")): option.value for option in options}
    return next((offered[n] for n in numbers(text, at_the_end=at_the_end) if n in offered), None)


def lowest(options: Sequence[Option]) -> str:
    return min((option.value for option in options), key=lambda value: int(value.rstrip("%")))


async def question(
    talk: Talk, task: Task, name: str, case: Case, options: Sequence[Option], *, again: bool = False
) -> Message:
    """Ask for `name`: a sentence that is enough by itself, and a card in the same order."""
    tiers = [option.tier for option in options if option.tier]
    if name == "tier" and tiers:
        if again:
            return cards.choice(say("ask.tier_again", tiers=tiers, last=tiers[0].last), "tier", options)
        return _tier(talk, task, case, options, tiers)
    if name == "fee_year":
        options = await _with_prices(case, options)
    listed = options if len(options) <= FEW else [options[0], options[-1]]
    helped = again and known(f"ask.{name}_again")
    sentence = say(
        f"ask.{name}_again" if helped else f"ask.{name}",
        titles=[_title(option) for option in listed] if name == "fee_year" else [o.title for o in listed],
        many=len(options) > len(listed),
        what=returning.describe(task),
    )
    return cards.choice(sentence, name, options)


def _title(option: Option) -> str:
    return f"{option.title}，{option.note}" if option.note else option.title


def _tier(talk: Talk, task: Task, case: Case, options: Sequence[Option], tiers: Sequence[Tier]) -> Message:
    """The last choice with its cost, what else there is, and until when."""
    last = tiers[0] if tiers[0].last else None
    others = tiers[1:] if last else tiers
    months = len(months_in(case, str(case.facts.get("fee_period", ""))))
    sentence = say(
        f"ask.tier.{case.facts['insured_group']}",
        last=last,
        tiers=others or tiers,
        step=_step(others),
        months=months,
        for_other=case.for_other,
    )
    window = tiers[0].window
    what = case.facts["insured_group"], case.facts["insurance"]
    until = windows.note(talk, task, window, *what, for_other=case.for_other)
    basis = say("button.basis")
    buttons = [(basis, basis)] if window and window.basis else []
    return cards.choice("\n".join(part for part in (until, sentence) if part), "tier", options, *buttons)


def _step(tiers: Sequence[Tier]) -> int | None:
    """The distance between two tiers in percent, where it is the same between all but a gap that one of them left."""
    if any("%" not in tier.tier for tier in tiers):
        return None
    percents = [int(tier.tier.rstrip("%")) for tier in tiers]
    steps = [b - a for a, b in pairwise(percents)]
    uneven = [step for step in steps if step != min(steps)]
    return min(steps) if steps and len(uneven) <= 1 else None


async def _with_prices(case: Case, options: Sequence[Option]) -> Sequence[Option]:
    """Two years of residents' medical insurance: what each costs, and from when it helps (business 2.4). What it costs
    somebody else tells of his marks: of the earlier year it is told what is known of it in public."""
    resident = case.facts["insured_group"] == InsuredGroup.RESIDENT
    if not resident or case.facts["insurance"] != Insurance.MEDICAL:
        return options
    if case.for_other:
        late = options[:-1]
        return [
            replace(option, note=say("option.late_year") if option in late else None) for option in options
        ]
    found = []
    for option in options:
        asked = replace(case, facts={**case.facts, "fee_year": option.value})
        try:
            quote = await case.services.declarations.quote(case.person_id, asked.dues)
        except Refused:
            found.append(option)
        else:
            found.append(replace(option, note=say("option.year_cost", quote=quote)))
    return found
