"""Asked too early: from which day on a paper can be had, the offer to be told, and the news that it is there."""

from datetime import date

from actions import login
from actions.choices import agrees_to_be_told
from actions.say import say
from actions.state import TELL
from actions.talk import Talk
from services.certificates import PAYMENT_RECORD, Holder, NotYet

FIRST = "tax_certificate_first"
INSURED, LAST = "insured_person", "last"
"""`last` is what a button says for the person whose papers were asked for last: no id of a person leaves us."""
ASIDES = frozenset({"faq", "thank", "chitchat", "bot_challenge", "complain", "out_of_scope", "repeat"})


async def find_pending(talk: Talk, holder: Holder) -> dict[int, NotYet]:
    """The years that were paid and are not booked, with the days from which their papers can be had."""
    found = {}
    for year in (talk.today.year + 1, talk.today.year, talk.today.year - 1):
        not_yet = await talk.services.certificates.not_yet(holder, year)
        if not_yet is not None:
            found[year] = not_yet
    return found


def tell_not_yet(talk: Talk, holder: Holder, kind: str, not_yet: NotYet) -> None:
    """From which day on, and the offer to be told."""
    talk.state.finish()
    talk.state.question = TELL
    talk.state.awaited = {
        "paper": kind,
        "fee_year": not_yet.fee_year,
        "earliest": not_yet.earliest.isoformat(),
        "latest": not_yet.latest.isoformat(),
        "provisional": not_yet.provisional,
    }
    if holder.payer_id:
        talk.state.awaited[INSURED] = holder.person_id
    say_not_yet(
        talk,
        year=not_yet.fee_year,
        earliest=not_yet.earliest,
        latest=not_yet.latest,
        provisional=not_yet.provisional,
    )


def say_not_yet(talk: Talk, *, year: int, earliest: date, latest: date, provisional: bool) -> None:
    talk.tell(
        "paper.not_yet",
        (say("button.tell_me"), "/affirm"),
        (say("button.dont_tell"), "/deny"),
        earliest=earliest,
        latest=latest,
        year=year,
        provisional=provisional,
    )


async def wants_to_be_told(talk: Talk) -> bool:
    """好了告诉我: whether the offer was answered, yes or no."""
    if talk.state.question != TELL or talk.turn.poke:
        return False
    agrees = agrees_to_be_told(talk.turn)
    if talk.turn.intent in ASIDES and not agrees:
        return False  # what is asked in between is answered, and then this is asked again
    talk.state.question = None
    awaited, talk.state.awaited = talk.state.awaited, {}
    if talk.turn.intent == "deny":
        talk.tell("paper.not_told")
        return True
    if not agrees:
        return False
    bound = await login.go_on(talk)
    if bound is None:
        return True
    other = awaited.get(INSURED)
    promised = await talk.services.certificates.tell_when_there(
        Holder(person_id=other or bound.person_id, payer_id=bound.person_id if other else None),
        conversation_id=talk.conversation_id,
        kind=awaited["paper"],
        fee_year=awaited["fee_year"],
    )
    talk.tell("paper.will_tell" if promised else "paper.there_already", year=awaited["fee_year"])
    return True


def offer_again(talk: Talk) -> None:
    """The days once more, and whether to tell when it is there."""
    awaited = talk.state.awaited
    days = {name: date.fromisoformat(awaited[name]) for name in ("earliest", "latest")}
    say_not_yet(talk, year=awaited["fee_year"], provisional=awaited["provisional"], **days)


async def tell_ready(talk: Talk, *, paper: str, fee_year: int, person_id: str) -> None:
    """The news that a paper can be had that was asked for too early."""
    bound = await talk.services.identity.find_bound(talk.conversation_id)
    if bound is None:
        return
    about = ""
    if person_id != bound.person_id:
        talk.state.listed = {INSURED: person_id}
        about = f', "{INSURED}": "{LAST}"'
    kind = PAYMENT_RECORD if paper == PAYMENT_RECORD else FIRST
    payload = f'/get_certificate{{"certificate_kind": "{kind}", "fee_year": "{fee_year}"{about}}}'
    talk.tell(
        "paper.now_there", (say("button.issue_now"), payload), year=fee_year, title=say(f"paper.title.{kind}")
    )
