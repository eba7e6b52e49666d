"""What a list of tickets comes to, in a sentence: how many and how much, and how many of them have been issued."""

import re
from collections.abc import Sequence
from decimal import Decimal

from actions.query_words import asks_count, asks_which
from actions.talk import Talk
from actions.turn import Turn
from services.certificates import TaxTicket

UNISSUED, ISSUED, LEFT = "unissued", "issued", "left"
"""Whose number is asked for: 没开的, 开过的, those of a list of reissues that were not handed out yet."""
_LEFT = re.compile(r"[没未][有得]?补|剩|余下")
_UNISSUED = re.compile(r"[没未][有得]?(?:首次)?[开打出领]")
_ISSUED = re.compile(r"[开打出补]过|已经?[开打]|[能可]以?补")


def state_asked(turn: Turn) -> str | None:
    """还有几张没开, 哪几张没开, 开过的有几张."""
    if not (asks_count(turn) or asks_which(turn)):
        return None
    patterns = ((LEFT, _LEFT), (UNISSUED, _UNISSUED), (ISSUED, _ISSUED))
    return next((state for state, pattern in patterns if pattern.search(turn.text)), None)


def tell_total(talk: Talk, counted: Sequence[TaxTicket], who: str, *, given: bool, again: bool) -> None:
    """一共多少钱: of a list (`again`: of reissues), or of the papers that were `given`."""
    total = sum((ticket.amount for ticket in counted), Decimal(0))
    key = "paper.total.given" if given else "paper.total.list"
    talk.tell(key, who=who, count=len(counted), total=total, again=again)


def tell_count(
    talk: Talk,
    state: str,
    fitting: Sequence[TaxTicket],
    done: Sequence[str],
    who: str,
    *,
    again: bool,
    is_list: bool,
) -> None:
    """How many of those that fit are of the `state`, on all pages; `done` were handed out before. `is_list`: no
    other question is open, so that the next step is told."""
    issued = [ticket for ticket in fitting if ticket.first_issued_on]
    if state == LEFT and not again:
        state = UNISSUED
    left = [ticket for ticket in issued if ticket.handle not in done]
    talk.tell(
        f"paper.count.{state}",
        who=who, issued=len(issued), unissued=len(fitting) - len(issued), left=len(left), again=again, is_list=is_list,
    )  # fmt: skip
