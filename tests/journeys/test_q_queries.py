"""Q1–Q4: declarations, payments, tier choices, payments for others; nobody, one, forty, a refunded one."""

from collections.abc import Callable
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from pypdf import PdfReader

from tests.journeys.driver import Resident, Town
from tests.journeys.papers import declared, month_payment
from tests.journeys.people import FLEXIBLE, MEDICAL, PENSION, RESIDENT, enrolment, medical_payment, resident

FORTY = 40


def people() -> dict[str, dict[str, Any]]:
    home = enrolment(RESIDENT, MEDICAL)
    flexible = enrolment(FLEXIBLE, PENSION)
    months = [month_payment(2023 + n // 12, n % 12 + 1) for n in range(FORTY)]
    refunded = medical_payment(2026, "2025-11-03T09:12:00+08:00", "2025-11-05")
    return {
        "nobody": resident("林一鸣", "19910405", 92, home),
        "one": resident(
            "周小雨", "19920506", 93, home, payments=[medical_payment(2026, "2025-11-03T09:12:00+08:00", "2025-11-05")]
        ),
        "forty": resident("吴大海", "19800607", 94, flexible, payments=months),
        "refunded": resident(
            "郑美兰", "19830708", 95, home,
            payments=[
                medical_payment(2025, "2024-11-03T09:12:00+08:00", "2024-11-05", "380.00"),
                {**refunded, "refunded_on": "2025-12-01"},
            ],
        ),
        "declares": resident(
            "冯志强", "19790809", 96, home, flexible,
            declarations=[
                declared("2026-02-10", FLEXIBLE, PENSION, "2636.82", fee_period="2026-01/2026-03", tier="60%", base="4394.70"),
                declared("2026-05-10", FLEXIBLE, PENSION, "878.94", fee_period="2026-04", tier="60%", base="4394.70"),
                declared("2025-11-03", RESIDENT, MEDICAL, "400.00", fee_year=2026),
            ],
        ),
        "chooses": resident(
            "蒋文静", "19850910", 97, flexible,
            tier_choices=[
                {"tier": "60%", "base": "4394.70", "from": "2025-01", "to": "2025-12", "validity": "invalid"},
                {"tier": "80%", "base": "5859.60", "from": "2026-01", "to": "2026-12", "validity": "valid"},
            ],
        ),
        "mother": resident("陈桂英", "19550311", 91, home),
    }  # fmt: skip


@pytest.fixture(scope="module")
def residents(town: Town) -> dict[str, dict[str, Any]]:
    everybody = people()
    mother = everybody["mother"]
    everybody["pays_for_mother"] = resident(
        "许晓晨", "19951215", 98, enrolment(RESIDENT, MEDICAL),
        payments=[
            {**medical_payment(2026, "2025-11-08T10:00:00+08:00", "2025-11-12"), "paid_for": mother["id_number"]},
            {**medical_payment(2025, "2024-11-08T10:00:00+08:00", "2024-11-12", "380.00"), "paid_for": mother["id_number"]},
        ],
    )  # fmt: skip
    town.load(list(everybody.values()))
    return everybody


def log_in(someone: Resident, words: str, person: dict[str, Any]) -> None:
    someone.say(words)
    someone.log_in(person["alipay_user_id"])


def values(item: dict[str, Any]) -> dict[str, str]:
    return {line["label"]: line["value"] for line in item["lines"]}


def test_q2_nobody(town: Town, residents: dict[str, Any]) -> None:
    someone = town.resident("q2-nobody")
    log_in(someone, "查一下我2025年的已缴费记录", residents["nobody"])
    assert not someone.has("records")
    assert "没有查到" in someone.text
    someone.say("下一页")
    assert not someone.has("records")


def test_q2_one_record(town: Town, residents: dict[str, Any]) -> None:
    someone = town.resident("q2-one")
    log_in(someone, "社保费已缴费查询", residents["one"])
    card = someone.card("records")
    assert card["query_kind"] == "paid"
    assert [values(item)["金额"] for item in card["items"]] == ["400.00元"]
    assert values(card["items"][0])["入库日期"] == "2025-11-05"
    assert values(card["items"][0])["险种"] == "居民医保"
    assert "next" not in card
    someone.say(card["items"][0]["action"]["payload"])
    assert "电子税票号码" in values(someone.card("records")["items"][0])
    someone.write_transcript("q2")


def test_q2_forty_records(town: Town, residents: dict[str, Any]) -> None:
    someone = town.resident("q2-forty")
    log_in(someone, "查我的已缴费", residents["forty"])
    assert someone.card("choice")["slot"] == "fee_period"
    someone.say("全部")
    first = someone.card("records")
    assert "40条" in someone.text
    assert "35157.60元" in someone.text
    assert len(first["items"]) == 5
    seen = [item["id"] for item in first["items"]]
    someone.say("下一页")
    second = someone.card("records")
    assert not set(seen) & {item["id"] for item in second["items"]}
    someone.say("第二个")
    detail = someone.card("records")["items"]
    assert [item["id"] for item in detail] == [second["items"][1]["id"]]
    someone.say("回到第一页")
    someone.say("第一页")
    assert [item["id"] for item in someone.card("records")["items"]] == seen
    someone.say(first["next"])
    assert someone.card("records")["items"] == second["items"]
    someone.say("上一页")
    assert [item["id"] for item in someone.card("records")["items"]] == seen
    someone.say("最后一页")
    assert "next" not in someone.card("records")
    someone.say("只看2024年的")
    assert "12条" in someone.text
    someone.say("2023年1月到6月的呢")
    assert "6条" in someone.text
    assert "5273.64元" in someone.text
    someone.say("2026年以来的")
    assert "4条" in someone.text
    someone.say("查2025年10月入库的")
    assert [values(item)["入库日期"] for item in someone.card("records")["items"]] == ["2025-10-12"]
    someone.say("2025年3月10号交的是哪一笔")
    assert [values(item)["入库日期"] for item in someone.card("records")["items"]] == ["2025-03-12"]
    someone.write_transcript("q2-forty")


def test_q2_years_as_a_chart(town: Town, residents: dict[str, Any]) -> None:
    someone = town.resident("q2-chart")
    log_in(someone, "查一下我2025年的缴费明细", residents["forty"])
    someone.say("按年汇总")
    assert "2023年10547.28元" in someone.text
    picture = next(message["image"] for message in someone.last if message.get("image"))
    answer = town.http.get(picture)
    assert answer.headers["content-type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")
    someone.write_transcript("q2-chart")


def test_q2_exported(town: Town, residents: dict[str, Any]) -> None:
    someone = town.resident("q2-export")
    log_in(someone, "查我全部的已缴费记录", residents["forty"])
    someone.say("导出")
    sheet, page = [m["custom"] for m in someone.last if m.get("custom", {}).get("kind") == "document"]
    book = town.http.get(sheet["url"])
    assert "spreadsheetml" in book.headers["content-type"]
    assert book.headers["cache-control"] == "no-store"
    with ZipFile(BytesIO(book.content)) as archive:
        assert archive.read("xl/worksheets/sheet1.xml").count(b"878.94") == FORTY
    text = "".join(
        part.extract_text() for part in PdfReader(BytesIO(town.http.get(page["url"]).content)).pages
    )
    assert text.count("878.94") == FORTY
    assert residents["forty"]["name"] not in text
    assert town.http.get(page["preview_url"]).content.startswith(b"\x89PNG")
    for _ in range(2):
        assert town.http.get(page["url"]).status_code == 200
    assert town.http.get(page["url"]).status_code == 404
    assert town.http.get(page["url"]).text == town.http.get("/exports/guessed").text
    someone.write_transcript("q2-export")


def test_q2_a_refunded_one(town: Town, residents: dict[str, Any]) -> None:
    someone = town.resident("q2-refunded")
    log_in(someone, "看看我交过的全部社保费", residents["refunded"])
    items = someone.card("records")["items"]
    assert {values(item).get("退费日期") for item in items} == {None, "2025-12-01"}
    assert "合计380元" in someone.text
    assert "1条已退费" in someone.text
    someone.write_transcript("q2-refunded")


def test_q1_declarations(town: Town, residents: dict[str, Any]) -> None:
    someone = town.resident("q1")
    log_in(someone, "社保费申报查询", residents["declares"])
    assert someone.card("choice")["slot"] == "date_range"
    someone.say("2025年1月1日到2026年12月31日")
    choice = someone.card("choice")
    assert choice["slot"] == "insured_group"
    someone.say("灵活就业人员")
    card = someone.card("records")
    assert card["query_kind"] == "declaration"
    assert [values(item)["申报日期"] for item in card["items"]] == ["2026-05-10", "2026-02-10"]
    assert values(card["items"][0])["缴费档次"] == "60%"
    someone.say("第2条的详情")
    detail = values(someone.card("records")["items"][0])
    assert detail["费款所属期"] == "2026年1月至3月"
    assert detail["缴费基数"] == "4394.70元"
    someone.write_transcript("q1")


def test_q1_in_one_sentence(town: Town, residents: dict[str, Any]) -> None:
    someone = town.resident("q1-at-once")
    log_in(someone, "查一下2026年5月居民和灵活就业的申报记录", residents["declares"])
    if someone.has("choice"):
        someone.say("全部")
    assert [values(item)["申报日期"] for item in someone.card("records")["items"]] == ["2026-05-10"]


def test_q3_tier_choices(town: Town, residents: dict[str, Any]) -> None:
    someone = town.resident("q3")
    log_in(someone, "灵活就业基本养老选档记录查询", residents["chooses"])
    assert someone.card("choice")["slot"] == "validity"
    someone.say("有效")
    card = someone.card("records")
    assert card["query_kind"] == "tier_choice"
    assert [values(item)["缴费档次"] for item in card["items"]] == ["80%"]
    assert values(card["items"][0])["缴费基数"] == "5859.60元"
    someone.say("看看无效的")
    assert [values(item)["缴费档次"] for item in someone.card("records")["items"]] == ["60%"]
    someone.write_transcript("q3")


def test_q4_paid_for_another(town: Town, residents: dict[str, Any]) -> None:
    mother = residents["mother"]
    someone = town.resident("q4")
    log_in(someone, "代他人缴费查询", residents["pays_for_mother"])
    someone.say(mother["id_number"])
    someone.say(mother["name"])
    assert someone.card("choice")["slot"] == "fee_period"
    someone.say("2026年")
    card = someone.card("records")
    assert [values(item)["金额"] for item in card["items"]] == ["400.00元"]
    told = "\n".join(text for who, text in someone.lines if who == "助手") + str(card)
    assert mother["name"] not in told
    assert mother["id_number"] not in told
    assert "**英" in told
    lines = [
        (who, text.replace(mother["id_number"], "（号码）").replace(mother["name"], "（姓名）"))
        for who, text in someone.lines
    ]
    someone.lines = lines
    someone.write_transcript("q4")


def test_q4_answers_the_same_whatever_is_wrong(town: Town, residents: dict[str, Any]) -> None:
    mother, stranger = residents["mother"], residents["one"]
    unknown = resident("许无名", "19700101", 99)
    answers = set()
    for place, (number, name) in enumerate(
        [
            (mother["id_number"], "陈桂兰"),
            (unknown["id_number"], "许无名"),
            (stranger["id_number"], stranger["name"]),
        ]
    ):
        someone = town.resident(f"q4-wrong-{place}")
        log_in(someone, "我要看代缴的记录", residents["pays_for_mother"])
        someone.say(number)
        someone.say(name)
        assert not someone.has("records")
        assert not someone.has("choice")
        answers.add(someone.text)
    assert len(answers) == 1


def test_a_query_in_the_middle_of_a_payment(town: Town, residents: dict[str, Any]) -> None:
    someone = town.resident("q-between")
    log_in(someone, "帮我交明年的居民医保", residents["refunded"])
    assert someone.has("payment_confirmation")
    someone.say("看看我交过的全部社保记录")
    assert len(someone.card("records")["items"]) == 2
    assert someone.has("payment_confirmation")
    someone.say("导出成表格")
    assert someone.has("document")
    assert someone.has("payment_confirmation")


def test_history_needs_a_fresh_verification_and_tells_what_is_not_booked(
    new_town: Callable[..., Town], residents: dict[str, Any]
) -> None:
    town, me = new_town(), residents["forty"]
    town.load([me, residents["one"]])
    someone = town.resident("q-later")
    log_in(someone, "查我全部的已缴费", me)
    assert someone.has("records")
    town.advance("PT6M")
    someone.say("下一页")
    assert not someone.has("records")
    someone.verify()
    someone.say("好了")
    assert "第2页，共8页" in someone.text
    payer = town.resident("q-pending")
    log_in(payer, "交明年的居民医保", residents["one"])
    payer.say("确认支付")
    payer.pay(residents["one"]["alipay_user_id"])
    payer.say("好了")
    payer.say("查一下我全部的已缴费记录")
    if payer.has("identity_verification"):
        payer.verify()
        payer.say("好了")
    assert len(payer.card("records")["items"]) == 1
    assert "请不要再缴一次" in payer.text
    payer.write_transcript("q2-pending")
