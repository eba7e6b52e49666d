"""Money back by chat: before booking, after booking with two approvals, refused, taken back, for the wrong person."""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

from tests.journeys.driver import Resident, Town
from tests.journeys.people import FLEXIBLE, MEDICAL, PENSION, RESIDENT, enrolment, id_number

NAMES = "甲乙丙丁戊己庚辛"
NUMBER = re.compile(r"TF\d{10}")


def somebody(number: int, *enrolments: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": f"罗{NAMES[number]}华",
        "id_type": "居民身份证",
        "id_number": id_number("520103", f"1977{number + 1:02d}13"),
        "alipay_user_id": f"20889922000000{number:02d}",
        "enrolments": list(enrolments) or [enrolment(RESIDENT, MEDICAL)],
    }


BOTH = (enrolment(RESIDENT, MEDICAL), enrolment(RESIDENT, PENSION))
EARLY, WRONG, FATHER, SEVERAL = somebody(0), somebody(1), somebody(2), somebody(3, *BOTH)
LATE, BACK, REGRETS = somebody(4), somebody(5), somebody(6, enrolment(FLEXIBLE, PENSION, since="2026-01"))
REJECTED = somebody(7)


@pytest.fixture(scope="module")
def offices(town: Town) -> Town:
    town.load([EARLY, SEVERAL])
    return town


def pay(town: Town, who: dict[str, Any], sender: str, words: str = "交明年的居民医保") -> Resident:
    me = town.resident(sender)
    me.say(words)
    me.log_in(who["alipay_user_id"])
    return finish_paying(me, who)


def finish_paying(me: Resident, who: dict[str, Any]) -> Resident:
    me.say("确认支付")
    me.pay(who["alipay_user_id"])
    me.say("好了")
    assert me.card("payment_status")["status"] == "paid"
    return me


def wait_for(me: Resident, words: str, seconds: float = 30, asking: str = "退费办到哪了") -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        me.say(asking)
        if words in me.text:
            return
        me.lines = me.lines[: -1 - len(me.last)]  # what was only waiting is no part of the transcript
        time.sleep(0.3)
    raise AssertionError(f"no {words} in {seconds} s: {me.text}")


def number_in(me: Resident) -> str:
    found = NUMBER.search(me.text)
    assert found, me.text
    return found[0]


