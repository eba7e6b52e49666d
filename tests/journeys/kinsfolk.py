"""A resident, family and neighbours, for the journeys in which somebody is paid for; and how they are talked of."""

from typing import Any

import httpx2 as httpx

from tests.journeys.driver import Resident
from tests.journeys.people import MEDICAL, PENSION, RESIDENT, enrolment, id_number, medical_payment, resident

SOMEWHERE = "520122"
"""A division of this file's own, so that the numbers are nobody else's."""
BOTH = (enrolment(RESIDENT, MEDICAL), enrolment(RESIDENT, PENSION))


def person(name: str, born: str, number: int, *enrolments: dict[str, Any], **more: Any) -> dict[str, Any]:
    account = f"20889955000000{number:02d}"
    more = {"id_number": id_number(SOMEWHERE, born), "alipay_user_id": account, **more}
    return resident(name, born, number, *enrolments, **more) | {"mobile": f"137550000{number:02d}"}


ME = person("莫玉梅", "19850226", 1, *BOTH)
OTHER = person("龙海英", "19660707", 2, *BOTH)
MOTHER = person("安小云", "19701111", 3, *BOTH)
FATHER = person("田茂林", "19691010", 4, *BOTH)
WIFE = person("马兰香", "19790820", 5, *BOTH)
CHILD = person("李小宝", "20160901", 6, enrolment(RESIDENT, MEDICAL))
PAID = [medical_payment(2027, "2026-10-12T09:12:00+08:00", "2026-10-14")]
SETTLED = person("邓世伟", "19700909", 7, enrolment(RESIDENT, MEDICAL), payments=PAID)
PAYS = person("石大勇", "19850203", 8, *BOTH)
IS_PAID = person("冉启明", "19711212", 9, enrolment(RESIDENT, MEDICAL))
NEWBORN = person("吴小明", "20261105", 10, enrolment(RESIDENT, MEDICAL, since="2026-11"))
PARENT = person("吴建国", "19960606", 11, *BOTH)
IS_PAID_TOO = person("何秋香", "19720203", 12, enrolment(RESIDENT, MEDICAL))
HUSBAND = person("任小江", "19720204", 13, *BOTH)


EVERYBODY = [
    ME, OTHER, MOTHER, FATHER, WIFE, CHILD, SETTLED, PAYS, IS_PAID, NEWBORN, PARENT, IS_PAID_TOO, HUSBAND,
]  # fmt: skip


def said(sentence: str) -> str:
    """`sentence` with numbers in it: <龙海英> is hers."""
    for one in EVERYBODY:
        sentence = sentence.replace(f"<{one['name']}>", one["id_number"])
    return sentence


def begin(me: Resident, sentence: str, payer: dict[str, Any] = ME) -> None:
    me.say(said(sentence))
    me.log_in(payer["alipay_user_id"])


def pay(me: Resident, payer: dict[str, Any]) -> None:
    me.say("确认支付")
    me.pay(payer["alipay_user_id"])
    me.say("好了")
    assert me.card("payment_status")["status"] == "paid"


def cashier(request: dict[str, Any]) -> str:
    """The page on which it is paid, opened."""
    return str(httpx.get(request["cashier_url"], follow_redirects=True, timeout=30).text)


def insured(me: Resident) -> str:
    assert me.has("payment_confirmation"), me.lines[-3:]
    return str(me.card("payment_confirmation")["insured"])
