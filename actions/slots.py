"""Each fact that can be asked, once: which answers there are, what is taken for granted, when it is asked.

`options(case)` lists the answers from what the bureau knows. `accept(case, value)` turns what was said
into one of the facts, or says with a text key why not. `default(case)` is used without asking.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from actions.say import say
from services.bootstrap import Services
from services.domain.kinds import EnrolmentStatus, IdType, Insurance, InsuredGroup, PaymentType
from services.ports import Dues, Enrolment, Tier

FOR_OTHER = "other"
"""The value of `beneficiary` when somebody else is paid for."""
INSURED, ID_NUMBER, PERSON_NAME = "insured_person", "id_number", "person_name"
ALL = "all"
"""The value of `arrears_item` for every item at once."""
ANOTHER = "another"
"""The value of `insured_person` for somebody whom one has not paid for before."""


@dataclass(frozen=True, kw_only=True)
class Option:
    """One possible answer; `value` is the fact, `title` what the button says, `note` what it means; `tier` what the
    bureau says of it if it is one."""

    value: str
    title: str
    note: str | None = None
    tier: Tier | None = None


@dataclass(frozen=True, kw_only=True)
class No:
    """An answer that can't be taken: the sentence `reason` with `facts` says why."""

    reason: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a slot may look at: who, what is known so far, what the enrolment tells, and the day.

    `person_id` is the insured person: empty as long as it is not known which other person is meant.
    """

    services: Services
    payer_id: str
    person_id: str
    facts: Mapping[str, Any]
    enrolments: Sequence[Enrolment]
    today: date

    @property
    def for_other(self) -> bool:
        return bool(self.facts.get("beneficiary") == FOR_OTHER)

    @property
    def matching(self) -> list[Enrolment]:
        """The active enrolments that fit what is known."""
        wanted = {
            name: self.facts[name] for name in ("insured_group", "insurance", "agency") if name in self.facts
        }
        return [
            e
            for e in self.enrolments
            if e.status is EnrolmentStatus.ACTIVE
            and all(str(getattr(e, name)) == str(value) for name, value in wanted.items())
        ]

    @property
    def dues(self) -> Dues:
        """The known facts as the bureau takes them."""
        year = self.facts.get("fee_year")
        return Dues(
            insured_group=InsuredGroup(self.facts["insured_group"]),
            insurance=Insurance(self.facts["insurance"]),
            payment_type=PaymentType(self.facts.get("payment_type", PaymentType.NORMAL)),
            agency=self.facts["agency"],
            fee_period=self.facts.get("fee_period"),
            fee_year=int(year) if year else None,
            tier=self.facts.get("tier"),
            arrears_item=self.facts.get("arrears_item"),
        )


Options = Callable[[Case], Awaitable[Sequence[Option]]]
Accept = Callable[[Case, Any, Sequence[Option]], "str | No"]


def one_of_the_options(_case: Case, value: Any, options: Sequence[Option]) -> str | No:
    for option in options:
        if str(value) == option.value:
            return option.value
    return No(reason="problem.not_offered", facts={})


def one_item(case: Case, value: Any, options: Sequence[Option]) -> str | No:
    """`all` is no item: it becomes a bill for each (`actions.answering`)."""
    return one_of_the_options(case, value, [option for option in options if option.value != ALL])


@dataclass(frozen=True, kw_only=True)
class Slot:
    name: str
    options: Options
    accept: Accept = one_of_the_options
    default: Callable[[Case], str | None] = lambda _case: None
    when: Callable[[Case], bool] = lambda _case: True
    personal: bool = False
    """Says who the insured person is: settled by `actions.others`, before the rest of the row."""


# --- conditions -------------------------------------------------------------------------------------


def is_normal(case: Case) -> bool:
    return bool(case.facts.get("payment_type", PaymentType.NORMAL) == PaymentType.NORMAL)


def is_arrears(case: Case) -> bool:
    return not is_normal(case)


# --- options ----------------------------------------------------------------------------------------


async def groups(case: Case) -> Sequence[Option]:
    found = dict.fromkeys(e.insured_group for e in await _payable(case))
    if case.for_other:  # every kind there is: theirs are not told
        found = dict.fromkeys(InsuredGroup)
    insurance = case.facts.get("insurance")
    key = f"insurance.{{}}.{insurance}" if insurance else "group.{}"
    return [Option(value=group, title=say(key.format(group))) for group in found]


async def insurances(case: Case) -> Sequence[Option]:
    found = dict.fromkeys((e.insured_group, e.insurance) for e in await _payable(case))
    if case.for_other:
        found = dict.fromkeys((InsuredGroup(case.facts["insured_group"]), kind) for kind in Insurance)
    return [
        Option(value=insurance, title=say(f"insurance.{group}.{insurance}")) for group, insurance in found
    ]


async def agencies(case: Case) -> Sequence[Option]:
    found = dict.fromkeys((e.agency, e.agency_name) for e in await _payable(case))
    return [Option(value=code, title=name) for code, name in found]


async def _payable(case: Case) -> Sequence[Enrolment]:
    """The enrolments that fit; for a 补缴 of one's own those for which something was assessed, if any was."""
    return await owing(case) or case.matching


