"""Which months of a year were meant: 到十月, 从六月开始, 三个月."""

import re

from actions.state import Task
from actions.turn import Turn

UNTIL = re.compile(r"到[^到]{1,8}月")
FROM = re.compile(r"月份?(?:开始|[交缴]?起|往后)")
CHANGED = re.compile(r"(?:改|换)(?:成|为)[^从]{0,6}月")
MONTH = len("2026-10")


def said(turn: Turn) -> str | None:
    """到十月, 改成十月: from the first unpaid month on. 从六月开始: to the end of the year."""
    value = turn.last("fee_period")
    if value is None or len(str(value)) != MONTH:
        return value
    if UNTIL.search(turn.text) or (CHANGED.search(turn.text) and not begins(turn)):
        return f"{str(value)[:4]}-01/{value}"
    return f"{value}/{str(value)[:4]}-12" if begins(turn) else str(value)


def begins(turn: Turn) -> bool:
    """从六月开始: the month that was said is the first one, not the last."""
    return bool(FROM.search(turn.text)) and not UNTIL.search(turn.text)


def keep_end(task: Task) -> None:
    """At another agency other months may be unpaid: the end that was said stays."""
    period = str(task.facts.get("fee_period", ""))
    if period:
        task.facts["fee_period"] = f"{period[:4]}-01/{period[-MONTH:]}"
