"""What is said at an odd moment is kept: a tier of one's own, a name too early, a request instead of a name."""

from typing import Any

import pytest

from tests.journeys.driver import Resident, Town
from tests.journeys.people import FLEXIBLE, MEDICAL, PENSION, RESIDENT, enrolment, resident

RESIDENTS = (enrolment(RESIDENT, PENSION), enrolment(RESIDENT, MEDICAL))
FLEXIBLES = (enrolment(FLEXIBLE, PENSION, since="2026-01"), enrolment(FLEXIBLE, MEDICAL, since="2026-01"))
PEOPLE = {
    "me": resident("龙一秀", "19780401", 801, *RESIDENTS),
    "mother": resident("龙二秀", "19680402", 802, *RESIDENTS),
    "father": resident("龙三秀", "19680403", 803, *RESIDENTS),
    "pays": resident("龙四秀", "19780404", 804, *RESIDENTS),
    "paid_for": resident("龙五秀", "19680405", 805, *RESIDENTS),
    "regrets": resident("龙六秀", "19780406", 806, *RESIDENTS),
    "waits": resident("龙七秀", "19780407", 807, *RESIDENTS),
    "works": resident("龙八秀", "19780408", 808, *FLEXIBLES),
    "has_all": resident("龙九秀", "19780409", 809, *RESIDENTS, *FLEXIBLES),
    "first": resident("龙十秀", "19780410", 810, *RESIDENTS),
    "child": resident("龙百秀", "20120411", 811, enrolment(RESIDENT, MEDICAL)),
}


@pytest.fixture(scope="module")
def valley(town: Town) -> Town:
    town.load(list(PEOPLE.values()))
    return town


def arrive(valley: Town, who: str, sender: str, sentence: str) -> Resident:
    me = valley.resident(sender)
    me.say("登录")
    me.log_in(str(PEOPLE[who]["alipay_user_id"]))
    me.say(sentence)
    return me


def told(who: str) -> str:
    return f"{PEOPLE[who]['name']} {PEOPLE[who]['id_number']}"


def number(who: str) -> str:
    return str(PEOPLE[who]["id_number"])


@pytest.mark.parametrize("said", ["我自己也要交 六百 一起付", "我也交六百的", "我自己的也交，六百那档"])
def test_a_tier_said_with_oneself_is_ones_own(valley: Town, said: str) -> None:
    me = arrive(valley, "me", f"kept-own-tier-{said}", f"帮我妈交居民养老 三百，{told('mother')}")
    me.say("确认支付")
    assert me.has("payment_request")
    me.say(said)
    card = me.card("payment_confirmation")
    assert card["total"] == "900.00"
    assert "2. 您自己，居民养老保险，2026年度，600元档" in me.text
    assert "妈妈（**秀），居民养老保险，2026年度，300元档" in me.text


def test_a_tier_said_with_oneself_after_the_other_was_paid(valley: Town) -> None:
    me = arrive(valley, "pays", "kept-own-tier-paid", f"帮我妈交居民养老 三百，{told('paid_for')}")
    me.say("确认支付")
    me.pay(str(PEOPLE["pays"]["alipay_user_id"]))
    me.say("我也交六百的")
    card = me.card("payment_confirmation")
    assert (card["total"], card["tier"]) == ("600.00", "600")
    assert "给您自己" in me.text


@pytest.mark.parametrize(("said", "insured"), [("我爸的交八百", "爸爸"), ("我自己交八百", "您自己")])
def test_a_tier_of_somebody_else_is_no_answer_about_the_first(valley: Town, said: str, insured: str) -> None:
    me = arrive(valley, "me", f"kept-other-{insured}", f"帮我妈交居民养老，{told('mother')}")
    assert me.card("choice")["slot"] == "tier"
    me.say(said)
    if insured == "爸爸":
        assert "您爸爸的身份证号码" in me.text
        me.say(told("father"))
    else:
        assert "给您自己" in me.text
    assert me.card("payment_confirmation")["tier"] == "800"


