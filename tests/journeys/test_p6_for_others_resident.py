"""P6 城乡居民代他人缴费: found by number and name, one same answer whatever is wrong, only the masked name is shown."""

from typing import Any

import pytest

from tests.journeys.driver import Resident, Town
from tests.journeys.people import (
    MEDICAL,
    PENSION,
    RESIDENT,
    enrolment,
    id_number,
    medical_payment,
    resident,
)

BOTH = (enrolment(RESIDENT, MEDICAL), enrolment(RESIDENT, PENSION))
PAID = [medical_payment(2027, "2026-11-03T09:12:00+08:00", "2026-11-05")]


def person(name: str, day: int, *enrolments: dict[str, Any], **more: Any) -> dict[str, Any]:
    return resident(name, f"195502{day:02d}", day + 60, *enrolments, **more)


PAYER = person("周晓敏", 1, *BOTH)
MOTHER = person("吴桂英", 2, *BOTH)
FATHER = person("周德明", 3, *BOTH)
SUSPENDED = person("郑国强", 4, enrolment(RESIDENT, MEDICAL, status="suspended"))
HAS_PAID = person("冯秀兰", 5, enrolment(RESIDENT, MEDICAL), payments=PAID)
ONE_BY_ONE = person("陈玉珍", 6, *BOTH)
HUSBAND = person("许志远", 7, *BOTH)
GUESSER = person("孔令辉", 8, *BOTH)
HEAD = person("沈国栋", 11, *BOTH)
WIFE = person("韦秀英", 12, *BOTH)
LATE = person("杨若兰", 14, *BOTH)
CHILD = person("沈小宝", 13, enrolment(RESIDENT, MEDICAL))
SON_IN_LAW = person("罗文杰", 15, *BOTH)
GRANNY = person("罗老太", 16, *BOTH)
GRANDPA = person("罗老爷", 17, *BOTH)
BABY = person("罗小妹", 18, enrolment(RESIDENT, MEDICAL))
PAID_ALREADY = person("田大姐", 19, enrolment(RESIDENT, MEDICAL), payments=PAID)
HER_HUSBAND = person("田志强", 20, *BOTH)
HER_MOTHER = person("田玉兰", 21, *BOTH)
AUNT = person("蒋月芬", 10, *BOTH)
PERMIT = person("何家乐", 9, enrolment(RESIDENT, MEDICAL)) | {
    "id_type": "港澳居民来往内地通行证", "id_number": "H10000009",
}  # fmt: skip
EVERYBODY = [
    PAYER,
    MOTHER,
    FATHER,
    SUSPENDED,
    HAS_PAID,
    ONE_BY_ONE,
    HUSBAND,
    GUESSER,
    AUNT,
    PERMIT,
    HEAD,
    WIFE,
    CHILD,
    LATE,
    SON_IN_LAW,
    GRANNY,
    GRANDPA,
    BABY,
    PAID_ALREADY,
    HER_HUSBAND,
    HER_MOTHER,
]


@pytest.fixture(scope="module")
def village(town: Town) -> Town:
    town.load(EVERYBODY)
    return town


def logged_in(village: Town, sender: str, who: dict[str, Any] = PAYER) -> Resident:
    me = village.resident(sender)
    me.say("登录")
    me.log_in(who["alipay_user_id"])
    return me


def heard(me: Resident) -> str:
    """Everything that the assistant has sent, cards included."""
    return "\n".join(line for who, line in me.lines if who == "助手") + str(me.last)


