"""Yes and no at the card: what orders something, and what only changes it."""

from collections.abc import Callable

import pytest

from tests.journeys.driver import Resident, Town
from tests.journeys.people import FLEXIBLE, MEDICAL, PENSION, RESIDENT, enrolment, resident

RESIDENTS = (enrolment(RESIDENT, PENSION), enrolment(RESIDENT, MEDICAL))
BOTH = (enrolment(FLEXIBLE, PENSION, since="2026-01"), enrolment(FLEXIBLE, MEDICAL, since="2026-01"))
OWED = {
    "insured_group": FLEXIBLE, "insurance": PENSION, "agency": "520103", "period": "2024-01/2024-12",
    "amount": "10472.04",
}  # fmt: skip
OWED_LATER = OWED | {"period": "2025-01/2025-12", "amount": "10547.28"}
PEOPLE = {
    "says_no": resident("云一禾", "19730301", 901, *RESIDENTS),
    "has_both": resident("云二禾", "19730302", 902, *BOTH),
    "has_two_agencies": resident(
        "云三禾", "19730303", 903, enrolment(RESIDENT, MEDICAL), enrolment(RESIDENT, MEDICAL, "520402")
    ),
    "owes_two": resident(
        "云四禾", "19730304", 904, enrolment(FLEXIBLE, PENSION), assessed_arrears=[OWED, OWED_LATER]
    ),
    "two_devices": resident("云八禾", "19730308", 908, *BOTH),
    "same_figures": resident("云九禾", "19730309", 909, *BOTH),
    "owes_both": resident(
        "云十禾",
        "19730310",
        910,
        *BOTH,
        assessed_arrears=[
            OWED | {"period": "2025-06/2025-12", "amount": "6152.58"},
            OWED | {"insurance": MEDICAL, "period": "2025-11/2025-12", "amount": "558.68"},
        ],
    ),
    "comes_late": resident("云百禾", "19730311", 911, *RESIDENTS),
    "wants_back": resident("云千禾", "19730312", 912, *RESIDENTS),
    "opens_several": resident("云一麦", "19730313", 913, *RESIDENTS),
    "grandmother": resident("云二麦", "19430314", 914, *RESIDENTS),
    "moved": resident(
        "云七禾",
        "19730307",
        907,
        enrolment(FLEXIBLE, MEDICAL, since="2026-01"),
        enrolment(FLEXIBLE, MEDICAL, "520302", since="2026-06"),
    ),
    "opens": resident("云六禾", "19730306", 906, *RESIDENTS),
    "mother": resident("云五禾", "19430305", 905, *RESIDENTS),
}


@pytest.fixture(scope="module")
def hamlet(town: Town) -> Town:
    town.load(list(PEOPLE.values()))
    return town


def arrive(hamlet: Town, who: str, sender: str, sentence: str) -> Resident:
    me = hamlet.resident(sender)
    me.say("登录")
    me.log_in(str(PEOPLE[who]["alipay_user_id"]))
    me.say(sentence)
    return me


@pytest.mark.parametrize("yes", ["嗯", "对", "好嘛"])
def test_a_yes_after_a_no_orders_nothing(hamlet: Town, yes: str) -> None:
    me = arrive(hamlet, "says_no", f"yn-no-{yes}", "交居民养老 一千")
    me.say("不是")
    me.say(yes)
    assert "改一下" in me.text
    assert not me.has("payment_request")


@pytest.mark.parametrize(
    ("before", "said", "tier"),
    [
        ("600", "不是三 我说三百", "300"),
        ("3000", "太多了 三百", "300"),
        ("3000", "少一点 四百", "400"),
        ("3000", "两千多了 三百就好", "300"),
    ],
)
def test_a_tier_said_at_the_card_is_taken_whatever_else_is_said(
    hamlet: Town, before: str, said: str, tier: str
) -> None:
    me = arrive(hamlet, "says_no", f"yn-tier-{before}-{tier}-{len(said)}", f"交居民养老 {before}")
    assert me.card("payment_confirmation")["tier"] == before
    me.say(said)
    assert me.card("payment_confirmation")["tier"] == tier


def test_a_tier_after_a_no_is_taken(hamlet: Town) -> None:
    me = arrive(hamlet, "says_no", "yn-no-then-tier", "交居民养老 800")
    me.say("不是")
    me.say("三百")
    assert me.card("payment_confirmation")["tier"] == "300"


