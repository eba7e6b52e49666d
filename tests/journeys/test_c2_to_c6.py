"""C2–C6: tax certificates, first and again, and papers for those one has paid for."""

import hashlib
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

from tests.journeys.driver import Resident, Town
from tests.journeys.people import FLEXIBLE, MEDICAL, PENSION, RESIDENT, enrolment, id_number, medical_payment


def somebody_of(number: int, **more: Any) -> dict[str, Any]:
    return {
        "name": f"吴{'甲乙丙丁戊己庚辛壬癸'[number]}明",
        "id_type": "居民身份证",
        "id_number": id_number("520102", f"1979{number + 1:02d}11"),
        "alipay_user_id": f"20889911000000{number:02d}",
        "enrolments": [enrolment(RESIDENT, MEDICAL, "520102")],
        **more,
    }


def months(count: int, **more: Any) -> list[dict[str, Any]]:
    """Months of pension insurance, one ticket each."""
    return [
        {
            "insured_group": FLEXIBLE, "insurance": PENSION, "agency": "520102", "fee_period": f"2026-{n:02d}",
            "amount": "878.94", "paid_at": f"2026-{n:02d}-12T10:00:00+08:00", "booked_on": f"2026-{n:02d}-16", **more,
        }
        for n in range(1, count + 1)
    ]  # fmt: skip


OLD = medical_payment(2025, "2024-11-04T09:00:00+08:00", "2024-11-06") | {"first_issued_on": "2025-01-08"}
NEW = medical_payment(2026, "2025-11-03T09:00:00+08:00", "2025-11-05") | {"ticket_no": "452015251190000777"}
REFUNDED = medical_payment(2026, "2025-11-03T09:00:00+08:00", "2025-11-05") | {"refunded_on": "2026-01-20"}

ONE = somebody_of(0, payments=[NEW])
BEFORE = somebody_of(1, payments=[OLD])
MANY = somebody_of(
    2, enrolments=[enrolment(FLEXIBLE, PENSION, "520102", since="2026-01")], payments=months(8)
)
LONG = somebody_of(
    7,
    enrolments=[enrolment(FLEXIBLE, PENSION, "520102", since="2026-01")],
    payments=months(9, first_issued_on="2026-10-08"),
)
GONE = somebody_of(3, payments=[REFUNDED])
CHILD = somebody_of(5)
PAYER = somebody_of(4, payments=[NEW | {"paid_for": CHILD["id_number"], "ticket_no": "452015251190000888"}])
EARLY = somebody_of(6)


@pytest.fixture(scope="module")
def offices(town: Town) -> Town:
    town.load([ONE, BEFORE, MANY, GONE, CHILD, PAYER, EARLY, LONG])
    return town


def ask(town: Town, who: dict[str, Any], sender: str, sentence: str) -> Resident:
    resident = town.resident(sender)
    resident.say(sentence)
    resident.log_in(who["alipay_user_id"])
    return resident


def text_of(town: Town, paper: dict[str, Any]) -> str:
    pdf = town.http.get(paper["url"])
    assert pdf.status_code == 200
    assert hashlib.sha256(pdf.content).hexdigest() == paper["sha256"]
    return "".join("".join(p.extract_text() for p in PdfReader(BytesIO(pdf.content)).pages).split())


def code_in(text: str) -> str:
    return text.partition("查验码：")[2][:16]


def checked(town: Town, number: str, code: str) -> dict[str, Any]:
    accept = {"accept": "application/json"}
    found: dict[str, Any] = town.http.get(f"/verify/{number}", params={"code": code}, headers=accept).json()
    return found


def test_c2_first_issue_and_c3_reissue(offices: Town) -> None:
    me = ask(offices, ONE, "c2", "首次开具完税证明")
    card = me.card("records")
    assert card["certificate_kind"] == "tax_certificate_first"
    (item,) = card["items"]
    assert item["title"] == "452015251190000777"
    assert item["action"]["title"] == "开具"
    me.say(item["action"]["payload"])
    first = me.card("document")
    assert first["number"] == "452015251190000777"
    text = text_of(offices, first)
    for value in (
        "中华人民共和国", "税收完税证明", "No.452015251190000777", "填发日期：2026年11月23日", ONE["id_number"],
        ONE["name"], "城乡居民基本医疗保险费", "2026-01-01至2026-12-31", "2025-11-05", "人民币肆佰元整", "¥400.00",
        "演示数据，不具有法律效力",
    ):  # fmt: skip
        assert value in text, value
    me.say(item["action"]["payload"])
    assert me.card("document")["sha256"] == first["sha256"]

    me.say("再给我补开一张完税证明")
    again = me.card("records")
    assert again["certificate_kind"] == "tax_certificate_reissue"
    me.say("第一个")
    second = me.card("document")
    assert second["number"] == first["number"]
    assert second["sha256"] != first["sha256"]
    assert "补开（第1次）" in text_of(offices, second)
    assert "第1次补开" in me.text
    found = checked(offices, second["number"], code_in(text_of(offices, second)))
    assert (found["verdict"], found["issue"], found["first_issued_on"]) == ("genuine", 1, "2026-11-23")
    assert checked(offices, first["number"], code_in(text))["latest_issue"] == 1
    me.write_transcript("c2-c3")


