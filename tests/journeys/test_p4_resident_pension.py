"""P4 城乡居民养老保险: what each tier costs, the last one first, until when, arrears, and once a year."""

from typing import Any

import pytest

from tests.journeys.driver import Resident, Town
from tests.journeys.people import PENSION, RESIDENT, enrolment, resident


def paid(year: int, amount: str) -> dict[str, Any]:
    return {
        "insured_group": RESIDENT, "insurance": PENSION, "agency": "520103", "fee_year": year, "amount": amount,
        "paid_at": f"{year}-09-02T15:20:00+08:00", "booked_on": f"{year}-09-04",
    }  # fmt: skip


def item(period: str, amount: str) -> dict[str, Any]:
    return {
        "insured_group": RESIDENT, "insurance": PENSION, "agency": "520103", "period": period, "amount": amount,
    }  # fmt: skip


HERE = enrolment(RESIDENT, PENSION)
PEOPLE = {
    "pays": resident("曹乙花", "19750214", 40, HERE, payments=[paid(2025, "2000.00")]),
    "is_new": resident("曹丙花", "19750315", 41, HERE),
    "is_aided": resident("曹丁花", "19750416", 42, HERE, marks=["低保对象"]),
    "owes": resident("曹戊花", "19750517", 43, HERE, assessed_arrears=[item("2024-01/2024-12", "600.00")]),
    "owes_none": resident("曹己花", "19750618", 44, HERE, payments=[paid(2026, "300.00")]),
    "moved": resident("曹庚花", "19750719", 45, HERE, enrolment(RESIDENT, PENSION, "520302")),
    "is_old": resident("曹辛花", "19610820", 46, HERE),
    "is_child": resident("曹壬花", "20120921", 47, HERE),
    "works": resident("曹癸花", "19751022", 48, HERE, enrolment("flexible_employment", PENSION)),
}  # fmt: skip


@pytest.fixture(scope="module")
def village(town: Town) -> Town:
    town.load(list(PEOPLE.values()))
    return town


def account(who: str) -> str:
    return str(PEOPLE[who]["alipay_user_id"])


def arrive(village: Town, who: str, sentence: str) -> Resident:
    talker = village.resident(f"p4-{who}")
    talker.say(sentence)
    talker.log_in(account(who))
    return talker


def test_the_last_tier_comes_first_and_each_says_what_it_costs(village: Town) -> None:
    """Rates 1.1: the state's addition comes on top of the tier, and the tier alone is due."""
    talker = arrive(village, "pays", "交居民养老")
    card = talker.card("choice")
    assert [option["value"] for option in card["options"]] == [
        "2000", "300", "400", "600", "800", "1000", "1500", "2500", "3000",
    ]  # fmt: skip
    assert card["options"][0]["note"] == "和上次一样，政府另外补200元"
    assert card["options"][1]["note"] == "政府另外补30元"
    assert card.keys() == {"kind", "slot", "options"}
    assert "上次缴的是2000元" in talker.text
    assert "12月31日" in talker.text
    assert "没有政府补贴" in talker.text
    assert talker.text.index("2000元这一档") < talker.text.index("300、400")
    talker.press("依据是什么")
    assert "2026年11月23日" in talker.text
    assert talker.card("choice")["slot"] == "tier"
    assert "没有政府补贴" not in talker.text
    talker.say("第二个")
    assert talker.card("payment_confirmation")["tier"] == "300"
    assert "没有政府补贴" not in talker.text
    talker.say("改成最高的")
    assert talker.card("payment_confirmation")["tier"] == "3000"
    talker.say("还是和去年一样")
    review = talker.card("payment_confirmation")
    assert (review["tier"], review["total"], review["fee_year"]) == ("2000", "2000.00", 2026)
    assert {"label": "缴费截止", "value": "2026年12月31日"} in review["lines"]
    talker.say("确认支付")
    talker.pay(account("pays"))
    talker.say("好了")
    assert talker.card("payment_status")["status"] == "paid"
    talker.say("再交一次居民养老，选错档了")
    assert "一年只缴一次" in talker.text
    assert "社保经办机构" in talker.text
    talker.write_transcript("p4")