def test_a_yes_while_one_is_asked_what_to_change_orders_nothing(hamlet: Town) -> None:
    me = arrive(hamlet, "says_no", "yn-change-then-yes", "交居民养老 1500")
    me.say("改一下")
    me.say("嗯")
    assert "您想改哪一项" in me.text
    assert not me.has("payment_request")


def test_a_yes_that_waits_holds(hamlet: Town) -> None:
    me = arrive(hamlet, "says_no", "yn-waits", "交居民养老 800")
    me.say("确认支付 等一下")
    assert "继续" in me.text
    assert not me.has("payment_request")
    me.say("嗯")
    assert me.has("payment_confirmation")


def test_a_yes_that_names_somebody_else_brings_that_one_along(hamlet: Town) -> None:
    me = arrive(hamlet, "says_no", "yn-and-mother", "交明年的居民医保")
    me.say("确认 等等 我妈的养老也要")
    assert "您妈妈" in me.text
    assert not me.has("payment_request")


@pytest.mark.parametrize("yes", ["好嘛", "嗯", "继续"])
def test_after_thinking_the_card_is_shown_once_more(hamlet: Town, yes: str) -> None:
    me = arrive(hamlet, "says_no", f"yn-thinks-{yes}", "交居民养老 800")
    me.say("我先想想")
    me.say(yes)
    assert me.has("payment_confirmation")
    assert not me.has("payment_request")


def test_who_has_thought_and_says_what_he_wants_gets_his_order(hamlet: Town) -> None:
    me = arrive(hamlet, "says_no", "yn-thinks-confirms", "交居民养老 400")
    me.say("我先想想")
    me.say("确认支付")
    assert me.card("payment_request")["total"] == "400.00"


def test_the_one_thing_that_can_be_changed_is_asked_at_once(hamlet: Town) -> None:
    me = arrive(hamlet, "has_two_agencies", "yn-agency", "交明年的居民医保")
    me.say("第一个")
    assert me.card("payment_confirmation")["agency"] == "520103"
    me.say("换一个")
    assert me.card("payment_confirmation")["agency"] == "520402"
    me.say("改一下")
    assert me.card("choice")["slot"] == "agency"
    me.say("第一个")
    assert me.card("payment_confirmation")["agency"] == "520103"


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("先不要二五年的", "2024-01/2024-12"),
        ("不要一万零四百七十二那笔", "2025-01/2025-12"),
        ("只交二四年的", "2024-01/2024-12"),
    ],
)
def test_one_of_two_arrears_is_left_out_by_its_year_or_amount(hamlet: Town, said: str, left: str) -> None:
    me = arrive(hamlet, "owes_two", f"yn-owes-{said}", "补缴养老欠费")
    me.say("都补")
    assert me.card("payment_confirmation")["total"] == "21019.32"
    me.say(said)
    assert me.card("payment_confirmation")["fee_period"] == left


def test_of_a_bill_that_is_only_named_it_is_asked_what_shall_be_with_it(hamlet: Town) -> None:
    me = arrive(hamlet, "owes_two", "yn-owes-names", "补缴养老欠费")
    me.say("都补")
    me.say("一万零四百七十二那笔")
    assert "要怎么改" in me.text
    me.say("嗯")
    assert not me.has("payment_request")


@pytest.mark.parametrize("said", ["医保先不要", "医保先不交了"])
def test_one_of_two_insurances_is_left_out(hamlet: Town, said: str) -> None:
    me = arrive(hamlet, "has_both", f"yn-without-{said}", "交灵活医保和养老 到年底 最低")
    me.say(said)
    card = me.card("payment_confirmation")
    assert (card["insurance"], card["total"]) == (PENSION, "10656.00")


def test_after_the_order_of_several_was_given_up_one_is_left_out(hamlet: Town) -> None:
    me = arrive(hamlet, "says_no", "yn-basket-again", "我和我妈的居民医保一起交 明年的")
    me.say(PEOPLE["mother"]["id_number"])
    me.say(PEOPLE["mother"]["name"])
    me.say("确认支付")
    me.say("不要了")
    me.say("把我自己的去掉")
    card = me.card("payment_confirmation")
    assert (card["insured"], card["total"]) == ("**禾", "400.00")
    assert "您给**禾" in me.text


