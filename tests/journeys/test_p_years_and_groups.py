"""Several years at once, and what is known of what was said or done before: the insurance, the months, the arrears."""

from typing import Any

import pytest

from tests.journeys.driver import Resident, Town
from tests.journeys.people import (
    FLEXIBLE,
    MEDICAL,
    PENSION,
    RESIDENT,
    enrolment,
    medical_payment,
    resident,
)

RESIDENTS = (enrolment(RESIDENT, PENSION), enrolment(RESIDENT, MEDICAL))
FLEXIBLES = (enrolment(FLEXIBLE, PENSION, since="2026-01"), enrolment(FLEXIBLE, MEDICAL, since="2026-01"))
ALL = (*RESIDENTS, *FLEXIBLES)
OWED: list[dict[str, Any]] = [
    {
        "insured_group": RESIDENT,
        "insurance": PENSION,
        "agency": "520103",
        "period": f"{year}-01/{year}-12",
        "amount": "300.00",
    }
    for year in (2024, 2025)
]
PAID_2026 = medical_payment(2026, "2025-11-03T09:12:00+08:00", "2025-11-05")
PEOPLE = {
    "has_all": resident("岑一秀", "19770501", 901, *ALL),
    "has_paid": resident("岑二秀", "19770502", 902, *RESIDENTS, payments=[PAID_2026]),
    "is_aided": resident("岑三秀", "19770503", 903, *RESIDENTS, marks=["低保对象"]),
    "orders": resident("岑四秀", "19770504", 904, *RESIDENTS, marks=["低保对象"]),
    "pays_first": resident("岑五秀", "19770505", 905, *RESIDENTS, marks=["低保对象"]),
    "owes": resident("岑六秀", "19770506", 906, *ALL, assessed_arrears=OWED),
    "owes_next": resident("岑七秀", "19770507", 907, *ALL, assessed_arrears=OWED),
    "gets_back": resident("岑八秀", "19770508", 908, *ALL),
    "works": resident("岑九秀", "19770509", 909, *ALL),
    "regrets": resident("岑十秀", "19770510", 910, *RESIDENTS),
    "pays_for": resident("岑百秀", "19770511", 911, *RESIDENTS),
    "mother": resident("岑千秀", "19570512", 912, *ALL),
    "owes_two": resident("岑万秀", "19770513", 913, *ALL, assessed_arrears=OWED),
    "says_yes": resident("岑小秀", "19770514", 914, *ALL),
}


@pytest.fixture(scope="module")
def ford(town: Town) -> Town:
    town.load(list(PEOPLE.values()))
    return town


def arrive(ford: Town, who: str, sender: str, sentence: str) -> Resident:
    me = ford.resident(f"years-{sender}")
    me.say("登录")
    me.log_in(str(PEOPLE[who]["alipay_user_id"]))
    me.say(sentence)
    return me


def pay(me: Resident, who: str) -> None:
    me.say("确认支付")
    me.pay(str(PEOPLE[who]["alipay_user_id"]))
    me.say("好了")
    assert me.card("payment_status")["status"] == "paid"


def told(who: str) -> str:
    return f"{PEOPLE[who]['name']} {PEOPLE[who]['id_number']}"


# --- several years ----------------------------------------------------------------------------------


def test_of_two_years_the_closed_one_is_told(ford: Town) -> None:
    me = arrive(ford, "has_all", "closed", "今年和明年的医保都交了")
    me.say("居民")
    assert "2026年度的居民医保，2026年9月30日以后就不能缴了" in me.text
    assert me.card("payment_confirmation")["fee_year"] == 2027
    me.say("两年都交")
    assert "2026年度的居民医保，2026年9月30日以后就不能缴了" in me.text
    assert me.card("payment_confirmation")["fee_year"] == 2027


def test_of_two_years_the_paid_one_is_told(ford: Town) -> None:
    me = arrive(ford, "has_paid", "paid", "交今年和明年的医保")
    assert "您2026年的居民医保已经缴过了" in me.text
    assert me.card("payment_confirmation")["fee_year"] == 2027


