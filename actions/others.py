"""Paying for somebody else (P3, P6): who it is for. The task holds tokens, and the person's id once it is found.

Of the other person only the masked name, the insurance, the period and the amount are shown; whatever is wrong
with number, name or dues, the answer is one (`reliability` 4.2).
"""

import re
from collections.abc import Sequence

from actions import called, cards, family, meant, persons
from actions.say import known, say
from actions.slots import ANOTHER, FOR_OTHER, ID_NUMBER, INSURED, PERSON_NAME, SUPPORTED, Case, Option, people
from actions.state import CONFIRM, Task
from actions.talk import Talk
from services.domain.errors import Refused
from services.domain.kinds import IdType, Insurance, InsuredGroup, PaymentType
from services.insured import NOTHING_FOUND, Wanted

WHO = (
    "beneficiary",
    INSURED,
    "id_type",
    ID_NUMBER,
    PERSON_NAME,
    "relation",
    "called",
    "looked_for",
    "as_before",
    meant.SAME,
)
"""Facts of a task: for whom it is; `looked_for` is what that one was last found for."""
OWN, FOR_ME = "self", "for_me"
"""`FOR_ME` is a fact of a task for oneself in whose sentence a number stood."""
TOLD = (ID_NUMBER, PERSON_NAME, FOR_ME)
PERSONAL = frozenset({INSURED, ID_NUMBER, PERSON_NAME, "id_type"})
QUESTION = re.compile(r"吗|什么|怎么|能不能|可不可以|行不行|[?？]")
AGAIN = re.compile(r"再|也|加上|还要|还有|另外|下一个|接着|一起|一路|一块|一并|[呢嘞喃咧][?？]?$")
INSTEAD = re.compile(r"^(?:还是|那|就)*[换改]")
WANTED = re.compile(r"[给帮替].{1,12}[交缴](?!了|过|错|不|的|没)")
DOUBTED = re.compile(rf"{QUESTION.pattern}|多少|好多|为啥|会|报销|影响|[交缴](?:了|过|错|不)")
LOOSE = frozenset({"hold", "out_of_scope", "nlu_fallback"})
ALONG = re.compile(r"也.{0,3}[交缴办付要]|也一样|加上|一起")
"""等一下，我妈的也一起交; 我爸也要."""
VALUES = ("tier", "fee_period", "fee_year")
"""What is said of the payment meanwhile, and taken."""
LOOKING_UP = frozenset({"query_records", "get_certificate", "request_refund"})
TOLD_LATER = frozenset({"tier_not_allowed", "unknown_draft", "draft_expired", "figures_changed"})
"""Refusals that tell nothing of the other person."""


def is_for_other(task: Task | None) -> bool:
    return task is not None and task.facts.get("beneficiary") == FOR_OTHER


def take(talk: Talk, task: Task) -> set[str]:
    """Put what was said of the person into the task; the names of the facts that are new."""
    beneficiary, new = talk.turn.last("beneficiary"), set()
    if beneficiary == OWN and is_for_other(task):
        take_back(task)
        return {"beneficiary"}
    if beneficiary == FOR_OTHER:
        new |= _take_relation(talk, task)
    if not is_for_other(task):
        return new | _take_somebody(talk, task, for_me=beneficiary == OWN)
    said = {name: _told(talk, name) for name in (ID_NUMBER, PERSON_NAME)}
    said["id_type"] = _usable_type(talk)
    if task.facts.get(INSURED) not in {None, ANOTHER} and said[ID_NUMBER] and beneficiary != FOR_OTHER:
        task.forget("relation")  # 换成田茂林 <number>, after the mother was found
    for name, value in said.items():
        if value is not None and task.facts.get(name) != str(value):
            if task.facts.get(INSURED) != ANOTHER:
                task.facts.pop(INSURED, None)
            task.put(name, str(value))
            new.add(name)
    if task.asked == INSURED and new == {"id_type"}:
        task.put(INSURED, ANOTHER)  # the document of somebody who is not among those on offer
    return new


def _told(talk: Talk, name: str) -> str | None:
    """The number or name that was said of somebody else: 我叫…，给…交."""
    own = persons.tokens_of_oneself(talk.turn.text)
    if not own:
        return talk.turn.token(name)
    others = (token for token in talk.turn.values.get(name, ()) if token in talk.turn.tokens - own)
    return next(others, None)


