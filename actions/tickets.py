"""Tax certificates by chat: which tickets there are, which of them is meant, the papers."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from actions import awaited, cards, login
from actions.choices import choose, plain
from actions.say import day as say_day
from actions.say import say
from actions.slots import Option
from actions.state import Task
from actions.talk import Talk
from services.certificates import TAX_CERTIFICATE, Holder, TaxTicket
from services.domain.errors import Refused
from services.domain.money import wire
from services.identity import BoundPerson

LEVEL = 3  # showing or fetching a certificate needs a fresh verification (`reliability` 4.1)
FIRST, REISSUE = awaited.FIRST, "tax_certificate_reissue"
ANY = "tax_certificate"
"""A bare 完税证明: the first one if there is one to issue, else a reissue."""
TIMES = ("date_range", "fee_period", "fee_year")
FILTERS = (*TIMES, "insured_group", "insurance")
INSURED = awaited.INSURED
TICKET = "ticket"
ALWAYS = "0000-01/9999-12"
PAGE = 5
ALL = re.compile(r"都(要|开|打|给我)|全(部|都|要|开)|所有|一起开|每(张|个|笔)")
NEXT = re.compile(r"下一?页|[后下][面头]|更多|还有(吗|没有|哪些)|接着看|往后")
PREVIOUS = re.compile(r"上一?页|前一?页|往前")
WHOLE = re.compile(r"(?:我?要|看|查|开)?(?:全部|所有)的?(?:税收)?完税证明")
"""All of them: no longer what the list was narrowed to."""
LINK_TROUBLE = re.compile(
    r"(?:下载|打|点|看)不[了开到成]|(?:链接|文件|下载).{0,4}(?:过期|失效|失败|没用|坏了|没了|不行)|^(?:已经)?(?:过期|失效)了"
)
ONCE_MORE = re.compile(
    r"(?:请|麻烦|你|给我|帮我)*(?:再|重新)(?:给我|帮我)?(?:开|发|来|打|给|下载)(?:给?我)?(?:一)?[次遍份下]|(?:我要)?下载(?:一下)?"
)
GIVEN = "given"
"""In what was listed: which papers were handed out last."""
AGAIN = re.compile(r"补|重|再|丢|掉了|不见")
COUNTER = re.compile(r"(?<=[0-9一二三四五六七八九十两])[张份笔]")


def is_tax(task: Task) -> bool:
    return str(task.facts.get("certificate_kind", "")).startswith(ANY)


# --- what is meant ------------------------------------------------------------------------------------


def kind_said(text: str) -> str:
    """Of a sentence that names no paper, after one of these was issued."""
    return REISSUE if AGAIN.search(text) else ANY


def recall(talk: Talk) -> dict[str, Any]:
    """The facts of the list that was shown last: after one of it was issued, another may be meant."""
    return {name: value for name, value in talk.state.listed.items() if name not in {"handles", GIVEN}}


def given_again(talk: Talk) -> Task | None:
    """链接过期了, 再开一次: the papers that were handed out last, the same with a new link."""
    task, listed = talk.state.task, talk.state.listed
    if talk.state.login or talk.state.question or GIVEN not in listed:
        return None
    if talk.state.done.get("kind") != "certificate" or (task and task.asked != TICKET):
        return None
    text = plain(talk.turn.text)
    if not LINK_TROUBLE.search(text) and not ONCE_MORE.fullmatch(text):
        return None
    about = {name: listed[name] for name in ("certificate_kind", "beneficiary", INSURED) if name in listed}
    if INSURED in listed:
        about["beneficiary"] = "other"
    return Task(kind="certificate", facts=about | listed[GIVEN])


def pick(talk: Talk, task: Task) -> bool:
    """Put into the task which tickets of the list are meant, or that the next page is. False: none was."""
    handles = [str(handle) for handle in talk.state.listed.get("handles", ())]
    if not handles or talk.turn.intent in {"cancel", "deny", "restart", "help"}:
        return False
    text = COUNTER.sub("个", talk.turn.text)
    move = 1 if NEXT.search(text) else -1 if PREVIOUS.search(text) else 0
    if move and not talk.turn.last(TICKET):
        task.put("page", str(max(int(task.facts.get("page", 1)) + move, 1)))
        task.forget(TICKET)
        return True
    if WHOLE.fullmatch(plain(text)) and task.facts.keys() & set(FILTERS):
        for name in (*FILTERS, "page", TICKET):
            task.forget(name)
        task.put("fee_period", ALWAYS)
        return True
    picked = handles if ALL.search(text) else _by_place(talk, text, handles)
    if not picked and task.asked == TICKET and talk.turn.intent == "affirm" and len(handles) == 1:
        picked = handles
    if not picked:
        return False
    task.put(TICKET, ",".join(picked))
    task.forget("issue")
    return True


def _by_place(talk: Talk, text: str, handles: Sequence[str]) -> list[str]:
    """第二个, 2, 第一个和第三个."""
    places = [int(place) for place in talk.turn.values.get("ordinal", ())]
    places = [place + len(handles) + 1 if place < 0 else place for place in places]
    found = [handles[place - 1] for place in places if 1 <= place <= len(handles)]
    if found or talk.turn.values.keys() - {"amount"}:
        return list(dict.fromkeys(found))
    options = [Option(value=handle, title=handle) for handle in handles]
    one = choose(replace(talk.turn, text=text), TICKET, options)
    return [one] if one else []


# --- what is said -------------------------------------------------------------------------------------


async def go_on(talk: Talk, task: Task, bound: BoundPerson, holder: Holder) -> None:
    if not await login.step_up(talk, bound, LEVEL):
        return
    found = await talk.services.certificates.list_tickets(holder)
    if TICKET in task.facts:
        await _issue(talk, task, holder, found)
        return
    who = await whose(talk, holder)
    task.put("certificate_kind", _kind(task, found))
    kind = task.facts["certificate_kind"]
    wanted = [ticket for ticket in found if (ticket.first_issued_on is None) == (kind == FIRST)]
    if not wanted and kind == FIRST:
        wanted = [ticket for ticket in found if ticket.issued_here]
    if not any(name in task.facts for name in TIMES):
        years = sorted({_year(ticket, kind, holder) for ticket in wanted}, reverse=True)
        if len(years) > 1:
            ask_year(talk, task, "ask.issue_year" if _by_issue(kind, holder) else "ask.ticket_year", years)
            return
    wanted = [ticket for ticket in wanted if _fits(ticket, task)]
    if wanted:
        _list(talk, task, holder, wanted, who)
    else:
        await _nothing(talk, task, holder, found)


def _kind(task: Task, found: Sequence[TaxTicket]) -> str:
    """What a bare 完税证明 means."""
    said = str(task.facts["certificate_kind"])
    if said != ANY:
        return said
    fitting = [ticket for ticket in found if _fits(ticket, task)] or found
    return REISSUE if fitting and all(ticket.first_issued_on for ticket in fitting) else FIRST


async def whose(talk: Talk, holder: Holder) -> str:
    """The masked name of somebody else; nothing for oneself."""
    return await talk.services.insured.masked_name(holder.person_id) if holder.payer_id else ""


def _list(talk: Talk, task: Task, holder: Holder, found: Sequence[TaxTicket], who: str) -> None:
    kind = task.facts["certificate_kind"]
    pages = (len(found) + PAGE - 1) // PAGE
    page = min(max(int(task.facts.get("page", 1)), 1), pages)
    shown = found[(page - 1) * PAGE : page * PAGE]
    task.asked = TICKET
    task.put("page", str(page))
    about = {INSURED: holder.person_id} if holder.payer_id else {}
    kept = {
        name: task.facts[name]
        for name in ("certificate_kind", "page", "beneficiary", *FILTERS)
        if name in task.facts
    }
    given = {GIVEN: talk.state.listed[GIVEN]} if GIVEN in talk.state.listed else {}
    talk.state.listed = kept | about | given | {"handles": [ticket.handle for ticket in shown]}
    lines = [say("paper.line", place=place, **_words(ticket)) for place, ticket in enumerate(shown, start=1)]
    again = kind == FIRST and found[0].first_issued_on is not None
    key = "paper.list_again" if again else f"paper.list.{kind}"
    content = {
        "kind": "records",
        "certificate_kind": kind,
        "items": [_item(ticket, kind, holder) for ticket in shown],
        "next": _payload(kind, holder, page=page + 1) if page < pages else None,
    }
    sentence = say(
        key,
        who=who,
        count=len(found),
        lines=lines,
        more=len(found) - page * PAGE,
        one=len(shown) == 1,
    )
    talk.add(cards.card(sentence, content))


def _item(ticket: TaxTicket, kind: str, holder: Holder) -> dict[str, Any]:
    words = _words(ticket)
    names = ["item", "period", "amount", "booked_on"]
    names += ["first_issued_on"] if ticket.first_issued_on else []
    issue = 0 if kind == FIRST else ticket.next_issue
    return {
        "id": ticket.handle,
        "title": ticket.number,
        "lines": [{"label": say(f"paper.label.{name}"), "value": words[name]} for name in names],
        "action": {
            "title": say("button.issue"),
            "payload": _payload(kind, holder, ticket=ticket.handle, issue=issue),
        },
    }


def _payload(kind: str, holder: Holder, **more: object) -> str:
    values = {"certificate_kind": kind, **more} | ({INSURED: "last"} if holder.payer_id else {})
    inside = ", ".join(f'"{name}": "{value}"' for name, value in values.items())
    return f"/get_certificate{{{inside}}}"


def _words(ticket: TaxTicket) -> dict[str, str]:
    return {
        "item": say(f"insurance.{ticket.insured_group}.{ticket.insurance}"),
        "period": _period(ticket),
        "amount": wire(ticket.amount),
        "booked_on": ticket.booked_on.isoformat(),
        "booked_day": f"{ticket.booked_on.year}年{say_day(ticket.booked_on)}",
        "first_issued_on": ticket.first_issued_on.isoformat() if ticket.first_issued_on else "",
    }


def _period(ticket: TaxTicket) -> str:
    first, last = ticket.first_day, ticket.last_day
    whole = (first.month, first.day, last.month, last.day) == (1, 1, 12, 31) and first.year == last.year
    return f"{first.year}年" if whole else say("line.value.period", period=f"{first:%Y-%m}/{last:%Y-%m}")


async def _issue(talk: Talk, task: Task, holder: Holder, found: Sequence[TaxTicket]) -> None:
    """The papers of what was picked. The list stays in mind, so that another one of it may be meant next."""
    by_handle = {ticket.handle: ticket for ticket in found}
    handles = [handle for handle in str(task.facts[TICKET]).split(",") if handle in by_handle]
    kind, said = task.facts["certificate_kind"], str(task.facts.get("issue", "")).split(",")
    talk.state.finish()
    if not handles:
        raise Refused("unknown_ticket")
    often, who = False, await whose(talk, holder)
    issues = []
    for place, handle in enumerate(handles):
        ticket = by_handle[handle]
        number = said[min(place, len(said) - 1)]
        issue = int(number) if number else (0 if kind == FIRST else ticket.next_issue)
        issues.append(str(issue))
        paper = await talk.services.certificates.issue_tax_certificate(
            holder, conversation_id=talk.conversation_id, handle=handle, issue=issue
        )
        often = often or paper.often
        key = "paper.reissued" if paper.issue else "paper.issued"
        talk.add(
            cards.document(say(key, who=who, title=paper.title, count=paper.issue, **_words(ticket)), paper)
        )
    talk.state.listed[GIVEN] = {TICKET: ",".join(handles), "issue": ",".join(issues)}
    if often:
        talk.tell("paper.often", (say("button.human"), "/request_human"))


# --- nothing to list ----------------------------------------------------------------------------------


async def _nothing(talk: Talk, task: Task, holder: Holder, found: Sequence[TaxTicket]) -> None:
    """Not booked yet, all issued before, none issued yet, or nothing at all: which, is told."""
    kind = task.facts["certificate_kind"]
    fitting = [ticket for ticket in found if _fits(ticket, task)]
    if fitting and kind == FIRST:
        payload = _payload(REISSUE, holder, **_said(task))
        talk.tell("paper.all_issued", (say("button.reissue"), payload))
    elif fitting:
        talk.tell("paper.none_issued", (say("button.first_issue"), _payload(FIRST, holder, **_said(task))))
    else:
        pending = await talk.services.certificates.pending(holder)
        near = [not_yet for year, not_yet in pending.items() if _covers(task, year)]
        if near:
            awaited.tell_not_yet(talk, holder, TAX_CERTIFICATE, near[0])
        elif found:
            said, title = years_said(task), say(f"paper.title.{FIRST}")
            for name in FILTERS:
                task.forget(name)
            years = sorted({ticket.first_day.year for ticket in found}, reverse=True)
            ask_year(talk, task, "paper.other_years", years, title=title, said=said)
            return
        else:
            talk.tell("paper.no_tickets_for_other" if holder.payer_id else "paper.no_tickets")
    talk.state.finish()


def ask_year(talk: Talk, task: Task, key: str, years: Sequence[int], **facts: object) -> None:
    """`task.single` keeps what was offered."""
    task.asked, task.single = "fee_year", [str(year) for year in years]
    options = [Option(value=str(year), title=say("option.record_year", year=year)) for year in years]
    sentence = say(key, titles=[option.title for option in options], **facts)
    talk.add(cards.choice(sentence, "fee_year", options))


# --- time ---------------------------------------------------------------------------------------------


def _by_issue(kind: str, holder: Holder) -> bool:
    """One's own reissues are found by the day of issue, those of another by the fee period (the guide)."""
    return kind == REISSUE and holder.payer_id is None


