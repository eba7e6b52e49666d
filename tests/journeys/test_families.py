"""Several people in one payment: a record for each once it is booked; what the bureau refuses of one goes back."""

import time
from typing import Any

from tests.journeys.driver import Resident, Town
from tests.journeys.people import MEDICAL, RESIDENT, enrolment, medical_payment, resident

MOTHER = resident("冉腊梅", "19810412", 71, enrolment(RESIDENT, MEDICAL))
SON = resident("龙小天", "20120413", 72, enrolment(RESIDENT, MEDICAL))
GRANNY = resident("龙吴氏", "19480414", 73, enrolment(RESIDENT, MEDICAL))
PAID_ELSEWHERE = [medical_payment(2027, "2026-11-23T10:01:00+08:00", "2026-11-23")]


def order_for_three(town: Town) -> Resident:
    me = town.resident("family")
    me.say("我和儿子、奶奶的居民医保一起交，交明年的")
    me.log_in(MOTHER["alipay_user_id"])
    for other in (SON, GRANNY):
        me.say(f"{other['name']}{other['id_number']}")
    assert me.card("payment_confirmation")["total"] == "1200.00"
    me.say("确认支付")
    return me


def payments(town: Town, who: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = town.state(who["id_number"])["payments"]
    return found


def test_a_record_for_each_when_it_is_booked(new_town: Any) -> None:
    town = new_town()
    town.load([MOTHER, SON, GRANNY])
    me = order_for_three(town)
    me.pay(MOTHER["alipay_user_id"])
    me.say("好了")
    assert me.card("payment_status")["status"] == "paid"
    town.advance("P4D")
    me.wait_for_button("开**天的凭证")
    assert "每人一份" in me.text
    buttons = {b["title"]: b["payload"] for m in me.last for b in m.get("buttons", [])}
    assert list(buttons) == ["开缴费记录凭证", "开**天的凭证", "开**氏的凭证"]
    papers = []
    for title, payload in buttons.items():
        me.say(payload)
        if me.has("identity_verification"):
            me.verify()
            me.say("好了")
        papers.append(me.card("document"))
        assert me.town.http.get(papers[-1]["url"]).headers["content-type"] == "application/pdf", title
    assert len({paper["number"] for paper in papers}) == 3
    me.write_transcript("p6-family-records")


def test_somebody_elses_order_names_nobody(new_town: Any) -> None:
    town = new_town()
    town.load([MOTHER, SON, GRANNY])
    me = order_for_three(town)
    order_no = me.card("payment_request")["order_no"]
    me.pay(MOTHER["alipay_user_id"])
    me.say("好了")
    town.advance("P4D")
    stranger = town.resident("stranger")
    stranger.say("登录")
    stranger.log_in(GRANNY["alipay_user_id"])
    stranger.say(
        f'/get_certificate{{"certificate_kind": "payment_record", "insured_person": "{order_no}:2"}}'
    )
    assert "没有查到" in stranger.text
    assert "天" not in stranger.text.replace("今天", "")


def test_what_the_bureau_refuses_of_one_is_given_back(new_town: Any) -> None:
    town = new_town()
    town.load([MOTHER, SON, GRANNY])
    me = order_for_three(town)
    request = me.last
    town.load([GRANNY | {"payments": PAID_ELSEWHERE}])
    me.last = request
    me.pay(MOTHER["alipay_user_id"])
    me.say("好了")
    end = time.monotonic() + 30
    while "退给您" not in me.text and time.monotonic() < end:
        me.say("查付款结果")
        time.sleep(0.2)
    assert "**氏，居民医保，税务没有收，400元原路退给您" in me.text
    assert me.card("payment_status")["status"] == "paid"
    end = time.monotonic() + 30
    while refunded(town) != "400.00" and time.monotonic() < end:
        town.advance("PT10S")
        time.sleep(0.2)
    assert refunded(town) == "400.00"
    assert len(payments(town, MOTHER)) == len(payments(town, SON)) == 1
    me.write_transcript("p6-family-one-refused")


def refunded(town: Town) -> str:
    [trade] = town.state(MOTHER["id_number"])["trades"]
    return str(trade["refunded_amount"])
