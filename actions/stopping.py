"""A payment that can't go on: why, and where to turn to. Of somebody else nothing is told."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from actions import others, reminding, returning
from actions.say import say
from actions.slots import Case, Option, Slot, is_arrears, owing
from actions.state import Task
from actions.talk import Talk
from services.domain.errors import Refused, ServiceError
from services.domain.kinds import EnrolmentStatus, Insurance, PaymentType

WHICH = ("insured_group", "insurance", "agency")


async def stop(talk: Talk, task: Task, case: Case) -> None:
    """No active enrolment fits: say where to go, and end politely (R7)."""
    if case.for_other:
        await others.refuse(talk, task, Refused())
        return
    fitting = [
        e
        for e in case.enrolments
        if all(
            str(getattr(e, name)) == str(case.facts[name])
            for name in ("insured_group", "insurance")
            if name in case.facts
        )
    ]
    suspended = any(e.status is not EnrolmentStatus.ACTIVE for e in fitting)
    key = "stop.suspended" if suspended else "stop.not_enrolled"
    groups = {str(e.insured_group) for e in fitting}
    if len(groups) == 1 and "insurance" in task.facts:
        task.put("insured_group", groups.pop())
    medical = case.facts.get("insurance") == Insurance.MEDICAL
    talk.tell(key, (say("button.human"), "/request_human"), what=returning.describe(task), medical=medical)
    talk.state.finish()
    talk.state.hint = {"why": key.removeprefix("stop."), "medical": medical}


async def cannot_choose(talk: Talk, task: Task, slot: Slot, case: Case, options: Sequence[Option]) -> bool:
    """Whether there is nothing to choose from, or only another year than the one that was said; then it is told."""
    if not options:
        await _nothing_to_choose(talk, task, slot, case)
        return True
    if slot.name in WHICH and len(options) > 1 and is_arrears(case) and not case.for_other:
        if await owing(case):
            return False
        _no_arrears(talk, task)
        return True
    return slot.name == "fee_year" and await _is_not_open(talk, task, case, options)


async def _nothing_to_choose(talk: Talk, task: Task, slot: Slot, case: Case) -> None:
    """Nothing is due, or nothing has been assessed: the bureau's reason, and where to go."""
    if case.for_other:
        await others.refuse(talk, task, Refused())
        return
    if slot.name == "arrears_item":
        _no_arrears(talk, task)
        return
    talk.state.finish()
    try:
        await _why_not_due(talk, slot, case)
    except Refused as refused:
        _tell_why(talk, case, refused)
        return
    talk.tell("stop.nothing_due", what=returning.describe(task))


def _no_arrears(talk: Talk, task: Task) -> None:
    """Nothing was assessed (R2): where to apply (that depends on the insurance), and the way to pay as usual."""
    talk.state.finish()
    talk.state.about = {"arrears": "yes"} | {
        name: str(task.facts[name]) for name in WHICH[:2] if name in task.facts
    }
    normal = {**talk.state.done, "payment_type": PaymentType.NORMAL.value}
    normal.pop("kind", None)
    button = (say("button.pay_normal"), f"/pay_insurance{json.dumps(normal)}")
    talk.tell(
        "stop.no_arrears", button, what=returning.describe(task), insurance=task.facts.get("insurance", "")
    )
    talk.state.hint = {"why": "no_arrears", "medical": task.facts.get("insurance") == Insurance.MEDICAL}


def _tell_why(talk: Talk, case: Case, refused: Refused) -> None:
    pension = case.facts.get("insurance") == Insurance.PENSION
    if refused.facts.get("aided"):
        talk.tell("stop.aided", year=_year_meant(talk, case))
    elif refused.facts.get("too_young"):
        talk.tell("stop.too_young", age=refused.facts["too_young"])
    elif refused.code == "already_paid" and pension:
        talk.tell("stop.paid_this_year", year=_year_meant(talk, case))
    else:
        _tell_own(talk, {**case.facts, "fee_year": _year_meant(talk, case)}, refused)


def tell_failure(talk: Talk, error: ServiceError) -> None:
    """What went wrong. Of a payment of one's own: what is paid already, and when the window is open."""
    task = talk.state.task
    if isinstance(error, Refused) and task and "insurance" in task.facts and not others.is_for_other(task):
        _tell_own(talk, task.facts, error)
    else:
        talk.tell_error(error)


def _tell_own(talk: Talk, facts: Mapping[str, Any], refused: Refused) -> None:
    """A window that has closed meanwhile is told as one that was closed before."""
    if refused.code == "window_closed":
        window_closed(talk, facts["insured_group"], facts["insurance"], refused)
    elif refused.code == "already_paid":
        what = say(f"insurance.{facts['insured_group']}.{facts['insurance']}")
        when = {name: facts.get(name) for name in ("fee_year", "fee_period")}
        talk.tell_error(Refused(refused.code, what=what, **when))
    else:
        talk.tell_error(refused)


def window_closed(
    talk: Talk, insured_group: str, insurance: str, refused: Refused, open_years: Sequence[str] = ()
) -> None:
    """It can't be paid now: since when, from when on, and the offer to be told; another year that can be, if any."""
    facts = refused.facts
    opens_on, closed_on = facts.get("opens_on"), facts.get("closed_on")
    year = int(facts["year"])
    following = year + 1 if closed_on else year
    reminding.offer(
        talk, str(insured_group), str(insurance), following,
        closed_on=closed_on, opens_on=opens_on, open_year=next(iter(open_years), None),
    )  # fmt: skip


async def _is_not_open(talk: Talk, task: Task, case: Case, options: Sequence[Option]) -> bool:
    """A year that was said and can't be paid yet: from when on, and whether to be told; True when that ends it.
    Of one that can't be paid any more since when is told; the open years are gone on with."""
    year = str(task.facts.get("fee_year", ""))[:4]
    open_years = [option.value for option in options]
    if not year or year in open_years or case.for_other:
        return False
    try:
        await _quote(case, fee_year=year)
    except Refused as refused:
        if refused.code != "window_closed":
            return False
        if not refused.facts.get("closed_on"):
            talk.state.finish()
            window_closed(talk, case.facts["insured_group"], case.facts["insurance"], refused, open_years)
            return True
        task.forget("fee_year")
        what = returning.describe(task)
        talk.tell(
            "stop.closed_year", year=year, what=what, closed_on=refused.facts["closed_on"], open=open_years
        )
    return False


async def _why_not_due(talk: Talk, slot: Slot, case: Case) -> None:
    """Ask the bureau for what people mean now; its refusal says why nothing is due."""
    if slot.name == "fee_period":
        await _quote(case, fee_period=f"{talk.today.year + 1}-01")
    if slot.name != "fee_year":
        return
    try:
        await _quote(case, fee_year=_year_meant(talk, case))
    except Refused as refused:
        if refused.code == "window_closed" and "opens_on" not in refused.facts:
            await _quote(
                case, fee_year=str(talk.today.year)
            )  # nothing is known of it yet: the running year's end is
        raise


async def _quote(case: Case, **facts: str) -> None:
    asked = replace(case, facts={**case.facts, **facts})
    await case.services.declarations.quote(case.person_id, asked.dues)


def _year_meant(talk: Talk, case: Case) -> str:
    """The year that was said (perhaps before logging in), else the one that people pay for now."""
    said = talk.turn.last("fee_year") or case.facts.get("fee_year")
    ahead = case.facts.get("insurance") == Insurance.MEDICAL and talk.today.month >= 9
    return str(said)[:4] if said else str(talk.today.year + ahead)