def test_each_of_several_gets_his_own_tier(valley: Town) -> None:
    me = arrive(valley, "me", "kept-each-tier", "我和我妈的居民养老一起交，我六百，我妈三百")
    me.say(told("mother"))
    assert me.card("payment_confirmation")["total"] == "900.00"
    assert "您自己，居民养老保险，2026年度，600元档" in me.text
    me.say("妈八百，我一千")
    assert me.card("payment_confirmation")["total"] == "1800.00"
    me.say("确认支付")
    assert me.has("payment_request")
    me.say("我三百，我妈四百")
    assert me.card("payment_confirmation")["total"] == "700.00"


@pytest.mark.parametrize("said", ["好了", "可以", "嗯", "要得", "好的好的"])
def test_a_yes_to_the_question_after_a_name_asks_for_it_kindly(valley: Town, said: str) -> None:
    me = arrive(valley, "me", f"kept-yes-name-{said}", "帮我妈交居民养老 三百")
    me.say(said)
    assert "没有听出" not in me.text
    assert "您妈妈的身份证号码" in me.text
    me.say(number("mother"))
    me.say(said)
    assert "没有听出" not in me.text
    assert "您妈妈的姓名，身份证上的" in me.text
    me.say(str(PEOPLE["mother"]["name"]))
    assert me.card("payment_confirmation")["total"] == "300.00"


@pytest.mark.parametrize("said", ["查我2026年的养老", "查查我的养老", "帮我查一下25年交了没"])
def test_a_request_is_no_name_and_no_number(valley: Town, said: str) -> None:
    me = arrive(valley, "me", f"kept-request-{said}", "帮我妈交居民养老 三百")
    for question in ("身份证号码", "姓名，身份证上的"):
        me.say(said)
        assert "已缴费记录" in me.text
        assert "没有听出" not in me.text
        assert "记下了" not in me.text
        assert question in me.text
        me.say(number("mother"))
        assert "姓名" in me.text


@pytest.mark.parametrize("said", ["三百块", "八百"])
def test_a_tier_is_no_name(valley: Town, said: str) -> None:
    me = arrive(valley, "me", f"kept-tier-name-{said}", "帮我妈交居民养老")
    me.say(number("mother"))
    me.say(said)
    assert "记下了" in me.text
    assert "姓名，身份证上的" in me.text
    me.say(str(PEOPLE["mother"]["name"]))
    assert me.card("payment_confirmation")["tier"] == {"三百块": "300", "八百": "800"}[said]


def test_what_was_paid_too_low_is_told_truly(valley: Town) -> None:
    me = arrive(valley, "regrets", "kept-regrets", "交居民养老 三百")
    me.say("确认支付")
    me.pay(str(PEOPLE["regrets"]["alipay_user_id"]))
    for said in ("应该付一千五", "少交了", "我要补到一千五", "我本来要交一千五的", "补差额", "选低了"):
        me.say(said)
        assert "您缴的是300元档" in me.text, said
        assert "改不了" in me.text
        assert "可以先退费" in me.text
        assert "12333" in me.text
        assert not me.has("payment_confirmation")
    me.press("我要退费")
    me.say("选错了")
    me.press("确认退费")
    assert "退费单号" in me.text
    me.say("好了")
    me.say("交居民养老 一千五")
    assert me.card("payment_confirmation")["total"] == "1500.00"


def test_once_it_is_booked_nothing_is_promised(new_town: Any) -> None:
    town = new_town()
    town.load([PEOPLE["waits"]])
    me = arrive(town, "waits", "kept-booked", "交居民养老 三百")
    me.say("确认支付")
    me.pay(str(PEOPLE["waits"]["alipay_user_id"]))
    me.say("好了")
    town.advance("P4D")
    me.say("少交了")
    assert "您缴的是300元档" in me.text
    assert "差额也补不了、退不了" in me.text
    assert "12333" in me.text
    assert "我要退费" not in me.text
    me.press("人工服务")
    assert "12366" in me.text


@pytest.mark.parametrize("said", ["两千", "交两千那档", "2000"])
def test_a_tier_says_which_insurance(valley: Town, said: str) -> None:
    me = arrive(valley, "me", f"kept-which-{said}", "交社保")
    assert me.card("choice")["slot"] == "insurance"
    me.say(said)
    card = me.card("payment_confirmation")
    assert (card["insurance"], card["tier"]) == (PENSION, "2000")
    me.say("上一步")
    assert not me.has("payment_confirmation")


