"""Conversations that begin on the last evening of a year and end in the next one."""

from collections.abc import Callable

from tests.journeys.driver import Resident, Town
from tests.journeys.people import FLEXIBLE, MEDICAL, PENSION, RESIDENT, enrolment, medical_payment, resident

EVENING = "2026-12-31T23:50:00+08:00"
ASKS = resident(
    "赵年芳", "19860304", 81, enrolment(RESIDENT, MEDICAL),
    payments=[medical_payment(2026, "2025-11-03T09:12:00+08:00", "2025-11-05")],
)  # fmt: skip
LATE = resident("赵跨年", "19860305", 82, enrolment(FLEXIBLE, PENSION))
IN_TIME = resident("赵养老", "19760306", 83, enrolment(RESIDENT, PENSION))


def again(me: Resident, button: str = "通过") -> None:
    """Verified some days ago: papers are shown after another verification."""
    if me.has("identity_verification"):
        me.verify(button)
        me.say("好了")


def test_a_premium_and_two_papers_across_midnight(new_town: Callable[..., Town]) -> None:
    town = new_town(SHEBAO_CLOCK=EVENING)
    town.load([ASKS])
    me = town.resident("new-year")
    me.say("开今年的缴费凭证")
    me.log_in(ASKS["alipay_user_id"])
    assert "2026年" in me.text
    assert me.card("document")["number"]
    me.say("帮我交明年的居民医保")
    old = me.card("payment_confirmation")
    town.advance("PT12M")
    me.say("确认支付")
    assert "还没有扣钱" in me.text
    new = me.card("payment_confirmation")
    assert (new["fee_year"], new["total"]) == (old["fee_year"], old["total"]) == (2027, "400.00")
    me.say("确认支付")
    me.pay(ASKS["alipay_user_id"])
    me.say("好了")
    status = me.card("payment_status")
    assert (status["status"], status["paid_at"][:10]) == ("paid", "2027-01-01")
    me.say("开今年的缴费凭证")
    assert not me.has("document")  # booked on a working day after the holiday
    assert "最早1月4日，最晚1月6日可以开；放假安排还没公布，可能晚几天" in me.text
    town.advance("P8D")
    me.say("开今年的缴费凭证")
    again(me)
    assert "2027年" in me.text
    assert me.card("document")["number"]
    me.say("开去年的缴费凭证")
    assert "2026年" in me.text
    assert me.card("document")["number"]
    me.write_transcript("new-year")


def test_months_of_a_year_that_is_over_are_no_longer_paid(new_town: Callable[..., Town]) -> None:
    town = new_town(SHEBAO_CLOCK=EVENING)
    town.load([LATE, IN_TIME])
    me = town.resident("new-year-months")
    me.say("交今年全年的灵活就业养老")
    me.log_in(LATE["alipay_user_id"])
    me.say("60%")
    assert me.card("payment_confirmation")["fee_period"] == "2026-01/2026-12"
    other = town.resident("new-year-in-time")
    other.say("交居民养老，600那档")
    other.log_in(IN_TIME["alipay_user_id"])
    other.say("确认支付")
    town.advance("PT12M")

    me.say("确认支付")
    assert "2026年的，自己不能补" in me.text
    months = me.card("choice")
    assert [option["value"] for option in months["options"]] == ["2027-01", "2027-01/2027-12"]
    assert town.state(LATE["id_number"])["trades"] == []
    me.write_transcript("new-year-months")

    other.pay(IN_TIME["alipay_user_id"])  # declared in the old year
    other.say("好了")
    assert other.card("payment_status")["status"] == "paid"
    town.advance("P8D")
    other.say("开去年的缴费凭证")
    again(other)
    assert "2026年" in other.text
    assert other.card("document")["number"]
    other.write_transcript("new-year-in-time")
