"""From when the medical insurance that is being paid, or was just paid, helps: what its own bill says."""

import re

from actions.say import say
from actions.state import CONFIRM, PAYMENT
from actions.talk import Talk
from services.payment import Bill

_WHEN = r"(?:什么时候|啥子?时候|好久|几时|哪天|哪阵子?|哪个时候|多久|几号|几月)"
_WORKS = r"(?:能用|管用|生效|报销|能?报(?!名)|享受|起作用|用得|作数)"
ASKS_WHEN = re.compile(
    rf"{_WHEN}.{{0,6}}{_WORKS}|(?:生效|管用|起作用|能用|能报|能?报销|作数)(?:了|得)?(?:没有?得?|吗|不|迈)?(?:[了哦嘛啊哈?？])*$"
)
ASKS_MUCH = re.compile(r"报(?:销|得到?|到)?(?:多少|好多|几成|百分之几)")
OF_SOMETHING_ELSE = re.compile(r"凭证|证明|票|退|记录|养老|发票|异地|外省|外地")


async def answer(talk: Talk) -> bool:
    """Whether it was asked from when it helps, or how much of a bill is paid back; then it is told."""
    text = talk.turn.text
    much = ASKS_MUCH.search(text) is not None
    if not (much or ASKS_WHEN.search(text)) or OF_SOMETHING_ELSE.search(text) or _asks_for_another(talk):
        return False
    found = await _bill_and_payer(talk)
    if found is None and not much:
        return False
    sentences = [_sentence(talk, *found)] if found else []
    talk.tell("benefit.told", sentences=[*sentences, *([say("benefit.much")] if much else [])])
    return True


def _asks_for_another(talk: Talk) -> bool:
    return talk.turn.last("insured_group") is not None or talk.turn.last("fee_year") is not None


def _sentence(talk: Talk, bill: Bill, payer_id: str, paid: bool) -> str:
    begins = bill.quote.benefit_from
    if bill.insured_id != payer_id or begins is None:
        return say("caution.benefit_of_other")
    return say("benefit.from", begins=begins, paid=paid, began=talk.today >= begins)


async def _bill_and_payer(talk: Talk) -> tuple[Bill, str, bool] | None:
    """The one bill of medical insurance that is shown, or that was paid last, its payer, and whether it is paid."""
    task, payment = talk.state.task, talk.services.payment
    draft = order = None
    if task and task.kind == "pay" and task.asked == CONFIRM:
        draft = await payment.find_draft(task.draft_id or "")
    elif talk.state.order_no and (task is None or task.asked == PAYMENT or task.kind != "pay"):
        order = await payment.find_order(talk.state.order_no)
    shown = draft or order
    if shown is None or len(shown.bills) != 1 or shown.bills[0].quote.benefit_from is None:
        return None
    return shown.bills[0], shown.payer_id, order is not None and order.status == "paid"
