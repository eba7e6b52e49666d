"""What is said of the records that were shown last: another page, one of them, a chart, less, somebody else's."""

import re
from typing import Any

from actions import listing
from actions.query_facts import (
    EMPTY,
    FILTERS,
    PAYMENTS,
    PEOPLE,
    TIMES,
    kept,
    options_of,
    take_all,
    take_facts,
    widen,
)
from actions.query_words import (
    ALL,
    ANOTHER,
    CHART,
    LATEST,
    OTHER,
    PAYS,
    SAME,
    SETTLED,
    TOTAL,
    WITHIN,
    asks_all,
    asks_count,
    asks_declared,
    asks_how_much,
    asks_last_payment,
    asks_latest,
    asks_own,
    asks_settled,
    asks_times,
    asks_total,
    asks_which,
    asks_whole,
    extreme_asked,
    means_persons,
    page_asked,
    recent_years,
    state_said,
    view_asked,
)
from actions.same_person import THEIRS
from actions.slots import INSURED
from actions.state import LOOKUPS, Task
from actions.talk import Talk
from actions.turn import Turn
from services.domain.kinds import RecordKind

FOLLOWING = frozenset({"inform", "change_answer", "out_of_scope", "nlu_fallback", "repeat"})
"""Intents of sentences that may be about what was shown last, whoever's."""
ASKING = FOLLOWING | {"query_records", "faq", "chitchat", "affirm"}


def take_followup(talk: Talk) -> bool:
    """Another page, a record, a chart or a file of the list that was shown last, or the list narrowed down.

    True: the task is set up, and is to be gone on with.
    """
    state, turn = talk.state, talk.turn
    if state.task and _answers_open(turn, state.task):
        return True
    if asked := _asked_of_all(talk):
        start(talk, asked)
        take_all(_task(talk))
        return True
    if not state.shown or state.question:
        return False
    more = _tapped(turn) or (_said(talk) if _is_about_list(talk) else {})
    if more:
        open_page = state.shown.get("page", 1)
        start(talk, {**kept(state.shown), "page": open_page, "from_page": open_page, **more})
        if more.get("view") == CHART:
            widen(_task(talk))
        elif more.get("view") == TOTAL and any(turn.last(name) is not None for name in FILTERS):
            _task(talk).put(WITHIN, kept(state.shown))
            take_facts(talk, _task(talk))  # 医保的有几条: the list stays as it is
        return True
    of_another = state.task is None and _is_about_list(talk) and _is_of_another(talk)
    if of_another or (state.task is None and _is_about_list(talk) and _narrows(talk)):
        start(talk, kept(state.shown))
        if of_another:
            for name in (*PEOPLE, INSURED, "relation"):
                _task(talk).forget(name)
        take_facts(talk, _task(talk))
        return True
    return False


def _asked_of_all(talk: Talk) -> dict[str, Any]:
    """我一共付了好多钱, 我最近一次交钱是好久, 我报过几回, with no list that it could be about."""
    turn, paid = talk.turn, {"query_kind": RecordKind.PAID.value}
    hers = talk.state.shown.get("query_kind") == OTHER and turn.text.startswith("我")
    elsewhere = hers or EMPTY in talk.state.shown
    if talk.state.task or talk.state.question or (_is_about_list(talk) and not elsewhere):
        return {}
    if asks_last_payment(turn) and turn.intent in ASKING:
        return paid | {"place": LATEST}
    if asks_declared(turn) and asks_times(turn) and turn.intent in ASKING:
        return {"query_kind": RecordKind.DECLARATION.value}
    return paid | {"view": TOTAL} if asks_how_much(turn) else {}


def _answers_open(turn: Turn, task: Task) -> bool:
    """两种都看, 个人, 最近一次: an answer to what is asked, though it is none of those that were offered."""
    if _wants_all(turn, task):
        task.put(str(task.asked), ALL)
        return True
    if task.facts.get("query_kind") == RecordKind.DECLARATION and task.asked and means_persons(turn):
        task.put("insured_group", ALL)
        return True
    if task.kind != "query" or task.asked not in TIMES or not asks_latest(turn):
        return False
    take_all(task)
    task.put("place", LATEST)
    return True


def _wants_all(turn: Turn, task: Task) -> bool:
    """两种都看, where that is one of the answers that were offered."""
    offers_all = task.kind == "query" and task.asked and ALL in [option.value for option in options_of(task)]
    return bool(offers_all) and asks_all(turn)


def _is_of_another(talk: Talk) -> bool:
    """我妈的呢, 石大公的呢, 换一个人: the same of somebody else than those whose records were shown."""
    turn, is_other = talk.turn, talk.state.shown.get("query_kind") == OTHER
    if turn.intent not in FOLLOWING or PAYS.search(turn.text) or turn.last("query_kind"):
        return False
    named = turn.last("beneficiary") == "other" or any(turn.token(name) for name in PEOPLE)
    return named or (is_other and ANOTHER.search(turn.text) is not None and not turn.values)


