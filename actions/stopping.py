"""A payment that can't go on: why, and where to turn to. Of somebody else nothing is told."""

import json
from dataclasses import replace

from actions import others, returning
from actions.say import say
from actions.slots import Case, Slot
from actions.state import Task
from actions.talk import Talk
from services.domain.errors import Refused
from services.domain.kinds import EnrolmentStatus, Insurance, PaymentType


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


async def nothing_to_choose(talk: Talk, task: Task, slot: Slot, case: Case) -> None:
    """Nothing is due, or nothing has been assessed: the bureau's reason, and where to go."""
    if case.for_other:
        await others.refuse(talk, task, Refused())
        return
    medical = case.facts.get("insurance") == Insurance.MEDICAL
    talk.state.finish()
    if slot.name == "arrears_item":
        normal = {**talk.state.done, "payment_type": PaymentType.NORMAL.value}
        normal.pop("kind", None)
        button = (say("button.pay_normal"), f"/pay_insurance{json.dumps(normal)}")
        talk.tell("stop.no_arrears", button, what=returning.describe(task), medical=medical)
        return
    try:
        await _why_not_due(talk, slot, case)
    except Refused as refused:
        if refused.facts.get("aided"):
            talk.tell("stop.aided", year=_year_meant(talk, case))
        else:
            talk.tell_error(refused)
        return
    talk.tell("stop.nothing_due", what=returning.describe(task))


async def _why_not_due(talk: Talk, slot: Slot, case: Case) -> None:
    """Ask the bureau for the year that people mean now; its refusal says why nothing is due."""
    if slot.name != "fee_year":
        return
    asked = replace(case, facts={**case.facts, "fee_year": _year_meant(talk, case)})
    await talk.services.declarations.quote(case.person_id, asked.dues)


def _year_meant(talk: Talk, case: Case) -> str:
    """The year that was said (perhaps before logging in), else the one that people pay for now."""
    said = talk.turn.last("fee_year") or case.facts.get("fee_year")
    ahead = case.facts.get("insurance") == Insurance.MEDICAL and talk.today.month >= 9
    return str(said)[:4] if said else str(talk.today.year + ahead)
