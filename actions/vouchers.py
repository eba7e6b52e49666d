"""Payment record vouchers by chat (C1, C4): of one year or of several, or why there is none."""

from collections.abc import Sequence

from actions import awaited, cards, login, tickets
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
    booked = await talk.services.certificates.years(holder)
    kept = await talk.services.certificates.kept_years(holder)
    pending = await talk.services.certificates.pending(holder)
    if "fee_year" not in task.facts and "fee_period" in task.facts:
        task.put("fee_year", str(task.facts["fee_period"])[:4])
    wanted = tickets.years_said(task)
    if not wanted:
        known = sorted({*kept, *pending}, reverse=True)
        if len(known) > 1 and tickets.EVERY_YEAR not in task.facts:
            tickets.ask_year(talk, task, "ask.record_year", known)
            return
        wanted = known or booked
    ready = [year for year in wanted if year in kept]
    early = [pending[year] for year in wanted if year in pending and year not in kept]
    gone = [year for year in wanted if year in booked and year not in {*kept, *pending}]
    if ready and not await login.step_up(talk, bound, tickets.LEVEL):
        return
    for year in gone:
        title = say(f"paper.title.{RECORD}")
        talk.tell("paper.refunded", who=await tickets.whose(talk, holder), year=year, title=title)
    if not ready and early:
        awaited.tell_not_yet(talk, holder, RECORD, early[0])
    elif not ready and gone and not kept:
        talk.state.finish()
    elif not ready:
        _no_record(talk, task, holder, [year for year in wanted if year not in gone], kept)
    else:
        missing = [year for year in wanted if year not in {*ready, *pending, *gone}]
        await _issue_records(talk, holder, ready, missing)
        for year in wanted:
            if year in pending and talk.state.question is None:
                awaited.tell_part_pending(talk, pending[year])


async def _tell_total(talk: Talk, task: Task, bound: BoundPerson, holder: Holder) -> None:
    """一共多少钱, of the papers that were handed out last."""
    if not await login.step_up(talk, bound, tickets.LEVEL):
        return
    years = tickets.years_said(task)
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
    note = True
    for year in ready:
        issued = await talk.services.certificates.issue_payment_record(
            holder, conversation_id=talk.conversation_id, fee_year=year
        )
        if isinstance(issued, Document):
            sentence = say("paper.ready", who=who, title=issued.title, year=year, note=note)
            talk.add(cards.document(sentence, issued))
            note = False
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
        title, said = say(f"paper.title.{RECORD}"), tickets.in_words(wanted) if wanted else None
        tickets.ask_year(talk, task, "paper.other_years", kept, title=title, said=said)
        return
    talk.state.finish()
    if holder.payer_id:
        talk.tell("paper.nothing_for_other")
    elif year and year <= LAST_OLD_YEAR:
        talk.tell("paper.nothing_old", year=year)
    else:
        talk.tell("paper.nothing", (say("button.for_other"), FOR_OTHER_RECORD), year=year)