def is_gone(talk: Talk) -> bool:
    """Whether a button of a list was tapped that is not kept any more."""
    return bool(_tapped(talk.turn)) and not talk.state.shown


def _tapped(turn: Turn) -> dict[str, Any]:
    names = {"record_id": "record", "query_page": "page", "query_view": "view"}
    return {fact: str(turn.last(name)) for name, fact in names.items() if turn.last(name) is not None}


def _said(talk: Talk) -> dict[str, Any]:
    of_record = talk.turn.intent != "pay_insurance" and re.search("[笔条]", talk.turn.text)  # 最多的是哪笔
    if (talk.state.task is None or of_record) and (asked := _figures_asked(talk) or _beside_asked(talk)):
        return asked
    if (page := page_asked(talk.turn)) is not None:
        return {"page": page}
    if talk.turn.intent == "go_back" and talk.state.task is None:
        return {"page": SAME}  # from one record to the list
    view = view_asked(talk.turn)
    if view is not None and talk.turn.intent != "pay_insurance" and _is_bare(talk):
        return {"view": view}
    if asks_total(talk.turn) and (_is_bare(talk) or talk.state.shown.get("query_kind") in PAYMENTS):
        return {"view": TOTAL}
    place = listing.place_asked(talk.turn) if talk.state.task is None else None
    return {"place": place} if place else {}


def _beside_asked(talk: Talk) -> dict[str, Any]:
    """下一条, 详情: of the one record that was shown."""
    if "seen" not in talk.state.shown:
        return {}
    if beside := listing.neighbour_asked(talk.turn):
        return {"place": beside}
    again = listing.place_asked(talk.turn) == listing.WHICH and view_asked(talk.turn) is None
    return {"record": talk.state.shown["seen"]["record"]} if again else {}


def _figures_asked(talk: Talk) -> dict[str, Any]:
    """How many there are, which is the most, whether it is paid: answered in a sentence."""
    turn, kind, seen = talk.turn, talk.state.shown.get("query_kind"), talk.state.shown.get("seen")
    if asks_settled(turn) and (kind == RecordKind.DECLARATION or seen) and kind != RecordKind.TIER_CHOICE:
        return {"view": SETTLED} | ({"record": seen["record"]} if seen else {})
    if extreme := extreme_asked(turn, tiers=kind == RecordKind.TIER_CHOICE):
        most, of_years = extreme
        return {"view": CHART, "extreme": most} if of_years else {"place": most}
    if kind == RecordKind.TIER_CHOICE and asks_all(turn):
        return {"validity": ALL, "page": 1}  # 都看哈
    state = state_said(turn, str(kind))
    if not (asks_count(turn) or (state and asks_which(turn))):
        return {}
    every = {"validity": ALL} if state and kind == RecordKind.TIER_CHOICE else {}
    return {"view": TOTAL} | every | ({"of": state} if state else {}) if state or _is_bare(talk) else {}


def _is_about_list(talk: Talk) -> bool:
    """Whether the list is what was shown last; a payment that was interrupted by it may be open again."""
    task = talk.state.task
    return talk.state.done.get("kind") == "query" and (task is None or task.kind == "pay")


def _is_bare(talk: Talk) -> bool:
    """Whether nothing is said of which records: then those that were shown are meant."""
    said = any(talk.turn.last(name) for name in (*FILTERS, "query_kind", "beneficiary"))
    return not said or talk.turn.last("query_kind") in {None, talk.state.shown.get("query_kind")}


def _narrows(talk: Talk) -> bool:
    turn = talk.turn
    records = not re.search("凭证|证明", turn.text)
    own = asks_own(turn) and records and talk.state.shown.get("query_kind") == OTHER
    if own and turn.last("query_kind") is None:
        return True
    if turn.intent not in {"inform", "query_records", "change_answer"} or turn.last("payment_type"):
        return False
    if turn.last("query_kind") not in {None, talk.state.shown.get("query_kind")}:
        return False
    theirs = THEIRS.search(turn.text) and talk.state.shown.get("query_kind") != OTHER
    if turn.last("beneficiary") == "other" or turn.last("tier") or theirs:
        return False
    about_time = any(turn.last(name) is not None for name in FILTERS) or recent_years(turn, talk.today)
    return own or bool(about_time) or (turn.intent != "query_records" and asks_whole(turn))


def start(talk: Talk, facts: dict[str, Any]) -> None:
    """A query in work; what was in work before waits, unless it is to be paid already."""
    old = talk.state.task
    if old and old.kind not in LOOKUPS and old.facts:
        talk.state.parked.insert(0, old)
    talk.state.task = Task(kind="query", facts=facts)


def _task(talk: Talk) -> Task:
    if talk.state.task is None:
        raise ValueError("no query is in work")
    return talk.state.task