def test_another_choice_takes_the_order_back_that_nobody_has_opened(hamlet: Town) -> None:
    me = arrive(hamlet, "says_no", "yn-earlier-unopened", "交居民养老 1500")
    me.say("确认支付")
    old = me.card("payment_request")["cashier_url"]
    me.say("改成一千")
    assert me.card("payment_confirmation")["tier"] == "1000"
    assert hamlet.http.get(old).status_code == 410


def test_of_an_order_that_was_opened_it_is_told_not_to_pay_it(hamlet: Town) -> None:
    me = arrive(hamlet, "opens", "yn-earlier-opened", "交居民养老 1500")
    me.say("确认支付")
    hamlet.http.get(me.card("payment_request")["cashier_url"])
    me.say("改成一千")
    assert "1500元的付款单，先不要付" in me.text
    assert me.card("payment_confirmation")["tier"] == "1000"


def test_until_the_end_of_this_year_is_december(hamlet: Town) -> None:
    me = arrive(hamlet, "has_both", "yn-year-end", "交灵活医保，交到今年底")
    assert me.card("payment_confirmation")["fee_period"] == "2026-01/2026-12"


def test_a_month_to_begin_with_is_no_last_month(hamlet: Town) -> None:
    me = arrive(hamlet, "has_both", "yn-begins", "交灵活医保")
    me.say("从六月开始")
    assert "前面的月份还没有缴" in me.text
    assert me.card("choice")["slot"] == "fee_period"
    me.say("到十月")
    assert me.card("payment_confirmation")["fee_period"] == "2026-01/2026-10"
    me.say("那从六月开始呢")
    assert "前面的月份还没有缴" in me.text


def test_another_agency_keeps_the_end_that_was_said(hamlet: Town) -> None:
    me = arrive(hamlet, "moved", "yn-end-stays", "交灵活医保到十月")
    me.say("第二个")
    assert me.card("payment_confirmation")["fee_period"] == "2026-06/2026-10"
    me.say("改成贵阳的")
    assert me.card("payment_confirmation")["fee_period"] == "2026-01/2026-10"


def test_an_order_that_another_device_has_replaced_is_not_gone_on_with(hamlet: Town) -> None:
    one = arrive(hamlet, "two_devices", "yn-device-one", "交灵活医保到十二月")
    other = arrive(hamlet, "two_devices", "yn-device-two", "交灵活医保到十月")
    one.say("确认支付")
    other.say("确认支付")
    other.pay(str(PEOPLE["two_devices"]["alipay_user_id"]))
    one.say("好了")
    assert "您在别处换成了" in one.text
    assert "已经付款" in one.text
    assert not one.has("payment_confirmation")


def test_two_devices_with_the_same_figures_have_the_same_order(hamlet: Town) -> None:
    one = arrive(hamlet, "same_figures", "yn-same-one", "交灵活医保到十二月")
    other = arrive(hamlet, "same_figures", "yn-same-two", "交灵活医保到十二月")
    one.say("确认支付")
    other.say("确认支付")
    assert one.card("payment_request")["order_no"] == other.card("payment_request")["order_no"]


@pytest.mark.parametrize("said", ["补养老", "把养老补上", "补缴养老"])
def test_bu_says_arrears(hamlet: Town, said: str) -> None:
    me = arrive(hamlet, "owes_both", f"yn-bu-{said}", said)
    assert me.card("payment_confirmation")["total"] == "6152.58"


def test_another_insurance_that_is_made_up_for_is_arrears_too(hamlet: Town) -> None:
    me = arrive(hamlet, "owes_both", "yn-bu-instead", "补缴养老")
    me.say("还是补医保")
    assert me.card("payment_confirmation")["total"] == "558.68"
    me.say("养老也补")
    assert me.card("payment_confirmation")["total"] == "6711.26"


def test_all_that_is_owed_is_paid_at_once(hamlet: Town) -> None:
    me = arrive(hamlet, "owes_both", "yn-bu-all", "补缴")
    assert me.card("choice")["slot"] == "insurance"
    me.say("都补")
    assert me.card("payment_confirmation")["total"] == "6711.26"


def test_a_tier_after_the_month_is_not_asked_again(hamlet: Town) -> None:
    me = arrive(hamlet, "has_both", "yn-month-and-tier", "交灵活养老")
    me.say("到年底 60")
    assert me.card("payment_confirmation")["tier"] == "60%"


