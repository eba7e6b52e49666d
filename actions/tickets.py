"""Tax certificates by chat: the tickets there are, as a list, and the papers of those that were picked."""

from collections.abc import Sequence
from typing import Any

from actions import awaited, cards, login, ticket_figures
from actions.say import day as say_day
from actions.say import insurance, say
from actions.slots import Option
from actions.state import Task
from actions.talk import Talk
from actions.ticket_times import (
    FILTERS,
    NUMBER,
    REISSUE,
    TIMES,
    by_issue,
    covers,
    fits,
    of_month,
    time_said,
    year_of,
    years_said,
)
from services.certificates import TAX_CERTIFICATE, Holder, TaxTicket
from services.domain.errors import Refused
from services.domain.money import wire
from services.identity import BoundPerson

LEVEL = 3  # showing or fetching a certificate needs a fresh verification (`reliability` 4.1)
FIRST = awaited.FIRST
ANY = "tax_certificate"
"""A bare 完税证明: the first one if there is one to issue, else a reissue."""
INSURED = awaited.INSURED
TICKET = "ticket"
PAGE = 5
BATCH = 6
"""Papers of one turn: more would keep everybody waiting, each being drawn and sealed."""
GIVEN, DONE = "given", "done"
"""In what was listed: which papers were handed out last, and the tickets of all that were."""
GONE = "gone"
"""In what was listed: the year of which there is no paper because all was refunded."""
EVERY = "all"
"""As a ticket: all of the list that were not handed out yet."""
BUT = "but"
"""Tickets of the list that are not wanted: 除了第一个都要."""
EVERY_YEAR = "every_year"
"""Whatever there is, without asking for the year."""
COUNTED = "counted"
"""Whose total is asked for, `EVERY` or `GIVEN`, or whose number (`ticket_figures`)."""


def is_tax(task: Task) -> bool:
    return str(task.facts.get("certificate_kind", "")).startswith(ANY)


# --- what is said -------------------------------------------------------------------------------------


async def go_on(talk: Talk, task: Task, bound: BoundPerson, holder: Holder) -> None:
    if not await login.step_up(talk, bound, LEVEL):
        return
    found = await talk.services.certificates.list_tickets(holder)
    if task.facts.get(TICKET, EVERY) != EVERY:
        await _issue(talk, task, holder, found)
        return
    if task.facts.get(COUNTED) == GIVEN:
        handed = str(talk.state.listed[GIVEN][TICKET]).split(",")
        given = [ticket for ticket in found if ticket.handle in handed]
        ticket_figures.tell_total(talk, given, await whose(talk, holder), given=True, again=False)
        talk.state.finish()
        return
    who = await whose(talk, holder)
    if task.facts.get(COUNTED, EVERY) != EVERY:
        _tell_count(talk, task, [ticket for ticket in found if fits(ticket, task)], who)
        if task.asked == TICKET:
            return
    task.put("certificate_kind", _kind(talk, task, found))
    kind = task.facts["certificate_kind"]
    wanted = [ticket for ticket in found if (ticket.first_issued_on is None) == (kind == FIRST)]
    if not wanted and kind == FIRST:
        wanted = [ticket for ticket in found if ticket.issued_here]
    if not any(name in task.facts for name in (*TIMES, EVERY_YEAR, NUMBER)):
        fitting = [ticket for ticket in wanted if fits(ticket, task)] or wanted
        years = {year_of(ticket, kind, holder) for ticket in fitting}
        if len(years) > 1:
            key = "ask.issue_year" if by_issue(kind, holder) else "ask.ticket_year"
            early = await talk.services.certificates.pending(holder) if kind == FIRST else {}
            ask_year(talk, task, key, sorted({*years, *early}, reverse=True))
            return
    wanted = _fitting(talk, task, wanted, found)
    if TICKET in task.facts and (wanted or DONE in task.facts):
        await _issue_every(talk, task, holder, wanted)
    elif not wanted:
        await _nothing(talk, task, holder, found)
    elif COUNTED in task.facts:
        task.forget(COUNTED)
        ticket_figures.tell_total(talk, wanted, who, given=False, again=kind == REISSUE)
    else:
        _list(talk, task, holder, wanted, who)
        await _tell_pending(talk, task, holder)


def _kind(talk: Talk, task: Task, found: Sequence[TaxTicket]) -> str:
    """What a bare 完税证明 means. What was issued a moment ago is not issued once more, but can be had again."""
    said = str(task.facts["certificate_kind"])
    if said != ANY:
        return said
    fitting = [ticket for ticket in found if fits(ticket, task)] or found
    if all(_was_handed(talk, ticket) for ticket in fitting):
        return FIRST
    return REISSUE if fitting and all(ticket.first_issued_on for ticket in fitting) else FIRST