async def owing(case: Case) -> Sequence[Enrolment]:
    """The enrolments that fit, of one's own, for which arrears have been assessed and pushed, if it is about them."""
    if is_normal(case) or case.for_other or not case.person_id:
        return []
    items = await case.services.declarations.arrears(case.person_id)
    owed = {(item.insured_group, item.insurance, item.agency) for item in items}
    return [e for e in case.matching if (e.insured_group, e.insurance, e.agency) in owed]


async def payment_types(_case: Case) -> Sequence[Option]:
    return [Option(value=kind, title=say(f"payment_type.{kind}")) for kind in PaymentType]


async def arrears_items(case: Case) -> Sequence[Option]:
    """Only what the agency has assessed and pushed (R2)."""
    items = [
        item
        for item in await case.services.declarations.arrears(case.person_id)
        if (item.insured_group, item.insurance, item.agency)
        == (case.facts["insured_group"], case.facts["insurance"], case.facts["agency"])
    ]
    options = [
        Option(
            value=item.item_id,
            title=say("option.arrears", period=item.period, amount=item.amount),
            note=item.agency_name,
        )
        for item in items
    ]
    if len(items) > 1:
        total = sum(item.amount for item in items)
        options.append(Option(value=ALL, title=say("option.all_arrears", count=len(items), amount=total)))
    return options


def due(case: Case) -> tuple[str, ...]:
    return case.matching[0].due if case.matching else ()


async def fee_years(case: Case) -> Sequence[Option]:
    return [Option(value=year, title=say("option.fee_year", year=year)) for year in due(case)]


async def fee_periods(case: Case) -> Sequence[Option]:
    """From the earliest unpaid month: that month, up to now, the whole year (`spec` 4)."""
    unpaid = due(case)
    if not unpaid:
        return []
    now = f"{case.today:%Y-%m}"
    ends = [unpaid[0], *[m for m in unpaid if m <= now][-1:], unpaid[-1]]
    found = dict.fromkeys(span(unpaid[0], end) for end in ends)
    return [
        Option(
            value=period, title=say("option.fee_period", period=period, count=len(months_in(case, period)))
        )
        for period in found
    ]


async def tiers(case: Case) -> Sequence[Option]:
    """The last choice first, then from low to high, each with what it costs. Of somebody else neither the last choice
    nor a mark is told: a tier that needs one is there only for who names it."""
    found = await case.services.declarations.tiers(case.person_id, case.dues)
    if case.for_other:
        said = case.facts.get("tier")
        found = [replace(tier, last=False) for tier in found if not tier.restricted or tier.tier == said]
    key = f"option.tier.{case.facts['insured_group']}"
    return [
        Option(
            value=tier.tier,
            title=say(key, tier=tier.tier, amount=tier.amount),
            note=_cost(case, tier) or None,
            tier=tier,
        )
        for tier in sorted(found, key=lambda tier: not tier.last)
    ]


def _cost(case: Case, tier: Tier) -> str:
    """What stands below a tier: its total for the chosen months and its base; what the government adds."""
    period = str(case.facts.get("fee_period", ""))
    months = len(months_in(case, period)) if period else 0
    return say(
        f"option.cost.{case.facts['insured_group']}",
        last=tier.last,
        months=months,
        total=tier.amount * months,
        base=None if case.for_other else tier.base,
        subsidy=None if case.for_other else tier.subsidy,
    )


async def people(case: Case) -> Sequence[Option]:
    """Whom one has paid for before, by masked name, and somebody else."""
    options = [
        Option(
            value=one.person_id,
            title=one.masked_name,
            note=say("option.paid_before", what=say(f"insurance.{one.last[0]}.{one.last[1]}"))
            if one.last
            else None,
        )
        for one in await case.services.insured.paid_before(case.payer_id)
    ]
    return [*options, Option(value=ANOTHER, title=say("option.another"))] if options else []


async def id_types(_case: Case) -> Sequence[Option]:
    return [Option(value=kind, title=kind) for kind in SUPPORTED]


async def told_freely(_case: Case) -> Sequence[Option]:
    return []


# --- accepting --------------------------------------------------------------------------------------


