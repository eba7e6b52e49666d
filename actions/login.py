"""Who is speaking (A1, A2): consent, or number and name by hand, and then verification in either case."""

import re

from actions import cards, persons
from actions.choices import choose
from actions.say import known, say
from actions.slots import SUPPORTED, Option
from actions.talk import Talk
from services.domain.errors import Refused
from services.domain.id_documents import CAN_LOG_IN, could_be
from services.domain.kinds import IdType
from services.identity import BoundPerson, Link, Progress

CONSENT, ID_NUMBER, PERSON_NAME, VERIFICATION = "consent", "id_number", "person_name", "verification"
ID_TYPE, OLD_NUMBER = "id_type", "old_number"
"""Of which document is the number? Is the new number right that the one of fifteen digits became?"""
UNKNOWN_HERE = frozenset(IdType) - frozenset(SUPPORTED)
"""Documents with which nothing at all can be done here."""
AGREES = re.compile(
    r"(?<![不莫没])(?<!不想)(?<!拒绝)(?<!不同意)(?<!不用)(?<!不要)(?:授权|(?<!不)同意)(?!页|是|什|啥|干|怎|有|了?吗)"
)
TYPING = {"none", "refused", "missing_facts", "failed"}
"""The steps at which number and name may be typed."""


async def go_on(talk: Talk) -> BoundPerson | None:
    """The verified person, or None after the next step of logging in has been said."""
    bound = await talk.services.identity.find_bound(talk.conversation_id)
    if bound:
        _done(talk)
        return bound
    progress = await talk.services.identity.progress(talk.conversation_id)
    if progress.step == "verified":
        _done(talk)
        return await talk.services.identity.find_bound(talk.conversation_id)
    await _next_step(talk, progress)
    return None


async def step_up(talk: Talk, bound: BoundPerson, level: int, key: str = "login.step_up") -> bool:
    """True when the person has been verified recently enough; else the verification is asked for again."""
    if bound.level >= level:
        return True
    progress = await talk.services.identity.progress(talk.conversation_id)
    if progress.step != "verifying" or progress.link is None:
        talk.state.login = VERIFICATION  # also when the provider is away
        link = await talk.services.identity.step_up(talk.conversation_id)
    else:
        link = progress.link
    talk.state.login = VERIFICATION
    _show_verification(talk, link, key)
    return False


async def refuse(talk: Talk) -> None:
    """拒绝: the number and the name are asked for instead."""
    talk.state.typed = True
    await talk.services.identity.refuse_consent(talk.conversation_id)
    _ask(talk, ID_NUMBER, "login.refused")


async def consent_again(talk: Talk) -> None:
    """授权, also in the middle of typing the number by hand."""
    talk.state.forget_login()
    link = await talk.services.identity.start_consent(talk.conversation_id)
    _show_consent(talk, link, "login.consent")


async def go_back(talk: Talk) -> None:
    """上一步: from the name to the number, from the number to the consent; elsewhere the step is said again."""
    step = talk.state.login
    if step == ID_NUMBER:
        await consent_again(talk)
    elif step in {PERSON_NAME, ID_TYPE, OLD_NUMBER}:
        talk.state.id_token, talk.state.name_token, talk.state.id_type = None, None, None
        _ask_number(talk)
    else:
        await go_on(talk)


async def take_typed(talk: Talk) -> bool:
    """Use a number, a name or a kind of document that was typed; True if there was one to use."""
    id_token, name_token = talk.turn.token("id_number"), talk.turn.token("person_name")
    asked, id_type = talk.state.login, talk.turn.last("id_type")
    if asked not in {CONSENT, ID_NUMBER, ID_TYPE, OLD_NUMBER, PERSON_NAME}:
        return False
    own = persons.tokens_of_oneself(talk.turn.text)
    if asked == CONSENT and talk.turn.last("insurance") and id_token not in own:
        return False  # 交居民医保 and a number: it may be somebody else's
    if asked != CONSENT and AGREES.search(talk.turn.text):
        await consent_again(talk)
        return True
    if not (id_token or name_token):
        return await _take_answer(talk)
    talk.state.typed = True
    talk.state.name_token = name_token or talk.state.name_token
    if id_token:
        talk.state.id_type = id_type or (talk.state.id_type if asked == ID_NUMBER else None)
        await _take_number(talk, id_token)
    else:
        await _next_fact(talk)
    return True


