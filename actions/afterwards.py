"""After an order: 重新付 takes up what was closed or left; 选错档了 can't change what is paid, 不要了 wants it back."""

import re
from contextlib import suppress

from actions import (
    family,
    orders,
    others,
    paying,
    refund_words,
    refunding,
    returning,
    spoken,
    starting,
    steps,
)
from actions.choices import plain
from actions.reviewing import order_facts
from actions.say import say
from actions.slots import FOR_OTHER
from actions.state import CONFIRM, LOOKUPS, PAYMENT, Task
from actions.talk import Talk
from services.domain.errors import ServiceError
from services.domain.kinds import Insurance, InsuredGroup
from services.domain.refunds import Reason, judge
from services.payment import OrderView

WRONG = re.compile(
    r"(?:选|点|填|弄|搞|缴|交|付)(?:得|的)?(?:错|低|高|少|多)了?|[少多](?:选|点|填|缴|交|付)了|档次?.{0,4}(?:错|不对|太?[低高])"
    r"|换.{0,3}档|差额"
)
THEN_PAY = re.compile(
    r"(?:那|好|行|要得|嗯|就|我|给|帮|先|现在|来|它|这个)*[交缴买](?:了|一个|一下|一哈|嘛|吧|呗|起|上|噻|哈|咯|算|一份)*"
)
"""那就交嘛, after what it costs was told."""
MISTAKEN = re.compile(r"[交缴付弄搞]错|错了")
INSTEAD = re.compile(r"(?:是|要|该)(?:给|帮|替)|给我(?:自己|本人)")
PAID = re.compile(r"我?(?:都|已经)?(?:付|交|缴|弄|搞)?(?:好|完|过|款)?了")
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
    if state.task and state.task.asked == PAYMENT and REGRETS.search(turn.text) and state.order_no:
        with suppress(ServiceError):  # 多付了, the first words after paying
            found = await talk.services.payment.refresh(state.order_no, patient=False)
            if found.status == "paid":
                await orders.show(talk, found)
    for hears in (
        _wants_money_back,
        _was_the_wrong_one,
        _pays_what_was_asked,
        _pays_again,
        _asks_for_another,
    ):
        if await hears(talk):
            return True
    return False


async def _wants_money_back(talk: Talk) -> bool:
    """不想要了, once it is paid, or while it is asked why: no task is cancelled by that. 在支付宝交的 of a refund."""
    task, said = talk.state.task, plain(talk.turn.text)
    refunds = task.kind == "refund" if task else talk.state.done.get("kind") == "refund"
    if refunds and refund_words.PAID_VIA.search(talk.turn.text):
        talk.tell("refund.paid_where")
        await steps.ask_again(talk)
        return True
    if not refund_words.GIVES_UP.fullmatch(said):
        return False
    if task and task.kind == "refund" and task.asked in {refunding.REASON, CONFIRM}:
        if refunding.REASON not in task.facts:
            task.put(refunding.REASON, Reason.OTHER.value)
        await steps.go_on(talk)
        return True
    if (task and task.kind not in LOOKUPS) or not await _order_in(talk, "paid"):
        return False
    await starting.refund(talk)
    return True


async def _was_the_wrong_one(talk: Talk) -> bool:
    """付错人了，应该是…, while it is not paid: the order is closed and the right one begun. At the review of a refund
    不是给他交，是给我自己 is why, and the wish is kept."""
    task, turn = talk.state.task, talk.turn
    if task is None or task.joint or turn.intent == "cancel":
        return False
    instead = turn.last("beneficiary") is not None and INSTEAD.search(turn.text) is not None
    if task.kind == "refund" and task.asked == CONFIRM and instead:
        wish = await _instead_of_refunded(talk, task)
        await refunding.pay_instead(talk, task, wish)
        await steps.go_on(talk)
        return True
    for_me = turn.last("beneficiary") == others.OWN and others.is_for_other(task)
    wrong = refund_words.reason_in(turn.text) is Reason.WRONG_PERSON
    wrong = wrong or (instead and (for_me or MISTAKEN.search(turn.text) is not None))
    if not wrong or task.kind != "pay" or task.asked != PAYMENT or task.order_no is None:
        return False
    await _replace_unpaid(talk, task, task.order_no)
    return True


