"""C1–C6 and Q1–Q4 as people really ask: in any order, with a change of mind, a question between, in dialect."""

from typing import Any

import pytest

from tests.journeys.driver import Town
from tests.journeys.papers import (
    ask,
    begin,
    declared,
    documents,
    month_payment,
    pay_now,
    villagers,
    without_personal_data,
    year,
)
from tests.journeys.people import FLEXIBLE, MEDICAL, PENSION, RESIDENT, enrolment

BOTH_KINDS = (enrolment(RESIDENT, MEDICAL), enrolment(FLEXIBLE, PENSION, since="2026-11"))
villager = villagers("520115", "22")


def person(name: str, number: int, **more: Any) -> dict[str, Any]:
    return villager(name, number, *BOTH_KINDS, **more)


THREE_YEARS = person("何三年", 0, payments=[year(2024), year(2025), year(2026)])
BOTH = person("何两样", 1, payments=[year(2026), *(month_payment(2026, month) for month in range(7, 10))])
MOTHER = person("何桂英", 2)
PAYER = person(
    "何代缴",
    3,
    payments=[
        year(2026),
        year(2026, paid_for=MOTHER["id_number"]),
        year(2025, paid_for=MOTHER["id_number"]),
    ],
)
GRANDMOTHER = person("何奶奶", 4, payments=[year(2026, first_issued_on="2026-01-08")])
GONE = person("何退费", 5, payments=[year(2026, refunded_on="2026-01-20")])
NOBODY = person("何没有", 6)
MONTHS = person(
    "何月月",
    7,
    payments=[month_payment(2025 + n // 12, n % 12 + 1) for n in range(16)],
    declarations=[
        declared("2026-04-10", FLEXIBLE, PENSION, "878.94", fee_period="2026-04", tier="60%", base="4394.70")
    ],
)
EARLY = person("何太早", 8)
SISTER = person("王小芳", 9)
BROTHER = person("何有妹", 10, payments=[year(2026), year(2026, paid_for=SISTER["id_number"])])
LEFT = person(
    "何落下",
    11,
    assessed_arrears=[
        {
            "insured_group": FLEXIBLE,
            "insurance": PENSION,
            "agency": "520103",
            "period": "2025-01/2025-12",
            "amount": "9720.00",
        }
    ],
    declarations=[declared("2026-04-10", FLEXIBLE, PENSION, "878.94", fee_period="2026-04")],
)


@pytest.fixture(scope="module")
def people(town: Town) -> Town:
    town.load(
        [THREE_YEARS, BOTH, MOTHER, PAYER, GRANDMOTHER, GONE, NOBODY, MONTHS, EARLY, SISTER, BROTHER, LEFT]
    )
    return town


def test_papers_of_several_years_at_once(people: Town) -> None:
    me = begin(people, THREE_YEARS, "words-years", "我想要个缴费凭证")
    me.say("都要")
    assert len(documents(me)) == 3
    me.say("近两年的再来一份")
    assert len(documents(me)) == 2
    me.say("2024年和2025年的缴费凭证")
    assert [year in me.text for year in ("2024年", "2025年", "2026年")] == [True, True, False]
    me.say("2019年的呢")
    assert {option["value"] for option in me.card("choice")["options"]} == {"2024", "2025", "2026"}
    me.say("2023和2024的")
    assert len(documents(me)) == 1
    assert "2023年没有查到" in me.text
    me.write_transcript("c1-years")


def test_the_one_year_that_there_is_is_taken_by_a_yes(people: Town) -> None:
    me = begin(people, GRANDMOTHER, "words-yes", "开2023年的缴费凭证")
    assert "没有查到2023年的" in me.text
    me.say("要")
    assert "2026年" in me.text
    assert len(documents(me)) == 1


def test_certificates_of_one_insurance_and_never_a_payment(people: Town) -> None:
    me = begin(people, BOTH, "words-insurance", "打印完税证明")
    me.say("只要医保的")
    (item,) = me.card("records")["items"]
    assert "居民医保" in str(item)
    me.say("还有养老的")
    assert len(me.card("records")["items"]) == 3
    me.say("八月的那张")
    assert len(me.card("records")["items"]) == 1
    me.say("第一个")
    assert "2026年8月" in me.text
    me.say("再补一张")
    assert me.card("records")["certificate_kind"] == "tax_certificate_reissue"
    me.say("头一张")
    assert "第1次补开" in me.text
    me.say("开2023年的完税证明")
    assert "没有查到2023年的。能开完税证明的有2026年" in me.text
    assert "核对" not in "".join(text for _, text in me.lines)
    me.write_transcript("c2-one-insurance")


def test_for_another_in_any_order_with_a_question_between(people: Town) -> None:
    me = begin(people, PAYER, "words-other", "给我妈开完税证明")
    me.say(MOTHER["name"])
    assert "姓名记下了" in me.text
    me.say("开这个要好多钱？")
    assert "证件号码" in me.last[-1]["text"]
    assert len(me.last) > 1, "the question is answered before the number is asked for again"
    me.say(MOTHER["id_number"])
    me.say("二零二五年的")
    me.say("第一个")
    assert "**英" in me.text
    me.say("补开一下")
    assert "**英" in me.text
    me.say("第一个")
    assert "第1次补开" in me.text
    me.say("我自己的呢")
    assert "**英" not in me.text
    assert me.card("records")["certificate_kind"] == "tax_certificate_first"
    assert not me.has("payment_confirmation")
    told = "".join(text for who, text in me.lines if who == "助手")
    assert MOTHER["name"] not in told
    me.lines = [
        (who, text.replace(MOTHER["id_number"], "（号码）").replace(MOTHER["name"], "（姓名）"))
        for who, text in me.lines
    ]
    me.write_transcript("c5-any-order")


def test_who_is_spoken_to_is_not_who_is_meant(people: Town) -> None:
    me = begin(people, GRANDMOTHER, "words-called", "妹妹，我要那个完税证明")
    assert me.card("records")["certificate_kind"] == "tax_certificate_reissue"
    me.say("给孙子开一张完税证明")
    assert "证件号码" in me.text
    me.press("给我自己开")
    assert me.has("records")


def test_why_there_is_no_paper_is_told(people: Town) -> None:
    gone = begin(people, GONE, "words-gone", "2026年的缴费凭证")
    assert "已经退了" in gone.text
    gone.press("查缴费记录")
    gone.say("已缴费记录")
    assert "都已经退费" in gone.text
    nobody = begin(people, NOBODY, "words-nobody", "开缴费凭证")
    assert "没有查到您的缴费记录" in nobody.text
    assert "2026年" not in nobody.text
    nobody.say("2019年的")
    assert "2020年11月以前" in nobody.text


def test_times_of_every_kind(people: Town) -> None:
    me = begin(people, MONTHS, "words-times", "查去年上半年的缴费")
    expected = (
        ("国庆前的", "4条"), ("最近三个月的呢", "最近的一条是2026年4月的"), ("元旦以后", "4条"), ("二五年的", "12条"),
        ("2025到2026", "16条"), ("2026/3", "1条"), ("今年一季度", "3条"), ("最近一年的", "5条"),
    )  # fmt: skip
    for said, told in expected:
        me.say(said)
        assert told in me.text, f"{said}: {me.text}"
    me.say("上个月申报的")
    assert "最近的一次是2026年4月10日申报的" in me.text
    me.say("今年申报的")
    assert "1条" in me.text
    me.say("第一条")
    me.say("回到列表")
    assert "1条" in me.text
    me.say("查农历去年腊月交的钱")
    assert "公历" in me.text
    me.say("哪年交得最多")
    assert any(message.get("image") for message in me.last)
    me.write_transcript("q2-times")


def test_an_offer_to_be_told_outlives_a_question(people: Town) -> None:
    me = begin(people, EARLY, "words-early", "交明年的居民医保")
    me.say("确认支付")
    me.pay(EARLY["alipay_user_id"])
    me.say("好了")
    me.say("开2027年的缴费凭证")
    if me.has("identity_verification"):
        me.verify()
        me.say("好了")
    assert "可能晚几天" not in me.text
    me.say("好久能开")
    assert "最晚11月26日" in me.last[-1]["text"]
    me.say("要得")
    assert "我就告诉您" in me.text
    me.write_transcript("c1-offer")


def test_the_last_paper_again_and_all_of_them(people: Town) -> None:
    me = begin(people, THREE_YEARS, "words-again", "开2025年的缴费凭证")
    (first,) = documents(me)
    for said in ("再开一次", "下载", "链接过期了"):
        me.say(said)
        assert [paper["sha256"] for paper in documents(me)] == [first["sha256"]], said
    me.say("查我2025年交了多少社保")
    me.say("一共多少钱")
    assert "合计400元" in me.text
    me.say("开2024年的完税证明")
    me.say("全部完税证明")
    assert not documents(me)
    assert len(me.card("records")["items"]) == 3


def test_who_stands_beside_me_is_asked_for_next_and_never_written_down(people: Town) -> None:
    me = begin(people, BROTHER, "words-beside", "开我和王小芳的2026年的缴费凭证")
    assert len(documents(me)) == 1
    assert "姓名记下了" in me.text
    me.say(SISTER["id_number"])
    assert "**芳2026年" in me.text
    me.say("查我和王小芳2026年的缴费记录")
    assert "已缴费记录1条" in me.text
    me.say(SISTER["id_number"])
    assert "您替**芳缴的费1条，2026年" in me.text
    me.say("我和王小芳一起交明年的居民医保")
    assert "姓名记下了" in me.text
    me.say(SISTER["id_number"])
    assert "**芳，居民医保，2027年度" in me.text
    kept = (people.data_dir / "serve.log").read_bytes()
    assert "王小芳".encode() not in kept
    without_personal_data(me, SISTER)
    me.write_transcript("c4-beside-me")


def test_what_somebody_is_called_is_no_name(people: Town) -> None:
    me = begin(people, PAYER, "words-nickname", f"给何奶奶{MOTHER['id_number']}开2026年的缴费凭证")
    assert "身份证上的姓名" in me.text
    me.say("何奶奶")
    assert "姓名要和身份证上的一样，平时的称呼查不到" in me.text
    me.say("何大娘")
    assert "平时的称呼查不到" in me.text
    me.say(MOTHER["name"])
    assert "**英2026年" in me.text
    me.say("查我替何嬢嬢缴的费")
    me.say(MOTHER["id_number"])
    assert "平时的称呼查不到" in me.text
    me.say(MOTHER["name"])
    me.say("2025年")
    assert "您替**英缴的费1条" in me.text
    me.say(f"给何嬢嬢交明年的居民医保，{MOTHER['id_number']}")
    assert "平时的称呼查不到" in me.text
    me.say(MOTHER["name"])
    assert "您给**英缴居民医保" in me.text
    without_personal_data(me, MOTHER)
    me.write_transcript("c4-nickname")


def test_another_wish_in_the_middle(people: Town) -> None:
    me = begin(people, LEFT, "words-instead", "开完税证明")
    me.say("完税证明不开了，看哈申报")
    assert "申报的" in me.text
    me.say("全部")
    assert me.card("records")["query_kind"] == "declaration"
    me.say("去年落下的养老咋个补")
    assert "2025年1月至12月，补缴，一共9720元" in me.text
    me.write_transcript("q1-instead")
    again = begin(people, LEFT, "words-instead-again", "查我欠的")
    assert again.card("choice")["slot"] == "query_kind"
    again.say("去年落下的咋个补")
    assert again.has("payment_confirmation")


def test_a_booking_is_told_in_one_message(new_town: Any) -> None:
    town = new_town()
    town.load([EARLY])
    me = begin(town, EARLY, "words-booked", "交明年的居民医保")
    pay_now(me, EARLY)
    ask(me, "开2027年的缴费凭证")
    me.press("好，告诉我")
    town.advance("P4D")
    me.wait_for_button("现在开")
    told = me.text
    for _ in range(5):
        me.say("你好")
        told += me.text
    assert told.count("入账") == 1
    assert told.count("您问过的2027年缴费记录凭证") == 1
    me.write_transcript("c1-booked")
