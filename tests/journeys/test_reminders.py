"""A window that is closed offers a reminder; it comes once, when the window opens, and starts the payment."""

import time
from collections.abc import Iterator

import pytest

from tests.journeys.driver import Resident, Town
from tests.journeys.people import FLEXIBLE, MEDICAL, PENSION, RESIDENT, enrolment, medical_payment, resident

PAID_ALL = {
    "insured_group": FLEXIBLE, "insurance": PENSION, "agency": "520103", "fee_period": "2026-01/2026-12",
    "amount": "10656.00", "paid_at": "2026-09-08T20:31:00+08:00", "booked_on": "2026-09-10",
}  # fmt: skip
PEOPLE = {
    "waits": resident("秦一嫂", "19720301", 50, enrolment(RESIDENT, MEDICAL)),
    "declines": resident("秦二嫂", "19720402", 51, enrolment(RESIDENT, MEDICAL)),
    "changes_mind": resident("秦三嫂", "19720503", 52, enrolment(RESIDENT, MEDICAL)),
    "payer": resident("秦四嫂", "19720604", 53, enrolment(RESIDENT, MEDICAL)),
    "mother": resident("秦五婆", "19420705", 54, enrolment(RESIDENT, MEDICAL)),
    "before_end": resident("秦六嫂", "19720806", 55, enrolment(RESIDENT, PENSION)),
    "pays_in_time": resident("秦七嫂", "19720907", 56, enrolment(RESIDENT, PENSION)),
    "has_paid_all": resident("秦八嫂", "19861008", 57, enrolment(FLEXIBLE, PENSION, since="2026-01"), payments=[PAID_ALL]),
    "is_special": resident("秦九嫂", "19721109", 58, enrolment(RESIDENT, MEDICAL), marks=["低保对象"]),
    "unbinds": resident("秦十嫂", "19721210", 59, enrolment(RESIDENT, MEDICAL)),
    "is_cut_off": resident(
        "秦乙嫂", "19730210", 60, enrolment(RESIDENT, MEDICAL),
        payments=[medical_payment(2026, "2025-11-03T09:12:00+08:00", "2025-11-05")],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    service = Town(tmp_path_factory.mktemp("reminders"), clock="2026-09-15T10:00:00+08:00").start()
    try:
        service.load(list(PEOPLE.values()))
        yield service
    finally:
        service.stop()


def arrive(village: Town, who: str, sentence: str) -> Resident:
    talker = village.resident(f"remind-{who}")
    talker.say(sentence)
    talker.log_in(str(PEOPLE[who]["alipay_user_id"]))
    return talker


def at(village: Town, moment: str, *talkers: Resident) -> None:
    village.post("/sandbox/clock", {"now": f"{moment}+08:00"})
    for talker in talkers:
        talker.lines.append(("时间", moment.replace("T", " ")))


def hears(talker: Resident, words: str, seconds: float = 1.0) -> bool:
    """Whether the news comes within `seconds`, with whatever is said next."""
    end, before = time.monotonic() + seconds, len(talker.lines)
    while True:
        del talker.lines[before:]  # what was said in vain is no part of the story
        talker.say("在吗")
        if words in talker.text:
            return True
        if time.monotonic() > end:
            return False
        time.sleep(0.2)


def test_a_year_is_reminded_of_when_its_window_opens(village: Town) -> None:
    """Business 2.4, rates 2.1, 2.5: next year's medical fee on 15 September, and the morning of the 28th."""
    waits = arrive(village, "waits", "帮我交明年的居民医保")
    assert "2026年9月28日才开始缴" in waits.text
    assert "提醒您，好吗" in waits.text
    assert not waits.has("payment_confirmation")
    assert any("2026年度" in button["title"] for button in waits.last[-1]["buttons"])
    waits.press("好，提醒我")
    assert "9月28日" in waits.text
    waits.say("明年的居民医保，到时候提醒我")  # asked for again: once all the same
    declines = arrive(village, "declines", "交2027年的居民医保")
    declines.say("不用了")
    assert "不提醒" in declines.text
    changes = arrive(village, "changes_mind", "交明年的居民医保")
    changes.say("要得")
    changes.say("不用提醒了")
    assert "不再提醒" in changes.text
    changes.say("不用提醒了")
    assert "没有要提醒" in changes.text
    unbinds = arrive(village, "unbinds", "交明年的居民医保")
    unbinds.say("好的")
    unbinds.say("解除绑定")
    unbinds.say("是的")
    at(village, "2026-09-28T07:59:00", waits)
    assert not hears(waits, "现在可以缴了", 0)
    at(village, "2026-09-28T08:00:00", waits)
    assert hears(waits, "2027年度的居民医保，现在可以缴了")
    waits.press("现在缴")
    review = waits.card("payment_confirmation")
    assert (review["fee_year"], review["total"]) == (2027, "400.00")
    waits.say("取消")
    at(village, "2026-10-08T10:00:00", waits)
    assert not hears(waits, "现在可以缴了", 0.5)
    for other in (declines, changes, unbinds):
        assert not hears(other, "现在可以缴了", 0)
    waits.write_transcript("reminder")


def test_of_somebody_else_nothing_is_told_and_nothing_reminded(village: Town) -> None:
    """Business 2.10: for another person a closed window is the one same answer, without an offer."""
    at(village, "2026-10-09T10:00:00")
    mother = PEOPLE["mother"]
    payer = arrive(village, "payer", f"给我妈交2026年的居民医保，{mother['name']}，{mother['id_number']}")
    assert "没有查到" in payer.text
    assert "提醒" not in payer.text
    payer.say("到时候提醒我")
    assert "就提醒您" not in payer.text
    payer.say("取消")
    payer.say(f"给我妈交2027年的居民医保，{mother['name']}，{mother['id_number']}")
    assert payer.has("payment_confirmation")
    payer.say("到期前提醒我")
    assert "不能提醒" in payer.text
    assert payer.has("payment_confirmation")


def test_before_a_window_ends_who_has_not_paid_is_told(village: Town) -> None:
    """Rates 1.2: the year's pension until 31 December; who paid meanwhile hears nothing."""
    at(village, "2026-11-23T10:00:00")
    late = arrive(village, "before_end", "交居民养老")
    late.say("到期前提醒我")
    assert "12月24日" in late.text
    assert late.card("choice")["slot"] == "tier"
    late.say("取消")
    early = arrive(village, "pays_in_time", "交居民养老，三百")
    early.say("到期前提醒我一下")
    early.say("确认支付")
    early.pay(str(PEOPLE["pays_in_time"]["alipay_user_id"]))
    early.say("好了")
    at(village, "2026-12-24T08:00:05", late)
    assert hears(late, "12月31日截止")
    late.press("现在缴")
    assert late.card("choice")["slot"] == "tier"
    assert not hears(early, "截止", 0.5)
    late.write_transcript("reminder-before-the-end")


def test_when_all_months_are_paid_the_next_year_is_offered(village: Town) -> None:
    """Rates 3.5, business 2.2: months of next year can't be paid ahead; when they can, one is told."""
    talker = arrive(village, "has_paid_all", "交灵活养老")
    assert "今年没有要缴的了" in talker.text
    assert "2027年1月1日" in talker.text
    talker.say("好")
    at(village, "2027-01-01T08:00:01", talker)
    assert hears(talker, "2027年的灵活就业养老保险，现在可以缴了")
    talker.press("现在缴")
    assert talker.card("choice")["options"][0]["value"] == "2027-01"
    talker.write_transcript("reminder-next-year")


def test_the_last_day_passes_while_the_review_is_open(village: Town) -> None:
    """Business 2.1, R4: what was shown yesterday is read again; the window that has closed is told, nothing is charged."""
    at(village, "2027-02-28T23:50:00")
    cut_off = arrive(village, "is_cut_off", "交居民医保")
    assert cut_off.card("payment_confirmation")["total"] == "400.00"
    at(village, "2027-03-01T00:05:00")
    cut_off.say("确认支付")
    assert not cut_off.has("payment_request")
    assert cut_off.card("payment_confirmation")["total"] == "1130.00"
    assert "刚才是400元，现在是1130元" in cut_off.text
    assert "5月31日起" in cut_off.text
    cut_off.write_transcript("p5-last-day")


def test_a_year_that_nobody_has_announced_is_waited_for(village: Town) -> None:
    """Business 2.4, rates 2.1: after the ordinary window only people with a mark can pay."""
    at(village, "2027-10-08T10:00:00")
    talker = village.resident("remind-late")
    talker.say("交居民医保")
    talker.log_in(str(PEOPLE["declines"]["alipay_user_id"]))
    assert "2027年9月30日以后就不能缴了" in talker.text
    assert "没有公告" in talker.text
    talker.say("好")
    assert "提醒您" in talker.text
    special = arrive(village, "is_special", "交居民医保")
    assert special.card("payment_confirmation")["total"] == "200.00"
    assert "2027年12月31日" in special.text