def test_in_one_sentence_and_then_the_next_one(village: Town) -> None:
    me = logged_in(village, "p6-mother")
    me.say(f"帮我妈交明年的居民医保，她叫{MOTHER['name']}，身份证{MOTHER['id_number']}")
    review = me.card("payment_confirmation")
    assert (review["payer"], review["insured"]) == ("**敏", "**英")
    assert (review["insured_group"], review["insurance"], review["fee_year"]) == (RESIDENT, MEDICAL, 2027)
    assert not {"agency", "base"} & review.keys()
    assert {line["label"] for line in review["lines"]} == {"付款人", "参保人", "险种", "缴费年度", "应缴合计"}
    me.say("确认支付")
    me.pay(PAYER["alipay_user_id"])
    me.say("好了")
    assert me.card("payment_status")["status"] == "paid"
    me.say("再帮我爸也交一个")
    assert not me.has("choice")  # the mother, who was just paid for, is not the father
    assert "您爸爸的身份证号码" in me.text
    me.say(FATHER["name"] + "，" + FATHER["id_number"])
    review = me.card("payment_confirmation")
    assert (review["insured"], review["insurance"], review["fee_year"]) == ("**明", MEDICAL, 2027)
    me.say("确认支付")
    me.pay(PAYER["alipay_user_id"])
    me.say("好了")
    assert me.card("payment_status")["status"] == "paid"
    me.write_transcript("p6-mother-then-father")
    for other in (MOTHER, FATHER):
        payments = village.state(other["id_number"])["payments"]
        assert [(p["fee_year"], p["amount"]) for p in payments] == [(2027, payments[0]["amount"])]
        assert other["name"] not in heard(me)
        assert other["id_number"] not in heard(me)
        assert other["id_number"][-4:] not in heard(me)
    assert village.state(PAYER["id_number"])["payments"] == []


def test_one_by_one_in_any_order_with_changes_of_mind(village: Town) -> None:
    """Business 2.9, 8 (5): number and name, then the tier all the same; of the other nothing is told by the card."""
    me = logged_in(village, "p6-stepwise", HUSBAND)
    me.say("代他人缴费")
    assert me.card("choice")["slot"] == "insured_group"
    me.say("城乡居民")
    choice = me.card("choice")
    assert choice["slot"] == "insurance"
    assert [option["value"] for option in choice["options"]] == [PENSION, MEDICAL]
    me.say("养老")
    assert "证号码" in me.text
    me.say("为什么要身份证号码？")
    assert "证号码" in me.text
    wrong = ONE_BY_ONE["id_number"][:-1] + ("0" if ONE_BY_ONE["id_number"][-1] != "0" else "1")
    me.say(wrong)
    assert "不对" in me.text
    me.say(ONE_BY_ONE["id_number"])
    assert "姓名" in me.text
    me.say(ONE_BY_ONE["name"])
    tier = me.card("choice")
    assert tier["slot"] == "tier"
    assert not any("note" in option for option in tier["options"])
    me.say("两千那档")
    review = me.card("payment_confirmation")
    assert (review["insured"], review["tier"], review["fee_year"]) == ("**珍", "2000", 2026)
    me.say("改成六百")
    assert me.card("payment_confirmation")["tier"] == "600"
    me.say("上一步")
    assert me.card("choice")["slot"] == "tier"
    me.say("取消")
    me.write_transcript("p6-stepwise")


def test_whatever_is_wrong_the_answer_is_word_for_word_the_same(village: Town) -> None:
    me = logged_in(village, "p6-same-answer", GUESSER)
    nobody = id_number("520103", "19400101")
    answers = []
    for number, name in (
        (nobody, "吴桂英"),
        (AUNT["id_number"], "吴桂香"),
        (SUSPENDED["id_number"], SUSPENDED["name"]),
        (HAS_PAID["id_number"], HAS_PAID["name"]),
    ):
        me.say(f"帮我妈交明年的居民医保，身份证{number}，姓名{name}")
        answers.append(me.last)
        me.say("取消")
    assert all(answer == answers[0] for answer in answers)
    assert "没有查到" in answers[0][0]["text"]
    me.write_transcript("p6-same-answer")


def test_five_failures_a_day_and_the_owner_can_still_pay(village: Town) -> None:
    me = logged_in(village, "p6-guessing", ONE_BY_ONE)
    me.say("帮我妈交明年的居民医保")
    for name in ("吴桂香", "吴桂兰", "吴桂芳", "吴桂珍", "吴桂花"):
        me.say(f"{HUSBAND['id_number']}，{name}")
        assert "没有查到" in me.text
    me.say(f"{HUSBAND['id_number']}，{HUSBAND['name']}")
    assert "次数太多" in me.text
    assert not me.has("payment_confirmation")
    owner = logged_in(village, "p6-owner", HUSBAND)
    owner.say("交明年的居民医保")
    assert owner.card("payment_confirmation")["insured"] == "**远"


