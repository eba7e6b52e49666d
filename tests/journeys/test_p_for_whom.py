"""Whom a payment is for: 她的也交, 我自己也交, two years or two insurances at once; and never oneself instead."""

from typing import Any

import pytest

from tests.journeys.driver import Resident, Town
from tests.journeys.people import (
    FLEXIBLE,
    MEDICAL,
    PENSION,
    RESIDENT,
    enrolment,
    id_number,
    resident,
)

RESIDENTIAL = (enrolment(RESIDENT, MEDICAL), enrolment(RESIDENT, PENSION))
WORKING = (enrolment(FLEXIBLE, PENSION, since="2026-01"), enrolment(FLEXIBLE, MEDICAL, since="2026-01"))
SOMEWHERE = "520111"
"""A division of this file's own, so that the numbers are nobody else's."""


def person(name: str, born: str, number: int, *enrolments: dict[str, Any], **more: Any) -> dict[str, Any]:
    account = f"20889944000000{number:02d}"
    more = {"id_number": id_number(SOMEWHERE, born), "alipay_user_id": account, **more}
    return resident(name, born, number, *enrolments, **more) | {"mobile": f"137440000{number:02d}"}


PAYER = person("蓝海棠", "19840301", 1, *WORKING)
HUSBAND = person("蓝文斌", "19830302", 2, *WORKING)
DAUGHTER = person("蒙晓月", "19750303", 3, *RESIDENTIAL)
MOTHER = person("蒙玉英", "19710304", 4, *RESIDENTIAL)
NEWBORN = person("蒙小豆", "20261005", 5, enrolment(RESIDENT, MEDICAL, since="2026-10"))
IN_YEARS = person("蒙松年", "19700306", 6, *RESIDENTIAL)
GRANDMOTHER = person("蒙金花", "19690308", 8, *RESIDENTIAL)
GUESSER = person("蓝冬生", "19820307", 7, *WORKING)


@pytest.fixture(scope="module")
def filled(town: Town) -> Town:
    town.load([PAYER, HUSBAND, DAUGHTER, MOTHER, NEWBORN, IN_YEARS, GRANDMOTHER, GUESSER])
    return town


@pytest.fixture
def me(filled: Town, somebody: Resident) -> Resident:
    return somebody


def begin(me: Resident, payer: dict[str, Any], said: str) -> None:
    me.say(said)
    me.log_in(payer["alipay_user_id"])


def tell(me: Resident, other: dict[str, Any]) -> None:
    me.say(f"{other['name']} {other['id_number']}")


def insured(me: Resident) -> str:
    return str(me.card("payment_confirmation")["insured"])


def test_hers_too_is_for_her(me: Resident) -> None:
    begin(me, PAYER, "帮我老公交灵活养老到年底60%")
    tell(me, HUSBAND)
    assert insured(me) == "**斌"
    me.say("他的医保也交到十一月")
    card = me.card("payment_confirmation")
    assert card["insured"] == "**斌"
    assert "灵活就业养老保险" in me.text
    assert "灵活就业医疗保险" in me.text
    me.say("取消")
    me.say("给他交养老")
    assert "给您自己" not in me.text


def test_after_he_was_paid_for_his_is_still_his(filled: Town, somebody: Resident) -> None:
    me = somebody
    begin(me, DAUGHTER, "帮我妈交明年的居民医保")
    tell(me, MOTHER)
    me.say("确认支付")
    me.pay(DAUGHTER["alipay_user_id"])
    me.say("好了")
    assert me.card("payment_status")["status"] == "paid"
    me.say("她的养老也交最低的")
    assert insured(me) == "**英"
    assert me.card("payment_confirmation")["tier"] == "300"
    me.say("取消")
    me.say("最高的")  # a bare value is about her, too
    assert "给您自己" not in me.text
    me.say("取消")
    me.say("他还有补缴的也交了")
    assert "给您自己" not in me.text
    me.write_transcript("p6-hers-too")


def test_one_of_whom_nothing_was_found_does_not_become_oneself(me: Resident) -> None:
    begin(me, GUESSER, "帮汪建国交灵活医保")
    for number in ("19660401", "19660402", "19660403", "19660404", "19660405", "19660406"):
        me.say(f"汪建国 {id_number(SOMEWHERE, number)}")
        if "次数太多" in me.text:
            break
    assert "次数太多" in me.text
    for said in ("红花岗", "到十一月"):
        me.say(said)
        assert "给您自己" not in me.text
        assert "您的灵活" not in me.text
        assert not me.has("payment_confirmation")
        assert not me.has("choice")


def test_myself_too(me: Resident) -> None:
    begin(me, DAUGHTER, "帮我妈交居民养老 三百")
    tell(me, MOTHER)
    assert insured(me) == "**英", me.lines
    me.say("我自己也要交 一起付")
    assert insured(me) == "**英、**月"
    me.say("两个一起付")
    assert "没听懂" not in me.text
    assert insured(me) == "**英、**月"
    me.say("取消")


def test_mine_too_while_the_number_is_asked_for(me: Resident) -> None:
    begin(me, DAUGHTER, "帮我妈交居民养老 三百")
    me.say("我的也一起交")
    tell(me, MOTHER)
    assert insured(me) == "**英、**月"
    me.say("取消")


