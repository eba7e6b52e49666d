"""What is said on the review beside the figures: who is insured twice, too old, or says what nobody has registered."""

import re
from datetime import date

from actions import windows
from actions.say import say
from actions.state import CONFIRM, Task
from actions.talk import Talk
from services.domain.kinds import Insurance, InsuredGroup
from services.domain.periods import months_of
from services.ports import Caution, Quote

CLAIMS = re.compile(
    r"(?:我|我家|我们家|我们)(?:也|就|本来|明明|现在)?(?:是|有|属于|算)?(?:个|一个)?"
    r"(低保|特困|五保|孤儿|脱贫|建档立卡|贫困|残疾|重残|退役|退伍|边缘户)(?:户|对象|人员|人|军人|家庭|证|兵)*"
)
QUESTION = re.compile(r"吗|什么|怎么|多少|能不能|可不可以|咋|[?？]")


def before_paying(quote: Quote, *, for_other: bool, today: date) -> list[str]:
    """Sentences for the insured person; of another they would tell the history, but for the age, which stands in the
    number that was told. `today`: once the benefit has begun there is no refund for a regret."""
    dues = quote.dues
    resident_medical = (dues.insured_group, dues.insurance) == (InsuredGroup.RESIDENT, Insurance.MEDICAL)
    if for_other:
        found = [say("caution.benefit_of_other")] if resident_medical else []
        if resident_medical and dues.fee_year and today >= date(dues.fee_year, 1, 1):
            found.append(say("caution.no_refund_of_other"))
        if Caution.PENSION_AGE in quote.warnings:
            found.append(say("caution.pension_age_of_other"))
        return found
    found = [say(f"caution.{caution}.{dues.insurance}") for caution in quote.warnings]
    if resident_medical and quote.benefit_from and today >= quote.benefit_from:
        found.append(say("caution.no_refund"))
    whole = len(months_of(quote.fee_period)) if quote.fee_period else 0
    if quote.months is not None and 0 < quote.months < whole:
        found.append(say("caution.paid_between", count=whole - quote.months))
    return found


async def asks_about_terms(talk: Talk) -> bool:
    """依据是什么, 我是低保户: told from what the bureau has said."""
    if talk.state.login or talk.turn.poke:
        return False
    return windows.answer_basis(talk) or await _answers_claim(talk, talk.state.task)


async def _answers_claim(talk: Talk, task: Task | None) -> bool:
    """我是低保户 at the review: the bureau's mark decides, not what is said (business 2.5)."""
    if task is None or task.kind != "pay" or task.asked not in {CONFIRM, "tier"}:
        return False
    resident = task.facts.get("insured_group") == InsuredGroup.RESIDENT
    if not resident or task.facts.get("beneficiary") == "other":
        return False
    if not CLAIMS.search(talk.turn.text) or QUESTION.search(talk.turn.text) or talk.turn.last("tier"):
        return False
    draft = await talk.services.payment.find_draft(task.draft_id or "")
    if task.asked == CONFIRM and draft and draft.bills[0].quote.aid:
        talk.tell("claim.known", aid=draft.bills[0].quote.aid)
    else:
        talk.tell(f"claim.unknown.{task.facts['insurance']}")
    return True