def _take_somebody(talk: Talk, task: Task, *, for_me: bool) -> set[str]:
    """交居民医保 and a number: whose it is shows when it is known who speaks (`actions.undecided`)."""
    new = {name: token for name in (ID_NUMBER, PERSON_NAME) if (token := talk.turn.token(name))}
    task.facts |= new
    if new and for_me:
        task.facts[FOR_ME] = "yes"
    return set(new)


def _usable_type(talk: Talk) -> str | None:
    """The document that was named; one with which nothing can be done here is told at once."""
    named = talk.turn.last("id_type")
    if named is None or named in SUPPORTED:
        return named
    newborn = named == IdType.BIRTH_CERTIFICATE
    talk.tell("others.newborn" if newborn else "id_problem.unsupported")
    return None


def _take_relation(talk: Talk, task: Task) -> set[str]:
    relation = next(iter(family.relations(talk.turn.text)), "")
    new = set() if is_for_other(task) else {"beneficiary"}
    before = task.facts.get("relation")
    known = any(name in task.facts for name in (INSURED, ID_NUMBER, PERSON_NAME))
    another = before and relation != before
    if is_for_other(task) and relation and known and (another or INSTEAD.search(talk.turn.text)):
        forget_person(task)
        new.add(INSURED)
    task.facts["beneficiary"] = FOR_OTHER
    if relation:
        task.facts["relation"] = relation
    elif new and INSURED not in task.facts and talk.meant:
        task.facts.update(talk.meant)
        new.add(INSURED)
    return new


def who(task: Task) -> tuple[str, ...]:
    """For whom a task is, as far as that was said; it is another tuple when somebody else is."""
    return tuple(str(task.facts.get(name, "")) for name in ("beneficiary", INSURED, ID_NUMBER, PERSON_NAME))


def pays_for_other(talk: Talk) -> bool:
    """Whether somebody else is paid for, alone or with others, or was just now."""
    state = talk.state
    if state.task is None:
        return state.last.get("beneficiary") == FOR_OTHER
    return is_for_other(state.task) or any(is_for_other(one) for one in state.basket)


def take_next(talk: Talk) -> Task | None:
    """再帮我爸也交一个, 我也一起: a task for the next person, with what is shared; None when no other one is meant."""
    task = talk.state.task
    again = talk.turn.last("beneficiary") == FOR_OTHER and AGAIN.search(talk.turn.text)
    if not again and not (pays_for_other(talk) and meant.wants_oneself_too(talk)):
        return None
    before = task.facts if task and task.kind == "pay" else talk.state.last
    if not before.get("insurance"):
        return None
    shared = meant.shared(before)
    if shared.get("payment_type") == PaymentType.ARREARS:
        shared.pop("fee_year", None)
    return Task(kind="pay", facts=shared)


def comes_along(talk: Talk) -> bool:
    """Whether the next person is named in a sentence that looks like something else."""
    said = talk.turn.intent in LOOSE and ALONG.search(talk.turn.text)
    return bool(said or meant.ONE_MORE.fullmatch(talk.turn.text)) and take_next(talk) is not None


def names_somebody(talk: Talk) -> bool:
    """A sentence for somebody else with a number in it, or with what shall be paid and no question, asks to pay,
    whatever it looks like."""
    turn = talk.turn
    wants = turn.last("insurance") and WANTED.search(turn.text) and not DOUBTED.search(turn.text)
    return turn.last("beneficiary") == FOR_OTHER and bool(turn.token(ID_NUMBER) or wants)


def is_asking(talk: Talk) -> bool:
    """Whether the open question is who the other person is."""
    task = talk.state.task
    return not talk.state.login and is_for_other(task) and task is not None and task.asked in PERSONAL


def answers(talk: Talk) -> bool:
    """Whether the turn tells who it is, whatever else it looks like."""
    told = any(talk.turn.token(name) for name in (ID_NUMBER, PERSON_NAME))
    return told or (talk.turn.last("id_type") is not None and not QUESTION.search(talk.turn.text))


def _says_who(talk: Talk) -> bool:
    """A number, a name, or whom it is for: 算了给我叔叔交."""
    return answers(talk) or bool(family.relations(talk.turn.text))


