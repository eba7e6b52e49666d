"""Events of Rasa from their stored or sent form."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from rasa.shared.core.events import Event
from rasa.shared.utils.common import all_subclasses


class UnknownEvent(ValueError):
    """Not the form of an event that Rasa knows."""


def read_events(forms: Sequence[Mapping[str, Any]]) -> list[Event]:
    """One event for each of `forms`, or `UnknownEvent`; Rasa itself leaves some out and warns."""
    return [_read(dict(form)) for form in forms]


def _read(form: dict[str, Any]) -> Event:
    kind = _kinds().get(str(form.get("event")))
    event = kind._from_parameters(form) if kind else None
    if event is None:
        raise UnknownEvent(str(form.get("event")))
    return event


@cache
def _kinds() -> dict[str, type[Event]]:
    """The classes by the name of their events; looking one up Rasa's way walks over all of them."""
    kinds: dict[str, type[Event]] = {}
    for kind in all_subclasses(Event):
        kinds.setdefault(kind.type_name, kind)
    return kinds