def test_two_years_that_can_be_paid_are(ford: Town) -> None:
    me = arrive(ford, "is_aided", "both", "今年和明年的医保都交")
    assert "2026、2027年的居民医保" in me.text
    assert "居民医保，2026年度，200元" in me.text
    assert "居民医保，2027年度，200元" in me.text
    assert me.card("payment_confirmation")["total"] == "400.00"


def test_both_years_after_one_was_ordered(ford: Town) -> None:
    me = arrive(ford, "orders", "ordered", "交居民医保")
    me.say("明年的")
    me.say("确认支付")
    assert me.has("payment_request")
    me.say("两年都交")
    assert me.card("payment_confirmation")["total"] == "400.00"
    pay(me, "orders")


def test_the_other_year_comes_along(ford: Town) -> None:
    me = arrive(ford, "is_aided", "along", "交居民医保 明年的")
    me.say("今年的也交")
    assert me.card("payment_confirmation")["total"] == "400.00"
    me.say("取消")
    me.say("交居民医保 明年的")
    me.say("确认支付")
    me.say("今年的也一起交")
    assert me.card("payment_confirmation")["total"] == "400.00"
    me.say("取消")
    me.say("交居民医保 明年的")
    me.say("改成今年的")
    assert me.card("payment_confirmation")["total"] == "200.00"


def test_this_year_along_with_arrears(ford: Town) -> None:
    me = arrive(ford, "owes_two", "along-arrears", "补缴2025年的居民养老")
    me.say("今年的也交 三百")
    assert "2025年1月至12月，补缴，300元" in me.text
    assert "2026年度，300元档" in me.text
    me.say("取消")


def test_both_years_after_one_was_paid(ford: Town) -> None:
    me = arrive(ford, "pays_first", "after-paid", "交居民医保 明年的")
    pay(me, "pays_first")
    me.say("两年都交")
    assert "您2027年的居民医保已经缴过了" in me.text
    assert me.card("payment_confirmation")["fee_year"] == 2026


def test_a_past_year_and_this_one_of_the_pension(ford: Town) -> None:
    me = arrive(ford, "owes_two", "pension", "去年和今年的居民养老都交 三百")
    assert "2025年1月至12月，补缴，300元" in me.text
    assert "2026年度，300元档，300元" in me.text
    assert me.card("payment_confirmation")["total"] == "600.00"
    me.say("取消")
    me.say("补缴24年和25年的居民养老")
    assert me.card("payment_confirmation")["total"] == "600.00"
    assert "2024年1月至12月，补缴" in me.text
    me.say("取消")
    me.say("2023年和今年的居民养老都交 三百")
    assert "2023年的居民养老保险，没有核定好可以补缴的" in me.text
    assert me.card("payment_confirmation")["total"] == "300.00"


def test_this_year_and_the_next_of_flexible_employment(ford: Town) -> None:
    me = arrive(ford, "has_all", "flexible", "灵活就业养老今年和明年都交")
    assert "2027年的灵活就业养老保险，现在还不能缴" in me.text
    assert me.card("choice")["slot"] == "fee_period"


def test_two_years_of_another(ford: Town) -> None:
    me = arrive(ford, "pays_for", "other", "给我妈交今年和明年的居民医保")
    me.say(told("mother"))
    assert "2026年的居民医保，这里现在不能缴" in me.text
    assert me.card("payment_confirmation")["fee_year"] == 2027


# --- which insurance --------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["养老300", "养老 400", "交养老，两千那档", "养老600的"])
def test_only_one_pension_has_such_tiers(ford: Town, said: str) -> None:
    me = arrive(ford, "has_all", f"tier-{said}", said)
    assert me.card("payment_confirmation")["insured_group"] == RESIDENT