def test_another_document(village: Town) -> None:
    me = logged_in(village, "p6-permit")
    me.say("给我老公交明年的居民医保")
    if me.has("choice"):
        me.say("另一个人")
    me.say("他用的是港澳通行证")
    assert "港澳居民来往内地通行证" in me.text
    me.say("H10000009")
    me.say("何家乐")
    assert me.card("payment_confirmation")["insured"] == "**乐"
    me.say("取消")


def test_another_wish_is_heard_while_the_number_is_asked_for(village: Town) -> None:
    me = logged_in(village, "p6-rather-myself", GUESSER)
    me.say("给我妈交明年的居民医保")
    assert "证号码" in me.text
    me.say("算了，先给我自己交居民医保")
    review = me.card("payment_confirmation")
    assert (review["payer"], review["insured"]) == ("**辉", "**辉")


def test_a_number_that_is_plainly_of_another_document_is_asked_about(village: Town) -> None:
    me = logged_in(village, "p6-which-document", GUESSER)
    me.say("给我老公交明年的居民医保")
    me.say("H10000009")
    choice = me.card("choice")
    assert choice["slot"] == "id_type"
    assert "港澳居民来往内地通行证" in [option["value"] for option in choice["options"]]
    me.say("港澳通行证")
    me.say("何家乐")
    assert me.card("payment_confirmation")["insured"] == "**乐"


def test_before_logging_in_what_was_said_is_kept(village: Town) -> None:
    me = village.resident("p6-login-later")
    me.say(f"帮我妈交明年的居民医保，她叫{AUNT['name']}，身份证{AUNT['id_number']}")
    me.log_in(GUESSER["alipay_user_id"])
    review = me.card("payment_confirmation")
    assert (review["payer"], review["insured"]) == ("**辉", "**芬")
    me.say("不是给我妈，给我自己交")
    review = me.card("payment_confirmation")
    assert (review["payer"], review["insured"]) == ("**辉", "**辉")


def test_another_person_after_the_order_is_another_order(village: Town) -> None:
    me = logged_in(village, "p6-other-person", GUESSER)
    me.say(f"给我妈交明年的居民医保，她叫{AUNT['name']}，身份证{AUNT['id_number']}")
    me.say("确认支付")
    first = me.card("payment_request")
    assert "**芬的居民医保" in me.text
    me.say(f"不对，是{LATE['name']}，{LATE['id_number']}")
    review = me.card("payment_confirmation")
    assert review["insured"] == "**兰"
    me.say("确认支付")
    second = me.card("payment_request")
    assert second["order_no"] != first["order_no"]
    me.pay(GUESSER["alipay_user_id"])
    me.say("好了")
    assert me.card("payment_status")["status"] == "paid"
    assert village.state(AUNT["id_number"])["payments"] == []
    assert len(village.state(LATE["id_number"])["payments"]) == 1


def name_member(me: Resident, other: dict[str, Any]) -> None:
    if me.has("choice") and me.card("choice")["slot"] == "insured_person":
        me.say("另一个人")
    me.say(f"{other['name']}{other['id_number']}")


def test_a_family_in_one_confirmation_and_one_payment(village: Town) -> None:
    me = logged_in(village, "p6-family", HEAD)
    me.say("我和老婆孩子的居民医保一起交，交明年的")
    for other, title in ((WIFE, "老婆"), (CHILD, "孩子")):
        assert title in me.text
        name_member(me, other)
    review = me.card("payment_confirmation")
    assert review["insured"] == "**栋、**英、**宝"
    assert (review["insured_group"], review["insurance"], review["fee_year"]) == (RESIDENT, MEDICAL, 2027)
    assert review["total"] == "1200.00"
    assert [line["label"] for line in review["lines"]] == [
        "付款人", "您自己", "老婆（**英）", "孩子（**宝）", "应缴合计",
    ]  # fmt: skip
    me.say("确认支付")
    assert me.card("payment_request")["total"] == "1200.00"
    me.pay(HEAD["alipay_user_id"])
    me.say("好了")
    status = me.card("payment_status")
    assert (status["status"], status["total"]) == ("paid", "1200.00")
    assert me.text.count("400元") == 3
    me.write_transcript("p6-family")
    for who in (HEAD, WIFE, CHILD):
        payments = village.state(who["id_number"])["payments"]
        assert [(p["fee_year"], p["amount"]) for p in payments] == [(2027, "400.00")]
        if who is not HEAD:
            assert who["name"] not in heard(me)
            assert who["id_number"] not in heard(me)