def test_the_lowest_tier_is_not_for_everybody(village: Town) -> None:
    """Business 2.5, rates 1.1: what somebody says of himself opens no tier; the bureau's mark does."""
    talker = arrive(village, "is_new", "交居民养老，一百那档")
    assert "认定" in talker.text
    assert "最低可以选300元" in talker.text
    assert talker.card("choice")["options"][0]["value"] == "300"
    talker.say("我是低保户")
    assert "没有查到您的认定" in talker.text
    assert talker.card("choice")["slot"] == "tier"
    talker.say("那就最低的")
    assert talker.card("payment_confirmation")["total"] == "300.00"
    talker.write_transcript("p4-lowest-tier")


def test_who_has_a_mark_may_take_the_lowest_tier(village: Town) -> None:
    """Rates 1.1: the tier of 100 yuan is for people with a mark, and the state adds 30."""
    talker = arrive(village, "is_aided", "交居民养老")
    first = talker.card("choice")["options"][0]
    assert (first["value"], first["note"]) == ("100", "政府另外补30元")
    talker.say("一百那档")
    assert talker.card("payment_confirmation")["total"] == "100.00"


def test_last_year_means_arrears(village: Town) -> None:
    """Business 2.3, rates 1.3: 交去年的 is 补缴 of what was assessed; no tier is asked for, and the state adds nothing."""
    talker = arrive(village, "owes", "交去年的居民养老")
    review = talker.card("payment_confirmation")
    assert (review["payment_type"], review["total"]) == ("arrears", "600.00")
    assert not any(line["label"].startswith("政府补贴") for line in review["lines"])
    talker.say("不补了，交今年的")
    assert talker.card("choice")["slot"] == "tier"


def test_without_arrears_the_agency_is_named_and_next_year_is_offered(village: Town) -> None:
    """Business R2, 2.3: arrears that nobody assessed; next year's pension can't be paid ahead."""
    talker = arrive(village, "owes_none", "补缴居民养老")
    assert "社保经办机构" in talker.text
    assert "12333" in talker.text
    talker.say("那交明年的居民养老")
    assert "2027年1月1日" in talker.text
    assert "提醒" in talker.text
    talker.say("不用了")
    assert "不提醒" in talker.text
    assert not talker.has("payment_confirmation")


def test_of_two_agencies_one_is_asked_for(village: Town) -> None:
    """Business R3, 8 (11): the agency comes from the registration, and is asked for when there are several."""
    talker = arrive(village, "moved", "交居民养老，六百那档")
    assert talker.card("choice")["slot"] == "agency"
    talker.say("第二个")
    review = talker.card("payment_confirmation")
    assert (review["agency"], review["tier"]) == ("520302", "600")
    assert "12月31日" in talker.text  # no tier was asked for, so the review tells until when


def test_who_draws_the_pension_is_told_and_not_stopped(village: Town) -> None:
    """Rates 1.2: normal payment is usual until sixty."""
    talker = arrive(village, "is_old", "交居民养老，三百")
    assert "领养老金" in talker.text
    assert talker.has("payment_confirmation")


def test_below_sixteen_there_is_no_pension_to_pay(village: Town) -> None:
    """Rates 1.2: from sixteen on."""
    talker = arrive(village, "is_child", "交居民养老，三百")
    assert "16周岁" in talker.text
    assert not talker.has("payment_confirmation")


def test_who_pays_as_a_worker_too_is_told(village: Town) -> None:
    """Business 3: months that are paid in both pensions count once."""
    talker = arrive(village, "works", "交居民养老，三百")
    assert "重复的月份" in talker.text
    assert talker.has("payment_confirmation")