def test_a_tier_that_may_be_a_price_says_nothing_but_is_kept(valley: Town) -> None:
    """Four hundred yuan is what the medical insurance costs, too."""
    me = arrive(valley, "me", "kept-which-price", "交社保")
    me.say("四百")
    assert me.card("choice")["slot"] == "insurance"
    assert "记下了" in me.text
    me.say("养老")
    assert me.card("payment_confirmation")["tier"] == "400"


def test_a_tier_says_which_group(valley: Town) -> None:
    me = arrive(valley, "has_all", "kept-which-group", "交社保")
    assert me.card("choice")["slot"] == "insured_group"
    me.say("六成")
    assert me.card("choice")["slot"] == "fee_period"
    assert "灵活就业养老保险" in me.text
    me.say("取消")
    me.say("我要交两千的那档")
    assert me.card("payment_confirmation")["insured_group"] == RESIDENT


@pytest.mark.parametrize("said", ["六成", "60%", "百分之六十", "60", "交六成"])
def test_a_tier_is_taken_while_the_months_are_asked(valley: Town, said: str) -> None:
    me = arrive(valley, "works", f"kept-tier-months-{said}", "交灵活就业养老")
    assert me.card("choice")["slot"] == "fee_period"
    me.say(said)
    assert "记下了" in me.text
    assert "没听懂" not in me.text
    assert me.card("choice")["slot"] == "fee_period"
    me.say("到年底")
    assert me.card("payment_confirmation")["tier"] == "60%"


def test_back_from_somebody_who_was_named_at_the_card(valley: Town) -> None:
    me = arrive(valley, "me", "kept-back-name", "交居民养老 三百")
    me.say("她叫龙二秀")
    assert me.card("choice")["slot"] == "beneficiary"
    me.say("对")
    assert "身份证号码" in me.text
    me.say("上一步")
    assert me.card("choice")["slot"] == "beneficiary"
    me.say("上一步")
    assert "给您自己" in me.text
    assert me.has("payment_confirmation")


def test_back_from_a_number_that_was_told_at_the_card(valley: Town) -> None:
    me = arrive(valley, "me", "kept-back-number", "交居民养老 三百")
    me.say(number("mother"))
    assert "姓名" in me.text
    me.say("上一步")
    assert "给您自己" in me.text
    assert me.card("payment_confirmation")["total"] == "300.00"


@pytest.mark.parametrize("name", ["龙小芳", "韦二妹", "李梅"])
def test_a_bare_name_is_kept_while_the_group_is_asked(valley: Town, name: str) -> None:
    me = arrive(valley, "me", f"kept-early-{name}", "帮人交养老")
    assert me.card("choice")["slot"] == "insured_group"
    me.say(name)
    assert "没听懂" not in me.text
    assert me.card("choice")["slot"] == "insured_group"
    me.say("居民的")
    assert "姓名记下了" in me.text
    assert "身份证号码" in me.text


def test_an_answer_to_the_group_is_no_name(valley: Town) -> None:
    me = arrive(valley, "me", "kept-no-name", "帮人交养老")
    for said in ("不晓得", "方便的", "灵活的"):
        me.say(said)
        assert "姓名记下了" not in me.text


def test_who_goes_first_puts_nobody_off_for_good(valley: Town) -> None:
    me = arrive(valley, "first", "kept-first", "交居民医保")
    me.say("等哈，先给我娃儿交")
    assert "您孩子的身份证号码" in me.text
    me.say(told("child"))
    me.say("要得")
    assert me.card("payment_request")["total"] == "400.00"
    me.pay(str(PEOPLE["first"]["alipay_user_id"]))
    me.say("好了")
    assert "现在接着办居民医保" in me.text
    assert "给您自己" in me.text


@pytest.mark.parametrize("said", ["我的嘞", "我自己的呢", "我那份也一路交"])
def test_ones_own_in_dialect(valley: Town, said: str) -> None:
    me = arrive(valley, "me", f"kept-mine-{said}", f"给我妈交居民医保，{told('mother')}")
    me.say(said)
    assert "您自己也加上" in me.text
    assert me.card("payment_confirmation")["total"] == "800.00"