def test_a_tier_in_old_figures_is_read(hamlet: Town) -> None:
    me = arrive(hamlet, "says_no", "yn-old-figures", "居民养老我交六佰圆的")
    assert me.card("payment_confirmation")["tier"] == "600"


def test_a_tier_between_others_is_read(hamlet: Town) -> None:
    mother = PEOPLE["mother"]
    said = f"给我妈交养老 居民的 一千 {mother['name']} {mother['id_number']}"
    me = arrive(hamlet, "says_no", "yn-tier-within", said)
    assert me.card("payment_confirmation")["tier"] == "1000"


def test_of_an_order_that_is_over_it_is_told_when_to_pay_again(new_town: Callable[..., Town]) -> None:
    town = new_town()
    town.load([PEOPLE["comes_late"]])
    me = arrive(town, "comes_late", "yn-late", "交居民养老 300")
    me.say("确认支付")
    town.http.get(me.card("payment_request")["cashier_url"])
    town.advance("PT15M30S")
    for said in ("我付了", "重新付", "确认支付"):
        me.say(said)
        assert "过了时间" in me.text
        assert "重新付" in me.text
    town.advance("PT2M")
    me.say("重新付")
    assert me.card("payment_confirmation")["total"] == "300.00"


@pytest.mark.parametrize(
    ("said", "last"),
    [
        ("改成三月", "2026-03"), ("能不能只交三个月", "2026-03"), ("先交两个月", "2026-02"),
        ("改成1-8", "2026-08"), ("三个月", "2026-03"), ("交半年", "2026-06"),
    ],
)  # fmt: skip
def test_fewer_months_at_the_card(hamlet: Town, said: str, last: str) -> None:
    me = arrive(hamlet, "has_both", f"yn-months-{said}", "交灵活医保到年底")
    me.say(said)
    assert me.card("payment_confirmation")["fee_period"] == f"2026-01/{last}"


def test_until_the_new_year_is_december(hamlet: Town) -> None:
    me = arrive(hamlet, "has_both", "yn-months-new-year", "交灵活医保到六月")
    me.say("改到过年")
    assert me.card("payment_confirmation")["fee_period"] == "2026-01/2026-12"


def test_who_finds_it_dear_is_offered_less(hamlet: Town) -> None:
    me = arrive(hamlet, "says_no", "yn-dear", "交居民养老 1500")
    me.say("太贵了")
    assert "低一点的档" in me.text
    assert me.card("choice")["slot"] == "tier"
    me.say("随便")
    assert me.card("payment_confirmation")["tier"] == "300"
    me.say("太贵了")
    assert "已经是最低的" in me.text


def test_the_tiers_are_listed_once(hamlet: Town) -> None:
    me = arrive(hamlet, "says_no", "yn-listed-once", "交居民养老")
    assert "1500" in me.text
    me.say("那个")
    assert "1500" not in me.text
    assert "您要缴哪一档" in me.text
    me.say("再说一遍")
    assert "1500" in me.text


@pytest.mark.parametrize("said", ["我不是说取消", "别取消", "不要取消"])
def test_who_does_not_say_cancel_goes_on(hamlet: Town, said: str) -> None:
    me = arrive(hamlet, "says_no", f"yn-keeps-{said}", "交居民养老 800")
    me.say(said)
    assert me.has("payment_confirmation")


def test_after_thinking_a_refund_is_shown_once_more(hamlet: Town) -> None:
    me = arrive(hamlet, "wants_back", "yn-refund-thinks", "交居民养老 300")
    me.say("确认支付")
    me.pay(str(PEOPLE["wants_back"]["alipay_user_id"]))
    me.say("好了")
    me.say("我要退费")
    me.say("第一个")
    review = me.text
    me.say("我先想想")
    me.say("嗯")
    assert me.text == review


def test_after_the_link_of_several_was_opened_one_is_left_out(hamlet: Town) -> None:
    me = arrive(hamlet, "opens_several", "yn-basket-opened", "我和我妈的居民医保一起交 明年的")
    me.say(PEOPLE["grandmother"]["id_number"])
    me.say(PEOPLE["grandmother"]["name"])
    me.say("确认支付")
    hamlet.http.get(me.card("payment_request")["cashier_url"])
    me.say("把我自己的去掉")
    assert "800元的付款单，先不要付" in me.text
    assert "您给**麦" in me.text