def test_a_bare_tax_certificate_that_was_issued_elsewhere_is_a_reissue(offices: Town) -> None:
    me = ask(offices, BEFORE, "c3-bare", "我要开完税证明")
    card = me.card("records")
    assert card["certificate_kind"] == "tax_certificate_reissue"
    me.say("2" if len(card["items"]) > 1 else "1")
    text = text_of(offices, me.card("document"))
    assert "补开（第1次），首次填发日期：2025年1月8日" in text


def test_a_bare_tax_certificate_that_was_not_issued_is_the_first(offices: Town) -> None:
    me = ask(offices, MANY, "c2-many", "开完税证明")
    card = me.card("records")
    assert card["certificate_kind"] == "tax_certificate_first"
    assert len(card["items"]) == 5
    me.say("第二个")
    assert me.card("document")["number"] == card["items"][1]["title"]
    me.say("第一个和第三个")
    numbers = {m["custom"]["number"] for m in me.last if m.get("custom", {}).get("kind") == "document"}
    assert numbers == {card["items"][0]["title"], card["items"][2]["title"]}
    me.say("开完税证明")
    left = me.card("records")
    assert not {item["title"] for item in left["items"]} & {item["title"] for item in card["items"][:3]}
    me.say("都要")
    assert len([m for m in me.last if m.get("custom", {}).get("kind") == "document"]) == len(left["items"])
    me.write_transcript("c2-many")


def test_pages_of_a_long_list(offices: Town) -> None:
    me = ask(offices, LONG, "c3-pages", "补开今年的完税证明")
    pages = 1
    while me.card("records").get("next"):
        me.say("下一页")
        pages += 1
    assert pages == 2
    me.say("最后一个")
    assert me.has("document")


def test_what_was_refunded_is_not_on_the_list(offices: Town) -> None:
    me = ask(offices, GONE, "c2-refunded", "首次开具2026年的完税证明")
    assert not me.has("records")
    assert "没有查到" in me.text


def name_them(me: Resident, other: dict[str, Any], name: str = "") -> None:
    me.say(other["id_number"])
    me.say(name or other["name"])


def test_c4_to_c6_for_somebody_one_has_paid_for(offices: Town) -> None:
    me = ask(offices, PAYER, "c4", "给我儿子开2026年的缴费记录凭证")
    name_them(me, CHILD)
    record = text_of(offices, me.card("document"))
    assert "是（代缴人：" in record
    assert CHILD["id_number"] in record
    assert PAYER["name"] not in record

    me.say("给我儿子首次开具完税证明")
    name_them(me, CHILD)
    (item,) = me.card("records")["items"]
    me.say(item["action"]["payload"])
    first = me.card("document")
    assert CHILD["name"] in text_of(offices, first)

    me.say("补开代缴的完税证明")
    name_them(me, CHILD)
    assert me.card("records")["certificate_kind"] == "tax_certificate_reissue"
    me.say("第一个")
    assert me.card("document")["number"] == first["number"]
    said = "\n".join(text for who, text in me.lines if who == "助手")
    assert CHILD["name"] not in said
    assert "*明" in said
    assert CHILD["id_number"] not in said
    me.write_transcript("c4-c6")

    child = ask(offices, CHILD, "c4-child", "首次开具完税证明")
    shared = child.card("records")
    child.say(shared["items"][0]["action"]["payload"])
    assert child.card("document")["sha256"] == first["sha256"]


def test_whatever_is_wrong_the_answer_is_one(offices: Town) -> None:
    answers = set()
    wrong = (
        (CHILD, "李明华"),
        (ONE, ""),
        ({"id_number": id_number("520102", "19990101"), "name": "赵没有"}, ""),
    )
    me = ask(offices, PAYER, "c4-wrong", "给我儿子开2026年的缴费记录凭证")
    for other, name in wrong:
        name_them(me, other, name)
        answers.add(me.text)
        me.say("给我儿子开2026年的缴费记录凭证")
    assert len(answers) == 1


def test_not_yet_and_a_message_when_it_is_there(new_town: Any) -> None:
    town = new_town()
    town.load([EARLY])
    me = town.resident("c2-early")
    me.say("交明年的居民医保")
    me.log_in(EARLY["alipay_user_id"])
    me.say("确认支付")
    me.pay(EARLY["alipay_user_id"])
    me.say("好了")
    me.say("首次开具2027年的完税证明")
    if me.has("identity_verification"):
        me.verify()
        me.say("好了")
    assert "11月24日" in me.text or "11月26日" in me.text
    me.press("好，告诉我")
    assert "告诉您" in me.text
    town.advance("P4D")
    me.wait_for_button("现在开")
    me.press("现在开")
    if me.has("identity_verification"):
        me.verify()
        me.say("好了")
    assert me.card("records")["certificate_kind"] == "tax_certificate_first"
    me.write_transcript("c2-not-yet")