def test_both_insurances_while_one_is_at_its_card(me: Resident) -> None:
    begin(me, HUSBAND, "交灵活就业医保到年底")
    me.say("今年的医保和养老都交到年底最低档")
    assert "灵活就业养老保险" in me.text
    assert "灵活就业医疗保险" in me.text
    me.say("取消")


def test_both_insurances_of_another(me: Resident) -> None:
    begin(me, PAYER, "帮我老公把灵活医保和养老都交到年底最低档")
    tell(me, HUSBAND)
    assert insured(me) == "**斌"
    assert "灵活就业养老保险" in me.text
    assert "灵活就业医疗保险" in me.text
    me.say("取消")


def test_two_years_of_a_newborn(me: Resident) -> None:
    begin(me, DAUGHTER, "给我刚生的娃娃交居民医保")
    tell(me, NEWBORN)
    assert me.card("choice")["slot"] == "fee_year"
    me.say("两年都交")
    assert "2026年度" in me.text
    assert "2027年度" in me.text
    assert me.card("payment_confirmation")["insured"] == "**豆"
    me.say("取消")


FAMILY = "居民医保 一家人的明年的一起交"


def test_a_whole_family_is_asked_who_they_are(me: Resident) -> None:
    begin(me, DAUGHTER, FAMILY)
    assert "哪几位" in me.text
    me.say("我 我妈 孩子")
    assert "您自己、妈妈、孩子" in me.text
    tell(me, GRANDMOTHER)
    me.say("孩子的不要了")
    assert insured(me) == "**月、**花"
    me.say("还是交")
    tell(me, NEWBORN)
    assert insured(me) == "**月、**花、**豆"
    me.say("孩子的不要了")
    assert insured(me) == "**月、**花"
    me.say("还是交")
    assert insured(me) == "**月、**花、**豆"
    me.say("再加上我妈的养老 三百")
    assert "身份证号码" not in me.text
    assert me.card("payment_confirmation")["total"] == "1500.00"
    me.say("取消")
    me.write_transcript("p6-whole-family")


@pytest.mark.parametrize("said", ["蒙松年", "他叫蒙松年", "他喊蒙松年"])
def test_a_name_that_ends_like_a_year(filled: Town, said: str) -> None:
    me = filled.resident(f"for-whom-{said}")
    begin(me, DAUGHTER, "帮我朋友交居民养老 三百")
    me.say(IN_YEARS["id_number"])
    me.say(said)
    assert insured(me) == "**年"
    me.say("取消")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("扣了两次钱", "我要退费"),
        ("到年底 最低", "记下了"),
        ("查一下付款", "还没有付款单"),
        ("喊我儿子来付行不行", "付款的人不一定是参保的人"),
    ],
)
def test_what_else_is_said_while_the_number_is_asked_for(filled: Town, said: str, told: str) -> None:
    me = filled.resident(f"for-whom-{said}")
    begin(me, PAYER, "帮我妈交居民养老")
    me.say(said)
    assert told in me.text
    assert "您妈妈的身份证号码" in me.text
    me.say(MOTHER["id_number"])
    me.say(said)
    assert told in me.text
    assert "您妈妈的姓名" in me.text
    me.say("取消")


def test_what_is_said_of_the_payment_meanwhile_is_kept(me: Resident) -> None:
    begin(me, PAYER, "帮我老公交灵活养老")
    me.say("到年底 最低档")
    tell(me, HUSBAND)
    assert me.card("payment_confirmation")["tier"] == "60%"
    me.say("取消")


def test_back_to_who_it_was_first(me: Resident) -> None:
    begin(me, DAUGHTER, "给我妈交居民养老 三百")
    tell(me, MOTHER)
    me.say("不是给我妈，是给我自己")
    assert "给您自己" in me.text
    me.say("还是我妈")
    assert insured(me) == "**英"
    me.say("参保人错了")
    assert "您想改哪一项" not in me.text
    assert not me.has("payment_confirmation")
    me.say("取消")


def test_whether_hers_is_paid_after_it_was_paid_here(me: Resident) -> None:
    begin(me, MOTHER, "帮我女儿交居民养老 三百")
    tell(me, DAUGHTER)
    me.say("确认支付")
    me.pay(MOTHER["alipay_user_id"])
    me.say("好了")
    me.say("我女儿的交了没")
    assert "已付款300元" in me.text
    me.say("哎呀付错了 应该付一千五")
    assert "在这里改不了" in me.text


def test_one_of_several_is_changed(me: Resident) -> None:
    begin(me, PAYER, "我爸和我妈的居民养老一起交 三百")
    tell(me, GRANDMOTHER)
    tell(me, IN_YEARS)
    assert me.card("payment_confirmation")["total"] == "600.00"
    me.say("我妈的改成六百")
    assert me.card("payment_confirmation")["total"] == "900.00"
    me.say("都改成四百")
    assert me.card("payment_confirmation")["total"] == "800.00"
    me.say("取消")


def test_each_with_an_insurance_of_his_own(me: Resident) -> None:
    begin(me, PAYER, "我爸的居民医保和我妈的居民养老一起交")
    tell(me, GRANDMOTHER)
    tell(me, IN_YEARS)
    me.say("三百")
    assert "居民医保" in me.text
    assert "居民养老保险，2026年度" in me.text
    me.say("取消")