@pytest.fixture(scope="module")
def staffed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town whose clock goes on from test to test (the test that lets a month pass is the last), with two supervisors and somebody at the counter."""
    town = Town(tmp_path_factory.mktemp("staffed")).start()
    town.load([WRONG, FATHER, LATE, BACK, REGRETS, REJECTED])
    town.secrets = {}  # type: ignore[attr-defined]
    for name, role in (("anna", "supervisor"), ("bert", "supervisor"), ("carl", "agent")):
        done = town.shebao("agents", "add", name, "--role", role)
        assert done.returncode == 0, done.stderr
        town.secrets[name] = done.stdout.strip().rpartition(" ")[2]  # type: ignore[attr-defined]
    yield town
    town.stop()


def staff(town: Town, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    os.environ["SHEBAO_AGENT_SECRET"] = town.secrets[name]  # type: ignore[attr-defined]
    try:
        return town.shebao("refunds", *arguments, "--as", name)
    finally:
        del os.environ["SHEBAO_AGENT_SECRET"]


def book(town: Town, me: Resident) -> None:
    town.advance("P4D")
    wait_for(me, "已经入账", asking="查付款结果")


# --- before booking -------------------------------------------------------------------------------------


def test_before_booking_the_money_goes_back_the_way_it_came(offices: Town) -> None:
    me = pay(offices, EARLY, "refund-early")
    me.say("不想交了退给我")
    assert "400元" in me.text
    assert "原路退回支付宝" in me.text
    me.say("等一下，退的钱几天能到")  # a question in the middle, and the review again
    assert "确认退费" in me.text
    me.say("上一步")
    assert me.card("choice")["slot"] == "refund_reason"
    me.say("缴重了")
    me.say("确认退费")
    number = number_in(me)
    assert me.card("payment_status")["status"] == "refunding"
    me.say("我要退费")
    assert number in me.text
    wait_for(me, "已经原路退回")
    assert "正在" not in me.text
    me.write_transcript("refund-before-booking")
    state = offices.state(EARLY["id_number"])
    assert state["payments"] == []
    assert [row["status"] for row in state["declarations"]] == ["void"]
    [trade] = state["trades"]
    assert trade["trade_status"] == "TRADE_CLOSED"
    me.say("交明年的居民医保")
    assert me.has("payment_confirmation"), "the bill can be paid anew"


def test_of_several_payments_one_is_chosen_and_cancelling_leaves_all(offices: Town) -> None:
    me = pay(offices, SEVERAL, "refund-several")
    me.say("交居民养老保险，两千那档")
    finish_paying(me, SEVERAL)
    me.say("我要退费")
    card = me.card("choice")
    assert card["slot"] == "refund_order"
    assert len(card["options"]) == 2
    me.say("取消")
    assert "先不退" in me.text
    me.say("我要退费")
    me.say("第二个")
    assert me.card("choice")["slot"] == "refund_reason"
    me.say("取消")
    me.say("把400块退给我，交错人了")
    assert "居民医保" in me.text
    assert "缴错人了" in me.text
    me.say("改一下")
    assert me.card("choice")["slot"] == "refund_reason"
    me.say("先不退了")
    assert "先不退" in me.text
    assert {row["refunded_on"] for row in offices.state(SEVERAL["id_number"])["payments"]} == {None}


def test_who_has_paid_nothing_here_is_told_where_to_turn_to(town: Town) -> None:
    me = town.resident("refund-nothing")
    me.say("我要退费")
    me.log_in("2088600000000002")
    assert "12366" in me.text
    me.say("退费办到哪了")
    assert "还没有退费申请" in me.text


def test_an_order_that_is_not_paid_is_nothing_to_refund(town: Town) -> None:
    me = town.resident("refund-unpaid")
    me.say("交明年的居民医保")
    me.log_in("2088600000000002")
    me.say("确认支付")
    me.say("我要退费")
    assert "没有付钱" in me.text
    me.say("取消")


# --- after booking --------------------------------------------------------------------------------------


@pytest.mark.timeout(400)
def test_paid_for_the_wrong_person_after_booking(staffed: Town) -> None:
    town = staffed
    me = town.resident("refund-wrong")
    me.say("帮我妈交明年的居民医保")
    me.log_in(WRONG["alipay_user_id"])
    me.say(FATHER["id_number"])
    me.say(FATHER["name"])
    finish_paying(me, WRONG)
    book(town, me)
    me.say(f"开{FATHER['name']}的缴费记录凭证")
    me.say("取消")
    me.say("给我妈交成我爸的了")
    assert "3到15个工作日" in me.text
    assert "**华" in me.text or "*华" in me.text
    me.say("确认退费")
    number = number_in(me)
    said = "\n".join(text for who, text in me.lines if who == "助手")
    assert FATHER["name"] not in said
    assert FATHER["id_number"] not in said

    listed = staff(town, "carl", "list")
    assert number in listed.stdout
    shown = json.loads(staff(town, "carl", "show", number).stdout)
    assert shown["evidence_intact"]
    [confirmation] = shown["evidence"]["confirmations"]
    assert confirmation["confirmed_by"].endswith("华")
    assert confirmation["lines"][0]["insured"] != confirmation["payer"]
    for secret in (WRONG["name"], FATHER["name"], WRONG["id_number"], FATHER["id_number"]):
        assert secret not in json.dumps(shown, ensure_ascii=False)

    assert staff(town, "carl", "approve", number).returncode == 1
    first = staff(town, "anna", "approve", number)
    assert "one more person" in first.stdout
    again = staff(town, "anna", "approve", number)
    assert again.returncode == 1
    assert "somebody else" in again.stderr
    assert "is approved" in staff(town, "bert", "approve", number).stdout
    wait_for(me, "税务已经受理")
    seen = follow_to_the_end(town, me)
    assert seen >= {"已经确认", "已经到账"}
    state = town.state(FATHER["id_number"])
    assert [row["refunded_on"] is not None for row in state["payments"]] == [True]
    [trade] = town.state(WRONG["id_number"])["trades"]
    assert trade["trade_status"] == "TRADE_SUCCESS", "not through the gateway"
    me.say("帮我爸交明年的居民医保")
    me.write_transcript("refund-wrong-person")

    done = town.shebao("export-audit")
    assert done.returncode == 0, done.stderr
    actions = [json.loads(line)["action"] for line in done.stdout.splitlines()]
    assert actions[-5:] == [
        "refund_requested", "refund_approved", "refund_approved", "refund_filed", "refund_paid_by_office",
    ]  # fmt: skip


def follow_to_the_end(town: Town, me: Resident) -> set[str]:
    """Day by day; the words that the news brought, nobody asking."""
    words = {"已经受理", "已经确认", "已经退库", "已经到账"}
    seen = set[str]()
    for _ in range(30):
        town.advance("P1D")
        time.sleep(1.2)
        me.say("你好")
        news = {word for word in words if word in me.text}
        if not news - seen:
            me.lines = me.lines[: -1 - len(me.last)]
        seen |= news
        if "已经到账" in seen:
            break
    return seen


def test_a_request_is_taken_back_and_made_again(staffed: Town) -> None:
    me = pay(staffed, BACK, "refund-back")
    book(staffed, me)
    me.say("我要退费，交重了")
    me.say("确认退费")
    number = number_in(me)
    me.say("退费办到哪了")
    assert "正在审核" in me.text
    assert number in me.text
    me.say("不退了")
    assert number in me.text
    assert "撤回" in me.text
    staff_says = staff(staffed, "anna", "approve", number)
    assert staff_says.returncode == 1
    me.say("我要退费，交重了")
    me.say("确认退费")
    again = number_in(me)
    assert again != number
    assert staff(staffed, "anna", "approve", again).returncode == 0
    assert staff(staffed, "bert", "approve", again).returncode == 0
    me.say("撤回退费申请")
    assert "没有可以撤回" in me.text
    me.write_transcript("refund-taken-back")


def test_a_regret_after_booking_is_refused_with_where_to_turn_to(staffed: Town) -> None:
    me = pay(staffed, REGRETS, "refund-regret", "交灵活就业养老，一到六月，百分之六十")
    book(staffed, me)
    me.say("不想交了，把钱退给我")
    assert "12366" in me.text
    assert not me.has("payment_status")
    me.press("换个原因")
    assert me.card("choice")["slot"] == "refund_reason"
    me.say("交重了")
    assert "3到15个工作日" in me.text
    me.say("取消")
    me.write_transcript("refund-refused")


def test_a_rejection_by_the_staff_is_told(staffed: Town) -> None:
    me = pay(staffed, REJECTED, "refund-rejected")
    book(staffed, me)
    me.say("退费，缴错人了")
    me.say("确认退费")
    number = number_in(me)
    assert staff(staffed, "anna", "reject", number, "--reason", "the payer named this person").returncode == 0
    me.say("你好")
    assert "没有通过" in me.text
    assert "12366" in me.text


def test_a_certificate_that_was_issued_is_void_after_the_refund(staffed: Town) -> None:
    town = staffed
    me = pay(town, LATE, "refund-paper")
    book(town, me)
    me.say("开2027年的缴费记录凭证")
    if me.has("identity_verification"):
        me.verify()
        me.say("好了")
    paper = me.card("document")
    code = code_of(town, paper["url"])
    assert verdict(town, paper["number"], code) == "genuine"
    me.say("参加了职工医保，居民医保给我退了")
    me.say("确认退费")
    number = number_in(me)
    assert staff(town, "carl", "propose", number).returncode == 0
    assert "is approved" in staff(town, "anna", "approve", number).stdout
    wait_for(me, "税务已经受理")
    town.advance("P30D")
    wait_for(me, "已经到账")
    assert verdict(town, paper["number"], code) == "void"


def code_of(town: Town, url: str) -> str:
    pages = PdfReader(BytesIO(town.http.get(url).content)).pages
    return "".join("".join(p.extract_text() for p in pages).split()).partition("查验码：")[2][:16]


def verdict(town: Town, number: str, code: str) -> str:
    accept = {"accept": "application/json"}
    found = town.http.get(f"/verify/{number}", params={"code": code}, headers=accept)
    return str(found.json()["verdict"])