async def _take_answer(talk: Talk) -> bool:
    """The document was named, or it was told whether the new number is right."""
    asked, id_type = talk.state.login, talk.turn.last("id_type")
    if asked == OLD_NUMBER and talk.turn.intent in {"affirm", "deny"}:
        if talk.turn.intent == "deny":
            talk.state.id_token = None
        await _next_fact(talk)
        return True
    if asked == ID_TYPE and talk.state.id_token:
        id_type = choose(talk.turn, "id_type", await _types(talk, talk.state.id_token))
    if asked not in {ID_TYPE, ID_NUMBER} or id_type is None or talk.turn.intent == "faq":
        return False
    talk.state.id_type = str(id_type)
    if asked == ID_TYPE and talk.state.id_token:
        await _take_number(talk, talk.state.id_token)
    elif _id_type(talk) in CAN_LOG_IN:
        await _next_fact(talk)
    else:
        _refuse_type(talk)
    return True


async def _take_number(talk: Talk, id_token: str) -> None:
    """A typed number: what is wrong with it is said, else the next fact is asked for."""
    identity = talk.services.identity
    checked = await identity.check_id_number(talk.conversation_id, id_token, _id_type(talk))
    if checked.ok and checked.id_type in CAN_LOG_IN:
        talk.state.id_token = id_token
        await _next_fact(talk)
    elif checked.ok or _id_type(talk) not in CAN_LOG_IN:
        _refuse_type(talk)
    elif checked.reason == "expired_form":
        talk.state.id_token = await identity.renew_id_number(talk.conversation_id, id_token)
        if talk.state.id_token:
            await _ask_old_number(talk, talk.state.id_token)
        else:
            _ask(talk, ID_NUMBER, "id_problem.birth_date")
    elif _id_type(talk) is IdType.RESIDENT_ID_CARD and could_be(checked.number):
        if CAN_LOG_IN.isdisjoint(could_be(checked.number)):
            _refuse_type(talk)
            return
        talk.state.id_token = id_token
        await _ask_type(talk, id_token)
    else:
        usual = _id_type(talk) is IdType.RESIDENT_ID_CARD
        key = f"others.problem.{checked.reason}" if not usual else f"id_problem.{checked.reason}"
        _ask(talk, ID_NUMBER, key if known(key) else "others.problem.form")


async def _next_fact(talk: Talk) -> None:
    """Ask for the number, then for the name; with both the verification begins."""
    if not talk.state.id_token:
        _ask_number(talk)
    elif not talk.state.name_token:
        _ask(talk, PERSON_NAME, "login.ask_name")
    else:
        await _enter(talk, talk.state.id_token, talk.state.name_token)


def _refuse_type(talk: Talk) -> None:
    """A document that can't be verified here: another one may be told instead."""
    foreign = _id_type(talk) not in UNKNOWN_HERE
    talk.state.id_token, talk.state.id_type = None, None
    _ask(talk, ID_NUMBER, "login.not_verifiable" if foreign else "id_problem.unsupported")


async def _types(talk: Talk, id_token: str) -> list[Option]:
    checked = await talk.services.identity.check_id_number(talk.conversation_id, id_token)
    kinds = (*could_be(checked.number), IdType.RESIDENT_ID_CARD)
    return [Option(value=kind, title=kind) for kind in kinds]


