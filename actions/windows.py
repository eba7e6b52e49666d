"""Until when something can be paid and what comes after it: told once, with its source and date for who asks."""

import re
from dataclasses import asdict
from datetime import date

from pydantic import TypeAdapter

from actions.say import say
from actions.state import Task
from actions.talk import Talk
from services.domain.kinds import Insurance
from services.domain.windows import Afterwards, Basis, Window

ENDS, OPENS = "ends", "opens"
ASKS_BASIS = re.compile(
    r"依据|出处|凭什么|(?:哪里|哪儿|哪个|哪条|谁|什么|啥)(?:文件|政策|部门|地方)?(?:规定|定的?|说的?|公布)|(?:政策|文件|规定|公告)(?:在|是)?(?:哪|什么|啥)"
)
_BASIS = TypeAdapter(tuple[Basis, ...])


def note(
    talk: Talk, task: Task, window: Window | None, insured_group: str, insurance: str, *, for_other: bool
) -> str:
    """The sentence of a window, once for a task; nothing when there is none, or when it would tell of somebody else
    whether he is insured on better terms than most."""
    if window is None:
        return ""
    hidden = for_other and insurance == Insurance.MEDICAL
    _remember(talk, window, insured_group, insurance, for_other=for_other, hidden=hidden)
    key = f"{insured_group}/{insurance}/{window.year}/{window.ends}"
    if hidden or task.told_window == key:
        return ""
    task.told_window = key
    return _sentence(window, insured_group)


def _sentence(window: Window, insured_group: str) -> str:
    """可以缴到哪天，过后怎么样。"""
    key = f"window.{window.afterwards}"
    if window.afterwards is Afterwards.AGENCY:
        key = f"{key}.{insured_group}"
    mark = say(f"window.mark.{window.standing}")
    return say(key, window=window) + (f"（{mark}）" if mark else "") + "。"


def _remember(
    talk: Talk, window: Window, insured_group: str, insurance: str, *, for_other: bool, hidden: bool
) -> None:
    """What has been talked about: 到期前提醒我 and 依据是什么 are about it."""
    basis = () if hidden else window.basis
    talk.state.window = {
        "insured_group": str(insured_group),
        "insurance": str(insurance),
        "year": window.year,
        "kind": ENDS,
        "on": window.ends.isoformat(),
        "other": for_other,
        "basis": _BASIS.dump_python(basis, mode="json"),
    }


def remember_opening(
    talk: Talk, insured_group: str, insurance: str, year: int, opens_on: date | None
) -> None:
    """A window that is not open; `opens_on` as far as it is known."""
    talk.state.window = {
        "insured_group": insured_group,
        "insurance": insurance,
        "year": year,
        "kind": OPENS,
        "on": opens_on.isoformat() if opens_on else None,
        "other": False,
        "basis": [],
    }


def source(basis: tuple[Basis, ...]) -> str:
    """Where it is written and of which day; nothing where nothing is known."""
    if not basis:
        return ""
    told: dict[str, list[str]] = {}
    for one in basis:
        words = say(f"window.basis.{one.standing}", **asdict(one))
        if words not in told.setdefault(one.about, []):
            told[one.about].append(words)
    if len({tuple(words) for words in told.values()}) == 1:
        return say("window.about.all", sources=next(iter(told.values())))
    return "；".join(say(f"window.about.{about}", sources=sources) for about, sources in told.items())


def answer_basis(talk: Talk) -> bool:
    """依据是什么: answered from the window that was just told of; False when it is about something else."""
    window = talk.state.window
    if not window or not window.get("basis") or not ASKS_BASIS.search(talk.turn.text):
        return False
    if any(talk.turn.last(name) for name in ("tier", "ordinal")):
        return False
    talk.tell("window.source", source=source(_BASIS.validate_python(window["basis"])))
    return True
