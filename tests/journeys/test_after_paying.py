"""After a payment, and beside one: where the money is, money back, what was meant, and questions in between."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.journeys.driver import Resident, Town
from tests.journeys.people import FLEXIBLE, MEDICAL, PENSION, RESIDENT, enrolment, id_number, medical_payment

NAMES = "春夏秋冬梅兰竹菊松柏桂荷莲"
INSURED_BEFORE = [medical_payment(2026, "2025-11-03T09:12:00+08:00", "2025-11-05")]
BOTH = (enrolment(RESIDENT, MEDICAL), enrolment(RESIDENT, PENSION))
FLEXIBLY = (enrolment(FLEXIBLE, PENSION, since="2026-01"),)


def villager(number: int, *enrolments: dict[str, Any], born: str = "", **more: Any) -> dict[str, Any]:
    return {
        "name": f"陆{NAMES[number]}花",
        "id_type": "居民身份证",
        "id_number": id_number("520103", born or f"1974{number % 12 + 1:02d}{number + 3:02d}"),
        "alipay_user_id": f"20889933000000{number:02d}",
        "enrolments": list(enrolments) or list(BOTH),
        **more,
    }


TWO_PHONES, UNLIKE, BESIDE, ASKS, WRONG, RIGHT, WIFE, HUSBAND, MONTHS, STOPPED, BACK, KNOWS = (
    villager(0),
    villager(1),
    villager(2),
    villager(3),
    villager(4),
    villager(5),
    villager(6),
    villager(7),
    villager(8, *FLEXIBLY),
    villager(9, enrolment(FLEXIBLE, PENSION, status="suspended")),
    villager(10),
    villager(11),
)
OLD = villager(12, born="19530707")


@pytest.fixture(scope="module")
def village(town: Town) -> Town:
    town.load(
        [
            TWO_PHONES, UNLIKE, BESIDE, ASKS, WRONG, RIGHT, WIFE, HUSBAND, MONTHS, STOPPED, BACK, KNOWS, OLD,
        ]
    )  # fmt: skip
    return town


def begin(town: Town, who: dict[str, Any], sender: str, words: str) -> Resident:
    me = town.resident(f"after-paying-{sender}")
    me.say(words)
    me.log_in(who["alipay_user_id"])
    return me


def pay(me: Resident, who: dict[str, Any]) -> Resident:
    me.say("确认支付")
    me.pay(who["alipay_user_id"])
    me.say("好了")
    assert me.card("payment_status")["status"] == "paid"
    return me


# --- where the money is ---------------------------------------------------------------------------------


def test_what_was_paid_on_one_phone_is_told_on_another(village: Town) -> None:
    pay(begin(village, TWO_PHONES, "phone-1", "交明年的居民医保"), TWO_PHONES)
    me = village.resident("after-paying-phone-2")
    me.say("我钱被扣了没到账")
    assert "不要再付" in me.text
    assert me.has("authorization_request")
    me.log_in(TWO_PHONES["alipay_user_id"])
    assert me.card("payment_status")["status"] == "paid"
    for words in ("我刚才付的钱呢", "付款成功没有", "查付款结果", "我付了400块怎么没看到"):
        me.say(words)
        assert me.card("payment_status")["total"] == "400.00", words
    me.say("交居民养老")
    me.say("我刚才付的钱呢")
    assert me.card("payment_status")["status"] == "paid"
    assert me.card("choice")["slot"] == "tier"
    me.write_transcript("two-phones")


def test_what_is_still_to_be_paid_can_be_paid_on_the_other_phone(village: Town) -> None:
    begin(village, KNOWS, "open-1", "交明年的居民医保").say("确认支付")
    me = begin(village, KNOWS, "open-2", "付款结果")
    me.pay(KNOWS["alipay_user_id"])
    me.say("好了")
    assert me.card("payment_status")["status"] == "paid"


def test_who_has_paid_nothing_here_is_told_where_else_to_look(village: Town) -> None:
    me = begin(village, OLD, "nothing", "我刚才付的钱呢")
    assert "没有查到您在这里付过的" in me.text
    assert "要缴费吗" not in me.text


# --- money back -----------------------------------------------------------------------------------------


def test_not_wanting_it_any_more_asks_for_the_money(village: Town) -> None:
    me = pay(begin(village, UNLIKE, "unlike", "交明年的居民医保"), UNLIKE)
    me.say("退掉 我不要了")
    assert "确认退费" in me.text
    me.say("先不退")
    assert "先不退" in me.text
    me.say("取消这笔")
    assert "我要退费" in me.text
    me.say("不想要了")
    assert "原路退回" in me.text
    me.say("反悔了")
    assert "原路退回" in me.text
    me.say("取消")
    me.say("开缴费记录凭证")
    me.say("退掉 我不要了")
    assert "确认退费" in me.text
    me.say("我在支付宝交的哟")
    assert "12366" in me.text
    assert "确认退费" in me.text
    me.say("确认退费")
    assert me.card("payment_status")["status"] == "refunding"


def test_paid_for_another_and_meant_for_oneself(village: Town) -> None:
    me = begin(village, BACK, "meant", "帮我老公交明年的居民医保")
    me.say(f"{RIGHT['name']}{RIGHT['id_number']}")
    pay(me, BACK)
    me.say("退了")
    me.say("参加了单位的")
    assert "参加了职工医保" in me.text
    me.say("不是给他交，是给我自己")
    assert "缴错人了" in me.text
    me.say("确认退费")
    assert "退费单号" in me.text
    card = me.card("payment_confirmation")
    assert card["payer"] == card["insured"]


@pytest.mark.timeout(300)
def test_the_benefit_of_the_bill_decides_whether_it_is_refunded(new_town: Callable[..., Town]) -> None:
    town = new_town(SHEBAO_CLOCK="2027-01-01T10:00:00+08:00")
    waits, helped = villager(0), villager(1, payments=INSURED_BEFORE)
    town.load([waits, helped, RIGHT])
    me = begin(town, waits, "waits", "交居民医保")
    assert "从5月1日起享受待遇" in me.text
    assert "也不能退" not in me.text
    pay(me, waits)
    me.say("退了")
    me.say("不想要了")
    assert "原路退回" in me.text

    me = begin(town, helped, "helped", "交居民医保")
    assert "2027年1月1日起享受待遇" in me.text
    assert "也不能退" in me.text
    pay(me, helped)
    me.say("退了 不想要了")
    assert "待遇已经开始了" in me.text
    me.say("为什么嘛")
    assert "缴错人、缴重了" in me.text

    me = begin(town, helped, "for-another", "帮我妈交居民医保")
    me.say(f"{RIGHT['name']}{RIGHT['id_number']}")
    assert "也不能退" in me.text
    assert "等待期" not in me.text


def test_the_wrong_person_with_an_unpaid_link(village: Town) -> None:
    me = begin(village, WRONG, "wrong", "帮我妈交明年的居民医保")
    me.say(f"{OLD['name']}{OLD['id_number']}")
    me.say("确认支付")
    me.say("付错人了 应该是我爸")
    assert "还没有付钱" in me.text
    assert not me.has("payment_request")
    assert "爸爸" in me.text
    me.say("取消")
    me.say("帮我妈交明年的居民医保")
    me.say(f"{OLD['name']}{OLD['id_number']}")
    me.say("确认支付")
    me.say("交错了，是给我自己交")
    assert "还没有付钱" in me.text
    card = me.card("payment_confirmation")
    assert card["payer"] == card["insured"]
    [trade] = village.state(WRONG["id_number"])["trades"] or [{"trade_status": "TRADE_CLOSED"}]
    assert trade["trade_status"] == "TRADE_CLOSED"
    me.say("取消")


def test_a_bill_that_somebody_else_has_paid(village: Town) -> None:
    husband = begin(village, HUSBAND, "husband", "交明年的居民医保")
    husband.say("确认支付")
    wife = begin(village, WIFE, "wife", "帮我老公交明年的居民医保")
    wife.say(f"{HUSBAND['name']}{HUSBAND['id_number']}")
    pay(wife, WIFE)
    husband.say("好了")
    assert "别人已经替您付过款了" in husband.text
    assert len(husband.last) == 1
    husband.say("付款成功没有")
    assert "别人已经替您付过款了" in husband.text
    husband.say("好了")
    assert not husband.has("payment_confirmation")


# --- questions in between -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "交居民医保 顺便问哈退休年龄好多",
        "退休年龄好多，顺便帮我把居民医保交了",
        "想问下养老好大岁数能领，另外把我的居民医保交了",
    ],
)
def test_a_question_beside_a_wish_is_answered_and_the_wish_goes_on(village: Town, words: str) -> None:
    me = begin(village, BESIDE, f"beside-{words[:4]}", "登录")
    me.say(words)
    assert "60岁" in me.text
    assert me.card("payment_confirmation")["insurance"] == MEDICAL


def test_from_when_it_helps_is_what_the_card_says(village: Town) -> None:
    me = village.resident("after-paying-helps")
    me.say("医保好多钱一年")
    assert "2027年度" in me.text
    assert "400元" in me.text
    me.say("那就交嘛")
    me.log_in(ASKS["alipay_user_id"])
    assert me.has("payment_confirmation")
    for words in ("生效没有", "哪阵子起管用嘛", "这个钱交了能报多少"):
        me.say(words)
        assert "2027年5月1日起能报销" in me.text, words
    assert "12393" in me.text
    me.say("确认支付")
    me.say("密码搞忘了")
    assert "支付宝里找回" in me.text
    assert me.has("payment_request")
    me.say("网不好 打不开")
    assert "没有付成就不会扣钱" in me.text
    me.pay(ASKS["alipay_user_id"])
    me.say("好了")
    me.say("生效没有")
    assert "2027年5月1日起能报销" in me.text
    me.say("我去年断了一年 影响不")
    assert "3个月" in me.text
    me.write_transcript("from-when-it-helps")


def test_a_no_with_the_right_months_and_what_was_wished_for_before(village: Town) -> None:
    me = begin(village, MONTHS, "months", "灵活就业养老 1到6月 最低")
    me.say("不是 全年")
    assert me.card("payment_confirmation")["fee_period"] == "2026-01/2026-12"
    me.say("好贵哦")
    assert "最低的一档" in me.text
    me.say("取消")
    me = begin(village, BESIDE, "still-this-year", "居民养老 1000")
    me.say("改成去年的")
    me.say("明年的")
    me.say("算了 还是今年1000")
    assert me.card("payment_confirmation")["tier"] == "1000"


def test_who_does_not_know_which_kind_is_helped(village: Town) -> None:
    me = begin(village, BESIDE, "which-kind", "给我老汉交社保")
    asked = me.text
    for words in ("啥意思", "不懂", "哪个划算"):
        me.say(words)
        assert asked not in me.text, words
        assert "农村的" in me.text, words
        assert me.card("choice")["slot"] == "insured_group", words
    me.say("我老汉是农村的")
    assert me.card("choice")["slot"] == "insurance"
    me.say("看病的钱")
    assert "身份证号码" in me.text


def test_why_is_about_what_was_refused(village: Town) -> None:
    me = begin(village, STOPPED, "why", "交养老")
    assert "停保" in me.text
    me.say("为什么嘛")
    assert "12333" in me.text
    assert "对账" not in me.text


def test_the_age_of_somebody_else_is_told_as_ones_own(village: Town) -> None:
    me = begin(village, BESIDE, "age", "帮我妈交居民养老 最低")
    me.say(f"{OLD['name']}{OLD['id_number']}")
    assert "领养老金的年龄" in me.text


@pytest.mark.parametrize(
    "words, told",
    [
        ("娃娃刚生三天还没上户口 交得成医保不", "先到医保窗口办"),
        ("没有身份证号 出生证行不行", "先到医保窗口办"),
        ("交了十五年还交不交", "居民养老要缴满15年"),
        ("几岁可以领养老金", "居民养老满60岁"),
        ("灵活就业是啥子意思", "没有单位"),
        ("我是低保户 医保要交好多", "自己缴200元"),
        ("失业金怎么领", "12333"),
        ("公积金", "12345"),
        ("工伤", "12345"),
        ("生育津贴", "12393"),
        ("密码搞忘了", "帮助"),
        ("解绑", "直接说"),
    ],
)
def test_questions_of_anybody(town: Town, words: str, told: str) -> None:
    me = town.resident(f"after-paying-q-{words[:12]}")
    me.say(words)
    assert told in me.text
    assert not me.text.startswith("有。")


def test_a_look_up_that_fails_does_not_speak_of_money(new_town: Callable[..., Town]) -> None:
    town = new_town()
    town.load([ASKS])
    me = begin(town, ASKS, "no-money", "登录")
    town.post("/sandbox/bureau/faults", {"operation": "records", "mode": "unavailable", "times": 20})
    me.say("查2026年缴费")
    assert me.card("error")["retryable"]
    assert "扣钱" not in me.text