def accept_fee_year(case: Case, value: Any, options: Sequence[Option]) -> str | No:
    year = str(value)[:4]
    if year in {option.value for option in options}:
        return year
    key = f"problem.fee_year.{case.facts['insurance']}"
    return No(reason=key, facts={"year": year, "open": [option.value for option in options]})


def accept_fee_period(case: Case, value: Any, _options: Sequence[Option]) -> str | No:
    """Any run of months that begins with the earliest unpaid one; months already paid are left out."""
    unpaid = due(case)
    first, _, last = str(value).partition("/")
    last = last or first
    wanted = [month for month in unpaid if first <= month <= last]
    this_year = str(case.today.year)
    if not wanted and last[:4] != this_year:
        return No(reason="problem.flexible_year", facts={"year": last[:4], "past": last[:4] < this_year})
    if not wanted:
        enrolled = case.matching[0].since <= first if case.matching else False
        paid = enrolled and first[:4] == this_year and not case.for_other
        key = "problem.fee_period_paid" if paid else "problem.fee_period_not_due"
        return No(reason=key, facts={"period": str(value)})
    if wanted[0] != unpaid[0]:
        return No(reason="problem.fee_period_gap", facts={"earliest": unpaid[0]})
    return span(wanted[0], wanted[-1])


def accept_tier(case: Case, value: Any, options: Sequence[Option]) -> str | No:
    """A tier by name, or `lowest`, `highest`, `last`, wherever it stands in the list."""
    if not options:
        return No(reason="problem.not_offered", facts={})
    ranked = sorted(options, key=_rank)
    relative = {"lowest": ranked[0], "highest": ranked[-1]}
    if value in relative:
        return relative[value].value
    if value == "last":
        last = [option for option in options if option.tier and option.tier.last]
        return last[0].value if last else No(reason="problem.no_last_tier", facts={})
    said = str(value).rstrip("%")
    for option in options:
        if said == option.value.rstrip("%"):
            return option.value
    resident = case.facts.get("insured_group") == InsuredGroup.RESIDENT
    if resident and said.isdigit() and int(said) < _rank(ranked[0]) and not case.for_other:
        return No(reason="problem.tier_restricted", facts={"lowest": ranked[0].value})
    return No(reason="problem.tier", facts={"near": _near(said, ranked)})


def _rank(option: Option) -> int:
    return int(option.value.rstrip("%"))


def _near(said: str, ranked: Sequence[Option]) -> list[str]:
    """The offered tiers beside one that is not offered; the lowest and the highest beside a word."""
    if not said.isdigit():
        return [ranked[0].value, ranked[-1].value]
    below = [option.value for option in ranked if _rank(option) < int(said)]
    above = [option.value for option in ranked if _rank(option) > int(said)]
    return [*below[-1:], *above[:1]]


def span(first: str, last: str) -> str:
    return first if first == last else f"{first}/{last}"


def months_in(case: Case, period: str) -> list[str]:
    """The unpaid months of a period: what lies between them and is paid costs nothing."""
    first, _, last = period.partition("/")
    return [month for month in due(case) if first <= month <= (last or first)]


# --- the slots --------------------------------------------------------------------------------------

SUPPORTED = (
    IdType.RESIDENT_ID_CARD,
    IdType.HK_MACAO_TRAVEL_PERMIT,
    IdType.HK_MACAO_RESIDENCE_PERMIT,
    IdType.TAIWAN_TRAVEL_PERMIT,
    IdType.TAIWAN_RESIDENCE_PERMIT,
    IdType.FOREIGN_PASSPORT,
    IdType.FOREIGN_PERMANENT_RESIDENT_ID,
)

insured_group = Slot(name="insured_group", options=groups)
insurance = Slot(name="insurance", options=insurances)
agency = Slot(name="agency", options=agencies)
payment_type = Slot(name="payment_type", options=payment_types, default=lambda _case: PaymentType.NORMAL)
arrears_item = Slot(name="arrears_item", options=arrears_items, accept=one_item, when=is_arrears)
fee_period = Slot(name="fee_period", options=fee_periods, accept=accept_fee_period, when=is_normal)
fee_year = Slot(name="fee_year", options=fee_years, accept=accept_fee_year, when=is_normal)
tier = Slot(name="tier", options=tiers, accept=accept_tier, when=is_normal)
insured_person = Slot(name=INSURED, options=people, personal=True)
id_type = Slot(name="id_type", options=id_types, default=lambda _case: IdType.RESIDENT_ID_CARD, personal=True)
id_number = Slot(name=ID_NUMBER, options=told_freely, personal=True)
person_name = Slot(name=PERSON_NAME, options=told_freely, personal=True)