def _fitting(
    talk: Talk, task: Task, wanted: Sequence[TaxTicket], found: Sequence[TaxTicket]
) -> list[TaxTicket]:
    """Those of the time that was said; where all of it was issued a moment ago, what was handed out."""
    fitting = of_month([ticket for ticket in wanted if fits(ticket, task)], task)
    if fitting or task.facts["certificate_kind"] != FIRST:
        return fitting
    return [ticket for ticket in found if _was_handed(talk, ticket) and fits(ticket, task)]


def _was_handed(talk: Talk, ticket: TaxTicket) -> bool:
    """Whether this conversation has it, so that it can be had again."""
    return ticket.issued_here and ticket.handle in talk.state.handed


async def whose(talk: Talk, holder: Holder) -> str:
    """The masked name of somebody else; nothing for oneself."""
    return await talk.services.insured.masked_name(holder.person_id) if holder.payer_id else ""


def _list(talk: Talk, task: Task, holder: Holder, found: Sequence[TaxTicket], who: str) -> None:
    kind = task.facts["certificate_kind"]
    pages = (len(found) + PAGE - 1) // PAGE
    asked = int(task.facts.get("page", 1))
    page = min(max(asked, 1), pages)
    shown = found[(page - 1) * PAGE : page * PAGE]
    task.asked = TICKET
    task.put("page", str(page))
    _keep(talk, task, holder, shown)
    if asked == pages + 1:
        talk.tell("paper.no_next_page", pages=pages, count=len(shown))
        return
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
        page=page,
        pages=pages,
        one=len(shown) == 1,
    )
    talk.add(cards.card(sentence, content))


def _keep(talk: Talk, task: Task, holder: Holder, shown: Sequence[TaxTicket]) -> None:
    """What the list is about, and what is on the open page: another of it may be meant next."""
    about = {INSURED: holder.person_id} if holder.payer_id else {}
    kept = {
        name: task.facts[name]
        for name in ("certificate_kind", "page", "beneficiary", DONE, BUT, EVERY_YEAR, *FILTERS)
        if name in task.facts
    }
    given = {GIVEN: talk.state.listed[GIVEN]} if GIVEN in talk.state.listed else {}
    talk.state.listed = kept | about | given | {"handles": [ticket.handle for ticket in shown]}


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


async def _tell_pending(talk: Talk, task: Task, holder: Holder) -> None:
    """What was paid and is not booked will be a first issue: said once, below the first page."""
    if task.facts["certificate_kind"] != FIRST or task.facts.get("page", "1") != "1":
        return
    for year, not_yet in (await talk.services.certificates.pending(holder)).items():
        if covers(task, year):
            awaited.tell_part_pending(talk, not_yet, again=False)


def _tell_count(talk: Talk, task: Task, fitting: Sequence[TaxTicket], who: str) -> None:
    """The list stays open, or the question for the year."""
    state, again = task.facts.pop(COUNTED), task.facts["certificate_kind"] == REISSUE
    task.asked = task.asked if task.asked == "fee_year" else TICKET
    is_list = task.asked == TICKET
    ticket_figures.tell_count(talk, state, fitting, _done(task), who, again=again, is_list=is_list)


def _done(task: Task) -> list[str]:
    """Tickets of the list that were handed out before."""
    return [handle for handle in str(task.facts.get(DONE, "")).split(",") if handle]


async def _issue_every(talk: Talk, task: Task, holder: Holder, wanted: Sequence[TaxTicket]) -> None:
    """Whatever of the list was not handed out yet."""
    done, but = _done(task), str(task.facts.get(BUT, "")).split(",")
    left = [ticket.handle for ticket in wanted if ticket.handle not in {*done, *but}]
    if left:
        task.put(TICKET, ",".join(left))
        _keep(talk, task, holder, wanted)
        await _issue(talk, task, holder, wanted)
        return
    again = say("button.send_again")
    talk.tell("paper.all_given", (again, again), count=len(done))
    talk.state.finish()


