"""Told when a window opens, or some days before it ends: the offer, the wish in one's own words, the news."""

import json
import re
from datetime import date

from actions import login, windows
from actions.choices import agrees_to_be_told, plain
from actions.say import say
from actions.state import REMIND
from actions.talk import Talk
from services.domain.kinds import Insurance, InsuredGroup
from services.reminders import Payable

STOP = re.compile(r"(?:不用|不要|不必|不需要|别|莫|取消).{0,4}(?:提醒|通知)")
BARE = re.compile(r"(?:请|那|你|记得|嗯|好|帮忙|麻烦)*提醒我?(?:一下|一声|下|哈|嘛)*")
WISH = re.compile(
    r"(?:到期|截止|过期|到时|时候|快|之?前|开始|开了|[能可]以?[交缴办]).{0,10}提醒"
    r"|(?:到期|截止|过期|到时候?|开始[交缴]?了|开了|能[交缴]了).{0,6}(?:通知|告诉|叫|喊)(?:我|一声|一下)"
    r"|提醒我.{0,6}(?:[交缴]|到期|截止)"
)


def offer(
    talk: Talk, insured_group: str, insurance: str, year: int, *,
    closed_on: date | None = None, opens_on: date | None = None, open_year: str | None = None,
) -> None:  # fmt: skip
    """Since when it is closed, when it opens as far as that is known, and the offer to tell then. `open_year` can
    be paid instead."""
    what = {"insured_group": insured_group, "insurance": insurance}
    windows.remember_opening(talk, insured_group, insurance, year, opens_on)
    talk.state.question = REMIND
    kind = "over" if closed_on else "ahead"
    key = "window.closed.flexible" if insured_group == InsuredGroup.FLEXIBLE else f"window.closed.{kind}"
    buttons = [(say("button.remind_me"), "/affirm"), (say("button.dont_tell"), "/deny")]
    if open_year:
        instead = json.dumps({**what, "fee_year": open_year})
        buttons.append((say("button.pay_year", year=open_year), f"/pay_insurance{instead}"))
    talk.tell(
        key, *buttons, open_year=open_year,
        what=say(f"insurance.{insured_group}.{insurance}"), year=year, closed_on=closed_on, opens_on=opens_on,
    )  # fmt: skip


async def answers(talk: Talk) -> bool:
    """Whether the turn answered the offer, or wishes for a reminder, or for none any more."""
    if talk.turn.poke or talk.state.login:
        return False
    asked = talk.state.question == REMIND
    if asked:
        talk.state.question = None
    if STOP.search(talk.turn.text):
        stopped = await talk.services.reminders.stop(talk.conversation_id)
        talk.tell("reminder.stopped" if stopped else "reminder.declined" if asked else "reminder.none")
        return True
    if asked and talk.turn.intent in {"deny", "cancel"}:
        talk.tell("reminder.declined")
        return True
    if (asked and agrees_to_be_told(talk.turn)) or _wishes(talk):
        return await _remind(talk)
    return False


def _wishes(talk: Talk) -> bool:
    text = talk.turn.text
    return bool(talk.state.window) and bool(WISH.search(text) or BARE.fullmatch(plain(text)))


async def _remind(talk: Talk) -> bool:
    window = talk.state.window
    if window["other"]:
        talk.tell("reminder.not_of_others")
        return True
    bound = await login.go_on(talk)
    if bound is None:
        return True
    what = Payable(
        insured_group=InsuredGroup(window["insured_group"]),
        insurance=Insurance(window["insurance"]),
        year=window["year"],
    )
    on = date.fromisoformat(window["on"]) if window["on"] else None
    whom = {"person_id": bound.person_id, "conversation_id": talk.conversation_id}
    title = say(f"insurance.{what.insured_group}.{what.insurance}")
    if window["kind"] == windows.OPENS or on is None:
        await talk.services.reminders.when_open(what, opens_on=on, **whom)
        talk.tell("reminder.will_open", what=title, year=what.year, on=on)
        return True
    told_on = await talk.services.reminders.before_end(what, ends_on=on, **whom)
    talk.tell(
        "reminder.will_end" if told_on else "reminder.too_near", what=title, told_on=told_on, ends_on=on
    )
    return True


async def tell(
    talk: Talk, *, insured_group: str, insurance: str, year: int, ends_on: str | None = None
) -> None:
    """The news: it can be paid now, or not for long any more."""
    if await talk.services.identity.find_bound(talk.conversation_id) is None:
        return
    about = f', "fee_year": "{year}"' if insured_group == InsuredGroup.RESIDENT else ""
    payload = (
        f'/pay_insurance{{"insured_group": "{insured_group}", "insurance": "{insurance}", '
        f'"beneficiary": "self"{about}}}'
    )
    talk.tell(
        "reminder.ends" if ends_on else "reminder.open",
        (say("button.pay_now"), payload),
        what=say(f"insurance.{insured_group}.{insurance}"),
        year=year,
        on=date.fromisoformat(ends_on) if ends_on else None,
    )
