"""P5 城乡居民医疗保险: the plain case, several agencies, a changed amount, a lost notification, an end."""

import time

from tests.journeys.driver import Town
from tests.journeys.people import FLEXIBLE, MEDICAL, RESIDENT, enrolment, resident, who


def test_next_years_resident_medical_is_paid(town: Town) -> None:
    me = who("pays_p5")
    resident = town.resident("p5")
    resident.say("帮我交明年的居民医保")
    resident.log_in(me["alipay_user_id"])
    review = resident.card("payment_confirmation")
    assert (review["fee_year"], review["agency"]) == (2027, "520103")
    assert "payment_type" in review
    resident.press("确认支付")
    request = resident.card("payment_request")
    assert {"order_no", "total", "provider", "cashier_url", "expires_at"} <= request.keys()
    resident.pay(me["alipay_user_id"])
    resident.say("好了")
    status = resident.card("payment_status")
    assert (status["status"], status["total"]) == ("paid", review["total"])
    resident.say("再帮我交一次明年的居民医保")
    assert not resident.has("payment_confirmation")
    resident.write_transcript("p5")


def test_with_two_agencies_one_is_asked_for(town: Town) -> None:
    """Business R3, 8 (11): with two agencies one is asked for."""
    me = who("has_two_agencies")
    resident = town.resident("p5-agencies")
    resident.say("交明年的居民医保")
    resident.log_in(me["alipay_user_id"])
    card = resident.card("choice")
    assert card["slot"] == "agency"
    resident.say("第二个")
    assert resident.card("payment_confirmation")["agency"] == card["options"][1]["value"]


def test_an_amount_that_changed_is_shown_again_and_nothing_is_charged(town: Town) -> None:
    """Business 2.1, R4: an amount that changed is shown again and nothing is charged."""
    me = who("sees_a_change")
    resident = town.resident("p5-changed")
    resident.say("交明年的居民医保")
    resident.log_in(me["alipay_user_id"])
    old = resident.card("payment_confirmation")["total"]
    town.post(
        "/sandbox/bureau/faults", {"operation": "*", "mode": "amount_changed", "times": 2, "delta": "12.00"}
    )
    try:
        resident.say("确认支付")
        assert not resident.has("payment_request")
        new = resident.card("payment_confirmation")["total"]
        assert float(new) == float(old) + 12
        assert town.state(me["id_number"])["trades"] == []
    finally:
        town.post("/sandbox/bureau/faults", {"clear": True})
    resident.write_transcript("p5-amount-changed")


def test_a_lost_notification_changes_nothing(town: Town) -> None:
    """Business R5: a lost notification changes nothing."""
    me = who("is_not_notified")
    resident = town.resident("p5-lost")
    resident.say("交明年的居民医保")
    resident.log_in(me["alipay_user_id"])
    resident.say("确认支付")
    town.post("/sandbox/alipay/faults", {"method": "notify", "mode": "drop", "times": 20})
    try:
        resident.pay(me["alipay_user_id"])
        resident.say("刷新")
        assert resident.card("payment_status")["status"] == "paid"
    finally:
        town.post("/sandbox/alipay/faults", {"clear": True})
    assert len(town.state(me["id_number"])["payments"]) == 1
    resident.write_transcript("p5-lost-notification")


def test_who_is_suspended_is_told_where_to_go(town: Town) -> None:
    """Business R7: who is suspended is told where to go."""
    resident = town.resident("p5-suspended")
    resident.say("交居民医保")
    resident.log_in(who("is_suspended")["alipay_user_id"])
    assert "停保" in resident.text
    assert not resident.has("payment_confirmation")