@pytest.mark.parametrize("said", ["养老交三个月", "十月的养老也交了", "养老交半年"])
def test_only_flexible_employment_is_paid_by_months(ford: Town, said: str) -> None:
    me = arrive(ford, "has_all", f"months-{said}", said)
    assert "灵活就业养老保险" in me.text or me.card("choice")["slot"] == "tier"
    assert "居民养老" not in me.text


@pytest.mark.parametrize(
    ("said", "months"), [("半年", "1月至6月"), ("三个月", "1月至3月"), ("一年", "1月至12月")]
)
def test_so_many_months_from_the_first_unpaid_one(ford: Town, said: str, months: str) -> None:
    me = arrive(ford, "has_all", f"count-{said}", f"灵活就业养老交{said}")
    assert me.card("choice")["slot"] == "tier"
    me.say("改成两个月")
    assert me.card("choice")["slot"] == "tier"
    me.say(f"交{said}")
    me.say("六成")
    assert f"2026年{months}" in me.text


@pytest.mark.parametrize("said", ["交一个月", "要一年的"])
def test_what_was_asked_about_is_paid(ford: Town, said: str) -> None:
    me = arrive(ford, "has_all", f"asked-{said}", "灵活就业养老 一个月好多")
    me.say(said)
    assert me.card("choice")["slot"] == "tier"
    me.say("最低的")
    assert "灵活就业养老保险" in me.text


def test_what_was_cancelled_is_gone_on_with(ford: Town) -> None:
    me = arrive(ford, "has_all", "cancelled", "交灵活就业养老")
    me.say("取消")
    me.say("我要上个月的")
    assert "灵活就业养老保险" in me.text
    assert me.card("choice")["slot"] == "fee_period"


def test_the_same_insurance_after_a_refund(ford: Town) -> None:
    me = arrive(ford, "gets_back", "refund", "交居民养老 三百")
    pay(me, "gets_back")
    me.say("我要退费")
    me.say("选错了")
    me.say("确认退费")
    me.say("重新交 600的")
    card = me.card("payment_confirmation")
    assert (card["insured_group"], card["insurance"], card["total"]) == (RESIDENT, PENSION, "600.00")


def test_the_same_group_after_a_payment(ford: Town) -> None:
    me = arrive(ford, "works", "group", "交灵活就业养老 到十一月 60%")
    pay(me, "works")
    me.say("医保也是全年")
    card = me.card("payment_confirmation")
    assert (card["insured_group"], card["fee_period"]) == (FLEXIBLE, "2026-01/2026-12")
    me.say("取消")
    me.say("今年12月的养老也交了")
    assert "居民" not in me.text
    assert me.card("choice")["slot"] == "tier"


# --- arrears ----------------------------------------------------------------------------------------


def test_this_year_after_arrears(ford: Town) -> None:
    me = arrive(ford, "owes", "after-arrears", "补缴2025年的居民养老")
    assert "2025年1月至12月，补缴" in me.text
    pay(me, "owes")
    me.say("今年的也交")
    assert me.card("choice")["slot"] == "tier"
    me.say("300")
    card = me.card("payment_confirmation")
    assert (card["insured_group"], card["fee_year"], card["total"]) == (RESIDENT, 2026, "300.00")


def test_the_next_item_after_arrears(ford: Town) -> None:
    me = arrive(ford, "owes_next", "next-arrears", "补缴2024年的居民养老")
    pay(me, "owes_next")
    for said in ("还有哪年没补", "以前的还差不差"):
        me.say(said)
        assert "居民养老保险，2025年1月至12月，300元" in me.text
        assert "2024" not in me.text
    me.say("还有一年也缴")
    assert "2025年1月至12月，补缴" in me.text
    pay(me, "owes_next")
    me.say("以前的还差不差")
    assert "没有查到您还要补缴的" in me.text


