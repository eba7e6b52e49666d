"""Paying as residents say it: a short answer that says much, 重新付, a choice that is regretted, one word alone."""

import time
from typing import Any

import pytest

from tests.journeys.driver import Resident, Town
from tests.journeys.people import FLEXIBLE, MEDICAL, PENSION, RESIDENT, enrolment, resident

RESIDENTS = (enrolment(RESIDENT, PENSION), enrolment(RESIDENT, MEDICAL))
ALL = (
    *RESIDENTS,
    enrolment(FLEXIBLE, PENSION, since="2026-01"),
    enrolment(FLEXIBLE, MEDICAL, since="2026-01"),
)
OWED = {
    "insured_group": FLEXIBLE, "insurance": PENSION, "agency": "520103", "period": "2025-01/2025-06",
    "amount": "4600.00",
}  # fmt: skip
OWED_LATER = OWED | {"period": "2025-07/2025-12", "amount": "4700.00"}
PEOPLE = {
    "answers": resident("蓝一花", "19630101", 101, *ALL),
    "gives_up": resident("蓝二花", "19630102", 102, *RESIDENTS),
    "regrets": resident("蓝三花", "19630103", 103, *RESIDENTS),
    "parents": resident("蓝五花", "19630105", 105, *RESIDENTS),
    "mother": resident("蓝六妹", "19400106", 106, *RESIDENTS),
    "father": resident("蓝七哥", "19400107", 107, *RESIDENTS),
    "leaves_out": resident("蓝九花", "19630109", 109, *RESIDENTS),
    "owes_two": resident(
        "蓝八花", "19630108", 108, enrolment(FLEXIBLE, PENSION), assessed_arrears=[OWED, OWED_LATER]
    ),
    "owes": resident("蓝四花", "19630104", 104, *ALL, assessed_arrears=[OWED]),
}


@pytest.fixture(scope="module")
def village(town: Town) -> Town:
    town.load(list(PEOPLE.values()))
    return town


def arrive(village: Town, who: str, sender: str, sentence: str) -> Resident:
    me = village.resident(sender)
    me.say("登录")
    me.log_in(account(who))
    me.say(sentence)
    return me


def account(who: str) -> str:
    return str(PEOPLE[who]["alipay_user_id"])


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("居民养老", "tier"),
        ("城乡居民养老保险", "tier"),
        ("灵活就业养老", "fee_period"),
        ("居民医保", None),
    ],
)
def test_the_answer_to_which_kind_says_the_insurance_too(village: Town, said: str, kind: str | None) -> None:
    me = arrive(village, "answers", f"says-{said}", "交社保")
    assert me.card("choice")["slot"] == "insured_group"
    me.say(said)
    if kind:
        assert me.card("choice")["slot"] == kind
    else:
        assert me.card("payment_confirmation")["insurance"] == MEDICAL


def test_the_answer_for_another_says_the_insurance_and_who_it_is(village: Town) -> None:
    me = arrive(village, "answers", "says-for-whom", "代他人缴费")
    assert me.card("choice")["slot"] == "insured_group"
    me.say("给我妈交居民医保")
    assert "您妈妈的身份证号码" in me.text


def test_an_order_that_was_given_up_is_taken_up_again(village: Town) -> None:
    me = arrive(village, "gives_up", "pays-again", "交居民养老，六百那档")
    me.say("确认支付")
    first = me.card("payment_request")["order_no"]
    me.say("再付一次")
    assert me.card("payment_request")["order_no"] == first
    for again in ("重新付", "再付一次", "重新缴", "能重新付吗"):
        me.say("不付了")
        assert "取消" in me.text
        me.say(again)
        assert me.card("payment_confirmation")["total"] == "600.00"
    me.say("确认支付")
    assert me.card("payment_request")["order_no"] != first
    me.pay(account("gives_up"))
    me.say("好了")
    me.say("再付一次")
    assert me.card("payment_status")["status"] == "paid"
    assert not me.has("payment_confirmation")


def test_an_order_that_has_expired_is_taken_up_again(new_town: Any) -> None:
    town = new_town()
    town.load([PEOPLE["gives_up"]])
    me = arrive(town, "gives_up", "expires", "交居民养老，六百那档")
    me.say("确认支付")
    town.advance("PT20M")
    me.say("再付一次")
    assert me.card("payment_confirmation")["total"] == "600.00"
    me.say("确认支付")
    assert me.has("payment_request")


