"""What is said loosely of months and tiers, at the card or where it is asked: 先交两个月, 改到过年, 太贵了, 随便."""

import re

from actions import answering, choosing, moving, steps
from actions.choices import plain
from actions.flows import find_flow
from actions.state import CONFIRM, Task
from actions.talk import Talk

_ASKING = r"(?:能不能|可不可以|可以|能|那|我|就|只|先|想|要|改成?|换成?|到|交|缴|付|办|行不行)*"
SOME_MONTHS = re.compile(
    rf"{_ASKING}(?:[0-9]+|[一二两三四五六七八九十]+)个月{_ASKING}[吗嘛不行]*|{_ASKING}半年{_ASKING}[吗嘛不行]*"
)
BETWEEN = re.compile(r"(?:改成?|换成?|要|就|交|缴|从)*(1[0-2]|[1-9])(?:-|~|—|到|至)(1[0-2]|[1-9])月?份?")
YEAR_END = re.compile(r"(?:改|换|交|缴|成|要|就|我说)*(?:到过年(?:前|为止)?|全年|整年|一整?年)")
TOO_MUCH = re.compile(
    r"(?:这|也|太|有点|好|啷个|咋个|恁个?|这么|那么|硬是|档|价|钱|那|我|能不能|要|想|给我|选|换|改)*(?:多了|贵了?|高了?|便宜一?点|便宜些|少一?点|少[交缴付]一?点|低一?点|[交缴付]不起)"
    r"(?:了|的|一档|档|嘛|哦|啊|点|吧|得很|喽|哟)*"
)
WHATEVER = re.compile(
    r"(?:随便|都行|都可以|无所谓|你?看着办|[你您]帮?我?[选定]|哪个都行)(?:你|您|选|一|个|哪|档|吧|嘛|了|都|行|可以)*"
)


async def takes(talk: Talk) -> bool:
    """Whether something of the kind was said; then it is done."""
    task = talk.state.task
    if task is None or task.kind != "pay" or task.joint or talk.state.login or talk.turn.poke:
        return False
    text, answer = plain(talk.turn.text), plain(answering.TAKEN_BACK.sub("", talk.turn.text))
    if task.asked in {CONFIRM, "fee_period", "tier"} and await _takes_months(talk, task, answer):
        task.asked = None
        await steps.go_on(talk)
        return True
    if (
        task.asked not in {CONFIRM, "tier"}
        or "tier" not in find_flow(task.facts).slots
        or talk.turn.last("tier")
    ):
        return False
    if TOO_MUCH.fullmatch(text):
        return await _offer_less(talk, task)
    if task.asked == "tier" and WHATEVER.fullmatch(text):
        options = await answering.options_of(talk, task, "tier")
        task.put(
            "tier",
            next((one.value for one in options if one.tier and one.tier.last), choosing.lowest(options)),
        )
        await steps.go_on(talk)
        return True
    return False


async def _takes_months(talk: Talk, task: Task, text: str) -> bool:
    """三个月, 1-8, 到过年."""
    if "fee_period" not in find_flow(task.facts).slots or talk.turn.last("fee_period") is not None:
        return False
    if SOME_MONTHS.fullmatch(text):
        return await answering.take_count(talk, task)
    between, year = BETWEEN.fullmatch(text), talk.today.year
    if between or YEAR_END.fullmatch(text):
        first, last = (int(between[1]), int(between[2])) if between else (1, 12)
        task.put("fee_period", f"{year}-{first:02d}/{year}-{last:02d}")
        return True
    return False


async def _offer_less(talk: Talk, task: Task) -> bool:
    """太贵了: a lower tier, if there is one."""
    options = await answering.options_of(talk, task, "tier")
    if not options:
        return False
    if task.facts.get("tier") == choosing.lowest(options):
        talk.tell("ask.lowest_already")
        await steps.go_on(talk)
        return True
    talk.tell("ask.lower")
    await moving.ask_anew(talk, "tier")
    return True
