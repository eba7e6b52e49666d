"""P1 灵活就业养老保险: step by step, in one sentence, with changes of mind."""

from decimal import Decimal

from tests.journeys.driver import Town
from tests.journeys.people import who


def test_step_by_step(town: Town) -> None:
    me = who("pays_p1_stepwise")
    resident = town.resident("p1-stepwise")
    resident.say("我要交社保")
    resident.log_in(me["alipay_user_id"])
    period = resident.card("choice")
    assert period["slot"] == "fee_period"
    assert [option["value"] for option in period["options"]] == [
        "2026-01",
        "2026-01/2026-11",
        "2026-01/2026-12",
    ]
    resident.say("2")
    assert resident.card("choice")["slot"] == "tier"
    resident.say("百分之六十")
    review = resident.card("payment_confirmation")
    assert (review["tier"], review["fee_period"], review["payment_type"]) == (
        "60%",
        "2026-01/2026-11",
        "normal",
    )
    resident.say("确认支付")
    request = resident.card("payment_request")
    assert request["total"] == review["total"]
    resident.pay(me["alipay_user_id"])
    resident.say("好了")
    status = resident.card("payment_status")
    assert status["status"] == "paid"
    assert status["records_available_on"]
    resident.write_transcript("p1-stepwise")
    payments = town.state(me["id_number"])["payments"]
    assert len(payments) == 1


def test_in_one_sentence(town: Town) -> None:
    me = who("pays_p1_at_once")
    resident = town.resident("p1-at-once")
    resident.say("交灵活就业养老保险，一月到六月，百分之六十")
    resident.log_in(me["alipay_user_id"])
    review = resident.card("payment_confirmation")
    assert (review["fee_period"], review["tier"]) == ("2026-01/2026-06", "60%")
    resident.say("确认")
    resident.pay(me["alipay_user_id"])
    resident.say("付好了")
    assert resident.card("payment_status")["status"] == "paid"
    resident.write_transcript("p1-one-sentence")


def test_changing_the_tier_after_the_confirmation(town: Town) -> None:
    me = who("changes_tier")
    resident = town.resident("p1-change")
    resident.say("交灵活养老，1到6月，60%")
    resident.log_in(me["alipay_user_id"])
    first = resident.card("payment_confirmation")
    resident.say("改成100%")
    second = resident.card("payment_confirmation")
    assert (second["tier"], second["fee_period"]) == ("100%", "2026-01/2026-06")
    assert Decimal(second["total"]) > Decimal(first["total"])
    resident.say("确认支付")
    order = resident.card("payment_request")
    assert order["total"] == second["total"]
    resident.say("改成80%吧")
    third = resident.card("payment_confirmation")
    assert third["tier"] == "80%"
    resident.say("确认支付")
    assert resident.card("payment_request")["total"] == third["total"]
    resident.pay(me["alipay_user_id"])
    resident.say("好了")
    assert resident.card("payment_status")["total"] == third["total"]
    paid = [
        trade for trade in town.state(me["id_number"])["trades"] if trade["trade_status"] == "TRADE_SUCCESS"
    ]
    assert len(paid) == 1
    resident.write_transcript("p1-change-of-tier")
