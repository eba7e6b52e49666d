"""After an order: 重新付 takes up what was closed or left; 选错档了 can't change what is paid."""

import re
from contextlib import suppress

from actions import choosing, family, paying, returning, steps
from actions.reviewing import order_facts
from actions.say import say
from actions.slots import FOR_OTHER
from actions.state import CONFIRM, PAYMENT
from actions.talk import Talk
from services.domain.errors import ServiceError
from services.domain.kinds import Insurance, InsuredGroup
from services.domain.refunds import Reason, judge
from services.payment import OrderView

WRONG = re.compile(
    r"(?:选|点|填|弄|搞|缴|交|付)(?:得|的)?(?:错|低|高|少|多)了?|[少多](?:选|点|填|缴|交|付)了|档次?.{0,4}(?:错|不对|太?[低高])"
    r"|换.{0,3}档|差额"
)
CHANGES = frozenset({"change_answer", "inform", "out_of_scope", "nlu_fallback", "complain", "faq"})
OTHER_TIER = re.compile(
    r"(?:应该|应当|本来|原来|其实|明明|想|要|说)(?:的是|是|想|要|说|给我)*(?:[交缴付选补]|$)|应该|应当|本来"
    r"|(?:补|加|升|提|涨|改|换)(?:到|成|齐|够|足|上)|[再还]补"
)
"""应该付一千五, 我要补到一千五: of another tier than the one that was paid."""
REGRETS = re.compile(r"[少多](?:选|点|填|缴|交|付)了|[选缴交付](?:得|的)?[低少]了|差额")
"""Said so, it is no wish to leave, nor a question, whatever it looks like."""
OTHER_TIME = re.compile(r"月|[前去明后今]年|年度|\d年|全年|年底")
"""少交了两个月, 补到年底: something that can still be paid."""


async def takes(talk: Talk) -> bool:
    """Whether the turn is about what was paid, or closed, last; then it is done."""
    state, turn = talk.state, talk.turn
    if turn.poke:
        return False
    if returning.tries_again(talk) and (state.task or state.login):
        await steps.go_on(talk)
        return True
    if state.login or state.question:
        return False
    if returning.pays_again(talk):
        return await _pays_again(talk)
    if state.task and state.task.asked == PAYMENT and REGRETS.search(turn.text) and state.order_no:
        with suppress(ServiceError):  # 多付了, the first words after paying
            found = await talk.services.payment.refresh(state.order_no, patient=False)
            if found.status == "paid":
                await paying.show(talk, found)
    order = None if state.task or not _changes_choice(talk) else await _paid(talk)
    if order:
        with suppress(ServiceError):  # it may be booked by now
            order = await talk.services.payment.refresh(order.order_no, patient=False)
        _tell_settled(talk, order, (await order_facts(talk, order))["what"])
    return order is not None


async def _pays_again(talk: Talk) -> bool:
    """What is open is shown again, what was left is taken up; what is paid is not paid twice."""
    task = talk.state.task
    if task is None and talk.state.left:
        returning.take_up(talk.state)
    elif task is None and await _paid(talk):
        await steps.show_status(talk)
    elif task is None or task.kind != "pay" or task.asked not in {CONFIRM, PAYMENT}:
        return False
    await steps.go_on(talk)
    return True


def _changes_choice(talk: Talk) -> bool:
    """我选错档了, 改成2000, 应该付一千五, 少交了: about what was chosen for the payment."""
    turn = talk.turn
    if _names_another(talk) or OTHER_TIME.search(turn.text):
        return False
    if WRONG.search(turn.text):
        regrets = REGRETS.search(turn.text) is not None and turn.intent != "request_refund"
        return turn.intent in CHANGES or regrets
    said = turn.last("tier") or turn.last("amount")
    if said is not None and turn.intent == "change_answer":
        return True
    named = said or any(n >= choosing.LOWEST for n in choosing.numbers(turn.text))
    return bool(named) and OTHER_TIER.search(turn.text) is not None


def _names_another(talk: Talk) -> bool:
    """Whether it is about somebody else than the one who was paid for last."""
    said, last = talk.turn.last("beneficiary"), talk.state.last
    if said == FOR_OTHER:
        return family.relations(talk.turn.text) != [last.get("relation")]
    return said is not None and last.get("beneficiary") == FOR_OTHER


async def _paid(talk: Talk) -> OrderView | None:
    """The last order of the conversation, if it is paid, and nothing else was done since that this may be about."""
    about_it = talk.state.done.get("kind") == "pay" or "档" in talk.turn.text
    if talk.state.order_no is None or not about_it or talk.state.left:
        return None
    order, insurance = (
        await talk.services.payment.find_order(talk.state.order_no),
        talk.turn.last("insurance"),
    )
    if order is None or insurance not in {None, *(str(bill.quote.dues.insurance) for bill in order.bills)}:
        return None
    return order if order.status == "paid" else None


def _tell_settled(talk: Talk, order: OrderView, what: str) -> None:
    """What was paid; that it can't be changed here any more, who may, and how to ask for the money back."""
    dues, several = order.bills[0].quote.dues, len(order.bills) > 1
    refundable = judge(dues, Reason.WRONG_AMOUNT, booked=order.booked, today=talk.today).ok
    button = (
        (say("button.refund"), "/request_refund") if refundable else (say("button.human"), "/request_human")
    )
    talk.tell(
        "pay.settled",
        button,
        what=what,
        several=several,
        tier="" if several else dues.tier or "",
        yearly=dues.insured_group is InsuredGroup.RESIDENT,
        medical=dues.insurance is Insurance.MEDICAL,
        refundable=refundable,
        booked=order.booked,
    )