def test_every_word_of_moving_about_works(town: Town) -> None:
    me = who("changes_mind")
    resident = town.resident("moves")
    resident.say("我要交社保")
    resident.log_in(me["alipay_user_id"])
    assert resident.card("choice")["slot"] == "insurance"
    resident.say("养老")
    assert resident.card("choice")["slot"] == "fee_period"
    resident.say("灵活就业养老一年要交多少钱？")
    assert resident.card("choice")["slot"] == "fee_period"
    resident.say("上一步")
    assert resident.card("choice")["slot"] == "insurance"
    resident.say("第一个")
    resident.say("一到三月")
    assert resident.card("choice")["slot"] == "tier"
    resident.say("最低的")
    resident.say("等一下")
    assert "没有扣" in resident.text
    resident.say("继续")
    assert resident.has("payment_confirmation")
    resident.say("再说一遍")
    assert resident.has("payment_confirmation")
    resident.say("改一下")
    resident.say("缴费档次")
    assert resident.card("choice")["slot"] == "tier"
    resident.say("取消")
    assert "取消" in resident.text
    resident.say("重新开始")
    assert resident.has("menu")
    resident.write_transcript("moving-about")
    assert town.state(me["id_number"])["trades"] == []


def test_the_result_is_there_within_seconds_without_a_question(town: Town) -> None:
    """The gateway's notification alone settles it: the next thing said, whatever it is, tells it."""
    me = who("has_both")
    resident = town.resident("p2-told")
    resident.say("交灵活就业医保，一月")
    resident.log_in(me["alipay_user_id"])
    resident.say("确认支付")
    resident.pay(me["alipay_user_id"])
    end = time.monotonic() + 10
    while time.monotonic() < end and not town.state(me["id_number"])["payments"]:
        time.sleep(0.2)
    assert len(town.state(me["id_number"])["payments"]) == 1
    resident.say("今天天气怎么样")
    assert resident.card("payment_status")["status"] == "paid"


AIDED = resident("覃小妹", "19820303", 96, enrolment(RESIDENT, MEDICAL), marks=["低保对象"])
WORKS = resident("覃小弟", "19830404", 97, enrolment(RESIDENT, MEDICAL), enrolment(FLEXIBLE, MEDICAL))


def test_of_two_open_years_one_is_asked_for_with_its_price(town: Town) -> None:
    """Business 2.4, 2.5, 2.6, 8 (9): no default; each year says what it costs and from when it helps."""
    town.load([AIDED])
    talker = town.resident("p5-two-years")
    talker.say("交居民医保")
    talker.log_in(AIDED["alipay_user_id"])
    card = talker.card("choice")
    assert (card["slot"], [option["value"] for option in card["options"]]) == ("fee_year", ["2026", "2027"])
    assert card["options"][0]["note"] == "200元，2026年11月23日起享受待遇"
    assert "2027年度，200元" in talker.text
    talker.say("第二个")
    review = talker.card("payment_confirmation")
    assert (review["fee_year"], review["total"]) == (2027, "200.00")
    assert {"label": "政府资助（已经减掉）", "value": "200元"} in review["lines"]
    assert "2027年12月31日" in talker.text
    talker.say("我家是低保")
    assert "已经给您减了200元" in talker.text
    talker.write_transcript("p5-two-years")


def test_who_is_insured_by_own_work_is_told_before_paying_as_a_resident(town: Town) -> None:
    """Business 3, 2.5: a double insurance is told and does not stop; nor does what somebody says of himself."""
    town.load([WORKS])
    talker = town.resident("p5-double")
    talker.say("交居民医保")
    talker.log_in(WORKS["alipay_user_id"])
    assert "两种医保不能一起享受" in talker.text
    assert "集中缴费到2027年2月28日" in talker.text
    assert "演示数据" in talker.text
    talker.say("我是退役军人")
    assert "没有查到您的认定" in talker.text
    assert talker.card("payment_confirmation")["total"] == "400.00"
    talker.say("依据是什么")
    assert "2026年11月23日" in talker.text
    talker.say("还是要交，确认支付")
    assert talker.has("payment_request")
    talker.write_transcript("p5-double-insurance")
