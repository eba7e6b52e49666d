"""上一步, 改一下, 取消, 重新开始, 等一下, 再说一遍: at every step."""

import re

from actions import (
    answering,
    cards,
    choosing,
    login,
    members,
    others,
    periods,
    refunding,
    reviewing,
    starting,
    steps,
    undecided,
)
from actions.choices import choose
from actions.flows import find_flow
from actions.say import say
from actions.slots import ID_NUMBER, INSURED, PERSON_NAME, Option
from actions.state import CHANGE, CHANGING, CONFIRM, HELD, LOOKUPS, PAYMENT, UNBIND, Task
from actions.talk import Talk
from services.payment import OrderView

NOT_THAT = re.compile(r"(?<![要是])(?:不是|没|别|不要|不)(?:要|说|想|叫你?|让你?|喊你?)*取消")
"""我不是说取消"""
UNDOES = re.compile(r"取消|撤|作废|不想?[交缴付]了")
"""Of what is paid."""


async def go_back(talk: Talk) -> None:
    task = talk.state.task
    if talk.state.login:
        await login.go_back(talk)
        return
    if task is None:
        talk.tell("nothing_to_go_back", *steps.menu_buttons())
        return
    if task.asked in others.PERSONAL and undecided.leave(talk, task):
        if talk.state.question is None:
            await steps.go_on(talk)
        return
    asked = INSURED if task.asked in others.PERSONAL else task.asked
    if asked in task.before:
        task.put(asked, task.before[asked])
        task.asked, task.before = None, {}
        await steps.go_on(talk)
        return
    answered = [name for name in task.answered if name != task.asked]
    if not answered:
        if task.kind == "pay" and task.asked not in {CONFIRM, PAYMENT}:
            talk.tell("first_step")
        await change_what(talk, task)
        return
    if task.asked in task.answered:
        task.forget(task.asked)
    task.forget(answered[-1])
    _forget_taken(task)
    task.asked = None
    await steps.go_on(talk)


async def change_answer(talk: Talk) -> None:
    task = talk.state.task
    if task is None:
        same = starting.has_done(talk, "pay") and not talk.turn.last("insurance")
        if same and choosing.tier_at_end(talk.turn, starting.same_insurance(talk)):
            await starting.pay_again(talk)  # 算了 还是今年1000
        else:
            await (starting.pay(talk) if talk.turn.values else starting.resume(talk))
        return
    field = talk.turn.last("field")
    if field:
        await ask_anew(talk, str(field))
    elif task.kind == "pay" and set(talk.turn.values) == {"ordinal"} and task.asked == CONFIRM:
        if not await steps.answered_anew(talk, task):
            await _no_such_place(talk, task)
    elif talk.turn.values:
        await starting.change(talk, task)
    elif not await steps.answered_anew(talk, task):
        await change_what(talk, task)


async def _no_such_place(talk: Talk, task: Task) -> None:
    """改成第五, of three: said, and shown again; where nothing was chosen, what can be changed is asked."""
    name = next((name for name in reversed(task.answered) if name in find_flow(task.facts).slots), None)
    options = await answering.options_of(talk, task, name) if name else ()
    place = talk.turn.last("ordinal")
    if not options or int(str(place)) <= len(options):
        await change_what(talk, task)
        return
    talk.tell("problem.no_such_place", place=place, count=len(options))
    await steps.go_on(talk)


async def ask_anew(talk: Talk, field: str) -> None:
    """Ask for one answer again, also one that could be taken for granted."""
    task = talk.state.task
    if task and field in find_flow(task.facts).slots:
        task.before = {field: task.facts[field]} if field in task.facts else {}
        task.forget(field)
        _forget_taken(task)
        if field == "agency":
            periods.keep_end(task)
        task.reask = field
        task.asked = None
    await steps.go_on(talk)


def _forget_taken(task: Task) -> None:
    """What had one possible answer may have several once an earlier one is open again."""
    for name in task.taken:
        task.forget(name)
    task.taken = []


