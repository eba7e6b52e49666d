"""Whom 她 means in papers and records: whose were shown last, or who was paid for last."""

import re
from typing import Any

from actions.query_words import OTHER
from actions.slots import ANOTHER, ID_NUMBER, INSURED, PERSON_NAME
from actions.talk import Talk

THEIRS = re.compile(r"(?<!其)[他她](?!们|人|乡)")
GIVES = re.compile(r"[给帮替开打查看](?:一?下|哈)?[他她](?!们|人)|[他她].{0,6}的")
ALSO = re.compile(r"也|还要|还有|再|另外|顺便|一起|一并")
OF_OTHERS = re.compile(r"我(?!要|想|还|也|再)|本人|自己|代[缴交]|[别他]人")
"""Somebody is named: oneself, my mother, whoever."""


def known(talk: Talk) -> dict[str, Any]:
    """The facts of that person; empty where this conversation knows nobody. What was done last counts first."""
    state = talk.state
    by_query = dict(state.looked_up)
    by_paper = {INSURED: state.listed[INSURED]} if INSURED in state.listed else {}
    paid_for = state.last.get(INSURED, ANOTHER)
    by_payment = {INSURED: paid_for} if paid_for != ANOTHER else {}
    last_first = {
        "query": (by_query, by_paper, by_payment),
        "certificate": (by_paper, by_query, by_payment),
    }.get(state.done.get("kind", ""), (by_payment, by_paper, by_query))
    only = {INSURED: next(iter(state.relatives))} if len(state.relatives) == 1 else {}
    return next((facts for facts in (_waits(talk), *last_first, only) if facts), {})


def _waits(talk: Talk) -> dict[str, Any]:
    """Who is to be paid for, while records are looked up in between."""
    waiting = talk.state.parked[0] if talk.state.parked else None
    if waiting is None or waiting.kind != "pay" or waiting.facts.get(INSURED) == ANOTHER:
        return {}
    return {name: waiting.facts[name] for name in (INSURED, ID_NUMBER, PERSON_NAME) if name in waiting.facts}


def is_meant(talk: Talk) -> bool:
    """给她开凭证, 她的完税证明; or, after a paper or records of hers, 完税证明也开一个."""
    text, last = talk.turn.text, talk.state.done.get("kind")
    of_hers = (last == "certificate" and INSURED in talk.state.listed) or (
        last == "query" and talk.state.shown.get("query_kind") == OTHER
    )
    also = of_hers and ALSO.search(text) and not OF_OTHERS.search(text)
    return bool(GIVES.search(text) or also)
