"""Which months of a year were meant: 到十月, 从六月开始, 三个月."""

import re

from actions.choices import whole_number
from actions.state import Task
from actions.turn import Turn

UNTIL = re.compile(r"到[^到]{1,8}月")
FROM = re.compile(r"月份?(?:开始|[交缴]?起|往后)")
CHANGED = re.compile(r"(?:改|换)(?:成|为)[^从]{0,6}月")
MONTH = len("2026-10")
COUNT = "months"
"""The fact that says how many months, where it is not known yet from which on."""
WHOLE = 12
_NUMBER = r"[0-9]+|[一二两三四五六七八九十]+"
MONTHS = re.compile(rf"({_NUMBER})个月|半年")
TO_PAY = re.compile(
    rf"(?:[交缴付要买办补先就]|养老|医保|医疗|保险|^)(?:了|够|满|上|个|它|起)*(?:(?P<n>{_NUMBER})个月|(?P<half>半年)|(?P<year>[一1]年))"
    r"(?!(?:的|级)?(?:多少|好多|几|以?[前后内])|级)"
)
"""交半年, 要一年的, 养老三个月."""
NAMES_YEAR = re.compile(r"[明次来后翻]年|\d\d年|20\d\d|[零一二三四五六七八九]{2}年")


def said(turn: Turn) -> str | None:
    """到十月, 改成十月: from the first unpaid month on. 从六月开始: to the end of the year."""
    value = turn.last("fee_period")
    if value is None or len(str(value)) != MONTH:
        return value
    if UNTIL.search(turn.text) or (CHANGED.search(turn.text) and not begins(turn)):
        return f"{str(value)[:4]}-01/{value}"
    return f"{value}/{str(value)[:4]}-12" if begins(turn) else str(value)


def count(turn: Turn) -> int | None:
    """三个月, 半年, 一年: how many months shall be paid; None where months are named, or it is asked."""
    match = TO_PAY.search(turn.text)
    if match is None or turn.last("fee_period") is not None:
        return None
    if match["half"] or match["year"]:
        return 6 if match["half"] else WHOLE
    return whole_number(match["n"])


def is_backwards(turn: Turn) -> bool:
    """从三月到一月: into the next year, which nobody has named."""
    first, _, last = str(turn.last("fee_period") or "").partition("/")
    return bool(last) and last[:4] > first[:4] and not NAMES_YEAR.search(turn.text)


def begins(turn: Turn) -> bool:
    """从六月开始: the month that was said is the first one, not the last."""
    return bool(FROM.search(turn.text)) and not UNTIL.search(turn.text)


def keep_end(task: Task) -> None:
    """At another agency other months may be unpaid: the end that was said stays."""
    period = str(task.facts.get("fee_period", ""))
    if period:
        task.facts["fee_period"] = f"{period[:4]}-01/{period[-MONTH:]}"