@pytest.mark.parametrize(
    ("insurance", "office"), [("灵活就业养老", "社保经办机构"), ("灵活就业医保", "医保部门")]
)
def test_where_arrears_are_applied_for(ford: Town, insurance: str, office: str) -> None:
    me = arrive(ford, "has_all", f"apply-{insurance}", f"补缴{insurance}")
    assert "现在没有可以补缴" in me.text
    for said in ("怎么申请", "去哪里办"):
        me.say(said)
        assert f"请到参保地{office}申请" in me.text
        assert "退" not in me.text


# --- how it is said ---------------------------------------------------------------------------------


def test_tenths_before_a_verb(ford: Town) -> None:
    me = arrive(ford, "has_all", "tenths", "交灵活就业养老 到年底")
    me.say("按六成交")
    assert me.card("payment_confirmation")["tier"] == "60%"


@pytest.mark.parametrize("said", ["恩", "恩恩", "交", "缴吧"])
def test_a_short_yes_at_the_card(ford: Town, said: str) -> None:
    me = arrive(ford, "says_yes", f"yes-{said}", "交居民养老 三百")
    me.say("改一下")
    me.say("交")
    assert not me.has("payment_request")
    me.say(said)
    assert me.card("payment_request")["total"] == "300.00"
    me.say("取消")


def test_a_place_that_is_not_there(ford: Town) -> None:
    me = arrive(ford, "has_all", "place", "交灵活就业养老")
    for said in ("第五个", "改成第五"):
        me.say(said)
        assert "没有第5个，一共只有3个" in me.text
    me.say("第三个")
    me.say("六成")
    me.say("改成第九十九")
    assert "没有第99个" in me.text
    assert me.card("payment_confirmation")["tier"] == "60%"


def test_after_the_last_page(ford: Town) -> None:
    me = arrive(ford, "has_paid", "last-page", "查我的已缴费记录")
    assert me.has("records")
    me.say("下一页")
    assert "最后一页" in me.text


def test_months_that_run_backwards_are_asked_again(ford: Town) -> None:
    me = arrive(ford, "has_all", "backwards", "交灵活就业养老 六成")
    me.say("从3月到1月")
    assert "前后说反了" in me.text
    assert me.card("choice")["slot"] == "fee_period"
    me.say("1月到3月")
    assert me.card("payment_confirmation")["fee_period"] == "2026-01/2026-03"


def test_paid_too_much_right_after_paying(ford: Town) -> None:
    me = arrive(ford, "regrets", "regrets", "交居民养老 三百")
    me.say("确认支付")
    me.pay(str(PEOPLE["regrets"]["alipay_user_id"]))
    me.say("多付了")
    assert "您缴的是300元档" in me.text
    assert "我要退费" in me.text


def test_the_same_as_oneself_is_kept_for_another(ford: Town) -> None:
    me = arrive(ford, "pays_for", "as-i", "交居民养老 三百")
    pay(me, "pays_for")
    me.say("帮我妈交居民养老")
    me.say("跟我一样")
    assert "记下了" in me.text
    assert "身份证号码" in me.text
    me.say(str(PEOPLE["mother"]["id_number"]))
    me.say("和我一样的")
    assert "姓名" in me.text
    me.say(str(PEOPLE["mother"]["name"]))
    assert me.card("payment_confirmation")["tier"] == "300"


def test_a_name_beside_the_group(ford: Town) -> None:
    me = arrive(ford, "has_all", "name-beside", "帮人交养老")
    me.say("居民，韦二妹")
    assert "姓名记下了" in me.text
    assert "身份证号码" in me.text


def test_the_base_that_is_not_published_is_told_of_another_too(new_town: Any) -> None:
    town = new_town(SHEBAO_CLOCK="2027-01-10T10:00:00+08:00")
    town.load([PEOPLE["pays_for"], PEOPLE["mother"]])
    me = arrive(town, "pays_for", "base", "给我妈交灵活就业养老 1月 六成")
    me.say(told("mother"))
    assert "今年的缴费基数还没公布" in me.text
    assert me.card("payment_confirmation")["fee_period"] == "2027-01"
