"""Asked too early: from which day on a paper can be had, the offer to be told, and the news that it is there."""

import re
from collections.abc import Mapping
from typing import Any

from actions import login
from actions.choices import agrees_to_be_told, asks_to_be_told
from actions.query_words import asks_latest
from actions.record_lists import unbooked_in_words
from actions.say import say
from actions.state import TELL
from actions.talk import Talk
from services.certificates import PAYMENT_RECORD, Holder, NotYet
from services.identity import BoundPerson

FIRST = "tax_certificate_first"
INSURED, LAST = "insured_person", "last"
"""`last` is what a button says for the person whose papers were asked for last: no id of a person leaves us."""
WHEN = frozenset({"record_delay"})
"""Topics of questions after the day from which a paper can be had."""
READY = re.compile(
    r"(?:凭证|证明|税票|单子)(?:现在|今天)?(?:[能可]以?)?(?:[要开打取领拿][得到]?了?|下来了|出来了|有了|好了)(?:没|吗|不|莫)"
)
ASIDES = frozenset({"faq", "thank", "chitchat", "bot_challenge", "complain", "out_of_scope", "repeat"})


def tell_part_pending(talk: Talk, not_yet: NotYet, *, again: bool = True) -> None:
    """What was paid a moment ago is not among what is handed out or listed: so that nobody pays again. Not
    `again`: once in a conversation."""
    tell = talk.tell if again else talk.tell_once
    tell(
        "paper.part_pending",
        what=unbooked_in_words([not_yet]),
        earliest=not_yet.earliest,
        latest=not_yet.latest,
        provisional=not_yet.provisional,
    )


def tell_not_yet(talk: Talk, holder: Holder, kind: str, not_yet: NotYet) -> None:
    """From which day on, and the offer to be told. Another year may be asked for next, of the same person."""
    talk.state.finish()
    talk.state.question = TELL
    about = {INSURED: holder.person_id} if holder.payer_id else {}
    talk.state.awaited = {"paper": kind, "fee_year": not_yet.fee_year} | about
    talk.state.listed = {"certificate_kind": kind} | about
    _say_not_yet(talk, not_yet)


def _say_not_yet(talk: Talk, not_yet: NotYet, key: str = "paper.not_yet") -> None:
    offer = ((say("button.tell_me"), "/affirm"), (say("button.dont_tell"), "/deny"))
    talk.tell(
        key,
        *(offer if key == "paper.not_yet" else ()),
        earliest=not_yet.earliest,
        latest=not_yet.latest,
        what=unbooked_in_words([not_yet]),
        provisional=not_yet.provisional,
    )


async def wants_to_be_told(talk: Talk) -> bool:
    """好了告诉我: whether the offer was answered, yes or no."""
    if talk.state.question != TELL:
        return await _wants_to_be_told_after_all(talk)
    if talk.turn.poke:
        return False
    agrees = agrees_to_be_told(talk.turn)
    if asks_when(talk):
        await offer_again(talk)
        return True
    if talk.turn.intent in ASIDES and not agrees:
        return False  # what is asked in between is answered, and then this is asked again
    talk.state.question = None  # what is awaited stays in mind: it may be wished for later
    if talk.turn.intent == "deny":
        talk.state.awaited = {}
        talk.tell("paper.not_told")
    elif agrees:
        await _promise(talk)
    return agrees or talk.turn.intent == "deny"


def asks_ready(talk: Talk) -> bool:
    """凭证要得了没: whether the paper can be had by now."""
    return READY.search(talk.turn.text) is not None


def asks_when(talk: Talk) -> bool:
    """那啥时候才有: the days of this paper, not the general answer."""
    if asks_latest(talk.turn):  # 最近一次好久交的
        return False
    return asks_ready(talk) or (talk.turn.intent == "faq" and talk.turn.last("faq_topic") in WHEN)


async def _tells_when(talk: Talk) -> bool:
    """Of what was asked for too early, else of what was paid and is not booked; False where there is none."""
    if talk.state.awaited:
        talk.state.question = TELL
        await offer_again(talk)
        return True
    bound = await talk.services.identity.find_bound(talk.conversation_id)
    for holder in await _paid_for(talk, bound) if bound else []:
        for not_yet in (await talk.services.certificates.pending(holder)).values():
            _say_not_yet(talk, not_yet, "paper.when")
            return True
    return False


