"""A payment task as its slots look at it: who is insured, and what the enrolment tells of them."""

from collections.abc import Sequence

from actions import others
from actions.slots import Case
from actions.state import Task
from actions.talk import Talk
from services.identity import BoundPerson
from services.ports import Enrolment


def insured_id(task: Task, bound: BoundPerson) -> str:
    """Empty as long as it is not known which other person is meant."""
    return others.find_id(task) if others.is_for_other(task) else bound.person_id


def case_of(talk: Talk, task: Task, bound: BoundPerson, enrolments: Sequence[Enrolment] = ()) -> Case:
    return Case(
        services=talk.services,
        payer_id=bound.person_id,
        person_id=insured_id(task, bound),
        facts=task.facts,
        enrolments=enrolments,
        today=talk.today,
    )
