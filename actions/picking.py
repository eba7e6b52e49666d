"""What is said of a list of tax tickets: which of them, all, another page, their total, the last papers again."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from actions import query_words, ticket_figures
from actions.choices import choose, plain, whole_number
from actions.query_words import asks_count, asks_total, page_asked
from actions.slots import Option
from actions.state import Task
from actions.talk import Talk
from actions.ticket_times import ALWAYS, FILTERS, REISSUE
from actions.tickets import ANY, BUT, COUNTED, EVERY, FIRST, GIVEN, GONE, INSURED, TICKET
from actions.turn import Turn

ALL = re.compile(r"都(要|开|打|给我)|全(部|都|要|开)|所有|一起开|每(张|个|笔)")
HERE = re.compile(r"这一?页|这几|这[二两三四五2-5]个")
EXCEPT = re.compile(r"除[了开]?|以外|之外|不要|不开")
REST_OF = re.compile(r"都|全|其[他它余]|别的|剩下")
REST = re.compile(r"(?:接着|继续)开|剩下|剩的|其余|余下")
NEXT = re.compile(r"下一?页|[后下][面头]|更多|还有(吗|没有|哪些)|接着看|往后")
PREVIOUS = re.compile(r"上一?页|前一?页|往前")
WHOLE = re.compile(r"(?:我?要|看|查|开)?(?:全部|所有)的?(?:税收)?完税证明")
"""All of them: no longer what the list was narrowed to."""
LINK_TROUBLE = re.compile(
    r"(?:下载|打|点|看)不[了开到成]|(?:链接|文件|下载).{0,4}(?:过期|失效|失败|没用|坏了|没了|不行)|^(?:已经)?(?:过期|失效)了"
)
ONCE_MORE = re.compile(
    r"(?:请|麻烦|你|给我|帮我|[都全]部?|那?[这几两二三四五六]+[张份]|的)*(?:再|重新)(?:给我|帮我)?(?:开|发|来|打|给|下载)(?:给?我)?(?:一)?[次遍份下]|(?:我要)?下载(?:一下)?"
)
AGAIN = re.compile(r"补|重|再|丢|掉了|不见")
NEVER = re.compile(r"没有?(?:首次)?(?:开|打|出)过")
"""Of tickets: those that no paper was issued of."""
LAST_PAGE = 9999
ISSUES = re.compile(
    r"(?:请|那|就|快|帮我|给我|再|我要|麻烦你?)*(?:[开打出要来拿取给补]|开具|打印)(?:给?我)?(?:一?[张份个下]|出来|它|[这那]一?[张份个])*"
)
"""开, 再给我一张: enough where there is one to choose from."""
PLACE = re.compile(r"第(?P<n>[0-9]{1,2}|[一二三四五六七八九十]{1,3})[个条]|(?P<last>最后一?[个条])")
SPAN = re.compile(
    r"(?<=[0-9一二两三四五六七八九十个条])(?:到|至|[-~～—]+)(?=第?[0-9一二两三四五六七八九十]|最后|倒数)"
)
"""Between the first and the last of several that are side by side."""
COUNTER = re.compile(r"(?<=[0-9一二三四五六七八九十两])[张份笔]")


def kind_said(text: str) -> str:
    """Of a sentence that names no paper, after one of these was issued."""
    return REISSUE if AGAIN.search(text) else ANY


def recall(talk: Talk) -> dict[str, Any]:
    """The facts of the list that was shown last: after one of it was issued, another may be meant."""
    return {name: value for name, value in talk.state.listed.items() if name not in {"handles", GIVEN, GONE}}


def given_again(talk: Talk) -> Task | None:
    """Of the papers that were handed out last: the same with a new link (链接过期了, 再开一次), or the total of payment
    records."""
    task, listed = talk.state.task, talk.state.listed
    if talk.state.login or talk.state.question or GIVEN not in listed:
        return None
    if talk.state.done.get("kind") != "certificate" or (task and task.asked != TICKET):
        return None
    text = plain(talk.turn.text)
    asks = asks_total(talk.turn) or asks_count(talk.turn)
    total = task is None and asks and "handles" not in listed
    if not (total or LINK_TROUBLE.search(text) or ONCE_MORE.fullmatch(text)):
        return None
    about = {name: listed[name] for name in ("certificate_kind", "beneficiary", INSURED) if name in listed}
    if INSURED in listed:
        about["beneficiary"] = "other"
    return Task(kind="certificate", facts=about | listed[GIVEN] | ({COUNTED: GIVEN} if total else {}))


def every_year(talk: Talk) -> bool:
    """都要, 全部开, after the voucher of one year was handed out."""
    listed, text = talk.state.listed, talk.turn.text
    of_vouchers = GIVEN in listed and "handles" not in listed
    bare = not talk.turn.values and len(plain(text)) <= len("全部都给我开出来")
    return of_vouchers and bare and bool(ALL.search(text)) and talk.turn.intent not in {"cancel", "deny"}


def pick(talk: Talk, task: Task) -> bool:
    """Put into the task which tickets of the list are meant, that the next page is, or their total. False: none
    of it was."""
    listed = talk.state.listed
    handles = [str(handle) for handle in listed.get("handles", ())]
    kind = listed.get("certificate_kind")
    if not handles or talk.turn.intent in {"cancel", "deny", "restart", "help"}:
        return False
    if talk.turn.last("query_kind") is not None:  # 查我全部的缴费记录
        return False
    text = COUNTER.sub("个", talk.turn.text)
    counted = ticket_figures.state_asked(talk.turn)
    if not counted and _is_other(talk.turn, kind):
        return kind == FIRST and _pick_again(talk, task, text, handles)
    if (page := _page(talk, task, text)) is not None:
        task.put("page", page)
        task.forget(TICKET)
    elif WHOLE.fullmatch(plain(text)) and task.facts.keys() & set(FILTERS):
        for name in (*FILTERS, "page", TICKET):
            task.forget(name)
        task.put("fee_period", ALWAYS)
    elif counted:
        task.put(COUNTED, counted)
    elif asks_total(talk.turn) or asks_count(talk.turn):
        task.put(COUNTED, GIVEN if task.asked != TICKET and GIVEN in listed else EVERY)
    elif picked := _picked(talk, task, text, handles):
        task.put(TICKET, ",".join(picked))
        task.forget("issue")
    else:
        nowhere = talk.turn.values.keys() == {"ordinal"}
        return nowhere or bool(EXCEPT.search(text) and ALL.search(text))  # the list is shown again
    return True


def _is_other(turn: Turn, kind: str | None) -> bool:
    """Whether another kind of paper is asked for than that of the list."""
    return turn.last("certificate_kind") not in {None, kind} or (kind == FIRST and "补" in turn.text)


def _pick_again(talk: Talk, task: Task, text: str, handles: Sequence[str]) -> bool:
    """前两个再补开, of a list of first issues: of those that were handed out a moment ago."""
    picked = _by_place(talk, text, handles) if AGAIN.search(text) and "ordinal" in talk.turn.values else []
    if picked:
        task.put("certificate_kind", REISSUE)
        task.put(TICKET, ",".join(picked))
        task.forget("issue")
    return bool(picked)


def _page(talk: Talk, task: Task, text: str) -> str | None:
    """The page that is wanted; one before the first or behind the last will be that one."""
    if talk.turn.last(TICKET) is not None:
        return None
    now = int(task.facts.get("page", 1))
    asked = str(talk.turn.last("page") or page_asked(talk.turn) or "")
    if asked == query_words.LAST:
        return str(LAST_PAGE)
    if asked.isdigit():
        return asked
    names_some = "ordinal" in talk.turn.values  # 后面两张
    move = 0 if names_some else 1 if NEXT.search(text) else -1 if PREVIOUS.search(text) else 0
    return str(max(now + move, 1)) if move or asked == query_words.SAME else None


def _picked(talk: Talk, task: Task, text: str, handles: Sequence[str]) -> Sequence[str]:
    """Handles of the open page, or that all of the list are meant."""
    tapped = talk.turn.last(TICKET) == EVERY
    if EXCEPT.search(text):
        but = _by_words(text, handles)
        task.put(BUT, ",".join(but))
        return [EVERY] if but and REST_OF.search(text) else []
    if "ordinal" in talk.turn.values and (found := _by_place(talk, text, handles)):
        return found  # 第一张和第三张都要
    if tapped or ALL.search(text) or REST.search(text):
        if not (tapped or REST.search(text)):
            task.forget(BUT)
        if any(talk.turn.last(name) is not None for name in FILTERS):
            return []  # 医保的都要 narrows the list first
        return handles if HERE.search(text) else [EVERY]
    found = _by_place(talk, text, handles)
    agrees = talk.turn.intent == "affirm" or (not talk.turn.values and ISSUES.fullmatch(plain(text)))
    alone = task.asked == TICKET and agrees and len(handles) == 1
    return handles if alone and not found else found


def _by_words(text: str, handles: Sequence[str]) -> list[str]:
    """第一个, 最后一个, where they are what is left out."""
    places = [len(handles) if one["last"] else whole_number(one["n"]) for one in PLACE.finditer(text)]
    return [handles[place - 1] for place in places if 1 <= place <= len(handles)]


def _by_place(talk: Talk, text: str, handles: Sequence[str]) -> list[str]:
    """第二个, 2, 第一个和第三个, 第一个到第三个."""
    places = [int(place) for place in talk.turn.values.get("ordinal", ())]
    places = [place + len(handles) + 1 if place < 0 else place for place in places]
    if len(places) == 2 and SPAN.search(text):
        places = list(range(min(places), max(places) + 1))
    found = [handles[place - 1] for place in places if 1 <= place <= len(handles)]
    if found or talk.turn.values.keys() - {"amount"}:
        return list(dict.fromkeys(found))
    options = [Option(value=handle, title=handle) for handle in handles]
    one = choose(replace(talk.turn, text=text), TICKET, options)
    return [one] if one else []