async def _ask_type(talk: Talk, id_token: str) -> None:
    talk.state.login = ID_TYPE
    options = await _types(talk, id_token)
    sentence = say("ask.id_type", titles=[option.title for option in options])
    talk.add(cards.choice(sentence, "id_type", options))


async def _ask_old_number(talk: Talk, id_token: str) -> None:
    """The number of eighteen characters is read back, as far as its owner may see it, and only it is used."""
    talk.state.login = OLD_NUMBER
    masked = await talk.services.identity.masked_id_number(talk.conversation_id, id_token)
    talk.tell(
        "login.old_number", (say("button.right"), "/affirm"), (say("button.wrong"), "/deny"), number=masked
    )


def _id_type(talk: Talk) -> IdType:
    return IdType(talk.state.id_type or IdType.RESIDENT_ID_CARD)


async def _enter(talk: Talk, id_token: str, name_token: str) -> None:
    try:
        link = await talk.services.identity.enter_manually(
            talk.conversation_id, id_token=id_token, name_token=name_token, id_type=_id_type(talk)
        )
    except Refused as refused:
        talk.state.id_token, talk.state.name_token = None, None
        talk.tell_error(refused)
        if refused.code == "too_many_tries":
            talk.state.forget_login()
            return
        _ask_number(talk)
        return
    talk.state.id_token, talk.state.name_token = None, None
    talk.state.login = VERIFICATION
    _show_verification(talk, link, "login.verify")


async def _next_step(talk: Talk, progress: Progress) -> None:
    if talk.state.login in {ID_TYPE, OLD_NUMBER} and talk.state.id_token and progress.step in TYPING:
        ask = _ask_type if talk.state.login == ID_TYPE else _ask_old_number
        await ask(talk, talk.state.id_token)
    elif talk.state.login == PERSON_NAME and progress.step in TYPING:
        _ask(talk, PERSON_NAME, "login.ask_name")
    elif talk.state.login == ID_NUMBER and progress.step in TYPING:
        _ask_number(talk)
    elif progress.step == "refused":
        _ask(talk, ID_NUMBER, "login.refused")
    elif progress.step == "missing_facts":
        _ask(talk, ID_NUMBER, "login.missing_facts")
    elif progress.step == "verifying" and progress.link:
        talk.state.login = VERIFICATION
        _show_verification(talk, progress.link, "login.verify")
    elif progress.step == "consent_asked" and progress.link:
        _show_consent(talk, progress.link, "login.consent_waiting")
    else:
        if progress.step == "failed" and talk.state.typed:
            _ask(talk, ID_NUMBER, "login.failed_typed")
            return
        if progress.step == "failed":
            talk.tell("login.failed")
        await consent_again(talk)


def _ask_number(talk: Talk) -> None:
    id_type = _id_type(talk)
    usual = id_type is IdType.RESIDENT_ID_CARD
    talk.state.login = ID_NUMBER
    talk.tell(
        "login.ask_id_number" if usual else "login.ask_other_number",
        (say("button.authorize"), "/login"),
        (say("button.cancel"), "/cancel"),
        **({} if usual else {"id_type": id_type.value}),
    )


def _ask(talk: Talk, step: str, key: str) -> None:
    talk.state.login = step
    talk.tell(key, (say("button.authorize"), "/login"), (say("button.cancel"), "/cancel"))


def _show_consent(talk: Talk, link: Link, key: str) -> None:
    talk.state.login = CONSENT
    content = {
        "kind": "authorization_request",
        "url": link.url,
        "state": link.state,
        "expires_at": link.expires_at.isoformat(timespec="seconds"),
    }
    talk.add(cards.card(say(key), content, (say("button.refuse"), "/deny")))


def _show_verification(talk: Talk, link: Link, key: str) -> None:
    content = {
        "kind": "identity_verification",
        "url": link.url,
        "expires_at": link.expires_at.isoformat(timespec="seconds"),
    }
    talk.add(cards.card(say(key), content))


def _done(talk: Talk) -> None:
    talk.state.forget_login()