async def settle(talk: Talk, task: Task, case: Case) -> str | None:
    """The id of the person who is paid for; None when the next question, or that nobody was found, was said."""
    facts, wanted = task.facts, _wanted(task)
    if not any(name in facts for name in (*PERSONAL, "looked_for")):
        known = meant.find_known(talk, facts.get("relation", ""))
        if known:
            task.put(INSURED, known)
    person_id = facts.get(INSURED)
    if person_id and facts.get("looked_for") == _key(person_id, wanted):
        return str(person_id)
    try:
        if person_id not in (None, ANOTHER):
            found = await talk.services.insured.find_again(person_id=str(person_id), wanted=wanted)
        elif await _is_complete(talk, task, case):
            found = await talk.services.insured.find(
                payer_id=case.payer_id, conversation_id=talk.conversation_id, id_type=_id_type(task),
                id_token=facts[ID_NUMBER], name_token=facts[PERSON_NAME], wanted=wanted,
            )  # fmt: skip
        else:
            return None
    except Refused as refused:
        nobody(talk, task, refused, pet_name=await called.by_pet_name(talk, facts.get(PERSON_NAME)))
        return None
    if found.person_id == case.payer_id:  # one's own number: then it is for oneself
        take_back(task)
        return found.person_id
    asked = PERSONAL & set(task.answered)
    for name in (ID_NUMBER, PERSON_NAME):
        task.forget(name)
    if asked and INSURED not in task.answered:
        task.answered.append(INSURED)
    if facts.get("relation"):
        talk.state.relatives[found.person_id] = facts["relation"]
    facts[INSURED], facts["looked_for"] = found.person_id, _key(found.person_id, wanted)
    if task.asked in {ID_NUMBER, PERSON_NAME, "id_type", INSURED}:
        task.asked = None
    return found.person_id


async def _is_complete(talk: Talk, task: Task, case: Case) -> bool:
    """Number and name are there and the number can be one; else the next question has been asked."""
    if _says_it_is_right(talk, task):
        talk.tell("others.still_nobody")
    elif task.asked in {ID_NUMBER, PERSON_NAME} and talk.turn.token("text") and not _says_who(talk):
        await called.tell_not_heard(talk, task.asked)
    elif task.asked in PERSONAL and not answers(talk) and _tells_of_it(talk, task):
        talk.tell("others.noted")
    if ID_NUMBER not in task.facts:
        known = await people(case) if task.facts.get(INSURED) != ANOTHER else []
        settled = {one.facts.get(INSURED) for one in talk.state.basket}
        known = [one for one in known if one.value not in settled and _may_be(talk, task, one.value)]
        if known and known != [one for one in known if one.value == ANOTHER]:
            _ask_choice(talk, task, INSURED, known)
        else:
            _ask(talk, task, ID_NUMBER, "others.ask_id_number")
        return False
    checked = await talk.services.insured.check_number(
        talk.conversation_id, task.facts[ID_NUMBER], _id_type(task)
    )
    if checked.reason == "expired_form" and await _renew(talk, task):
        return await _is_complete(talk, task, case)
    if checked.could_be:
        options = [Option(value=kind, title=kind) for kind in (*checked.could_be, IdType.RESIDENT_ID_CARD)]
        _ask_choice(talk, task, "id_type", options)
        return False
    if not checked.ok:
        task.forget(ID_NUMBER)
        talk.tell(_problem(task, checked.reason))
        _ask(talk, task, ID_NUMBER, None)
        return False
    if PERSON_NAME not in task.facts:
        again = task.asked == PERSON_NAME
        _ask(talk, task, PERSON_NAME, "others.ask_name_again" if again else "others.ask_name")
        return False
    return True


def _says_it_is_right(talk: Talk, task: Task) -> bool:
    """对的, after nobody was found: the same number and name find nobody again."""
    asked = task.asked == ID_NUMBER and task.facts.get(INSURED) == ANOTHER
    return asked and talk.turn.intent == "affirm" and not answers(talk)


def _tells_of_it(talk: Talk, task: Task) -> bool:
    """到年底, 最低的: something of this payment. 查我2026年的养老 was about something else, which is done."""
    three_hundred = task.facts.get("tier") and talk.turn.last("amount")
    told = three_hundred or any(talk.turn.last(name) for name in VALUES)
    return bool(told) and talk.turn.intent not in LOOKING_UP


async def _renew(talk: Talk, task: Task) -> bool:
    """A number of fifteen digits becomes the one of eighteen; the name decides whether it is theirs."""
    renewed = await talk.services.identity.renew_id_number(talk.conversation_id, task.facts[ID_NUMBER])
    if renewed is None:
        return False
    task.put(ID_NUMBER, renewed)
    talk.tell("others.old_number")
    return True


def _may_be(talk: Talk, task: Task, person_id: str) -> bool:
    """Whether this can be 我爸: somebody who was said to be the mother is not."""
    said, wanted = talk.state.relatives.get(person_id), task.facts.get("relation")
    return not (said and wanted) or said == wanted


