"""Who is speaking (A1, A2): consent, or number and name by hand, and then verification in either case."""

from actions import cards
from actions.say import say
from actions.talk import Talk
from services.domain.errors import Refused
from services.identity import BoundPerson, Link, Progress

CONSENT, ID_NUMBER, PERSON_NAME, VERIFICATION = "consent", "id_number", "person_name", "verification"
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


async def take_typed(talk: Talk) -> bool:
    """Use a number or a name that was typed; True if there was one to use."""
    id_token, name_token = talk.turn.token("id_number"), talk.turn.token("person_name")
    asked = talk.state.login
    if asked not in {CONSENT, ID_NUMBER, PERSON_NAME} or not (id_token or name_token):
        return False
    if id_token:
        checked = await talk.services.identity.check_id_number(talk.conversation_id, id_token)
        if not checked.ok:
            _ask(talk, ID_NUMBER, f"id_problem.{checked.reason}")
            return True
        talk.state.id_token = id_token
    talk.state.name_token = name_token or talk.state.name_token
    talk.state.typed = True
    if not talk.state.id_token:
        _ask(talk, ID_NUMBER, "login.ask_id_number")
        return True
    if not talk.state.name_token:
        _ask(talk, PERSON_NAME, "login.ask_name")
        return True
    await _enter(talk, talk.state.id_token, talk.state.name_token)
    return True


async def _enter(talk: Talk, id_token: str, name_token: str) -> None:
    try:
        link = await talk.services.identity.enter_manually(
            talk.conversation_id, id_token=id_token, name_token=name_token
        )
    except Refused as refused:
        talk.state.id_token, talk.state.name_token = None, None
        talk.tell_error(refused)
        if refused.code == "too_many_tries":
            talk.state.forget_login()
            return
        _ask(talk, ID_NUMBER, "login.ask_id_number")
        return
    talk.state.id_token, talk.state.name_token = None, None
    talk.state.login = VERIFICATION
    _show_verification(talk, link, "login.verify")


async def _next_step(talk: Talk, progress: Progress) -> None:
    if talk.state.login in {ID_NUMBER, PERSON_NAME} and progress.step in TYPING:
        key = "login.ask_name" if talk.state.login == PERSON_NAME else "login.ask_id_number"
        _ask(talk, talk.state.login, key)
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
