"""Coming back to what was left: a draft after an idle time, an order that expired, what had to wait."""

import re
from datetime import datetime, timedelta

from actions import cards
from actions.choices import choose, plain
from actions.say import say
from actions.slots import Option
from actions.state import PAYMENT, RETURN, Dialogue, Task
from actions.talk import Talk

BACK = re.compile(r"还是|刚才|刚刚|接着|继续|接到")
AGAIN = re.compile(
    r"(?:还?[是能想]|可以|可不可以|帮|给|让|来)*(?:重新|从新|重|再)来?(?:支付|付款|缴费|交费|下单|[付缴交])"
    r"(?:一?[次遍回下笔单]|款|费|钱)*[吗不了哇呗嘛]*"
)
"""重新付, 再付一次: of nothing else but what was paid for before."""
RETRY = re.compile(r"(?:那|请|麻烦|帮|给)*(?:再试|重试|再弄|再来试)(?:试|一?[次下哈遍回])*[看吗嘛哈]*")
GO_ON, DROP = "go_on", "drop"
ACTING = frozenset(
    {
        "pay_insurance", "get_certificate", "inform", "affirm", "deny", "change_answer", "go_back", "cancel",
        "restart", "unbind_identity",
    }
)  # fmt: skip
"""Intents that say so themselves."""


def came_back(talk: Talk) -> bool:
    """Whether the resident is back after an idle time, with a draft that was not confirmed."""
    state, now = talk.state, talk.services.clock.now()
    if talk.turn.poke:
        return False
    seen, state.seen = state.seen, now.isoformat(timespec="seconds")
    if seen is None or not is_draft(state) or acts(talk):
        return False
    return now - datetime.fromisoformat(seen) >= timedelta(minutes=talk.services.settings.idle_minutes)


def is_draft(state: Dialogue) -> bool:
    task = state.task
    return bool(
        task and task.kind == "pay" and task.facts and task.asked != PAYMENT and not state.login
        and not state.question
    )  # fmt: skip


def offer(talk: Talk) -> None:
    """您刚才要缴…，接着办吗？"""
    talk.state.question = RETURN
    talk.add(
        cards.choice(say("return.ask", what=describe(talk.state.task)), "payment_draft", options()),
    )


def options() -> list[Option]:
    return [Option(value=name, title=say(f"return.{name}")) for name in (GO_ON, DROP)]


def acts(talk: Talk) -> bool:
    """Whether the turn says itself what is to happen with what was left."""
    return talk.turn.intent in ACTING or pays_again(talk)


def picked(talk: Talk) -> str | None:
    """What the resident answers to the offer; None when it is something else."""
    said = choose(talk.turn, "payment_draft", options())
    if said:
        return said
    if pays_again(talk):
        return GO_ON
    return {"affirm": GO_ON, "resume_bot": GO_ON, "deny": DROP, "cancel": DROP}.get(talk.turn.intent)


def wants_back(talk: Talk) -> bool:
    """还是交吧, 刚才那个: the payment that was cancelled is wanted after all."""
    return talk.state.left is not None and bool(BACK.search(talk.turn.text)) and not talk.replies


def pays_again(talk: Talk) -> bool:
    """重新付, 再付一次."""
    return bool(AGAIN.fullmatch(plain(talk.turn.text)))


def tries_again(talk: Talk) -> bool:
    """再试一下, after something did not work."""
    return bool(RETRY.fullmatch(plain(talk.turn.text)))


def take_up(state: Dialogue) -> None:
    """What was left goes on; several who were to be paid for at once, all together."""
    if state.basket:
        state.together = True
    else:
        state.task, state.left = state.left, None


def describe(task: Task | None) -> str:
    """The task in words, as far as it is known."""
    if task is not None and task.kind in {"refund", "query"}:
        return say(f"line.{task.kind}")
    if task is None or task.kind != "pay":
        tax = task is not None and str(task.facts.get("certificate_kind")).startswith("tax")
        return say("line.tax_certificate" if tax else "line.record")
    if task.joint:
        return say("line.for_several")
    group, insurance = task.facts.get("insured_group"), task.facts.get("insurance")
    if group and insurance:
        return say(f"insurance.{group}.{insurance}")
    if insurance:
        return say(f"insurance.any.{insurance}")
    return say(f"group.{group}") + say("line.social_insurance") if group else say("line.social_insurance")
