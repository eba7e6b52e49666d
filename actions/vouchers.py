"""Payment record vouchers by chat (C1, C4): of one year or of several, or why there is none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from actions import awaited, cards, login, ticket_times, tickets
from actions.say import say
from actions.state import Task
from actions.talk import Talk
from services.certificates import PAYMENT_RECORD as RECORD
from services.certificates import Document, Holder, NotYet
from services.identity import BoundPerson

LAST_OLD_YEAR = 2020
"""Until November of that year the agencies collected most fees themselves (`business-rules` 5)."""
FOR_OTHER_RECORD = '/get_certificate{"certificate_kind": "payment_record", "beneficiary": "other"}'


async def go_on(talk: Talk, task: Task, bound: BoundPerson, holder: Holder) -> None:
    if tickets.COUNTED in task.facts:
        await _tell_total(talk, task, bound, holder)
        return
    if _is_narrow(task) and _tell_whole_year(talk):
        return
    books = await _read(talk, holder)
    if "fee_year" not in task.facts and "fee_period" in task.facts:
        task.put("fee_year", str(task.facts.pop("fee_period"))[:4])
    wanted = ticket_times.years_said(task)
    if not wanted:
        known = sorted({*books.kept, *books.pending}, reverse=True)
        asked = task.asked == "fee_year" and bool(known)  # also of the only one: 要这一年的吗
        if (len(known) > 1 or asked) and tickets.EVERY_YEAR not in task.facts:
            tickets.ask_year(talk, task, "ask.record_year", known)
            return
        wanted = known or [*books.gone]
    if not set(wanted) & set(books.kept) or await login.step_up(talk, bound, tickets.LEVEL):
        await _hand_out(talk, task, holder, wanted, books)


@dataclass(frozen=True, kw_only=True)
class _Books:
    """Years of which a voucher can be issued, those that were wholly refunded, and those that are not booked yet."""

    kept: Sequence[int]
    gone: Sequence[int]
    pending: Mapping[int, NotYet]


async def _read(talk: Talk, holder: Holder) -> _Books:
    booked = await talk.services.certificates.years(holder)
    kept = await talk.services.certificates.kept_years(holder)
    pending = await talk.services.certificates.pending(holder)
    gone = [year for year in booked if year not in {*kept, *pending}]
    return _Books(kept=kept, gone=gone, pending=pending)


async def _hand_out(talk: Talk, task: Task, holder: Holder, wanted: Sequence[int], books: _Books) -> None:
    """The papers of the years that are wanted, and why there are none of the others."""
    ready = [year for year in wanted if year in books.kept]
    early = [books.pending[year] for year in wanted if year in books.pending]
    gone = [year for year in wanted if year in books.gone]
    for year in gone:
        tickets.tell_refunded(talk, await tickets.whose(talk, holder), year, RECORD)
    missing = [year for year in wanted if year not in {*books.kept, *books.pending, *gone}]
    if ready:
        await _issue_records(talk, holder, ready, missing)
        for not_yet in early if talk.state.question is None else []:
            awaited.tell_part_pending(talk, not_yet)
    elif early:
        awaited.tell_not_yet(talk, holder, RECORD, early[0])
    elif gone and not books.kept:
        talk.tell("paper.see_refund", (say("menu.query"), "/query_records"))
        talk.state.finish()
    else:
        _no_record(talk, task, holder, missing, books.kept)


def _tell_whole_year(talk: Talk) -> bool:
    """What a voucher is about; True where that answers it: the one that was handed out is no smaller."""
    talk.tell("paper.whole_year")
    answered = tickets.GIVEN in talk.state.listed and talk.turn.last("certificate_kind") is None
    if answered:
        talk.state.finish()
    return answered


def _is_narrow(task: Task) -> bool:
    """只要1到3月的, 只要养老的: less than what a voucher is about. Said once."""
    said = [task.facts.pop(name, None) for name in ("insured_group", "insurance")]
    first, _, last = str(task.facts.get("fee_period", "")).partition("/")
    whole = not first or (first.endswith("-01") and last.endswith("-12"))
    return any(said) or not whole


async def _tell_total(talk: Talk, task: Task, bound: BoundPerson, holder: Holder) -> None:
    """一共多少钱, of the papers that were handed out last."""
    if not await login.step_up(talk, bound, tickets.LEVEL):
        return
    years = ticket_times.years_said(task)
    total = await talk.services.certificates.total(holder, years)
    who = await tickets.whose(talk, holder)
    talk.tell("paper.total.given", who=who, count=len(years), total=total)
    talk.state.finish()


async def _issue_records(talk: Talk, holder: Holder, ready: Sequence[int], missing: Sequence[int]) -> None:
    """One paper for each year; the papers of another person may be asked for next without naming them."""
    who = await tickets.whose(talk, holder)
    talk.state.finish()
    awaited.overtaken(talk)
    about = {tickets.INSURED: holder.person_id} if holder.payer_id else {}
    given = {"fee_year": ",".join(str(year) for year in ready)}
    talk.state.listed = {"certificate_kind": RECORD, tickets.GIVEN: given} | about
    minutes = talk.services.settings.document_minutes
    for year in ready:
        issued = await talk.services.certificates.issue_payment_record(
            holder, conversation_id=talk.conversation_id, fee_year=year
        )
        if isinstance(issued, Document):
            talk.state.handed[f"{holder.person_id}/{year}"] = [0]
            sentence = say("paper.ready", who=who, title=issued.title, year=year, minutes=minutes)
            talk.add(cards.document(sentence, issued))
            minutes = 0  # said once
        elif isinstance(issued, NotYet):
            awaited.tell_not_yet(talk, holder, RECORD, issued)
        else:
            talk.tell("paper.refunded", who=who, year=year, title=say(f"paper.title.{RECORD}"))
    if missing:
        talk.tell("paper.no_record_of", years=missing)


def _no_record(talk: Talk, task: Task, holder: Holder, wanted: Sequence[int], kept: Sequence[int]) -> None:
    """Another year was meant, or one that is in the books of others, or nothing was paid: which, is told.
    `wanted` is without what was refunded."""
    year = wanted[0] if wanted else None
    if kept:
        task.forget("fee_year")
        title, said = say(f"paper.title.{RECORD}"), ticket_times.in_words(wanted) if wanted else None
        tickets.ask_year(talk, task, "paper.other_years", kept, title=title, said=said)
        return
    talk.state.finish()
    if holder.payer_id:
        talk.tell("paper.nothing_for_other")
    elif year and year <= LAST_OLD_YEAR:
        talk.tell("paper.nothing_old", year=year)
    else:
        talk.tell("paper.nothing", (say("button.for_other"), FOR_OTHER_RECORD), year=year)
