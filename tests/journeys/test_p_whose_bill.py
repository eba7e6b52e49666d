"""Whose bill it is: whoever is named is paid for, by number, name or relation; nobody is lost, and nobody billed instead."""

import pytest

from tests.journeys.driver import Resident, Town
from tests.journeys.kinsfolk import (
    EVERYBODY,
    HUSBAND,
    ME,
    OTHER,
    PARENT,
    PAYS,
    WIFE,
    begin,
    cashier,
    insured,
    pay,
    said,
)


@pytest.fixture(scope="module")
def filled(town: Town) -> Town:
    town.load(EVERYBODY)
    return town


@pytest.fixture
def me(filled: Town, somebody: Resident) -> Resident:
    return somebody


# --- somebody else's number (A1) --------------------------------------------------------------------

WITH_NAME = (
    "居民医保，龙海英，<龙海英>",
    "<龙海英>龙海英 交居民医保",
    "帮交居民医保身份证<龙海英>名字龙海英",
    "给低保户龙海英<龙海英>交居民医保",
    "我叫莫玉梅，给龙海英<龙海英>交居民医保",
)
WITHOUT_NAME = (
    "给<龙海英>交居民医保",
    "交居民医保 <龙海英>",
    "给特困户<龙海英>交居民医保",
    "给低保户<龙海英>交居民养老 300的",
)


@pytest.mark.parametrize("place", range(len(WITH_NAME)))
def test_a_number_and_a_name_are_paid_for(me: Resident, place: int) -> None:
    begin(me, WITH_NAME[place])
    assert insured(me) == "**英"
    assert "给您自己" not in me.text


@pytest.mark.parametrize("place", range(len(WITHOUT_NAME)))
def test_a_number_alone_asks_for_the_name(me: Resident, place: int) -> None:
    begin(me, WITHOUT_NAME[place])
    assert "姓名" in me.text
    assert not me.has("payment_confirmation")
    me.say("龙海英")
    assert insured(me) == "**英"


def test_also_after_logging_in(me: Resident) -> None:
    begin(me, "登录")
    me.say(said("交居民医保 <龙海英>"))
    assert "姓名" in me.text
    me.say("取消")
    me.say(said("居民医保，龙海英，<龙海英>"))
    assert insured(me) == "**英"


def test_said_while_the_consent_is_asked_for(me: Resident) -> None:
    me.say("交居民医保")
    begin(me, "龙海英<龙海英> 交居民医保")
    assert insured(me) == "**英"


@pytest.mark.parametrize(
    "sentence", ["交居民医保 <莫玉梅>", "我是莫玉梅，身份证<莫玉梅>，交居民医保"], ids=["bare", "told"]
)
def test_ones_own_number_is_for_oneself(me: Resident, sentence: str) -> None:
    begin(me, sentence)
    assert insured(me) == "**梅"
    assert "给您自己" in me.text


def test_another_name_than_ones_own_is_asked_about(me: Resident) -> None:
    begin(me, "我叫龙海英，交居民医保")
    assert me.card("choice")["slot"] == "beneficiary"
    assert not me.has("payment_confirmation")


def test_ones_own_number_is_not_the_mothers(me: Resident) -> None:
    begin(me, "我是莫玉梅，身份证<莫玉梅>，帮我妈交居民医保")
    assert "您妈妈" in me.text
    assert not me.has("payment_confirmation")


def test_a_number_that_contradicts_is_asked_about(me: Resident) -> None:
    begin(me, "给我自己交居民医保 <龙海英>")
    assert me.card("choice")["slot"] == "beneficiary"
    assert not me.has("payment_confirmation")
    me.say("给我自己缴")
    assert "给您自己" in me.text


def test_both_insurances_are_of_the_number(me: Resident) -> None:
    begin(me, "居民医保和居民养老都交，300的，龙海英，<龙海英>")
    assert insured(me) == "**英"
    assert "居民医保" in me.text
    assert "居民养老保险" in me.text
    assert "您自己" not in me.text


