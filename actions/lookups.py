"""What is said of papers and records, whatever else it looks like: of those that are shown, or in work."""

import re
from dataclasses import replace

from actions import awaited, cautions, papers, query_followups, reminding, steps, tickets
from actions.choices import plain
from actions.query_words import PAYS
from actions.say import say
from actions.state import LOOKUPS, UNBIND, Task
from actions.talk import Talk
from services.domain.kinds import Insurance, InsuredGroup, RecordKind

SECOND_HALF = re.compile(
    r"^(?:算了|不(?:要|开|查|看|是)|别[开查看]|莫[开查看])[^，,。；]*[，,。；]\s*"
    r"(?P<wish>(?:还是|就是|是|我?要|我想|开|查|看|给|帮|换|改).+)"
)
"""不开我的，开我爸的: what is denied, and what is wished for instead."""
HANDED = re.compile(
    r"(?:刚才|刚刚|今天|到现在|我|你|给我|总共|一共|拢共|都|今)*(?P<what>补|开|打|出)[开打出]?了(?:几|好多|多少)[张份个]"
)
"""一共补了几张: of all lists."""
NOT_OURS = (
    ("employer", re.compile(r"(?:收入|工资|在职|工作)的?证明")),
    ("bank", re.compile(r"(?:银行|工资|收入)的?流水")),
    ("police", re.compile(r"无犯罪")),
)
"""Papers that others issue."""
PAYS_ON = re.compile(r"确认支付|(?:继续|接着|还是)[交缴付](?!过)")
LOOKS = re.compile(r"(?:请|帮我|给我|我?想|我?要|再|先|麻烦)*查")
LOOKS_AT_HERS = re.compile(rf"{LOOKS.pattern}一?[下哈]?[他她]的[。.!！]*")
"""查她的: as sure a wish as any, whatever it is taken for."""
VOIDS = re.compile(r"作废|开错|撤销|注销|冲红|红冲")


def is_meant(talk: Talk) -> bool:
    """只要医保的, of a paper or a list that is open: nothing in it says that something is to be paid."""
    return _kind(talk) in LOOKUPS and not PAYS.search(talk.turn.text)


def _kind(talk: Talk) -> str | None:
    task = talk.state.task
    return task.kind if task else talk.state.done.get("kind")


def hear_second_half(talk: Talk) -> None:
    """Of 不开我的，开我爸的 the second half is the wish: nothing is cancelled."""
    if (
        talk.turn.intent == "pay_insurance"
        and LOOKS.match(talk.turn.text)
        and not PAYS.search(talk.turn.text)
    ):
        talk.turn = replace(talk.turn, intent="query_records")  # 查我上个月的养老
    if talk.turn.intent in {"out_of_scope", "nlu_fallback"} and LOOKS_AT_HERS.fullmatch(talk.turn.text):
        talk.turn = replace(talk.turn, intent="query_records")
    wish = SECOND_HALF.match(talk.turn.text)
    if wish and talk.turn.intent in {"cancel", "deny", "change_answer", "inform"} and is_meant(talk):
        talk.turn = replace(talk.turn, text=wish["wish"], intent="inform")


async def takes(talk: Talk) -> bool:
    """Whether the turn answered an offer to be told, picked from a list of tickets or of records, or is about what
    was said of a time for paying."""
    if await awaited.wants_to_be_told(talk) or _is_of_others(talk) or _counts_handed(talk):
        return True
    if await reminding.answers(talk) or await cautions.asks_about_terms(talk):
        await steps.ask_again(talk)
        return True
    if talk.state.login or talk.state.question == UNBIND:
        return False
    if _is_told(talk):
        await steps.ask_again(talk)
        return True
    if not (
        _wants_paper(talk)
        or _goes_on_paying(talk)
        or papers.answers(talk)
        or query_followups.take_followup(talk)
    ):
        return False
    await steps.go_on(talk)
    return True


def _wants_paper(talk: Talk) -> bool:
    """凭证要得了没, and nothing has to be waited for: it is issued, or which one is asked for."""
    if not awaited.asks_ready(talk) or (talk.state.task and talk.state.task.kind != "certificate"):
        return False
    talk.state.task = talk.state.task or Task(kind="certificate")
    papers.take_facts(talk, talk.state.task)
    return True


def _goes_on_paying(talk: Talk) -> bool:
    """确认支付, 继续交, while records are looked up in between: the payment that waits is shown again."""
    task, waiting = talk.state.task, talk.state.parked
    if task is None or task.kind not in LOOKUPS or not waiting or waiting[0].kind != "pay":
        return False
    if not PAYS_ON.search(talk.turn.text):
        return False
    talk.state.task = waiting.pop(0)
    return True


def _is_of_others(talk: Talk) -> bool:
    """收入证明: who issues it, and what there is here."""
    asks = talk.turn.intent in {
        "get_certificate",
        "query_records",
        "out_of_scope",
        "nlu_fallback",
        "inform",
        "faq",
    }
    where = next((who for who, said in NOT_OURS if said.search(talk.turn.text)), None)
    if where is None or not asks or talk.state.login:
        return False
    record = (say("menu.payment_record"), papers.PAYMENT_RECORD)
    talk.tell("paper.not_ours", record, (say("menu.tax_certificate"), papers.TAX_CERTIFICATE), where=where)
    return True


def _counts_handed(talk: Talk) -> bool:
    """一共补了几张, 一共开了几张: of this conversation; whatever list is open stays as it is."""
    asked = HANDED.fullmatch(plain(talk.turn.text))
    if asked is None or _kind(talk) != "certificate":
        return False
    again = asked["what"] == "补"
    issues = [issue for numbers in talk.state.handed.values() for issue in numbers]
    talk.tell("paper.count.handed", count=sum(map(bool, issues)) if again else len(issues), again=again)
    return True


def _is_told(talk: Talk) -> bool:
    """What can't be done, or why there is no paper: said, and the open question stays."""
    if _wants_another_tier(talk):
        pay = f'/pay_insurance{{"insured_group": "{InsuredGroup.FLEXIBLE}", "insurance": "{Insurance.PENSION}"}}'
        talk.tell("query.tier_stays", (say("button.pay"), pay))
        return True
    if _kind(talk) != "certificate":
        return False
    gone = talk.state.listed.get(tickets.GONE)
    if VOIDS.search(talk.turn.text):
        talk.tell("paper.not_voided", (say("button.human"), "/request_human"))
    elif gone and awaited.asks_when(talk):
        tickets.tell_refunded(talk, **gone)
    else:
        return False
    return True


def _wants_another_tier(talk: Talk) -> bool:
    """改成100%的档, of the tier choices that are shown."""
    shown = talk.state.shown if talk.state.task is None and talk.state.done.get("kind") == "query" else {}
    changes = talk.turn.intent == "change_answer" and talk.turn.last("tier") is not None
    return changes and shown.get("query_kind") == RecordKind.TIER_CHOICE
