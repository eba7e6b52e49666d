"""P2 灵活就业医疗保险: the agency, the months, July's base, arrears none, one and two, and a gap that has to be waited for."""

from decimal import Decimal
from typing import Any

import pytest

from tests.journeys.driver import Resident, Town
from tests.journeys.people import FLEXIBLE, MEDICAL, enrolment, resident


def item(period: str, amount: str) -> dict[str, Any]:
    return {
        "insured_group": FLEXIBLE, "insurance": MEDICAL, "agency": "520103", "period": period, "amount": amount,
    }  # fmt: skip


PAID_2025 = {
    "insured_group": FLEXIBLE, "insurance": MEDICAL, "agency": "520103", "fee_period": "2025-01/2025-12",
    "amount": "2976.72", "paid_at": "2025-11-20T10:05:00+08:00", "booked_on": "2025-11-24",
}  # fmt: skip
HERE = enrolment(FLEXIBLE, MEDICAL, since="2026-01")
PEOPLE = {
    "has_two": resident("冯乙妹", "19940214", 30, HERE, enrolment(FLEXIBLE, MEDICAL, "520302", since="2026-08")),
    "pays": resident("冯丙妹", "19940315", 31, HERE),
    "owes_none": resident("冯丁妹", "19940416", 32, HERE),
    "owes_one": resident("冯戊妹", "19940517", 33, HERE, assessed_arrears=[item("2025-06/2025-12", "1743.21")]),
    "owes_two": resident(
        "冯己妹", "19940618", 34, HERE,
        assessed_arrears=[item("2024-01/2024-03", "741.78"), item("2025-06/2025-12", "1743.21")],
    ),
    "was_away": resident("冯庚妹", "19940719", 35, HERE, payments=[PAID_2025]),
}  # fmt: skip


@pytest.fixture(scope="module")
def village(town: Town) -> Town:
    town.load(list(PEOPLE.values()))
    return town


def arrive(village: Town, who: str, sentence: str) -> Resident:
    talker = village.resident(f"p2-{who}")
    talker.say(sentence)
    talker.log_in(str(PEOPLE[who]["alipay_user_id"]))
    return talker


def test_of_several_agencies_the_resident_says_which(village: Town) -> None:
    """Business R3, 2.2, rates 4.3: the agencies come from the registration; of several one has to be said."""
    talker = arrive(village, "has_two", "交灵活就业医保")
    card = talker.card("choice")
    assert card["slot"] == "agency"
    assert [option["value"] for option in card["options"]] == ["520103", "520302"]
    talker.say("红花岗的")
    assert talker.card("choice")["slot"] == "fee_period"
    talker.say("到十二月")
    review = talker.card("payment_confirmation")
    assert (review["agency"], review["fee_period"]) == ("520302", "2026-08/2026-12")
    assert "红花岗" in talker.text
    talker.write_transcript("p2-two-agencies")


def test_half_a_year_across_july_is_paid_at_two_bases(village: Town) -> None:
    """Business R1, R4, rates 3.4, 4.1: normal is not asked for; January to June have last year's base, July this year's."""
    talker = arrive(village, "pays", "交灵活就业医保")
    talker.say("到七月")
    review = talker.card("payment_confirmation")
    assert (review["fee_period"], review["payment_type"]) == ("2026-01/2026-07", "normal")
    assert Decimal(review["total"]) == 6 * Decimal("249.03") + Decimal("251.60")
    assert "12月31日" in talker.text
    talker.say("依据是什么")
    assert "转述" in talker.text
    assert talker.has("payment_confirmation")
    assert "过了年" not in talker.text
    talker.say("确认支付")
    talker.pay(str(PEOPLE["pays"]["alipay_user_id"]))
    talker.say("好了")
    assert talker.card("payment_status")["status"] == "paid"
    talker.say("再交灵活就业医保，一月到七月")
    assert "已经缴过" in talker.text
    talker.write_transcript("p2-half-a-year")


def test_without_assessed_arrears_one_is_told_where_to_apply(village: Town) -> None:
    """Business R2, rates 4.3: arrears of medical insurance are assessed by the medical department."""
    talker = arrive(village, "owes_none", "我要补缴灵活就业医保")
    assert "医保部门" in talker.text
    assert "12393" in talker.text
    assert not talker.has("payment_confirmation")
    talker.press("正常缴费")
    assert talker.card("choice")["slot"] == "fee_period"
    talker.write_transcript("p2-no-arrears")


def test_one_assessed_item_is_taken_without_a_question(village: Town) -> None:
    """Business R2, rates 4.3: neither period nor tier is asked for; the item says both."""
    talker = arrive(village, "owes_one", "补缴灵活就业医保")
    review = talker.card("payment_confirmation")
    assert (review["payment_type"], review["total"], review["fee_period"]) == (
        "arrears",
        "1743.21",
        "2025-06/2025-12",
    )


def test_of_two_items_one_is_chosen_or_all(village: Town) -> None:
    """Business R2: the list is what was pushed; one, or all in one payment."""
    talker = arrive(village, "owes_two", "补缴灵活就业医保")
    assert talker.card("choice")["slot"] == "arrears_item"
    talker.say("第二个")
    assert talker.card("payment_confirmation")["total"] == "1743.21"
    talker.say("改一下")
    talker.say("补缴项目")
    talker.say("都交")
    assert talker.card("payment_confirmation")["total"] == "2484.99"
    talker.say("确认支付")
    talker.pay(str(PEOPLE["owes_two"]["alipay_user_id"]))
    talker.say("好了")
    assert talker.card("payment_status")["total"] == "2484.99"
    talker.write_transcript("p2-two-arrears")


def test_who_has_missed_too_many_months_is_told_of_the_waiting(village: Town) -> None:
    """Rates 4.1: in Guiyang more than three months missed means sixty days without benefit, told before paying."""
    talker = arrive(village, "was_away", "交灵活就业医保，到十一月")
    assert talker.has("payment_confirmation")
    assert "2027年1月22日以前不能报销" in talker.text