def test_a_tier_that_is_regretted_after_paying(village: Town) -> None:
    """A tier that was paid can't be changed here; the agency may be asked, or the money back."""
    me = arrive(village, "regrets", "regrets", "交居民养老，六百那档")
    me.say("确认支付")
    me.pay(account("regrets"))
    me.say("好了")
    for said in ("我选错档了", "改成2000", "档次选错了", "换成3000那档"):
        me.say(said)
        assert "一年只缴一次" in me.text
        assert "社保经办机构" in me.text
        assert not me.has("choice")
        assert not me.has("payment_confirmation")
    me.say("开缴费凭证")
    me.say("我选错档了")
    assert "一年只缴一次" in me.text
    me.press("我要退费")
    assert me.card("choice")["slot"] == "refund_reason"


def test_arrears_alone_are_those_that_were_assessed(village: Town) -> None:
    """Business R2: what nobody has assessed is no answer to choose."""
    me = arrive(village, "owes", "owes-one", "补缴")
    review = me.card("payment_confirmation")
    assert (review["insured_group"], review["insurance"], review["total"]) == (FLEXIBLE, PENSION, "4600.00")
    me.say("算了，补缴医保")
    assert "12393" in me.text
    assert not me.has("choice")


def test_without_arrears_nothing_is_asked_first(village: Town) -> None:
    """Business R2: where to apply depends on the insurance; both are named as long as it is not said."""
    me = arrive(village, "answers", "owes-nothing", "补缴")
    assert "12333" in me.text
    assert "12393" in me.text
    assert not me.has("choice")
    me.say("我要补缴养老")
    assert "12333" in me.text
    assert "12393" not in me.text
    me.press("正常缴费")
    assert [option["title"] for option in me.card("choice")["options"]] == [
        "居民养老保险",
        "灵活就业养老保险",
    ]


def test_what_is_left_out_of_several_for_oneself_is_named(village: Town) -> None:
    me = arrive(village, "owes_two", "owes-two", "补缴")
    me.say("都交")
    assert me.card("payment_confirmation")["total"] == "9300.00"
    me.say("只交第二笔")
    assert "灵活就业养老保险2025年1月至6月先不缴" in me.text
    assert me.card("payment_confirmation")["total"] == "4700.00"


def told(who: str) -> str:
    return f"{PEOPLE[who]['name']}，{PEOPLE[who]['id_number']}"


@pytest.mark.parametrize(
    "sentence", ["我爸妈的居民医保一起交", "给父母交居民医保", "我屋头两个老人的居民医保都要交"]
)
def test_both_parents_in_one_sentence(village: Town, sentence: str) -> None:
    me = arrive(village, "parents", f"both-{sentence}", sentence)
    me.say(f"我妈叫{PEOPLE['mother']['name']}")
    assert "姓名记下了" in me.text
    assert "您妈妈的身份证号码" in me.text
    me.say(PEOPLE["mother"]["id_number"])
    assert "接下来" in me.text
    me.say(f"我爸{told('father')}")
    review = me.card("payment_confirmation")
    assert review["total"] == "800.00"
    assert [line["label"] for line in review["lines"][1:3]] == ["妈妈（**妹）", "爸爸（**哥）"]


def test_both_parents_with_their_numbers_at_once(village: Town) -> None:
    sentence = f"给爸妈交居民医保，我妈{told('mother')}，我爸{told('father')}"
    me = arrive(village, "parents", "both-at-once", sentence)
    assert [line["label"] for line in me.card("payment_confirmation")["lines"][1:3]] == [
        "妈妈（**妹）",
        "爸爸（**哥）",
    ]


def test_children_who_are_only_counted(village: Town) -> None:
    me = arrive(village, "parents", "two-children", "我家两个娃的居民医保一起交")
    assert "第一个孩子的身份证号码" in me.text
    me.say(told("mother"))
    assert "第二个孩子的身份证号码" in me.text


