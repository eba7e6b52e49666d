"""Conversations as residents hold them: out of order, in dialect, with a change of mind, days in between.

They have a service of their own, because they move its clock. Each resident belongs to one conversation.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.journeys.driver import Resident, Town
from tests.journeys.people import FLEXIBLE, MEDICAL, PENSION, RESIDENT, enrolment, resident

UNPAID_HALF = {
    "insured_group": FLEXIBLE, "insurance": PENSION, "agency": "520103", "period": "2025-01/2025-06",
    "amount": "5273.64",
}  # fmt: skip
PAID_PENSION = {
    "insured_group": RESIDENT, "insurance": PENSION, "agency": "520103", "fee_year": 2025, "amount": "600.00",
    "paid_at": "2025-09-02T15:20:00+08:00", "booked_on": "2025-09-04",
}  # fmt: skip
PEOPLE = {
    "grandmother": resident("陈婆婆", "19510909", 61, enrolment(RESIDENT, MEDICAL), enrolment(RESIDENT, PENSION)),
    "is_late": resident("石大哥", "19800212", 73, enrolment(RESIDENT, MEDICAL)),
    "haggles": resident("赵一梅", "19900303", 62, enrolment(FLEXIBLE, PENSION, since="2026-01")),
    "types": resident("钱大伯", "19580404", 63, enrolment(RESIDENT, MEDICAL)),
    "is_silent": resident("孙二妹", "19880505", 64, enrolment(RESIDENT, MEDICAL)),
    "wants_both": resident("马国强", "19760313", 65, enrolment(RESIDENT, MEDICAL), enrolment(RESIDENT, PENSION)),
    "moved": resident(
        "吴春秀", "19680311", 66, enrolment(RESIDENT, MEDICAL, "520302"), enrolment(RESIDENT, MEDICAL, "520303")
    ),
    "owes": resident(
        "周四嫂", "19850707", 67, enrolment(FLEXIBLE, PENSION, since="2025-01"), assessed_arrears=[UNPAID_HALF]
    ),
    "is_aided": resident("张明亮", "19600430", 68, enrolment(RESIDENT, MEDICAL), marks=["特困人员"]),
    "has_a_bad_day": resident("欧阳春花", "19930808", 69, enrolment(RESIDENT, MEDICAL)),
    "hurries": resident("刘幺妹", "19910111", 70, enrolment(FLEXIBLE, MEDICAL, since="2026-06")),
    "stopped": resident(
        "罗大福", "19800117", 71, enrolment(FLEXIBLE, PENSION, status="suspended"),
        enrolment(FLEXIBLE, MEDICAL, status="suspended"),
    ),
    "needs_papers": resident("卫老师", "19660515", 72, enrolment(RESIDENT, PENSION), payments=[PAID_PENSION]),
}  # fmt: skip


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    service = Town(tmp_path_factory.mktemp("village")).start()
    try:
        service.load(list(PEOPLE.values()))
        yield service
    finally:
        service.stop()


def account(who: str) -> str:
    return str(PEOPLE[who]["alipay_user_id"])


def arrive(village: Town, who: str, sentence: str) -> Resident:
    """Somebody says what for he has come, and logs in."""
    talker = village.resident(f"village-{who}")
    talker.say(sentence)
    talker.log_in(account(who))
    return talker


def wait(village: Town, talker: Resident, duration: str, words: str) -> None:
    """Time goes by; the transcript tells how much."""
    village.advance(duration)
    talker.lines.append(("时间", words))


def trades(village: Town, who: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = village.state(PEOPLE[who]["id_number"])["trades"]
    return found


def test_a_grandmother_comes_back_to_her_draft(village: Town) -> None:
    talker = arrive(village, "grandmother", "娃儿喊我来交那个居民养老")
    assert talker.card("choice")["slot"] == "tier"
    talker.say("我今年身体还可以")
    assert talker.card("choice")["slot"] == "tier"
    wait(village, talker, "PT45M", "过了四十五分钟")
    talker.say("喂")
    offer = talker.card("choice")
    assert offer["slot"] == "payment_draft"
    assert "居民养老保险" in talker.text
    assert "接着办吗" in talker.text
    talker.say("要")
    talker.say("三百那个")
    assert talker.card("payment_confirmation")["total"] == "300.00"
    wait(village, talker, "P1D", "过了一天")
    talker.say("我又来了")
    assert talker.card("choice")["slot"] == "payment_draft"
    talker.say("第一个")
    talker.say("要得")
    wait(village, talker, "PT20M", "过了二十分钟")
    talker.say("还没付，咋办")
    assert talker.card("payment_status")["status"] == "closed"
    assert "没有扣钱" in talker.text
    talker.say("接着办")
    talker.say("确认支付")
    talker.pay(account("grandmother"))
    talker.say("付咯")
    assert talker.card("payment_status")["status"] == "paid"
    talker.say("难为你了")
    assert not talker.has("payment_status")
    talker.write_transcript("grandmother")


def test_a_confirmation_that_comes_too_late_is_reviewed_once_more(village: Town) -> None:
    talker = arrive(village, "is_late", "交医保")
    wait(village, talker, "PT50M", "过了五十分钟")
    talker.say("确认支付")
    assert not talker.has("payment_request")
    assert talker.has("payment_confirmation")
    talker.say("先不交了")
    talker.say("算了还是交")
    assert talker.card("choice")["slot"] == "payment_draft"
    talker.say("不办了")
    assert "取消" in talker.text


def test_haggling_over_months_and_tiers(village: Town) -> None:
    """Business 2.2: haggling over months and tiers."""
    talker = arrive(village, "haggles", "想把下半年的灵活就业养老交了")
    assert "不能跳过" in talker.text
    assert talker.card("choice")["slot"] == "fee_period"
    talker.say("为啥不能跳")
    assert "最早" in talker.text
    talker.say("十月")
    assert talker.card("choice")["slot"] == "tier"
    talker.say("八十")
    assert talker.card("payment_confirmation")["tier"] == "80%"
    talker.say("多少钱一个月？")
    assert "878.94元" in talker.text
    talker.say("太贵了，六十")
    assert talker.card("payment_confirmation")["tier"] == "60%"
    talker.say("第二档")
    assert talker.card("payment_confirmation")["tier"] == "70%"
    talker.say("还是最便宜的吧")
    assert talker.card("payment_confirmation")["tier"] == "60%"
    talker.say("确认一下是多少钱")
    assert not talker.has("payment_request")
    talker.say("确认支付")
    first = talker.card("payment_request")["order_no"]
    talker.say("改成到三月")
    assert talker.card("payment_confirmation")["fee_period"] == "2026-01/2026-03"
    talker.say("确认支付")
    assert talker.card("payment_request")["order_no"] != first
    talker.say("不付了")
    assert "取消" in talker.text
    assert not [trade for trade in trades(village, "haggles") if trade["status"] == "TRADE_SUCCESS"]
    talker.write_transcript("haggling")


def test_typing_number_and_name_with_mistakes(village: Town) -> None:
    me = PEOPLE["types"]
    talker = village.resident("village-types")
    talker.say("交医保")
    talker.say("不同意")
    talker.say("5201031958")
    assert "18位" in talker.text
    talker.say(me["id_number"])
    talker.say("钱大牛")
    talker.verify()
    talker.say("好了")
    assert "没有通过" in talker.text
    assert not talker.has("authorization_request")  # he has refused that
    talker.say(f"我叫{me['name']}")
    talker.say(me["id_number"])
    assert talker.has("identity_verification")  # the name is not asked again
    talker.verify()
    talker.say("好了")
    assert talker.has("payment_confirmation")


def test_silence_after_paying_and_papers_too_early(village: Town) -> None:
    talker = arrive(village, "is_silent", "交居民医保")
    assert "等待期" in talker.text
    talker.say("为什么要等")
    assert talker.has("payment_confirmation")
    talker.say("行")
    talker.pay(account("is_silent"))
    wait(village, talker, "P1D", "过了一天")
    talker.say("在吗")
    assert talker.card("payment_status")["status"] == "paid"
    talker.say("开缴费凭证")
    assert "2027年" in talker.text
    assert "最早" in talker.text
    assert not talker.has("identity_verification")  # nothing is shown yet, so nothing is verified
    talker.say("再交一次明年的医保")
    assert "已经缴过" in talker.text
    wait(village, talker, "P5D", "过了五天")
    talker.say("开缴费凭证")
    talker.verify()
    talker.say("好了")
    assert talker.has("document")
    assert len(village.state(PEOPLE["is_silent"]["id_number"])["payments"]) == 1
    talker.write_transcript("silence-after-paying")


def test_two_insurances_in_one_sentence(village: Town) -> None:
    talker = arrive(village, "wants_both", "我要交养老和明年的医保")
    assert talker.card("choice")["slot"] == "tier"
    talker.say("三百")
    review = talker.card("payment_confirmation")
    assert (review["total"], "insurance" in review, review["insured"]) == ("700.00", False, "**强")
    talker.say("对头")
    talker.pay(account("wants_both"))
    talker.say("都付好了")
    assert talker.card("payment_status")["total"] == "700.00"
    talker.say("谢谢")
    assert not talker.has("payment_status")
    talker.write_transcript("two-insurances")


def test_a_city_that_holds_two_agencies_is_asked_for_once_more(village: Town) -> None:
    """Business 2.7, 8 (3), 8 (11): a city that holds two agencies is asked for once more."""
    talker = arrive(village, "moved", "交医保，遵义的")
    assert talker.card("choice")["slot"] == "agency"
    talker.say("汇川")
    assert talker.card("payment_confirmation")["agency"] == "520303"
    talker.say("不对，是红花岗")
    assert "红花岗" in talker.text
    assert talker.card("payment_confirmation")["agency"] == "520302"
    talker.say("补缴的呢")
    assert "没有补缴" in talker.text
    assert talker.has("payment_confirmation")
    talker.say("选三百那档")
    assert "不分档次" in talker.text
    assert talker.card("payment_confirmation")["total"] == "400.00"
    talker.write_transcript("two-agencies")


def test_arrears_and_then_this_year(village: Town) -> None:
    """Business 2.3, R2: arrears and then this year."""
    talker = arrive(village, "owes", "交去年的养老")
    review = talker.card("payment_confirmation")
    assert (review["payment_type"], review["total"]) == ("arrears", "5273.64")
    talker.say("算了不补了")
    talker.say("交今年的")
    assert talker.card("choice")["slot"] == "fee_period"
    talker.say("半年")
    assert talker.card("choice")["slot"] == "tier"
    talker.say("百分之七十五")
    assert "70%和80%" in talker.text
    talker.say("70")
    assert talker.card("payment_confirmation")["fee_period"] == "2026-01/2026-06"
    talker.say("确认")
    talker.pay(account("owes"), "取消")
    talker.say("怎么付嘛")
    talker.pay(account("owes"))
    talker.say("这下付了")
    assert talker.card("payment_status")["status"] == "paid"
    talker.say("还有补缴的")
    assert talker.card("payment_confirmation")["payment_type"] == "arrears"
    talker.write_transcript("arrears")


def test_who_is_aided_in_full_is_told_that_the_state_pays(village: Town) -> None:
    """Rates 2.4: who is aided in full is told that the state pays."""
    talker = arrive(village, "is_aided", "帮我交明年的医保")
    assert "全额资助" in talker.text
    assert "不用缴" in talker.text
    talker.say("那算了")
    assert "现在没有要" not in talker.text


def test_a_bureau_and_a_gateway_that_are_down_lose_nothing(village: Town) -> None:
    talker = arrive(village, "has_a_bad_day", "交明年的医保")
    village.post("/sandbox/bureau/faults", {"operation": "*", "mode": "unavailable", "times": 20})
    talker.say("确认支付")
    assert talker.card("error")["retryable"]
    assert "没有扣钱" in talker.text
    village.post("/sandbox/bureau/faults", {"clear": True})
    talker.say("继续")
    assert talker.has("payment_confirmation")
    village.post("/sandbox/alipay/faults", {"method": "*", "mode": "system_error", "times": 20})
    talker.say("确认支付")
    assert not talker.has("payment_request")
    village.post("/sandbox/alipay/faults", {"clear": True})
    wait(village, talker, "PT2M", "过了两分钟")
    talker.say("刷新")
    talker.pay(account("has_a_bad_day"))
    talker.say("好了")
    assert talker.card("payment_status")["status"] == "paid"
    assert not talker.has("payment_confirmation")
    talker.write_transcript("bad-day")


def test_months_are_counted_from_the_first_unpaid_one(village: Town) -> None:
    talker = arrive(village, "hurries", "交零活就业医保")
    talker.say("三个月")
    assert talker.card("payment_confirmation")["fee_period"] == "2026-06/2026-08"
    talker.say("对不对嘛")
    assert not talker.has("payment_request")
    talker.say("不，十月")
    assert talker.card("payment_confirmation")["fee_period"] == "2026-06/2026-10"
    talker.say("稍等一哈我拿手机")
    assert "继续" in talker.text
    talker.say("拜拜")
    assert "留着" in talker.text
    assert not talker.has("payment_confirmation")


def test_who_is_suspended_hears_of_the_other_insurance_too(village: Town) -> None:
    talker = arrive(village, "stopped", "我交灵活就业的养老")
    assert "社保经办机构" in talker.text
    talker.say("那医保呢")
    assert "灵活就业医疗保险" in talker.text
    assert "医保部门" in talker.text
    talker.say("我以前一直交的啊为啥停了")
    assert "12366" in talker.text


def test_papers_of_several_years_one_after_the_other(village: Town) -> None:
    talker = arrive(village, "needs_papers", "我要开去年的缴费凭证，贷款用")
    assert talker.has("document")
    talker.say("还要前年的")
    assert "2024年" in talker.text
    talker.say("怎么给我爸妈代缴")
    assert "代他人缴费" in talker.text
    talker.say("解绑")
    talker.say("不解")
    assert "不解绑" in talker.text
    talker.say("我要解除绑定")
    talker.say("是的")
    assert "已经解绑" in talker.text
    talker.say("再给我一张")
    assert talker.has("authorization_request")
    talker.write_transcript("papers")


def test_what_can_be_done_here_is_never_said_to_be_impossible(town: Town) -> None:
    """Certificates are issued here, for oneself and for those one paid for: no answer sends people away for it."""
    asker = town.resident("asks-about-papers")
    for question in ("完税证明怎么开", "怎么补开完税证明", "能给家人开凭证吗", "完税证明列表怎么是空的"):
        asker.say(question)
        assert "还开不了" not in asker.text
        assert "还补不了" not in asker.text
