"""What was done, or talked about, before: 今年的也交, 还有一年, 重新交, 交一个月 go on from it."""

import re
from typing import Any

from actions import faq, periods
from actions.choices import plain
from actions.slots import FOR_OTHER, INSURED
from actions.state import PERSON, Task
from actions.talk import Talk
from services.domain.kinds import InsuredGroup, PaymentType

SAME = ("insured_group", "insurance")
TIMES = ("fee_year", "fee_period")
OTHER_WISH = (*SAME, "beneficiary", "payment_type", "certificate_kind", "query_kind")
MORE = re.compile(
    r"还有|另外|剩下?|下一[年项笔]|(?:重新|从新|重|再|接着|接到)[来去]?[交缴付]|(?:两|二|2|俩)个?年(?:度)?的?(?:都|全|一起|一并)"
    r"|也(?:一起|一路|想|要|得|给我|帮我|来)*[交缴补付]"
)
"""What goes on from something."""
NEXT_ITEM = re.compile(r"(?:还有|另外)(?:的|那|一)*[年项笔]|剩下?|下一[年项笔]")
"""After arrears: the next item that was assessed."""
CHOSEN = ("fee_year", "fee_period", "tier")
AS_I_CHOSE = re.compile(
    r"(?:就|也|都)*(?:跟|和|同|照|按|与)(?:到|着)?我(?:自己|本人)?(?:的|选的|[交缴]的)*(?:一样|一个样|相同|那一?[档个])?(?:的|嘛|吧|就行|就是)*"
)
ALSO = re.compile(r"也|还要|还有|同样|一样|接着|另外")
PAYS = re.compile(r"[交缴补付办]")
ARREARS = "arrears"
"""The mark in `Dialogue.about` that it was told where arrears are applied for."""


def goes_on(talk: Talk) -> bool:
    """Whether the turn says more of what was done or talked about before, and nothing else."""
    turn = talk.turn
    if talk.state.task is not None and talk.state.task.kind == "pay" and talk.state.task.order_no is None:
        return False
    if any(turn.last(name) is not None for name in OTHER_WISH) or "insurance" not in basis(talk):
        return False
    said = any(turn.last(name) is not None for name in TIMES) or periods.count(turn) is not None
    return said or MORE.search(turn.text) is not None


def basis(talk: Talk) -> dict[str, str]:
    """What was talked about since, else what was paid, or tried to be, last."""
    about = {name: talk.state.about[name] for name in SAME if talk.state.about.get(name)}
    last = talk.state.last
    return about or {name: last[name] for name in (*SAME, *PERSON) if name in last}


def same(talk: Talk) -> dict[str, Any]:
    """The facts that a payment begins with that goes on from what was before; the next item after arrears."""
    facts: dict[str, Any] = basis(talk)
    if facts.get("beneficiary") == FOR_OTHER and INSURED not in facts:
        return {}
    arrears = talk.state.last.get("payment_type") == PaymentType.ARREARS and not talk.state.about
    if arrears and NEXT_ITEM.search(talk.turn.text) and talk.turn.last("fee_year") is None:
        facts["payment_type"] = PaymentType.ARREARS.value
    return facts


def hint(talk: Talk, task: Task) -> None:
    """医保也是全年, after flexible employment: the same group, where several are possible."""
    group = basis(talk).get("insured_group")
    if group and "insured_group" not in task.facts and ALSO.search(talk.turn.text):
        task.likely["insured_group"] = group


def takes_mine(talk: Talk) -> bool:
    """跟我一样, of another: the year, the months and the tier that were chosen for oneself."""
    task = talk.state.task
    if task is None or task.kind != "pay" or task.facts.get("beneficiary") != FOR_OTHER:
        return False
    if not AS_I_CHOSE.fullmatch(plain(talk.turn.text)):
        return False
    settled = [one.facts for one in talk.state.basket if one.facts.get("beneficiary") != FOR_OTHER]
    mine = settled[-1] if settled else talk.state.last
    alike = all(mine.get(name) == task.facts.get(name) for name in SAME)
    found = {name: mine[name] for name in CHOSEN if name in mine and alike}
    if mine.get("beneficiary") == FOR_OTHER or not found:
        return False
    task.facts |= found
    talk.tell("others.noted")
    return True


def told_by_months(talk: Talk, facts: dict[str, Any]) -> str | None:
    """Only flexible employment is paid by months."""
    period, year = str(facts.get("fee_period", "")), talk.today.year
    whole = period == f"{year}-01/{year}-12"
    by_months = period.startswith(str(year)) and not whole
    months = facts.get(periods.COUNT)
    normal = facts.get("payment_type", PaymentType.NORMAL) == PaymentType.NORMAL
    if normal and (by_months or (months is not None and int(months) < periods.WHOLE)):
        return InsuredGroup.FLEXIBLE.value
    return None


def remember_topic(talk: Talk) -> None:
    """灵活就业养老一个月好多: what is said next may be about it."""
    topic = str(talk.turn.last("faq_topic") or "")
    named = {name: str(talk.turn.last(name)) for name in SAME if talk.turn.last(name) is not None}
    found = faq.insurance_of(topic) if faq.is_sure(talk.turn) else {}
    if len(named) == len(SAME) or found:
        talk.state.about = {**found, **named}