def test_what_was_paid_already_is_named_with_its_year(village: Town) -> None:
    me = arrive(village, "regrets", "paid-already", "交居民医保")
    me.say("确认支付")
    me.pay(account("regrets"))
    me.say("好了")
    me.say("交居民医保")
    assert "您2027年度的居民医保已经缴过了" in me.text
    assert me.card("error")["code"] == "already_paid"


def test_an_order_that_the_bureau_keeps_waiting_is_an_error_and_may_be_tried_again(new_town: Any) -> None:
    town = new_town()
    town.load([PEOPLE["gives_up"]])
    me = arrive(town, "gives_up", "bureau-is-away", "交居民养老，六百那档")
    town.post("/sandbox/bureau/faults", {"operation": "declare", "mode": "unavailable", "times": 40})
    me.say("确认支付")
    assert me.card("error")["retryable"]
    assert not me.has("payment_request")
    me.say("再试一下")
    assert "没有扣钱" in me.text
    town.post("/sandbox/bureau/faults", {"clear": True})
    town.advance("PT1M")
    end = time.monotonic() + 30
    while not me.has("payment_request") and time.monotonic() < end:
        me.say("再试一下")
    assert me.has("payment_request")


def test_nobody_is_asked_to_pay_again_while_the_gateway_is_silent(new_town: Any) -> None:
    """Business R5: of what may be paid it is not said that it should be paid once more."""
    town = new_town()
    town.load([PEOPLE["gives_up"]])
    me = arrive(town, "gives_up", "gateway-is-silent", "交居民养老，六百那档")
    me.say("确认支付")
    for method, mode in (("alipay.trade.query", "system_error"), ("notify", "drop")):
        town.post("/sandbox/alipay/faults", {"method": method, "mode": mode, "times": 90})
    me.pay(account("gives_up"))
    for said in ("付好了", "我要再付一次", "你好", "重新付"):
        me.say(said)
        assert "不要重复付款" in me.text
        assert not me.has("payment_request")
        assert not me.has("payment_confirmation")
    me.say("不付了")
    assert "收到款我就告诉您" in me.text
    town.post("/sandbox/alipay/faults", {"clear": True})
    town.advance("PT1M")
    me.say("刷新")
    assert me.card("payment_status")["status"] == "paid"


def test_somebody_is_left_out_in_the_middle_or_after_the_confirmation(village: Town) -> None:
    me = arrive(village, "leaves_out", "leaves-out", "我和我妈的居民医保一起交")
    me.say("她没有医保")
    assert "没有听出号码" in me.text
    me.say("那我先交我自己的")
    assert "妈妈的先不缴" in me.text
    assert me.card("payment_confirmation")["total"] == "400.00"
    me.say("再帮我老伴交一个")
    me.say(told("mother"))
    me.say("要得")
    assert me.card("payment_request")["total"] == "800.00"
    me.say("算了，老伴的不交了")
    assert "爱人的先不缴" in me.text
    assert me.card("payment_confirmation")["total"] == "400.00"
    me.say("取消")
    me.say("交居民养老")
    me.say("给我娃也交")
    me.say("那他的先不交")
    assert "孩子的先不缴" in me.text
    assert me.card("choice")["slot"] == "tier"


def test_another_amount_with_a_no_is_no_wish_to_leave(village: Town) -> None:
    me = arrive(village, "leaves_out", "no-with-amount", "交居民养老")
    me.say("不不不，五百")
    assert "400和600" in me.text
    assert me.card("choice")["slot"] == "tier"


def test_whose_number_is_missing_hears_how_to_leave(village: Town) -> None:
    me = arrive(village, "leaves_out", "no-number", "给我爸交居民医保")
    me.say("没得身份证号码")
    assert "没有听出号码" in me.text
    assert "取消" in me.text
    me.say("那算了")
    assert "已经取消" in me.text


def test_another_who_shall_come_along_joins_and_replaces_nobody(village: Town) -> None:
    me = arrive(village, "leaves_out", "comes-along", f"给我爸交居民医保，{told('father')}")
    assert me.card("payment_confirmation")["insured"] == "**哥"
    me.say("我妈也一起")
    assert "最后一起付款" in me.text
    me.say(told("mother"))
    assert me.card("payment_confirmation")["total"] == "800.00"
