"""Ask → issue → document: certificates by chat. The payment record voucher (C1) so far."""

from actions import cards, login
from actions.choices import choose, plain
from actions.say import say
from actions.slots import Option
from actions.state import Task
from actions.talk import Talk
from services.certificates import Document, NotYet
from services.identity import BoundPerson

CERTIFICATE_LEVEL = 3  # showing or fetching a certificate needs a fresh verification (`reliability` 4.1)


def take_facts(talk: Talk, task: Task) -> None:
    for name in ("fee_year", "certificate_kind"):
        value = talk.turn.last(name)
        if value is not None:
            task.put(name, str(value))
    period = talk.turn.last("fee_period")
    if period is not None and talk.turn.last("fee_year") is None:
        task.put("fee_year", str(period)[:4])


async def answer_question(talk: Talk, task: Task) -> bool:
    bound = await talk.services.identity.find_bound(talk.conversation_id)
    if task.asked != "fee_year" or bound is None:
        return False
    year = choose(talk.turn, "fee_year", await _years(talk, bound))
    if year is None and plain(talk.turn.text).isdigit() and len(plain(talk.turn.text)) == 4:
        year = plain(talk.turn.text)
    if year is not None:
        task.put("fee_year", year)
    return year is not None


async def go_on(talk: Talk, task: Task, bound: BoundPerson) -> None:
    kind = task.facts.get("certificate_kind", "payment_record")
    if kind != "payment_record":
        talk.state.task = None
        talk.tell("paper.not_open", (say("button.payment_record"), PAYMENT_RECORD))
        return
    if "fee_year" not in task.facts:
        options = await _years(talk, bound)
        if len(options) > 1:
            task.asked = "fee_year"
            talk.add(
                cards.choice(say("ask.record_year", titles=[o.title for o in options]), "fee_year", options)
            )
            return
        task.put("fee_year", options[0].value if options else str(talk.today.year))
    if await _is_too_early(talk, task, bound) or await login.step_up(talk, bound, CERTIFICATE_LEVEL):
        await _issue(talk, task, bound)


PAYMENT_RECORD = '/get_certificate{"certificate_kind": "payment_record"}'


async def _issue(talk: Talk, task: Task, bound: BoundPerson) -> None:
    year = int(str(task.facts["fee_year"])[:4])
    issued = await talk.services.certificates.issue_payment_record(
        person_id=bound.person_id, conversation_id=talk.conversation_id, fee_year=year
    )
    talk.state.finish()
    if isinstance(issued, Document):
        talk.add(cards.document(say("paper.ready", title=issued.title, year=year), issued))
    elif isinstance(issued, NotYet):
        talk.tell("paper.not_yet", earliest=issued.earliest, latest=issued.latest, year=year)
    else:
        talk.tell("paper.nothing", year=year)


async def _is_too_early(talk: Talk, task: Task, bound: BoundPerson) -> bool:
    """Whether the year has only payments that are not booked: then there is no paper, and nothing to verify."""
    year = int(str(task.facts["fee_year"])[:4])
    if year in await talk.services.records.years(bound.person_id):
        return False
    return bool(await talk.services.payment.pending_payments(bound.person_id, year))


async def _years(talk: Talk, bound: BoundPerson) -> list[Option]:
    """The years with payments, newest first; also with payments that are not booked yet."""
    years = set(await talk.services.records.years(bound.person_id))
    for year in (talk.today.year, talk.today.year + 1):
        if await talk.services.payment.pending_payments(bound.person_id, year):
            years.add(year)
    return [
        Option(value=str(year), title=say("option.record_year", year=year))
        for year in sorted(years, reverse=True)
    ]