async def _promise(talk: Talk) -> None:
    bound = await login.go_on(talk)
    if bound is None:
        return
    about, talk.state.awaited = talk.state.awaited, {}
    promised = await talk.services.certificates.tell_when_there(
        _holder(about, bound),
        conversation_id=talk.conversation_id,
        kind=about["paper"],
        fee_year=about["fee_year"],
    )
    talk.tell("paper.will_tell" if promised else "paper.there_already", year=about["fee_year"])


async def _wants_to_be_told_after_all(talk: Talk) -> bool:
    """到时候告诉我, with no offer open: of what was asked for too early, else of what was paid and is not booked."""
    state = talk.state
    if asks_when(talk) and not (state.task or state.login or state.question):
        return await _tells_when(talk)
    if state.task or state.login or state.question or state.window or not asks_to_be_told(talk.turn):
        return False
    if state.awaited:
        await _promise(talk)
        return True
    bound, promised = await talk.services.identity.find_bound(talk.conversation_id), False
    for holder in await _paid_for(talk, bound) if bound else []:
        for year in await talk.services.certificates.pending(holder):
            promised = await talk.services.certificates.tell_when_there(
                holder, conversation_id=talk.conversation_id, kind=PAYMENT_RECORD, fee_year=year
            )
            talk.tell("paper.will_tell", year=year)
    if not promised:
        talk.tell("paper.nothing_to_tell")
    return True


async def _paid_for(talk: Talk, bound: BoundPerson) -> list[Holder]:
    """Oneself, and those whom the last order paid for."""
    order = await talk.services.payment.find_order(talk.state.order_no) if talk.state.order_no else None
    others = dict.fromkeys(bill.insured_id for bill in order.bills) if order else {}
    return [
        Holder(person_id=bound.person_id),
        *(Holder(person_id=o, payer_id=bound.person_id) for o in others if o != bound.person_id),
    ]


async def offer_again(talk: Talk) -> None:
    """The days as they are now, and whether to tell when it is there; no question any more when it is."""
    awaited = talk.state.awaited
    bound = await login.go_on(talk)
    if bound is None:
        return
    pending = await talk.services.certificates.pending(_holder(awaited, bound))
    if awaited["fee_year"] in pending:
        _say_not_yet(talk, pending[awaited["fee_year"]])
        return
    overtaken(talk)
    talk.tell("paper.there_already", year=awaited["fee_year"])


def overtaken(talk: Talk) -> None:
    """What was asked for too early is there: the offer to tell it is no question any more."""
    talk.state.awaited = {}
    if talk.state.question == TELL:
        talk.state.question = None


def _holder(awaited: Mapping[str, Any], bound: BoundPerson) -> Holder:
    other = awaited.get(INSURED)
    return Holder(person_id=other or bound.person_id, payer_id=bound.person_id if other else None)


def take_there(there: list[Mapping[str, Any]], person_id: str, fee_year: int) -> list[str]:
    """The kinds of papers of somebody's year that were asked for too early and are there; out of the list."""
    found = [facts for facts in there if (facts["person_id"], facts["fee_year"]) == (person_id, fee_year)]
    for facts in found:
        there.remove(facts)
    return [_kind(facts["paper"]) for facts in found]


def was_told(talk: Talk, person_id: str, fee_year: int) -> bool:
    """Whether it was told that the voucher is there, before the news of the booking came."""
    return _told(person_id, fee_year) in talk.state.said_once


async def tell_ready(talk: Talk, *, paper: str, fee_year: int, person_id: str) -> None:
    """The news that a paper can be had that was asked for too early."""
    bound = await talk.services.identity.find_bound(talk.conversation_id)
    if bound is None:
        return
    about = ""
    if person_id != bound.person_id:
        talk.state.listed = {INSURED: person_id}
        about = f', "{INSURED}": "{LAST}"'
    kind = _kind(paper)
    payload = f'/get_certificate{{"certificate_kind": "{kind}", "fee_year": "{fee_year}"{about}}}'
    asked_for = say("paper.asked_for", who="", year=fee_year, kind=kind)
    talk.tell("paper.now_there", (say("button.issue_now"), payload), paper=asked_for)
    if kind == PAYMENT_RECORD:
        talk.state.said_once.append(_told(person_id, fee_year))


def _kind(paper: str) -> str:
    return PAYMENT_RECORD if paper == PAYMENT_RECORD else FIRST


def _told(person_id: str, fee_year: int) -> str:
    return f"{person_id}/{fee_year}"
