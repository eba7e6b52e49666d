"""Ask → issue → document: certificates by chat (C1–C6), for oneself and for those one has paid for."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from actions import (
    awaited,
    family,
    holders,
    meant,
    persons,
    picking,
    same_person,
    ticket_figures,
    ticket_times,
    tickets,
    vouchers,
)
from actions.choices import choose, plain
from actions.holders import ID_NUMBER, INSURED, OF_ORDER, OTHER, PERSON_NAME
from actions.query_words import (
    ANOTHER,
    PAYS,
    asks_count,
    asks_latest,
    asks_own,
    asks_whole,
    in_year_shown,
    page_asked,
    recent_years,
)
from actions.reviewing import masked_name, order_facts
from actions.say import say
from actions.slots import Option
from actions.state import Task
from actions.talk import Talk
from actions.turn import TOKEN, Turn, tokens_in
from services.certificates import PAYMENT_RECORD as RECORD
from services.certificates import Holder
from services.domain.orders import bill_year
from services.identity import BoundPerson

PAYMENT_RECORD = '/get_certificate{"certificate_kind": "payment_record"}'
TAX_CERTIFICATE = '/get_certificate{"certificate_kind": "tax_certificate"}'
TAX_WORDS = re.compile(r"完税|税票|税收证明|纳税证明")
NAMES_PAPER = re.compile(r"完税|税票|凭证|证明|记录|单[子据]|^/")
"""What says by itself which paper is meant, and begins anew with whose it is."""
THIS_ONE = re.compile(r"[这那]一?[笔条个张]")
BOTH = re.compile(r"和|跟|与|、|都|还有|再")
REISSUES = re.compile(r"补[开打]|补一[张份]")
FOR_OTHERS = re.compile(r"代缴|代他人|代别人|替别人|帮别人|为他人")
LOOKS = re.compile(r"[查看问]")
"""查她的 asks for records."""
PICKED = ("ticket", "issue", "page", tickets.DONE, tickets.BUT)


def goes_on(talk: Talk) -> bool:
    """Whether another paper like the last one is meant: 2024年的呢, 还有养老的."""
    if talk.state.done.get("kind") != "certificate" or not talk.state.listed:
        return False
    said = any(talk.turn.last(name) is not None for name in ticket_times.FILTERS)
    return (
        (said or says_whose(talk.turn) or bool(_years(talk)))
        and talk.turn.last("payment_type") is None
        and talk.turn.last("query_kind") is None
        and not PAYS.search(talk.turn.text)
    )


def says_whose(turn: Turn) -> bool:
    """我自己的呢, 换成给我妈开, a name, a number."""
    named = any(turn.token(name) for name in (ID_NUMBER, PERSON_NAME))
    of_hers = same_person.GIVES.search(turn.text) and not LOOKS.search(turn.text)
    return asks_own(turn) or turn.last("beneficiary") == OTHER or named or bool(of_hers)


def take_facts(talk: Talk, task: Task) -> None:
    turn = talk.turn
    _recall(talk, task)
    kind = _kind_said(turn, task)
    seen = talk.state.shown.get("seen") if talk.state.done.get("kind") == "query" else None
    if seen and kind and kind != RECORD and THIS_ONE.search(turn.text):
        task.put(ticket_times.NUMBER, str(seen["ticket_no"]))
    _put_kind(task, kind)
    said = {name: str(turn.last(name)) for name in ticket_times.FILTERS if turn.last(name) is not None}
    said = _in_year_listed(talk, task, said) | _years(talk)
    if said.keys() & set(ticket_times.TIMES):
        anew = (
            ticket_times.FILTERS if TAX_WORDS.search(turn.text) else ticket_times.TIMES
        )  # 2024年的完税证明 says it all
        for name in (*anew, ticket_times.NUMBER):
            task.forget(name)
    if not said and (picking.ALL.search(turn.text) or asks_whole(turn)):
        task.put(tickets.EVERY_YEAR, "yes")  # 这几年的都开, and no year is asked for
    for name, value in said.items():
        if name not in ticket_times.TIMES or not task.facts.keys() & set(ticket_times.TIMES):
            task.put(name, value)
    if kind is not None or said:
        for name in PICKED:
            task.forget(name)
    for name in PICKED:
        if turn.last(name) not in {None, tickets.EVERY}:
            task.put(name, str(turn.last(name)))
    if said and kind is None and task.asked == tickets.TICKET and picking.ALL.search(turn.text):
        task.put(tickets.TICKET, tickets.EVERY)  # 医保的都要
    _take_person(talk, task)


def _put_kind(task: Task, kind: str | None) -> None:
    """A voucher is of all insurances, whatever the list of tickets was narrowed to."""
    if kind == RECORD and tickets.is_tax(task):
        task.forget("insured_group")
        task.forget("insurance")
    if kind is not None:
        task.put("certificate_kind", kind)


def _in_year_listed(talk: Talk, task: Task, said: dict[str, str]) -> dict[str, str]:
    """八月的那张: of the year of the list, where none is said and the paper is not named anew."""
    times = task.facts if task.facts.keys() & set(ticket_times.TIMES) else talk.state.listed
    seen = str(times.get("date_range") or times.get("fee_period") or times.get("fee_year", ""))
    if not seen or NAMES_PAPER.search(talk.turn.text):
        return said
    spans = {"fee_period", "date_range"} & said.keys()
    return said | {name: in_year_shown(talk.turn, said[name], seen) for name in spans}


def _kind_said(turn: Turn, task: Task) -> str | None:
    if (kind := turn.last("certificate_kind")) is not None:
        return str(kind)
    if "凭证" in turn.text and not TAX_WORDS.search(turn.text):
        return RECORD
    if tickets.is_tax(task):
        return tickets.FIRST if picking.NEVER.search(turn.text) else None
    return tickets.ANY if TAX_WORDS.search(turn.text) else None


def _recall(talk: Talk, task: Task) -> None:
    """再补一张: which paper, and whose, as last time, where a new task does not say."""
    listed, turn = talk.state.listed, talk.turn
    new = not task.facts and talk.state.done.get("kind") == "certificate"
    if not new or not listed or NAMES_PAPER.search(turn.text):
        return
    if turn.last("certificate_kind") is None:
        kind = str(listed.get("certificate_kind", RECORD))
        of_her = same_person.is_meant(talk) and not REISSUES.search(turn.text)  # 她的也再来一份
        again = tickets.ANY if of_her else picking.kind_said(turn.text)
        task.put("certificate_kind", kind if kind == RECORD else again)
    own = asks_own(turn)
    record_again = task.facts.get("certificate_kind") == RECORD and picking.AGAIN.search(turn.text)
    if says_whose(turn) or record_again:
        last = listed | listed.get(tickets.GIVEN, {})  # of the same year: 那我的呢, 掉了再打一张
        task.facts |= {name: last[name] for name in ticket_times.TIMES if name in last}
    if INSURED in listed and turn.last("beneficiary") is None and not own:
        task.put("beneficiary", OTHER)
        task.put(INSURED, listed[INSURED])


def _years(talk: Talk) -> dict[str, str]:
    """Several years, with commas between: 去年和今年, 近两年."""
    years = [str(year)[:4] for year in talk.turn.values.get("fee_year", ())]
    recent = recent_years(talk.turn, talk.today)
    if recent:
        first, month = map(int, recent.partition("/")[0].split("-"))
        years = [str(year) for year in range(first + (month > 1), talk.today.year + 1)]
    return {"fee_year": ",".join(dict.fromkeys(years))} if len(years) > 1 or recent else {}


def _take_person(talk: Talk, task: Task) -> None:
    turn = talk.turn
    said = {name: turn.token(name) for name in (ID_NUMBER, PERSON_NAME)}
    if asks_own(turn):
        for name in ("beneficiary", "relation", ID_NUMBER, PERSON_NAME, INSURED, *PICKED):
            task.forget(name)
    elif turn.last("beneficiary") == OTHER or any(said.values()) or _is_of_another(talk):
        if task.facts.get("beneficiary") != OTHER or any(said.values()):
            task.forget(INSURED)
        task.put("beneficiary", OTHER)
        _take_known(talk, task, named=any(said.values()))
    if turn.last("id_type") is not None:
        task.put("id_type", str(turn.last("id_type")))
    for name, token in said.items():
        if token is not None:
            task.put(name, token)
    if OF_ORDER in str(turn.last(INSURED)):
        task.put("beneficiary", OTHER)
        task.put(INSURED, str(turn.last(INSURED)))
    elif turn.last(INSURED) == awaited.LAST and INSURED in talk.state.listed:
        task.put("beneficiary", OTHER)
        task.put(INSURED, talk.state.listed[INSURED])


def _is_of_another(talk: Talk) -> bool:
    """代缴的凭证, or 他的完税证明 where it is known who that is."""
    return same_person.is_meant(talk) or FOR_OTHERS.search(talk.turn.text) is not None


def _take_known(talk: Talk, task: Task, *, named: bool) -> None:
    """给她, 给我妈: whom this conversation has found before, unless somebody is named or another one is meant."""
    relation = next(iter(family.relations(talk.turn.text)), None)
    if relation:
        if talk.state.relatives.get(str(task.facts.get(INSURED))) != relation:
            task.forget(INSURED)
        task.put("relation", relation)
    if named or ANOTHER.search(talk.turn.text):
        return
    known = [person for person, what in talk.state.relatives.items() if what == relation]
    if len(known) == 1:
        task.put(INSURED, known[0])
    elif relation is None and INSURED not in task.facts and same_person.is_meant(talk):
        task.facts |= same_person.known(talk)


def answers(talk: Talk) -> bool:
    """Whether the turn names the other person that was asked for, or picks from the list of tickets, whatever
    else it looks like; then it is in the task."""
    task = talk.state.task
    asked = task.asked if task and task.kind == "certificate" else None
    if task and asked and _says_whose(talk, task):
        return True
    if task and asked == "fee_year" and _answers_year(talk, task):
        return True
    again = _once_more(talk)
    if again is not None:
        talk.state.task = again
        return True
    if task is None and talk.state.listed and talk.state.done.get("kind") == "certificate":
        task = Task(kind="certificate", facts=picking.recall(talk))
    elif asked != tickets.TICKET:
        return False
    if task is None or not picking.pick(talk, task):
        return False
    talk.state.task = task
    return True


def _answers_year(talk: Talk, task: Task) -> bool:
    """Several years, or what is asked of a list that there is not yet: 下一页, 还有几张没开. Then it is asked again."""
    if asks_count(talk.turn):
        if tickets.is_tax(task):
            task.put(tickets.COUNTED, ticket_figures.state_asked(talk.turn) or ticket_figures.UNISSUED)
        return True
    return _takes_years(talk, task) or page_asked(talk.turn) is not None


def _says_whose(talk: Talk, task: Task) -> bool:
    """The person that was asked for; or 那我的呢, of the same paper and year."""
    told = any(talk.turn.token(name) for name in (ID_NUMBER, PERSON_NAME))
    if task.asked in {ID_NUMBER, PERSON_NAME} and told:
        take = take_facts if NAMES_PAPER.search(talk.turn.text) else _take_person
        take(talk, task)
        return True
    if task.facts.get("beneficiary") != OTHER or not asks_own(talk.turn):
        return False
    take_facts(talk, task)
    return True


def _once_more(talk: Talk) -> Task | None:
    """The papers that were handed out last, with a new link; 再补开一次, which says no sentence again; the
    same of somebody else (那我的呢, 换成给我妈开), or of every year (都要)."""
    again = picking.given_again(talk)
    names_some = "ordinal" in talk.turn.values and "handles" in talk.state.listed  # 前两个再补开
    done = talk.state.done.get("kind") == "certificate" and not names_some
    reissue = done and REISSUES.search(talk.turn.text)
    every = done and picking.every_year(talk)
    whose = says_whose(talk.turn) and not NAMES_PAPER.search(talk.turn.text) and goes_on(talk)
    if again is None and (reissue or whose or every) and talk.state.task is None:
        again = Task(kind="certificate")
        take_facts(talk, again)
    return again


def _takes_years(talk: Talk, task: Task) -> bool:
    """去年和今年的, 近两年, 都要: several of the years that were offered, or all."""
    several = _years(talk)
    if several:
        task.put("fee_year", several["fee_year"])
    elif (talk.turn.intent == "affirm" and len(task.single) == 1) or asks_latest(talk.turn):
        task.put("fee_year", task.single[0])
    elif picking.ALL.search(talk.turn.text) and talk.turn.intent not in {"cancel", "deny", "restart"}:
        task.put("fee_year", ",".join(task.single))
    else:
        return False
    return True


def take_both(talk: Talk) -> None:
    """What is asked for twice comes one after the other: 我和我妈的都要, 两个老人的都开; 缴费凭证和完税证明都要, the
    voucher first."""
    turn = talk.turn
    kind = _kind_said(turn, Task(kind="certificate"))
    said = {
        name: str(turn.last(name)) for name in ticket_times.TIMES if turn.last(name) is not None
    } | _years(talk)
    paper = {"certificate_kind": str(kind)} | said
    names = tokens_in(turn.text, PERSON_NAME)
    tokens = {name: token for name in (ID_NUMBER, PERSON_NAME) if (token := turn.token(name))}
    people = [{PERSON_NAME: name} for name in names] if len(names) > 1 else family.several(turn.text)
    relation = next(iter(family.relations(turn.text)), None)
    if kind and persons.includes_oneself(turn.text) and (tokens or relation):
        whose = {"beneficiary": OTHER, **tokens} | ({"relation": relation} if relation else {})
        talk.state.parked.insert(0, Task(kind="certificate", facts=paper | whose))
        talk.turn = replace(
            turn,
            text=TOKEN.sub("", turn.text),
            values={**turn.values, "beneficiary": ("self",), ID_NUMBER: (), PERSON_NAME: ()},
        )
        return
    if kind and people and talk.state.task and ID_NUMBER not in tokens:
        _line_up(talk, talk.state.task, paper, people)
        return
    own = not tokens and turn.last("beneficiary") != OTHER
    if own and kind == RECORD and TAX_WORDS.search(turn.text) and BOTH.search(turn.text):
        talk.state.parked.insert(0, Task(kind="certificate", facts={"certificate_kind": tickets.ANY} | said))


def _line_up(talk: Talk, task: Task, paper: dict[str, str], people: Sequence[dict[str, str]]) -> None:
    """The first of them is in work, the others wait."""
    waiting = list[Task]()
    for place, who in enumerate(people):
        relation = who.get("relation", "")
        known = meant.find_known(talk, relation)
        facts = {"beneficiary": OTHER, "called": relation} | who | ({INSURED: known} if known else {})
        if place == 0:
            task.facts |= facts
        else:
            waiting.append(Task(kind="certificate", facts=paper | facts))
    talk.state.parked[:0] = waiting


async def answer_question(talk: Talk, task: Task) -> bool:
    bound = await talk.services.identity.find_bound(talk.conversation_id)
    if task.asked != "fee_year" or bound is None:
        return False
    if tickets.is_tax(task) and (talk.turn.last("date_range") or talk.turn.last("fee_period")):
        take_facts(talk, task)  # 2026年九月开的 is less than the year
        return True
    options = [Option(value=str(year), title=say("option.record_year", year=year)) for year in task.single]
    year = choose(talk.turn, "fee_year", options)
    if year is None and plain(talk.turn.text).isdigit() and len(plain(talk.turn.text)) == 4:
        year = plain(talk.turn.text)
    if year is not None:
        task.put("fee_year", year)
    elif talk.turn.values.keys() == {"ordinal"}:
        talk.tell("paper.only_so_many", count=len(options))
    else:
        return False
    return True


async def go_on(talk: Talk, task: Task, bound: BoundPerson) -> None:
    holder = await holders.find(talk, task, bound)
    if holder is None:
        return
    if tickets.is_tax(task):
        await tickets.go_on(talk, task, bound, holder)
    else:
        await vouchers.go_on(talk, task, bound, holder)


# --- the news -----------------------------------------------------------------------------------------


async def tell_booked(talk: Talk, order_no: str, papers_there: list[Mapping[str, Any]]) -> None:
    """The tax bureau has entered a payment: a button for the record of each person in it. What was asked for too
    early and is of this payment is told along with it, and leaves `papers_there`; what was told before is not told
    again."""
    order = await talk.services.payment.find_order(order_no)
    if order is None:
        return
    awaited.overtaken(talk)
    buttons, asked = list[tuple[str, str]](), list[str]()
    people = dict[str, tuple[int, int]]()
    for place, bill in enumerate(order.bills, start=1):
        if not bill.returned:
            people.setdefault(bill.insured_id, (place, bill_year(bill.quote.dues, bill.quote.fee_period)))
    if people and all(awaited.was_told(talk, who, year) for who, (_, year) in people.items()):
        return
    for who, (place, year) in people.items():
        own = who == order.payer_id
        name = await masked_name(talk, order.payer_id, order.bills[place - 1])
        papers = awaited.take_there(papers_there, who, year)
        asked += [say("paper.asked_for", who="" if own else name, year=year, kind=kind) for kind in papers]
        for kind in dict.fromkeys((*papers, RECORD)):
            about = f'"fee_year": "{year}", "{INSURED}": "{order_no}{OF_ORDER}{place}"'
            payload = f'/get_certificate{{"certificate_kind": "{kind}", {about}}}'
            only = kind in papers and len(papers) == len(people) == 1
            title = "button.issue_now" if only else f"button.paper_there.{kind}"
            buttons.append((say(title, who="" if own else name), payload))
        holder = Holder(person_id=who, payer_id=None if own else order.payer_id)
        await talk.services.certificates.told(holder, conversation_id=talk.conversation_id, fee_year=year)
    talk.tell("pay.news_booked", *buttons, asked=asked, **await order_facts(talk, order))