async def change_what(talk: Talk, task: Task) -> None:
    if task.kind == "refund" and task.asked == CONFIRM:
        task.forget(refunding.REASON)
        task.asked = None
    said = task.asked in {CONFIRM, PAYMENT} or set(task.answered) & set(fields(task)) - {task.asked}
    if task.kind != "pay" or talk.state.login or not said:
        await steps.go_on(talk)
        return
    task.doubt = CHANGING
    if task.joint:
        members.show_members(talk)
        return
    items = [(title, f'/change_answer{{"field": "{name}"}}') for name, title in fields(task).items()]
    if len(items) == 1:
        await ask_anew(talk, next(iter(fields(task))))
        return
    if not items:
        talk.tell("change.nothing")
        await steps.go_on(talk)
        return
    talk.state.question = CHANGE
    talk.add(cards.menu(say("change.what", titles=[title for title, _ in items]), items))


def fields(task: Task) -> dict[str, str]:
    """The answers of the task that can be changed, by slot, as the review names them."""
    asks = find_flow(task.facts).asks
    told = {*task.single, ID_NUMBER, PERSON_NAME}  # who it is has one name, once it is known
    names = [slot.name for slot in asks if slot.name in task.facts and slot.name not in told]
    return {name: say(f"line.label.{name}") for name in names}


def named_field(talk: Talk) -> str | None:
    """Which answer was meant by its name ("缴费档次", "档次") or its place ("第二个")."""
    task = talk.state.task
    if task is None:
        return None
    options = [Option(value=name, title=title) for name, title in fields(task).items()]
    return choose(talk.turn, "field", options)


async def cancel(talk: Talk) -> None:
    task = talk.state.task
    if talk.state.question == UNBIND:
        talk.state.question = None
        talk.tell("unbind.kept")
        return
    if (task or talk.state.login) and NOT_THAT.search(talk.turn.text):
        await steps.go_on(talk)
        return
    if task and await _is_of_an_old_card(talk, task):
        talk.tell("pay.old_card")
        await steps.go_on(talk)
    elif task and task.order_no:
        order = await talk.services.payment.abandon(task.order_no)
        key = "cancel.closed" if order.status == "closed" else f"cancel.{order.status}"
        talk.told_orders[order.order_no] = order.status
        talk.tell(key, until=order.expires_at, total=order.total)
        talk.state.finish(left=order.status in {"closed", "pending"})
    elif task and task.kind == "refund":
        talk.state.finish()
        talk.state.forget_login()
        talk.tell("refund.cancelled", *steps.menu_buttons())
    elif task or talk.state.login:
        talk.state.finish(left=True)
        talk.state.forget_login()
        talk.tell("cancel.done", *steps.menu_buttons(), paying=_pays(task))
    elif UNDOES.search(talk.turn.text) and (paid := await _paid_last(talk)):
        talk.tell("cancel.paid", (say("button.refund"), "/request_refund"), total=paid.total)
    else:
        talk.tell("cancel.nothing", *steps.menu_buttons())


async def _paid_last(talk: Talk) -> OrderView | None:
    """What was paid here just before: it can't be cancelled any more, only asked back."""
    order_no = talk.state.order_no if talk.state.done.get("kind") in {"pay", "refund"} else None
    order = await talk.services.payment.find_order(order_no) if order_no else None
    return order if order and order.status == "paid" else None


async def _is_of_an_old_card(talk: Talk, task: Task) -> bool:
    """Whether the button of a card was tapped that something else has replaced."""
    draft_id, order_no = talk.turn.last("draft_id"), talk.turn.last("order_no")
    if order_no:
        return str(order_no) != task.order_no
    if draft_id is None or draft_id == task.draft_id:  # also while what was shown is being changed
        return False
    return not await reviewing.is_shown(talk, task, str(draft_id))


async def restart(talk: Talk) -> None:
    talk.state.parked, talk.state.shown, talk.state.listed = [], {}, {}
    talk.state.leave_basket()
    task = talk.state.task
    if task and task.order_no:
        await cancel(talk)
    talk.state.task, talk.state.question = None, None
    talk.state.forget_login()
    steps.show_menu(talk, "restarted")


async def hold(talk: Talk) -> None:
    if talk.state.task:
        talk.state.task.doubt = HELD
    talk.tell("hold", (say("button.go_on"), "/resume_bot"), paying=_pays(talk.state.task))


def _pays(task: Task | None) -> bool:
    """Whether somebody may wonder if money was taken."""
    return task is not None and task.kind not in LOOKUPS


async def repeat(talk: Talk) -> None:
    if talk.state.task or talk.state.login or talk.state.question:
        await steps.go_on(talk)
    else:
        steps.show_menu(talk, "help")