def test_a_name_alone_is_asked_about(me: Resident) -> None:
    begin(me, "交居民医保 龙海英")
    assert me.card("choice")["slot"] == "beneficiary"
    me.say("给这位缴")
    me.say(OTHER["id_number"])
    assert insured(me) == "**英"


# --- X and me (A2) ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "everybody"),
    [
        ("帮我爸田茂林<田茂林>交居民医保，还有我自己", "**梅、**林"),
        ("帮我妈安小云<安小云>和我爸田茂林<田茂林>还有我自己交居民医保", "**梅、**云、**林"),
        ("我老婆马兰香<马兰香>和我交居民医保", "**梅、**香"),
        ("给我妈安小云<安小云>交居民医保，我自己也交", "**梅、**云"),
        ("先给我妈安小云<安小云>交居民医保，再给我自己交", "**梅、**云"),
        ("安小云<安小云>和田茂林<田茂林>交居民医保", "**云、**林"),
        ("给我妈安小云和我爸田茂林交居民医保 我妈身份证<安小云> 我爸身份证<田茂林>", "**云、**林"),
        ("帮我交居民养老 300 顺便把我妈安小云<安小云>的居民医保也交了", "**梅、**云"),
    ],
    ids=["and_me", "three", "wife_and_i", "i_too", "then_me", "two_names", "numbers_after", "two_insurances"],
)
def test_everybody_who_is_named(me: Resident, sentence: str, everybody: str) -> None:
    begin(me, sentence)
    assert insured(me) == everybody


@pytest.mark.parametrize(
    "sentence",
    ["帮我妈和我爸还有我自己交居民医保", "帮爸妈和我交居民医保"],
    ids=["and_me", "parents"],
)
def test_everybody_whose_number_is_not_told_yet(me: Resident, sentence: str) -> None:
    me.say(sentence)
    assert all(title in me.text for title in ("您自己", "妈妈", "爸爸"))
    me.log_in(ME["alipay_user_id"])
    me.say(said("我妈安小云<安小云>，我爸田茂林<田茂林>"))
    assert sorted(insured(me).split("、")) == sorted(["**梅", "**云", "**林"])


@pytest.mark.parametrize(
    ("sentence", "numbers"),
    [
        ("给我爸妈交居民医保 <田茂林>田茂林 <安小云>安小云", ""),
        ("给我爸妈交居民医保", "田茂林<田茂林> 安小云<安小云>"),
        ("给我爸妈交居民医保，我爸<田茂林>田茂林", "<安小云>安小云"),
    ],
    ids=["at_once", "then_both", "one_after_the_other"],
)
def test_numbers_come_in_the_order_of_the_people(me: Resident, sentence: str, numbers: str) -> None:
    begin(me, sentence)
    if numbers:
        me.say(said(numbers))
    assert insured(me) == "**林、**云"
    assert "爸爸（**林）" in me.text
    assert "妈妈（**云）" in me.text


def test_two_children_are_two(me: Resident) -> None:
    begin(me, "全家五口人都交居民医保")
    me.say("我、老婆、两个娃、我妈")
    assert all(title in me.text for title in ("您自己", "老婆", "第一个孩子", "第二个孩子", "妈妈"))


def test_what_is_paid_with_is_not_who_is_paid_for(me: Resident) -> None:
    begin(me, "给我妈安小云<安小云>交居民医保，用我自己的钱付")
    assert insured(me) == "**云"


# --- who comes along (A3, B7) -----------------------------------------------------------------------


@pytest.mark.parametrize("sentence", ["娃儿也要", "孩子也要"], ids=["child", "kid"])
def test_the_child_too(me: Resident, sentence: str) -> None:
    begin(me, "帮我和我老婆马兰香<马兰香>交居民医保")
    assert insured(me) == "**梅、**香"
    me.say(sentence)
    assert "您孩子" in me.text
    me.say(said("李小宝 <李小宝>"))
    assert insured(me) == "**梅、**香、**宝"


def test_a_number_at_the_card_of_several(me: Resident) -> None:
    begin(me, "帮我和我老婆马兰香<马兰香>交居民医保")
    me.say(said("<李小宝>李小宝"))
    assert insured(me) == "**梅、**香、**宝"


