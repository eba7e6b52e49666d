"""Other documents than today's identity card, 上一步 wherever one stands, all arrears at once, a silent gateway."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.journeys.driver import Resident, Town
from tests.journeys.people import FLEXIBLE, MEDICAL, PENSION, RESIDENT, enrolment, resident

ARREARS = [
    {"insured_group": FLEXIBLE, "insurance": PENSION, "agency": "520103", "period": f"{year}-01/{year}-12", "amount": amount}
    for year, amount in ((2023, "9600.00"), (2024, "9720.00"))
]  # fmt: skip


def person(name: str, day: int, *enrolments: dict[str, Any], **more: Any) -> dict[str, Any]:
    return resident(name, f"197204{day:02d}", day + 50, *enrolments, **more)


OLD_CARD = person("罗老五", 1, enrolment(RESIDENT, MEDICAL))
PERMIT = {
    **person("黄伟文", 2, enrolment(RESIDENT, MEDICAL)),
    "id_type": "港澳居民来往内地通行证", "id_number": "H00000012",
}  # fmt: skip
SEVERAL = person(
    "田秀英", 3, enrolment(FLEXIBLE, PENSION), enrolment(FLEXIBLE, MEDICAL), enrolment(RESIDENT, MEDICAL)
)
OWES = person("蒙德贵", 4, enrolment(FLEXIBLE, PENSION), assessed_arrears=ARREARS)
MOTHER = person("岑桂兰", 5, enrolment(RESIDENT, MEDICAL))
TAIWANESE = {
    **person("林志平", 6, enrolment(RESIDENT, MEDICAL)),
    "id_type": "台湾居民来往大陆通行证", "id_number": "00000012",
}  # fmt: skip
WAITS = person("覃小妹", 7, enrolment(RESIDENT, MEDICAL))


@pytest.fixture(scope="module")
def village(town: Town) -> Town:
    town.load([OLD_CARD, PERMIT, SEVERAL, OWES, MOTHER, TAIWANESE, WAITS])
    return town


def typing(village: Town, sender: str, wish: str) -> Resident:
    me = village.resident(sender)
    me.say(wish)
    me.say("拒绝")
    return me


def logged_in(village: Town, sender: str, who: dict[str, Any], wish: str) -> Resident:
    me = village.resident(sender)
    me.say(wish)
    me.log_in(who["alipay_user_id"])
    return me


def test_an_old_number_is_read_back_as_its_new_one(village: Town) -> None:
    number = OLD_CARD["id_number"]
    old = number[:6] + number[8:17]
    me = typing(village, "old-card", "交居民医保")
    me.say(old)
    assert f"{number[:4]}**********{number[-4:]}" in me.text
    me.press("不对")
    assert "身份证号码" in me.text
    me.say(old)
    me.say("嗯，对的")
    assert "姓名" in me.text
    me.say(OLD_CARD["name"])
    me.verify()
    me.say("好了")
    assert me.card("payment_confirmation")["payer"] == "**五"


def test_an_old_number_that_can_be_none_is_told(village: Town) -> None:
    me = typing(village, "no-old-card", "登录")
    me.say("520103701305123")
    assert "出生日期" in me.text


def test_a_number_that_is_of_another_document_is_asked_about(village: Town) -> None:
    me = typing(village, "permit", "交居民医保")
    me.say(PERMIT["id_number"])
    card = me.card("choice")
    assert card["slot"] == "id_type"
    me.say("港澳通行证")
    assert "姓名" in me.text
    me.say(PERMIT["name"])
    me.verify()
    me.say("好了")
    assert me.has("payment_confirmation")


@pytest.mark.parametrize("said", ["护照", "E00000012", "绿卡"])
def test_who_has_a_passport_hears_where_to_go_instead(village: Town, said: str) -> None:
    me = typing(village, f"passport-{said}", "登录")
    me.say(said)
    assert "办税大厅" in me.text
    assert "家人代缴" in me.text
    assert not me.has("identity_verification")


def test_one_step_back_while_logging_in(village: Town) -> None:
    me = typing(village, "back-at-the-door", "交居民医保")
    me.say(OLD_CARD["id_number"])
    me.say("上一步")
    assert "身份证号码" in me.text
    me.say("上一步")
    assert me.has("authorization_request")


def test_one_step_back_opens_what_was_taken_because_of_the_answer(village: Town) -> None:
    me = logged_in(village, "back-to-the-first", SEVERAL, "交社保")
    assert me.card("choice")["slot"] == "insured_group"
    me.say("城乡居民")
    assert me.has("payment_confirmation")
    me.say("上一步")
    assert me.card("choice")["slot"] == "insured_group"
    me.say("灵活就业")
    assert me.card("choice")["slot"] == "insurance"


def test_what_was_answered_can_be_changed_before_the_review(village: Town) -> None:
    me = logged_in(village, "changes-on-the-way", SEVERAL, "交社保")
    me.say("灵活就业")
    me.say("养老")
    assert me.card("choice")["slot"] == "fee_period"
    me.say("改一下")
    assert "险种" in [item["title"] for item in me.card("menu")["items"]]
    me.say("险种")
    assert me.card("choice")["slot"] == "insurance"


@pytest.mark.parametrize("said", ["都交", "第三个", '/inform{"arrears_item": "all"}', "全部都补"])
def test_all_arrears_are_one_of_the_choices(village: Town, said: str) -> None:
    me = logged_in(village, f"owes-{said[:3]}", OWES, "补缴灵活就业养老")
    options = me.card("choice")["options"]
    assert [option["value"] for option in options][2:] == ["all"]
    assert "19320元" in options[2]["title"]
    me.say(said)
    assert me.card("payment_confirmation")["total"] == "19320.00"


def test_the_last_item_is_an_item_and_all_can_still_be_chosen_at_the_review(village: Town) -> None:
    me = logged_in(village, "owes-last", OWES, "补缴灵活就业养老")
    me.say("最后一个")
    assert me.card("payment_confirmation")["total"] == "9720.00"
    me.say("改一下")
    me.say("两个都交")
    assert me.card("payment_confirmation")["total"] == "19320.00"


def test_the_mother_is_not_offered_as_the_father(village: Town) -> None:
    me = logged_in(village, "has-parents", SEVERAL, "帮我妈交居民医保")
    me.say(MOTHER["id_number"])
    me.say(MOTHER["name"])
    me.say("确认")
    me.pay(SEVERAL["alipay_user_id"])
    me.say("好了")
    assert me.card("payment_status")["status"] == "paid"
    me.say("再帮我爸也交一个")
    assert not me.has("choice")
    assert "爸爸" in me.text
    assert "身份证号码" in me.text
    me.say("取消")
    me.say("给我外公交居民医保")
    me.say("台胞证")
    me.say(TAIWANESE["id_number"])
    assert "姓名" in me.text
    me.say(TAIWANESE["name"])
    assert me.card("payment_confirmation")["insured"] == "**平"


def test_the_document_is_named_to_the_question_whom_one_pays_for(village: Town) -> None:
    me = logged_in(village, "names-a-document", SEVERAL, "帮别人交居民医保")
    assert me.card("choice")["slot"] == "insured_person"
    me.say("台胞证")
    assert "台湾居民来往大陆通行证" in me.text
    me.say(TAIWANESE["id_number"])
    assert "姓名" in me.text


def test_nobody_is_asked_to_pay_again_while_the_gateway_is_silent(new_town: Callable[..., Town]) -> None:
    town = new_town()
    town.load([WAITS])
    me = logged_in(town, "waits", WAITS, "交明年的居民医保")
    me.say("确认")
    order = me.card("payment_request")
    town.post("/sandbox/alipay/faults", {"method": "notify", "mode": "drop", "times": 5})
    town.post("/sandbox/alipay/faults", {"method": "alipay.trade.query", "mode": "system_error", "times": 99})
    me.pay(WAITS["alipay_user_id"])
    me.say("好了")
    assert not me.has("payment_request")
    assert me.card("error")["retryable"]
    assert "不要重复付款" in me.text
    town.post("/sandbox/alipay/faults", {"clear": True})
    town.advance("PT5S")
    me.press("刷新")
    assert me.card("payment_status")["order_no"] == order["order_no"]
    assert me.card("payment_status")["status"] == "paid"


def test_a_silent_provider_at_login_is_not_told_as_a_payment(village: Town) -> None:
    me = village.resident("waits-at-the-door")
    me.say("登录")
    fault = {"method": "alipay.user.certify.open.initialize", "mode": "system_error", "times": 99}
    village.post("/sandbox/alipay/faults", fault)
    try:
        me.consent(WAITS["alipay_user_id"])
        me.say("好了")
        assert me.card("error")["retryable"]
        assert "身份" in me.text
        assert "付款" not in me.text
    finally:
        village.post("/sandbox/alipay/faults", {"clear": True})
    me.say("好了")
    assert me.has("identity_verification")


@pytest.mark.parametrize(
    ("document", "hint"),
    [("中国护照", "请换身份证"), ("工作许可证", "请换身份证"), ("出生医学证明", "医保窗口")],
)
def test_a_document_with_which_nothing_can_be_done_is_told_at_once(
    village: Town, document: str, hint: str
) -> None:
    me = logged_in(village, f"has-{document}", OWES, "帮别人交居民医保")
    me.say(document)
    assert hint in me.text
    assert "身份证号码" in me.text
    me.say(f"{MOTHER['id_number']} {MOTHER['name']}")
    assert me.has("payment_confirmation") or me.has("error")
