"""What a button of a replaced card, another's name or number, and 换个人 do at a payment of one's own."""

import pytest

from tests.journeys.driver import Resident, Town
from tests.journeys.people import MEDICAL, PENSION, RESIDENT, enrolment, resident

BOTH = (enrolment(RESIDENT, PENSION), enrolment(RESIDENT, MEDICAL))
CHANGES = resident("田改一", "19700817", 81, *BOTH)
NAMES = resident("田改二", "19710817", 82, *BOTH)
TURNS = resident("田改三", "19720817", 83, *BOTH)
DAUGHTER = resident("田改四", "19740817", 85, *BOTH)
MOTHER = resident("田改娘", "19500817", 86, *BOTH)
SISTER = resident("田改妹", "19730817", 84, *BOTH)


@pytest.fixture(scope="module")
def village(town: Town) -> Town:
    town.load([CHANGES, NAMES, TURNS, SISTER, DAUGHTER, MOTHER])
    return town


def logged_in(village: Town, sender: str, account: str) -> Resident:
    me = village.resident(sender)
    me.say("登录")
    me.log_in(account)
    return me


def test_a_button_of_a_replaced_card_charges_and_cancels_nothing(village: Town) -> None:
    me = logged_in(village, "replaced-card", CHANGES["alipay_user_id"])
    me.say("交居民养老，一千的")
    old = me.card("payment_confirmation")["draft_id"]
    me.say("改成两千")
    for payload in (f'/affirm{{"draft_id": "{old}"}}', f'/cancel{{"draft_id": "{old}"}}'):
        me.say(payload)
        assert me.card("payment_confirmation")["total"] == "2000.00"
        assert not me.has("payment_request")
        assert "没有扣钱" in me.text
    me.press("确认支付")
    assert me.card("payment_request")["total"] == "2000.00"
    assert "还没有收到付款" not in me.text
    me.say("好了")
    assert "还没有收到付款" in me.text
    me.press("不付了")
    assert "已经取消" in me.text


def test_another_name_or_number_at_ones_own_card_is_not_swallowed(village: Town) -> None:
    me = logged_in(village, "named-at-card", NAMES["alipay_user_id"])
    me.say("交居民医保")
    me.say(f"他叫{SISTER['name']}")
    assert me.card("choice")["slot"] == "beneficiary"
    me.say("确认支付")
    assert me.card("choice")["slot"] == "beneficiary"
    me.say("给我自己缴")
    assert me.card("payment_confirmation")["insured"] == "**二"
    me.say(SISTER["id_number"])
    assert "姓名" in me.text
    me.say(SISTER["name"])
    assert me.card("payment_confirmation")["insured"] == "**妹"


def test_another_person_is_no_unbinding_and_to_pay_is_no_yes_to_it(village: Town) -> None:
    me = logged_in(village, "other-person", TURNS["alipay_user_id"])
    me.say("交居民医保")
    me.say("换个人")
    assert "解绑" not in me.text
    assert "证号码" in me.text
    me.say("给我自己交")
    me.say("解绑")
    assert "要解绑吗" in me.text
    me.say("确认支付")
    assert "已经解绑" not in me.text
    assert me.has("payment_confirmation")


def test_a_button_of_the_card_cancels_while_it_is_being_changed(village: Town) -> None:
    me = logged_in(village, "cancels-while-changing", CHANGES["alipay_user_id"])
    me.say("交居民养老，一千的")
    shown = me.card("payment_confirmation")["draft_id"]
    me.say("改一下")
    me.say("缴费档次")
    assert me.card("choice")["slot"] == "tier"
    me.say(f'/cancel{{"draft_id": "{shown}"}}')
    assert "已经取消" in me.text
    assert not me.has("choice")


def test_what_comes_between_does_not_forget_who_was_named(village: Town) -> None:
    me = logged_in(village, "asks-between", DAUGHTER["alipay_user_id"])
    me.say("交居民医保")
    me.say(f"他叫{SISTER['name']}")
    for between in ("居民医保什么时候能报销？", "你好", "再说一遍"):
        me.say(between)
        assert me.card("choice")["slot"] == "beneficiary"
        assert not me.has("payment_confirmation")
    me.say("给这位缴")
    assert "姓名记下了" in me.text
    me.say(SISTER["id_number"])
    assert me.card("payment_confirmation")["insured"] == "**妹"


def test_a_name_before_the_number_is_kept_and_that_is_said(village: Town) -> None:
    me = logged_in(village, "name-first", DAUGHTER["alipay_user_id"])
    me.say("给我妈交居民医保")
    me.say(f"她叫{MOTHER['name']}")
    assert "姓名记下了" in me.text
    assert "您妈妈的身份证号码" in me.text
    me.say("上一步")
    assert "第一步" in me.text
    assert "您妈妈的身份证号码" in me.text
    me.say(MOTHER["id_number"])
    assert me.card("payment_confirmation")["insured"] == "**娘"


def test_what_is_refused_of_another_leaves_the_card_that_was_there(village: Town) -> None:
    """Reliability 4.2: the refusal is word for word the one that it is without a card."""
    me = logged_in(village, "refused-after-card", DAUGHTER["alipay_user_id"])
    me.say(f"给我妈补缴居民养老，她叫{MOTHER['name']}，{MOTHER['id_number']}")
    refusal = me.last[0]
    assert refusal["custom"]["code"] == "nothing_found"
    me.say("取消")
    me.say(f"给我妈交居民养老，六百，她叫{MOTHER['name']}，{MOTHER['id_number']}")
    assert me.card("payment_confirmation")["total"] == "600.00"
    for change in ("改成补缴", "交去年的"):
        me.say(change)
        assert me.last[0] == refusal
        review = me.card("payment_confirmation")
        assert (review["payment_type"], review["total"], review["insured"]) == ("normal", "600.00", "**娘")
    me.say("正常缴费")
    assert me.card("payment_confirmation")["total"] == "600.00"
    me.say("上一步")
    assert "您想改哪一项" in me.text
    me.say("参保人")
    me.say("上一步")
    assert me.card("payment_confirmation")["total"] == "600.00"


def test_an_old_number_of_another_becomes_the_new_one(village: Town) -> None:
    """Identity documents 2.1: of another no digit is read back; the name decides."""
    number = MOTHER["id_number"]
    me = logged_in(village, "old-number-of-another", DAUGHTER["alipay_user_id"])
    me.say("给我妈交居民医保")
    me.say(number[:6] + number[8:17])
    assert "18位" in me.text
    assert number[-4:] not in me.text
    me.say(MOTHER["name"])
    assert me.card("payment_confirmation")["insured"] == "**娘"


def test_it_is_for_oneself_after_all(village: Town) -> None:
    me = logged_in(village, "for-me-after-all", DAUGHTER["alipay_user_id"])
    me.say(f"给我妈交居民养老，六百，她叫{MOTHER['name']}，{MOTHER['id_number']}")
    assert me.card("payment_confirmation")["insured"] == "**娘"
    me.say("不是她，是我自己")
    review = me.card("payment_confirmation")
    assert (review["insured"], review["total"]) == ("**四", "600.00")