async def _issue(talk: Talk, task: Task, holder: Holder, found: Sequence[TaxTicket]) -> None:
    """The papers of what was picked. The list stays in mind, so that another one of it may be meant next."""
    by_handle = {ticket.handle: ticket for ticket in found}
    picked = [handle for handle in str(task.facts[TICKET]).split(",") if handle in by_handle]
    kind, said = task.facts["certificate_kind"], str(task.facts.get("issue", "")).split(",")
    talk.state.finish()
    if not picked:
        raise Refused("unknown_ticket")
    awaited.overtaken(talk)
    handles, left = picked[:BATCH], picked[BATCH:]
    often, who = False, await whose(talk, holder)
    issues = []
    for place, handle in enumerate(handles):
        ticket = by_handle[handle]
        number = said[min(place, len(said) - 1)]
        first = kind == FIRST or ticket.first_issued_on is None
        issue = int(number) if number else (0 if first else ticket.next_issue)
        issues.append(str(issue))
        talk.state.handed.setdefault(handle, [])
        if issue not in talk.state.handed[handle]:
            talk.state.handed[handle].append(issue)
        paper = await talk.services.certificates.issue_tax_certificate(
            holder, conversation_id=talk.conversation_id, handle=handle, issue=issue
        )
        often = often or paper.often
        key = "paper.reissued" if paper.issue else "paper.issued"
        words = _words(ticket) | {"minutes": 0 if place else talk.services.settings.document_minutes}
        sentence = say(key, who=who, title=paper.title, count=paper.issue, **words)
        talk.add(cards.document(sentence, paper))
    talk.state.listed[DONE] = ",".join(dict.fromkeys((*_done(task), *handles)))
    talk.state.listed[GIVEN] = {TICKET: ",".join(handles), "issue": ",".join(issues)}
    if left:
        go_on = (say("button.issue_rest"), _payload(kind, holder, ticket=EVERY))
        talk.tell("paper.more", go_on, count=len(handles), left=len(left))
    if often:
        talk.tell("paper.often", (say("button.human"), "/request_human"))


# --- nothing to list ----------------------------------------------------------------------------------


async def _nothing(talk: Talk, task: Task, holder: Holder, found: Sequence[TaxTicket]) -> None:
    """Not booked yet, all issued before, none issued yet, or nothing at all: which, is told."""
    kind = task.facts["certificate_kind"]
    fitting = [ticket for ticket in found if fits(ticket, task)]
    if fitting and kind == FIRST:
        payload = _payload(REISSUE, holder, **_said(task))
        talk.tell("paper.all_issued", (say("button.reissue"), payload))
        await _tell_pending(talk, task, holder)
    elif fitting:
        talk.tell("paper.none_issued", (say("button.first_issue"), _payload(FIRST, holder, **_said(task))))
    else:
        pending = await talk.services.certificates.pending(holder)
        near = [not_yet for year, not_yet in pending.items() if covers(task, year)]
        if near:
            awaited.tell_not_yet(talk, holder, TAX_CERTIFICATE, near[0])
        elif found:
            await _offer_years(talk, task, holder, found)
            return
        else:
            talk.tell("paper.no_tickets_for_other" if holder.payer_id else "paper.no_tickets")
    _keep(talk, task, holder, [])
    talk.state.finish()


async def _offer_years(talk: Talk, task: Task, holder: Holder, found: Sequence[TaxTicket]) -> None:
    """The years of the insurance that was said; where it has none, those of all."""
    said, time = years_said(task), time_said(task)
    what = insurance(task.facts.get("insured_group"), task.facts.get("insurance"))
    for name in (*TIMES, NUMBER):
        task.forget(name)
    of_it = [ticket for ticket in found if fits(ticket, task)]
    if not of_it:
        for name in FILTERS:
            task.forget(name)
    title = say(f"paper.title.{FIRST}")
    gone = sorted(set(said) & set(await talk.services.certificates.years(holder))) if not what else []
    for year in gone:
        tell_refunded(talk, await whose(talk, holder), year, FIRST)
    years = sorted({ticket.first_day.year for ticket in of_it or found}, reverse=True)
    titles, missing = (what if of_it else "") + title, None if gone else time + what
    ask_year(talk, task, "paper.other_years", years, title=titles, said=missing)


def tell_refunded(talk: Talk, who: str, year: int, kind: str) -> None:
    """Why there is no paper of the year; kept for 为什么没有."""
    talk.state.listed[GONE] = {"who": who, "year": year, "kind": kind}
    talk.tell("paper.refunded", who=who, year=year, title=say(f"paper.title.{kind}"))


def ask_year(talk: Talk, task: Task, key: str, years: Sequence[int], **facts: object) -> None:
    """`task.single` keeps what was offered."""
    task.asked, task.single = "fee_year", [str(year) for year in years]
    if "fee_year" not in task.answered:
        task.answered.append("fee_year")
    options = [Option(value=str(year), title=say("option.record_year", year=year)) for year in years]
    sentence = say(key, titles=[option.title for option in options], **facts)
    talk.add(cards.choice(sentence, "fee_year", options))


def _said(task: Task) -> dict[str, str]:
    return {name: str(task.facts[name]) for name in FILTERS if name in task.facts}