async def _replace_unpaid(talk: Talk, task: Task, order_no: str) -> None:
    """Closed, and begun anew for the right person; what turns out to be paid is given back instead."""
    order = await talk.services.payment.abandon(order_no)
    talk.told_orders[order.order_no] = order.status
    if order.status not in {"closed", "pending"}:
        talk.state.finish()
        await starting.refund(talk)
        return
    closed = order.status == "closed"
    talk.tell("refund.unpaid_wrong" if closed else "refund.unpaid_open", until=order.expires_at)
    facts = {name: value for name, value in task.facts.items() if name not in others.WHO}
    talk.state.order_no, talk.state.task = None, Task(kind="pay", facts=facts)
    if talk.turn.last("beneficiary") != others.OWN:
        talk.state.task.facts["beneficiary"] = FOR_OTHER
    await starting.change(talk, talk.state.task)


async def _instead_of_refunded(talk: Talk, task: Task) -> Task:
    """The same payment for whom it was meant."""
    order_no, _, line = str(task.facts[refunding.ORDER]).partition("/")
    order = await talk.services.payment.find_order(order_no)
    facts: dict[str, str] = {}
    if order:
        dues = order.bills[max(0, int(line or 0) - 1)].quote.dues
        facts = {"insured_group": dues.insured_group.value, "insurance": dues.insurance.value}
        facts |= {"fee_year": str(dues.fee_year)} if dues.fee_year else {}
        facts |= {"tier": dues.tier} if dues.tier else {}
    wish = Task(kind="pay", facts=facts)
    paying.take_facts(talk, wish)
    return wish


async def _pays_what_was_asked(talk: Talk) -> bool:
    """那就交嘛, after a question about an insurance was answered."""
    about = talk.hint.get("about")
    if talk.state.task or not about or not THEN_PAY.fullmatch(plain(talk.turn.text)):
        return False
    talk.state.task = Task(kind="pay", facts=dict(about))
    await starting.change(talk, talk.state.task)
    return True


async def tells_of_another(talk: Talk) -> bool:
    """好了, while somebody else is asked for: it is about the order that was made before."""
    task, order_no = talk.state.task, talk.state.order_no
    if order_no is None or task is None or task.order_no == order_no or talk.state.login:
        return False
    if talk.state.question or not PAID.fullmatch(plain(talk.turn.text)):
        return False
    order = await talk.services.payment.refresh(order_no)
    if order.status not in {"paid", "pending"} or order_no in talk.told_orders:
        return False
    if order.status == "paid":
        await orders.show(talk, order)
    else:
        talk.tell("instead.waits", total=order.total, until=order.expires_at)
    await steps.ask_again(talk)
    return True


async def _pays_again(talk: Talk) -> bool:
    """重新付: what is open is shown again, what was left is taken up; what is paid is not paid twice."""
    task = talk.state.task
    if not returning.pays_again(talk):
        return False
    if task is None and talk.state.left:
        returning.take_up(talk.state)
    elif task is None and await _paid(talk):
        await steps.show_status(talk)
    elif task is None or task.kind != "pay" or task.asked not in {CONFIRM, PAYMENT}:
        return False
    await steps.go_on(talk)
    return True


async def _asks_for_another(talk: Talk) -> bool:
    """选错档了, of what is paid: it is told who can change that."""
    order = None if talk.state.task or not _changes_choice(talk) else await _paid(talk)
    if order:
        with suppress(ServiceError):  # it may be booked by now
            order = await talk.services.payment.refresh(order.order_no, patient=False)
        _tell_settled(talk, order, (await order_facts(talk, order))["what"])
    return order is not None


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
    named = said or any(n >= spoken.LOWEST for n in spoken.numbers(turn.text))
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
    order = await _order_in(talk, "paid")
    insurance = talk.turn.last("insurance")
    if order and insurance not in {None, *(str(bill.quote.dues.insurance) for bill in order.bills)}:
        return None
    return order


async def _order_in(talk: Talk, status: str) -> OrderView | None:
    """The last order of the conversation, if it is so."""
    order = await talk.services.payment.find_order(talk.state.order_no) if talk.state.order_no else None
    return order if order and order.status == status else None


def _tell_settled(talk: Talk, order: OrderView, what: str) -> None:
    """What was paid; that it can't be changed here any more, who may, and how to ask for the money back."""
    quote, several = order.bills[0].quote, len(order.bills) > 1
    dues = quote.dues
    refundable = judge(
        dues, Reason.WRONG_AMOUNT, booked=order.booked, today=talk.today, benefit_from=quote.benefit_from
    ).ok
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
