"""A refund in words: what was paid for whom, and how far the case is."""

from collections.abc import Sequence

from actions.say import say
from actions.talk import Talk
from services.domain.refunds import CaseState, Route
from services.refunds import CaseView, Part

EXPLAINED = frozenset({"benefit_began", "not_refundable", "ask_agency", "overtaken"})


async def who_of(talk: Talk, parts: Sequence[Part]) -> str:
    """The masked names of others; nothing for oneself."""
    bound = await talk.services.identity.find_bound(talk.conversation_id)
    others = dict.fromkeys(p.insured_id for p in parts if bound is None or p.insured_id != bound.person_id)
    return "、".join([await talk.services.insured.masked_name(person_id) for person_id in others])


def what_of(parts: Sequence[Part]) -> str:
    """居民医保2027年度; of several the first, and how many they are."""
    first = parts[0]
    return say(
        "refund.what", what=say(f"insurance.{first.dues.insured_group}.{first.dues.insurance}"),
        year=first.dues.fee_year, period=first.fee_period, count=len(parts),
    )  # fmt: skip


async def sentence_of(talk: Talk, case: CaseView) -> str:
    return say(
        f"refund.state.{key_of(case)}",
        number=case.case_no,
        who=await who_of(talk, case.parts),
        what=what_of(case.parts),
        amount=case.amount,
        expected_by=case.expected_by,
        medical=case.parts[0].dues.insurance == "medical",
        wallet=say(f"pay.wallet.{case.provider}"),
    )


def key_of(case: CaseView) -> str:
    """The name of its sentence."""
    at_gateway = case.route is Route.GATEWAY
    if case.state is CaseState.SENT:
        return "going_back" if at_gateway else case.stage.value if case.stage else "accepted"
    if case.state is CaseState.APPROVED:
        return "releasing" if at_gateway else "approved"
    if case.state is CaseState.DONE:
        return "returned" if at_gateway else "paid"
    if case.state is CaseState.REJECTED:
        return case.outcome if case.outcome in EXPLAINED else "rejected"
    return case.state.value