def _year(ticket: TaxTicket, kind: str, holder: Holder) -> int:
    if _by_issue(kind, holder) and ticket.last_issued_on:
        return ticket.last_issued_on.year
    return ticket.first_day.year


def _fits(ticket: TaxTicket, task: Task) -> bool:
    """Is the ticket of the time and the insurance that were said? A day of issuing counts for a range of days;
    a period or a year may be that of the fees, and of a reissue also that of the issue."""
    of_ticket = {"insured_group": ticket.insured_group, "insurance": ticket.insurance}
    if any(task.facts.get(name, value) != value for name, value in of_ticket.items()):
        return False
    facts, issued = task.facts, [day for day in (ticket.first_issued_on, ticket.last_issued_on) if day]
    if "date_range" in facts:
        first, last = _days(str(facts["date_range"]))
        days = issued or [ticket.booked_on]
        return any(first <= day <= last for day in days)
    if "fee_period" in facts:
        start, _, end = str(facts["fee_period"]).partition("/")
        months = f"{ticket.first_day:%Y-%m}", f"{ticket.last_day:%Y-%m}"
        return months[0] <= (end or start) and months[1] >= start
    if "fee_year" in facts:
        years = years_said(task)
        by_issue = facts.get("certificate_kind") == REISSUE and any(day.year in years for day in issued)
        return by_issue or any(ticket.first_day.year <= year <= ticket.last_day.year for year in years)
    return True


def _covers(task: Task, year: int) -> bool:
    """Whether the year is of the time that was said."""
    if "fee_year" in task.facts:
        return year in years_said(task)
    said = task.facts.get("fee_period")
    return said in (None, ALWAYS) or str(said)[:4] == str(year)


def years_said(task: Task) -> list[int]:
    """The fee years that were said: one, or several with commas between."""
    return [int(year[:4]) for year in str(task.facts.get("fee_year", "")).split(",") if year]


def _days(said: str) -> tuple[date, date]:
    first, _, last = said.partition("/")
    return date.fromisoformat(first), date.fromisoformat(last or first)


def _said(task: Task) -> dict[str, str]:
    return {name: str(task.facts[name]) for name in FILTERS if name in task.facts}