@pytest.mark.parametrize(
    ("sentence", "title"),
    [("我和我妈也要", "您妈妈"), ("还有一个人", "参保人"), ("安小云的也要", "参保人")],
    ids=["i_and_mother", "one_more", "by_name"],
)
def test_with_whoever_is_at_the_card(me: Resident, sentence: str, title: str) -> None:
    begin(me, "给我爸田茂林<田茂林>交居民医保")
    me.say(sentence)
    assert f"{title}的身份证号码" in me.text
    me.say(said("安小云 <安小云>"))
    assert {"**林", "**云"} <= set(insured(me).split("、"))


def test_one_of_several_is_changed_for_another(me: Resident) -> None:
    begin(me, "帮我和我爸田茂林<田茂林>交居民医保")
    me.say("我爸的换成我妈")
    me.say(said("安小云 <安小云>"))
    assert insured(me) == "**梅、**云"


def test_mothers_too_at_the_payment_link(me: Resident) -> None:
    begin(me, "给我交居民医保", HUSBAND)
    me.say("确认支付")
    me.say("等一下，我妈的也一起交")
    assert "您妈妈" in me.text
    me.say(said("安小云 <安小云>"))
    assert insured(me) == "**江、**云"


def test_one_more_after_paying(me: Resident) -> None:
    begin(me, "给我老婆何秋香<何秋香>交居民医保", PAYS)
    pay(me, PAYS)
    me.say("我爸也要")
    assert "您爸爸的身份证号码" in me.text
    me.say(said("田茂林 <田茂林>"))
    assert insured(me) == "**林"


def test_another_year_of_the_same_child(me: Resident) -> None:
    begin(me, "给我家娃儿吴小明<吴小明>交2026年的居民医保", PARENT)
    assert insured(me) == "**明"
    pay(me, PARENT)
    me.say("2027的也一起交了嘛")
    assert insured(me) == "**明"
    assert me.card("payment_confirmation")["fee_year"] == 2027


# --- somebody else instead (A4, B3) -----------------------------------------------------------------


def test_an_order_for_the_wrong_one_is_closed(me: Resident) -> None:
    begin(me, "帮人交居民医保", HUSBAND)
    me.say(said("安小云<安小云>"))
    me.say("确认支付")
    order = me.card("payment_request")
    me.say("不是给安小云交，是给马兰香交")
    assert "已经取消" in me.text
    me.say(WIFE["id_number"])
    assert insured(me) == "**香"
    assert "确认付款" not in cashier(order)


def test_an_order_that_was_paid_meanwhile_is_told(me: Resident) -> None:
    begin(me, "帮人交居民医保", PAYS)
    me.say(said("冉启明<冉启明>"))
    me.say("确认支付")
    me.pay(PAYS["alipay_user_id"])
    me.say("不是给冉启明交，是给马兰香交")
    assert "已付款400元" in me.text
    me.say(WIFE["id_number"])
    assert insured(me) == "**香"


def test_an_order_that_stays_is_told(me: Resident) -> None:
    begin(me, "给我爸田茂林<田茂林>交居民医保", HUSBAND)
    me.say("确认支付")
    me.say("给我妈交居民医保")
    assert "付款单还在" in me.text
    me.say(said("安小云 <安小云>"))
    assert insured(me) == "**云"


def test_not_for_me_but_for_my_father(me: Resident) -> None:
    begin(me, "交居民医保", HUSBAND)
    me.say("确认支付")
    me.say("不是给我交，给我爸交")
    assert "已经取消" in me.text
    me.say(said("田茂林 <田茂林>"))
    assert insured(me) == "**林"


def test_not_this_one_but_that_one(me: Resident) -> None:
    begin(me, "帮人交居民医保")
    me.say(said("安小云<安小云>"))
    me.say("不是安小云，是马兰香")
    me.say(WIFE["id_number"])
    assert insured(me) == "**香"
    me.say(said("不对 换成田茂林<田茂林>"))
    assert insured(me) == "**林"
    me.say("不是田茂林，是马兰香")
    me.say("不付了")
    assert "取消" in me.text
