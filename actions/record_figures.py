"""What records come to, in a sentence: how many and how much, which is the most, whether they are paid."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from actions import cards, record_lists
from actions.query_words import MOST
from actions.say import say
from actions.talk import Button, Talk
from services.domain.kinds import RecordKind
from services.ports import FeeRecord

FEW = 3
"""So many records are named beside their number."""
IS: Mapping[str, Callable[[FeeRecord], bool]] = {
    "valid": lambda record: bool(record.valid),
    "invalid": lambda record: not record.valid,
    "unpaid": lambda record: record.status == "unpaid",
    "paid": lambda record: record.status in {"paid", record_lists.BOOKING},
    "void": lambda record: record.status == "void",
    "refunded": lambda record: record.refunded_on is not None,
}
"""What `query_words.state_said` may ask for."""


def tell_total(
    talk: Talk, kind: str, records: Sequence[FeeRecord], *, what: str, who: str, state: str | None, part: str
) -> None:
    """Of all pages; with a `state`, how many of them are of it, and which where they are few. `part`: what of the
    list was counted."""
    about = {"what": what, "who": who, "kind": say(f"query.kind.{kind}"), "count": len(records)}
    if state is not None:
        _tell_count(talk, kind, [record for record in records if IS[state](record)], state, **about)
        return
    talk.tell(
        "query.total",
        _back(),
        part=part,
        total=record_lists.total(records) if kind != RecordKind.TIER_CHOICE else None,
        refunded=sum(record.refunded_on is not None for record in records),
        **about,
    )


def _tell_count(talk: Talk, of: str, found: Sequence[FeeRecord], state: str, **about: object) -> None:
    unpaid = found if state == "unpaid" else []
    talk.tell(
        "query.count",
        *_pay_buttons(unpaid),
        _back(),
        state=say(f"query.state.{state}"),
        found=len(found),
        lines=[record_lists.spoken(of, record) for record in found] if len(found) <= FEW else [],
        pay=record_lists.insurance_of(unpaid[0]) if unpaid else "",
        **about,
    )


def tell_settled(talk: Talk, kind: str, records: Sequence[FeeRecord], one: FeeRecord | None) -> None:
    """缴了没有: of the record that is in view, else of all that are listed."""
    if one is None:
        unpaid = [record for record in records if IS["unpaid"](record)]
        if unpaid:
            what = {"what": "", "who": "", "kind": say(f"query.kind.{kind}")}
            _tell_count(talk, kind, unpaid, "unpaid", count=len(records), **what)
        else:
            void = sum(IS["void"](record) for record in records)
            talk.tell("query.settled.all", _back(), count=len(records), void=void)
        return
    state = "refunded" if one.refunded_on else one.status or "paid"
    buttons = _pay_buttons([one]) if state == "unpaid" else ()
    facts = {"what": record_lists.insurance_of(one), "line": record_lists.title(kind, one)}
    talk.tell(f"query.settled.{state}", *buttons, _back(), amount=one.amount, **facts)


def _pay_buttons(unpaid: Sequence[FeeRecord]) -> tuple[Button, ...]:
    """The next step: one button for each insurance of which something is not paid."""
    return tuple(
        (
            say("button.pay_what", what=record_lists.insurance_of(one)),
            f'/pay_insurance{{"insured_group": "{one.insured_group}", "insurance": "{one.insurance}"}}',
        )
        for one in {(record.insured_group, record.insurance): record for record in unpaid}.values()
    )


def _back() -> Button:
    return say("query.button.back"), cards.query_page(1)


# --- the most and the least -----------------------------------------------------------------------------


def extreme(records: Sequence[FeeRecord], which: str) -> FeeRecord | None:
    """The newest of those that come to the most or the least; what was refunded or is void does not count."""
    worth = {record.record_id: _worth(record) for record in _counted(records)}
    if not worth:
        return None
    wanted = (max if which == MOST else min)(worth.values())
    return next(record for record in records if worth.get(record.record_id) == wanted)


def say_extreme(kind: str, records: Sequence[FeeRecord], which: str, one: FeeRecord) -> str:
    """The record with its day and amount, and how many others come to the same."""
    counted = _counted(records)
    return say(
        "query.extreme",
        most=which == MOST,
        tiers=kind == RecordKind.TIER_CHOICE,
        line=record_lists.spoken(kind, one),
        amount=_worth(one),
        count=len(counted),
        same=sum(_worth(record) == _worth(one) for record in counted),
    )


def say_extreme_year(years: Mapping[int, Decimal], which: str) -> str:
    """Of the years in which something was paid."""
    paid = {year: amount for year, amount in years.items() if amount}
    if not paid:
        return ""
    wanted = (max if which == MOST else min)(paid.values())
    found = [year for year, amount in paid.items() if amount == wanted]
    every = len(found) == len(paid)
    return say("query.extreme_year", most=which == MOST, years=found, amount=wanted, every=every)


def _counted(records: Sequence[FeeRecord]) -> list[FeeRecord]:
    return [record for record in records if record.refunded_on is None and record.status != "void"]


def _worth(record: FeeRecord) -> Decimal:
    return record.amount or record.base or Decimal(0)