def test_somebody_else_joins_an_order_that_nobody_has_opened(village: Town) -> None:
    me = logged_in(village, "p6-joins-late", GRANDPA)
    me.say("交明年的居民医保")
    me.say("确认支付")
    first = me.card("payment_request")
    me.say("再帮我孙女交一个")
    assert "最后一起付款" in me.text
    name_member(me, BABY)
    assert me.card("payment_confirmation")["total"] == "800.00"
    me.say("确认支付")
    second = me.card("payment_request")
    assert village.http.get(f"/pay/{first['order_no']}").status_code == 410
    assert second["total"] == "800.00"
    me.say("不付了")
    assert "已经取消" in me.text


def test_members_come_and_go_before_anything_is_paid(village: Town) -> None:
    me = logged_in(village, "p6-come-and-go", SON_IN_LAW)
    me.say("我和奶奶爷爷的居民医保一起交，交明年的")
    name_member(me, GRANNY)
    me.say("爷爷的先不交")
    assert me.card("payment_confirmation")["insured"] == "**杰、**太"
    me.say("再加上我女儿")
    assert "女儿" in me.text
    name_member(me, BABY)
    assert me.card("payment_confirmation")["insured"] == "**杰、**太、**妹"
    me.say("改一下")
    assert [item["title"] for item in me.card("menu")["items"]] == [
        "不给您自己缴",
        "不给奶奶缴",
        "不给女儿缴",
    ]
    me.say("去掉我自己的")
    assert me.card("payment_confirmation")["insured"] == "**太、**妹"
    me.say("等一下")
    me.say("居民医保什么时候能报销？")
    assert me.has("payment_confirmation")
    me.say("只交女儿的")
    review = me.card("payment_confirmation")
    assert (review["insured"], review["total"]) == ("**妹", "400.00")
    me.say("取消")
    assert "没有扣" in me.text
    me.write_transcript("p6-come-and-go")
    for who in (SON_IN_LAW, GRANNY, GRANDPA, BABY):
        assert village.state(who["id_number"])["payments"] == []


def test_who_has_nothing_to_pay_does_not_hold_up_the_others(village: Town) -> None:
    me = logged_in(village, "p6-paid-already", PAID_ALREADY)
    me.say("我和老公、妈妈的居民医保一起交，交明年的")
    assert "已经缴过" in me.text
    name_member(me, HER_HUSBAND)
    name_member(me, HER_MOTHER)
    review = me.card("payment_confirmation")
    assert (review["insured"], review["total"]) == ("**强、**兰", "800.00")
    village.load([HER_MOTHER | {"payments": PAID}])  # somebody else pays for her meanwhile
    me.say("确认支付")
    review = me.card("payment_confirmation")
    assert (review["insured"], review["total"]) == ("**强", "400.00")
    assert "妈妈" in me.text
    me.say("确认支付")
    me.pay(PAID_ALREADY["alipay_user_id"])
    me.say("好了")
    assert me.card("payment_status")["status"] == "paid"
    assert len(village.state(HER_HUSBAND["id_number"])["payments"]) == 1
    me.write_transcript("p6-nothing-due-for-one")


def test_of_two_open_years_of_another_the_late_one_is_told_and_no_price(new_town: Any) -> None:
    """Business 2.4, reliability 4.2: a price would tell of their marks; that a year is late is known to everybody."""
    town = new_town(SHEBAO_CLOCK="2026-09-29T10:00:00+08:00")
    town.load([PAYER, MOTHER])
    me = logged_in(town, "p6-two-years")
    me.say(f"给我妈交居民医保，她叫{MOTHER['name']}，{MOTHER['id_number']}")
    earlier, later = me.card("choice")["options"]
    assert (earlier["value"], later["value"]) == ("2026", "2027")
    assert "集中缴费期已经过了" in earlier["note"]
    assert "note" not in later
    assert "集中缴费期已经过了" in me.text
    assert "元" not in me.text
    me.say("明年的")
    assert me.card("payment_confirmation")["fee_year"] == 2027
    me.write_transcript("p6-two-years")