@pytest.mark.parametrize("sentence", ["给我家老汉交居民医保，顺便我也交", "我和我老者的居民医保一起交"])
def test_the_old_man_and_oneself(valley: Town, sentence: str) -> None:
    me = arrive(valley, "me", f"kept-old-man-{sentence}", sentence)
    assert "您自己、爸爸" in me.text
    me.say(told("father"))
    assert me.card("payment_confirmation")["total"] == "800.00"


def test_also_for_my_mother_is_not_for_me(valley: Town) -> None:
    me = arrive(valley, "me", "kept-also-mother", "我也想给我妈交居民医保")
    me.say(told("mother"))
    assert me.card("payment_confirmation")["total"] == "400.00"
    assert "您给**秀" in me.text


def test_she_is_not_oneself(valley: Town) -> None:
    me = arrive(valley, "me", "kept-she", f"给我妈交居民医保，{told('mother')}")
    me.say("她要交养老")
    me.say("居民的")
    me.say("三百")
    assert "您给**秀缴居民养老保险" in me.text


def test_somebody_along_with_ones_own_other_insurance(valley: Town) -> None:
    me = arrive(valley, "first", "kept-along", "交居民养老 三百")
    me.say("我崽的医保一起")
    assert "您儿子也加上" in me.text


def test_some_named_and_some_counted(valley: Town) -> None:
    me = arrive(valley, "me", "kept-counted", "我屋头四个人的居民医保")
    assert "都给哪几位缴" in me.text
    me.say("我、老公、两个娃")
    assert "您自己、老公、第一个孩子、第二个孩子" in me.text


def test_a_couple(valley: Town) -> None:
    me = arrive(valley, "me", "kept-couple", "给我们两口子交居民医保")
    assert "您自己、爱人" in me.text


def test_two_told_in_one_sentence_without_my(valley: Town) -> None:
    me = arrive(valley, "me", "kept-two-told", "帮我女儿女婿交居民医保")
    me.say(f"女儿{told('mother')}，女婿{told('father')}")
    assert me.card("payment_confirmation")["total"] == "800.00"
    me.say("还有外孙")
    assert "您外孙也加上" in me.text


def test_who_was_left_out_comes_back(valley: Town) -> None:
    me = arrive(valley, "me", "kept-back-in", f"帮我妈交居民医保，{told('mother')}")
    me.say("我的也一起")
    me.say("我妈的不要了")
    assert me.card("payment_confirmation")["total"] == "400.00"
    me.say("我妈的还是要")
    assert me.card("payment_confirmation")["total"] == "800.00"


def test_another_relation_takes_no_number_over(valley: Town) -> None:
    me = arrive(valley, "me", "kept-relation", "帮我妈交居民医保")
    me.say(number("mother"))
    me.say("换成我爸")
    assert "您爸爸的身份证号码" in me.text
    me.say(told("father"))
    me.say("换回我妈")
    assert "您妈妈的身份证号码" in me.text


def test_a_wish_that_looks_like_a_question(valley: Town) -> None:
    me = arrive(valley, "me", "kept-wish", "我妈要交养老，她自己没有手机")
    me.say("居民")
    assert "您妈妈的身份证号码" in me.text


def test_both_insurances_are_asked_by_name(valley: Town) -> None:
    me = arrive(valley, "works", "kept-both-named", "医保养老一起交")
    assert "灵活就业医疗保险，您要缴到哪个月" in me.text
    me.say("到年底")
    assert "接下来是灵活就业养老保险" in me.text
    me.say("到年底")
    me.say("八成")
    me.say("六成")
    assert "60%档" in me.text
    assert "不分档次" not in me.text


def test_all_of_one_group(valley: Town) -> None:
    me = arrive(valley, "has_all", "kept-all-of-group", "居民的都交")
    assert me.card("choice")["slot"] == "tier"
    me.say("三百")
    assert me.card("payment_confirmation")["total"] == "700.00"


def test_the_whole_year_after_a_no(valley: Town) -> None:
    me = arrive(valley, "works", "kept-whole-year", "交灵活就业养老 上半年 六成")
    assert me.card("payment_confirmation")["fee_period"] == "2026-01/2026-06"
    me.say("不是 全年")
    assert me.card("payment_confirmation")["fee_period"] == "2026-01/2026-12"