def nobody(talk: Talk, task: Task, refused: Refused, *, pet_name: bool = False) -> None:
    """The one answer: not which of number, name and dues it is. Another number may be tried, of who was named by a
    `pet_name` another name; what could be paid for the same person before is gone back to."""
    if refused.code == "too_many_tries":
        talk.tell_error(refused)
        talk.state.finish()
        return
    what = say(f"insurance.{task.facts['insured_group']}.{task.facts['insurance']}")
    earlier, task.payable = task.payable, {}
    if earlier and earlier != task.facts and earlier[INSURED] == task.facts.get(INSURED):
        task.facts, task.asked = earlier, None
    else:
        kept = {ID_NUMBER: task.facts[ID_NUMBER]} if pet_name else {}
        forget_person(task)
        task.facts |= {INSURED: ANOTHER, **kept}
        task.asked, task.draft_id = PERSON_NAME if pet_name else ID_NUMBER, None
    sentence = say(f"error.{NOTHING_FOUND}", what=what, pet_name=pet_name)
    skip = ((say("button.skip"), say("button.skip")),) if task.member else ()
    talk.add(cards.error(NOTHING_FOUND, False, sentence, *skip, (say("button.cancel"), "/cancel")))


async def refuse(talk: Talk, task: Task, refused: Refused) -> None:
    """What the bureau refuses after the person was found is told no better, and no sooner, than before."""
    if refused.code in TOLD_LATER:
        raise refused
    await talk.services.insured.hold()
    nobody(talk, task, Refused(NOTHING_FOUND))


def find_id(task: Task) -> str:
    """The id of the other person, once found; else nothing."""
    person_id = str(task.facts.get(INSURED, ""))
    return person_id if str(task.facts.get("looked_for", "")).split("|")[0] == person_id else ""


def forget_person(task: Task) -> None:
    for name in (INSURED, ID_NUMBER, PERSON_NAME, "looked_for"):
        task.forget(name)


def take_back(task: Task) -> None:
    """It is for oneself after all."""
    forget_person(task)
    for name in ("beneficiary", "relation", "called"):
        task.forget(name)
    if task.asked in {*PERSONAL, CONFIRM}:
        task.asked = None


def _ask(talk: Talk, task: Task, name: str, key: str | None) -> None:
    again = task.asked == name
    task.asked, task.reask = name, None
    if name not in task.answered:
        task.answered.append(name)
    if key:
        id_type = _id_type(task)
        usual = id_type is IdType.RESIDENT_ID_CARD
        talk.tell(
            key,
            (say("button.cancel"), "/cancel"),
            id_type=id_type.value,
            usual=usual,
            relation=family.title_of(task),
            named=PERSON_NAME in task.facts and (not again or talk.turn.token(PERSON_NAME) is not None),
        )


def _ask_choice(talk: Talk, task: Task, name: str, options: Sequence[Option]) -> None:
    _ask(talk, task, name, None)
    relation = family.title_of(task)
    sentence = say(f"ask.{name}", titles=[option.title for option in options], relation=relation)
    talk.add(cards.choice(sentence, name, options))


def _problem(task: Task, reason: str) -> str:
    if _id_type(task) is IdType.RESIDENT_ID_CARD or reason in {"unsupported", "country"}:
        return f"id_problem.{reason}"
    key = f"others.problem.{reason}"
    return key if known(key) else "others.problem.form"


def _id_type(task: Task) -> IdType:
    return IdType(task.facts.get("id_type", IdType.RESIDENT_ID_CARD))


def _wanted(task: Task) -> Wanted:
    group, insurance = InsuredGroup(task.facts["insured_group"]), Insurance(task.facts["insurance"])
    arrears = task.facts.get("payment_type") == PaymentType.ARREARS
    if (group, insurance) == (InsuredGroup.RESIDENT, Insurance.MEDICAL):
        arrears = False  # P5 knows none
    year = task.facts.get("fee_year")
    by_year = year and group is InsuredGroup.RESIDENT and not arrears
    return Wanted(
        insured_group=group,
        insurance=insurance,
        payment_type=PaymentType.ARREARS if arrears else PaymentType.NORMAL,
        fee_year=int(str(year)[:4]) if by_year else None,
    )


def _key(person_id: str, wanted: Wanted) -> str:
    return f"{person_id}|{wanted.insured_group}|{wanted.insurance}|{wanted.payment_type}"
