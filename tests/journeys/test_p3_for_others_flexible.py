"""P3 灵活就业代他人缴费: as P1 and P2, for somebody who is found by number and name."""

from typing import Any

import pytest

from tests.journeys.driver import Resident, Town
from tests.journeys.people import FLEXIBLE, MEDICAL, PENSION, enrolment, resident

THIS_YEAR = (enrolment(FLEXIBLE, PENSION, since="2026-01"), enrolment(FLEXIBLE, MEDICAL, since="2026-01"))
ARREARS = [
    {"insured_group": FLEXIBLE, "insurance": PENSION, "agency": "520103", "period": f"{year}-01/{year}-12", "amount": amount}
    for year, amount in ((2023, "9600.00"), (2024, "9720.00"))
]  # fmt: skip


def person(name: str, day: int, *enrolments: dict[str, Any], **more: Any) -> dict[str, Any]:
    return resident(name, f"196604{day:02d}", day + 80, *enrolments, **more)


PAYER = person("韩雪梅", 1, *THIS_YEAR)
HUSBAND = person("曹建平", 2, *THIS_YEAR)
FRIEND = person("魏小燕", 3, *THIS_YEAR)
BEHIND = person("谢文斌", 4, *THIS_YEAR, assessed_arrears=ARREARS)
NOTHING_DUE = person("邹丽华", 5, enrolment(FLEXIBLE, PENSION, since="2027-01"))
TWO_AGENCIES = person("潘春燕", 6, THIS_YEAR[1], enrolment(FLEXIBLE, MEDICAL, "520102", since="2026-01"))
HAS_PAID = person(
    "葛大勇", 7, THIS_YEAR[1],
    payments=[
        {
            "insured_group": FLEXIBLE, "insurance": MEDICAL, "agency": "520103", "fee_period": "2026-01/2026-12",
            "amount": "2400.00", "paid_at": "2026-02-03T09:12:00+08:00", "booked_on": "2026-02-05",
        }
    ],
)  # fmt: skip
EVERYBODY = [PAYER, HUSBAND, FRIEND, BEHIND, NOTHING_DUE, TWO_AGENCIES, HAS_PAID]


@pytest.fixture(scope="module")
def village(town: Town) -> Town:
    town.load(EVERYBODY)
    return town


def logged_in(village: Town, sender: str) -> Resident:
    me = village.resident(sender)
    me.say("登录")
    me.log_in(PAYER["alipay_user_id"])
    return me


def test_pension_step_by_step(village: Town) -> None:
    me = logged_in(village, "p3-husband")
    me.say("给老公交灵活就业养老保险")
    me.say(HUSBAND["name"] + " " + HUSBAND["id_number"])
    period = me.card("choice")
    assert period["slot"] == "fee_period"
    assert [o["value"] for o in period["options"]] == ["2026-01", "2026-01/2026-11", "2026-01/2026-12"]
    me.say("到十一月")
    tiers = me.card("choice")
    assert tiers["slot"] == "tier"
    assert not any("上次" in o.get("note", "") or "基数" in o.get("note", "") for o in tiers["options"])
    me.say("最低那档")
    review = me.card("payment_confirmation")
    assert (review["payer"], review["insured"]) == ("**梅", "**平")
    assert (review["insured_group"], review["insurance"], review["tier"]) == (FLEXIBLE, PENSION, "60%")
    assert "base" not in review
    me.say("确认支付")
    assert me.card("payment_request")["total"] == review["total"]
    me.pay(PAYER["alipay_user_id"])
    me.say("好了")
    assert me.card("payment_status")["status"] == "paid"
    me.write_transcript("p3-husband")
    payment = village.state(HUSBAND["id_number"])["payments"][0]
    assert (payment["fee_period"], payment["amount"]) == ("2026-01/2026-11", review["total"])
    said = "\n".join(line for who, line in me.lines if who == "助手")
    assert HUSBAND["name"] not in said
    assert HUSBAND["id_number"][-4:] not in said


def test_who_was_paid_for_before_is_offered_by_masked_name(village: Town) -> None:
    me = logged_in(village, "p3-again")
    me.say(f"给我朋友交灵活就业医保，到十一月，她叫{FRIEND['name']}，身份证号{FRIEND['id_number']}")
    assert me.card("payment_confirmation")["insured"] == "**燕"
    me.say("确认支付")
    me.pay(PAYER["alipay_user_id"])
    me.say("好了")
    me.say("代他人缴费")
    me.say("灵活就业")
    me.say("医疗")
    choice = me.card("choice")
    assert choice["slot"] == "insured_person"
    assert "**燕" in [option["title"] for option in choice["options"]]
    friend = next(option for option in choice["options"] if option["title"] == "**燕")
    me.say(friend["payload"])
    review = me.card("payment_confirmation")
    assert (review["insured"], review["fee_period"]) == ("**燕", "2026-12")
    me.write_transcript("p3-paid-for-before")


def test_the_answer_is_the_same_for_a_wrong_name_nothing_due_and_already_paid(village: Town) -> None:
    me = logged_in(village, "p3-same-answer")
    answers = []
    for who, name in ((HAS_PAID, HAS_PAID["name"]), (HUSBAND, "曹建国"), (NOTHING_DUE, NOTHING_DUE["name"])):
        me.say(f"帮朋友交灵活就业医保，姓名{name}，证件号码{who['id_number']}")
        answers.append(me.last)
        me.say("取消")
    assert all(answer == answers[0] for answer in answers)


def test_several_agencies_are_asked_for(village: Town) -> None:
    me = logged_in(village, "p3-agencies")
    me.say(f"帮朋友交灵活就业医保，姓名{TWO_AGENCIES['name']}，证件号码{TWO_AGENCIES['id_number']}")
    assert me.card("choice")["slot"] == "agency"
    me.say("第一个")
    me.say("一月")
    assert me.card("payment_confirmation")["agency"] in {"520102", "520103"}


def test_all_arrears_in_one_payment(village: Town) -> None:
    me = logged_in(village, "p3-arrears")
    me.say(f"帮我弟补缴灵活就业养老，他叫{BEHIND['name']}，身份证{BEHIND['id_number']}")
    assert me.card("choice")["slot"] == "arrears_item"
    me.say("都交")
    review = me.card("payment_confirmation")
    assert (review["payment_type"], review["total"], review["insured"]) == ("arrears", "19320.00", "**斌")
    assert [line["value"] for line in review["lines"] if "元" in line["value"]][:2] == [
        "灵活就业养老保险，2023年1月至12月，补缴，9600元",
        "灵活就业养老保险，2024年1月至12月，补缴，9720元",
    ]
    me.say("确认支付")
    me.pay(PAYER["alipay_user_id"])
    me.say("好了")
    assert me.card("payment_status")["status"] == "paid"
    me.write_transcript("p3-all-arrears")
    amounts = [p["amount"] for p in village.state(BEHIND["id_number"])["payments"]]
    assert sorted(amounts) == ["9600.00", "9720.00"]
