"""Lists of papers as they are used: their total, all of them, one kind of them, whose they are, what is not there yet."""

from typing import Any

import pytest

from tests.journeys.driver import Town
from tests.journeys.papers import (
    ask,
    begin,
    documents,
    month_payment,
    pay_now,
    villagers,
    without_personal_data,
    year,
)
from tests.journeys.people import FLEXIBLE, MEDICAL, PENSION, RESIDENT, enrolment

person = villagers("520123", "33")


FORTY = person(
    "韦四十",
    0,
    enrolment(FLEXIBLE, PENSION),
    payments=[month_payment(2023 + n // 12, n % 12 + 1) for n in range(28)],
)
MIXED = person(
    "韦两样",
    1,
    enrolment(RESIDENT, MEDICAL),
    enrolment(FLEXIBLE, PENSION),
    payments=[year(2026), *(month_payment(2025, month) for month in range(7, 10))],
)
MOTHER = person("罗玉珍", 2)
FATHER = person("韦大成", 3)
CHILD = person(
    "韦小明",
    4,
    payments=[
        *(year(number) for number in (2025, 2026)),
        *(year(number, paid_for=MOTHER["id_number"]) for number in (2025, 2026)),
        year(2026, paid_for=FATHER["id_number"]),
    ],
)
EARLY = person("韦太早", 5, payments=[year(2026)])
WAITS = person("韦等等", 6, payments=[year(2026)])
FOR_CHILD = person("韦当爹", 7)
BABY = person("韦家乐", 8)
OWES = person(
    "韦欠费",
    9,
    enrolment(FLEXIBLE, PENSION),
    assessed_arrears=[
        {
            "insured_group": FLEXIBLE,
            "insurance": PENSION,
            "agency": "520103",
            "period": "2024-01/2024-12",
            "amount": "9720.00",
        }
    ],
)
REFUNDED = person("韦退费", 11, payments=[year(2026, refunded_on="2026-01-20"), year(2025)])
PAGES = person(
    "韦长久",
    14,
    enrolment(FLEXIBLE, PENSION),
    payments=[month_payment(2025, month) | {"first_issued_on": "2026-01-08"} for month in range(1, 13)],
)
ONCE = person("韦一鸣", 15, payments=[year(2026), year(2025)])
MONTHLY = person(
    "韦月月",
    12,
    enrolment(FLEXIBLE, PENSION, since="2026-01"),
    payments=[month_payment(2026, month) for month in range(1, 10)],
)
CHOOSES = person(
    "韦选档",
    13,
    enrolment(FLEXIBLE, PENSION),
    payments=[month_payment(2026, 1)],
    tier_choices=[
        {"tier": "60%", "base": "4394.70", "from": "2025-01", "to": "2025-12", "validity": "invalid"},
        {"tier": "80%", "base": "5859.60", "from": "2026-01", "to": "2026-12", "validity": "valid"},
    ],
)
FIVE = person("韦五年", 10, payments=[year(number) for number in range(2022, 2027)])


@pytest.fixture(scope="module")
def people(town: Town) -> Town:
    everybody = [
        FORTY, MIXED, MOTHER, FATHER, CHILD, EARLY, WAITS, FOR_CHILD, BABY, OWES, FIVE, REFUNDED, MONTHLY, CHOOSES,
        PAGES, ONCE,
    ]  # fmt: skip
    town.load(everybody)
    return town


def test_the_total_of_a_list_and_all_of_it(people: Town) -> None:
    me = begin(people, FORTY, "lists-all", "开2024年和2025年的完税证明")
    assert len(me.card("records")["items"]) == 5
    me.say("总共好多")
    assert "16张一共14063.04元" in me.text
    me.say("下一页")
    me.say("一共多少钱")
    assert "16张一共14063.04元" in me.text
    me.say("都要")
    first = documents(me)
    assert len(first) == 6
    assert "后面还有10张" in me.text
    me.press("接着开")
    second = documents(me)
    assert "后面还有4张" in me.text
    me.say("剩下的都要")
    rest = documents(me)
    assert len({paper["number"] for paper in (*first, *second, *rest)}) == 16
    me.say("一共多少钱")
    assert "刚才开的4张，一共3515.76元" in me.text
    me.say("都要")
    assert not documents(me)
    assert "16张" in me.text
    me.say("再发一次")
    assert [paper["sha256"] for paper in documents(me)] == [paper["sha256"] for paper in rest]
    me.write_transcript("c2-all")


def test_a_page_is_no_ticket(people: Town) -> None:
    me = begin(people, PAGES, "lists-pages", "补开2025年的完税证明")
    first = [item["id"] for item in me.card("records")["items"]]
    me.say("第二页")
    second = [item["id"] for item in me.card("records")["items"]]
    assert not set(first) & set(second)
    me.say("最后一页")
    assert len(me.card("records")["items"]) == 2
    me.say("第九个")
    assert len(me.card("records")["items"]) == 2
    me.say("第一页")
    assert [item["id"] for item in me.card("records")["items"]] == first
    me.say("第一个")
    assert len(documents(me)) == 1
    me.say("第二页")
    assert [item["id"] for item in me.card("records")["items"]] == second


def test_all_of_one_page_then_the_rest_as_reissues(people: Town) -> None:
    me = begin(people, FORTY, "lists-page", "开2023年的完税证明")
    me.say("全部开")
    me.say("接着开")
    assert len(documents(me)) == 6
    me.say("补开2023年的完税证明")
    me.say("这一页的都要")
    some = documents(me)
    assert [paper["title"] for paper in some] == ["税收完税证明"] * 5
    me.say("剩下的都开")
    others = documents(me)
    me.say("接着开")
    others += documents(me)
    assert len({paper["number"] for paper in (*some, *others)}) == 12
    assert "第1次补开" in me.text
    assert "第2次补开" not in me.text


def test_one_insurance_narrows_the_list_that_is_open(people: Town) -> None:
    me = begin(people, MIXED, "lists-narrow", "打印完税证明")
    me.say("2025年")
    assert len(me.card("records")["items"]) == 3
    me.say("只要医保的")
    assert "没有查到2025年医保的。能开医保完税证明的有2026年" in me.text
    me.say("要")
    (item,) = me.card("records")["items"]
    assert "居民医保" in str(item)
    me.say("近两年的完税证明")
    assert len(me.card("records")["items"]) == 4
    me.say("养老的都要")
    assert len(documents(me)) == 3
    me.write_transcript("c2-narrowed")


def test_ones_own_after_those_of_another(people: Town) -> None:
    me = begin(people, CHILD, "lists-own", "给罗玉珍开2025年的缴费记录凭证")
    me.say(MOTHER["id_number"])
    assert "**珍2025年" in me.text
    me.say("那我的呢")
    assert len(documents(me)) == 1
    assert "2025年" in me.text
    assert "**珍" not in me.text
    me.say("一共多少钱")
    assert "刚才开的1张，一共400元" in me.text
    me.say("给罗玉珍开2026年的完税证明")
    assert "**珍有1张" in me.text
    me.say("我自己的呢")
    (item,) = me.card("records")["items"]
    assert "2026年" in str(item)
    assert "**珍" not in me.text
    me.say("查我替罗玉珍缴的费")
    me.say(MOTHER["id_number"])
    me.say("2025年")
    assert "**珍缴的费1条" in me.text
    me.say("我自己的呢")
    assert "查到2025年的已缴费记录1条" in me.text
    me.say("查我前年到今年的缴费")
    assert "已缴费记录2条" in me.text
    without_personal_data(me, MOTHER)
    me.write_transcript("c4-own")


def test_who_was_named_a_moment_ago_is_not_asked_for_again(people: Town) -> None:
    me = begin(people, CHILD, "lists-same", "给我妈开2026年的缴费记录凭证")
    me.say(MOTHER["id_number"])
    me.say(MOTHER["name"])
    assert "**珍2026年" in me.text
    me.say("帮罗玉珍开完税证明")
    me.say("2026年")
    assert "**珍有1张" in me.text
    me.say("给我爸开2026年的缴费凭证")
    assert "证件号码" in me.text
    me.say(FATHER["id_number"])
    me.say(FATHER["name"])
    assert "**成2026年" in me.text
    me.say("给我妈开2025年的缴费凭证")
    assert "**珍2025年" in me.text
    me.say("给她开2025年的完税证明")
    assert "**珍有1张" in me.text
    me.say("她的2026年的完税证明")
    assert "**珍有1张" in me.text
    without_personal_data(me, MOTHER, FATHER)
    me.write_transcript("c4-same-person")


def test_first_issues_tell_what_is_not_booked_yet(people: Town) -> None:
    me = begin(people, EARLY, "lists-early", "交明年的居民医保")
    pay_now(me, EARLY)
    ask(me, "首次开具完税证明")
    assert len(me.card("records")["items"]) == 1
    assert "您刚付的2027年度的居民医保还没入账" in me.text
    assert "最早11月24日" in me.text
    me.say("第一个")
    ask(me, "开2026年的缴费凭证")
    assert len(documents(me)) == 1
    ask(me, "开2027年的缴费凭证")
    assert "最晚11月26日" in me.text


def test_to_be_told_later_whenever_it_is_said(people: Town) -> None:
    me = begin(people, WAITS, "lists-told", "开2026年的缴费凭证")
    me.say("到时候告诉我")
    assert "没有在等入账的缴费" in me.text
    me.say("交明年的居民医保")
    pay_now(me, WAITS)
    ask(me, "开2027年的完税证明")
    assert "最晚11月26日" in me.text
    ask(me, "查一下我2026年的缴费记录")
    assert "还没入库" in me.text
    me.say("到时候告诉我")
    assert "2027年的可以开了，我就告诉您" in me.text
    me.write_transcript("c2-told-later")


def test_who_has_paid_for_a_child_is_told_as_well(people: Town) -> None:
    me = begin(people, FOR_CHILD, "lists-child", "给我儿子交明年的居民医保")
    me.say(BABY["id_number"])
    me.say(BABY["name"])
    pay_now(me, FOR_CHILD)
    me.say("好了告诉我一声")
    assert "2027年的可以开了，我就告诉您" in me.text
    ask(me, "给我儿子开2027年的缴费凭证")
    assert "最晚11月26日" in me.text


def test_arrears_that_were_just_paid_are_known(people: Town) -> None:
    me = begin(people, OWES, "lists-arrears", "补缴灵活就业养老")
    pay_now(me, OWES)
    ask(me, "开2024年的缴费记录凭证")
    assert not documents(me)
    assert "您付的2024年1月至12月的灵活就业养老保险还没入账" in me.text
    assert "最早11月24日，最晚11月26日" in me.text
    ask(me, "查2024年的缴费记录")
    assert "请不要再缴一次" in me.text
    me.write_transcript("c1-arrears")


def test_the_month_that_was_just_paid_is_named(people: Town) -> None:
    me = begin(people, MONTHLY, "lists-month", "交灵活就业养老保险")
    me.say("10月")
    me.say("最低的")
    pay_now(me, MONTHLY)
    ask(me, "开2026年的缴费记录凭证")
    assert len(documents(me)) == 1
    assert "您刚付的2026年10月的灵活就业养老保险还没入账" in me.text
    assert "最早11月24日，最晚11月26日" in me.text
    ask(me, "查今年的缴费记录")
    assert "您刚付的2026年10月的灵活就业养老保险还没入库" in me.text
    me.write_transcript("c1-month")


def test_a_question_that_was_left_does_not_come_back(people: Town) -> None:
    me = begin(people, CHOOSES, "lists-left", "查我的选挡记录")
    assert me.card("choice")["slot"] == "validity"
    me.say("查2026年的缴费记录")
    assert len(me.card("records")["items"]) == 1
    assert not me.has("choice")
    me.say("继续")
    assert not me.has("choice")
    me.say("看看我无效的选档记录")
    assert len(me.card("records")["items"]) == 1
    me.say("全部")
    assert len(me.card("records")["items"]) == 2


def test_a_year_after_nothing_was_found_asks_again(people: Town) -> None:
    me = begin(people, MIXED, "lists-empty", "查2019年的缴费记录")
    assert "没有查到您2019年的" in me.text
    me.say("2025年的")
    assert len(me.card("records")["items"]) == 3
    me.say("一共多少钱")
    assert "一共3条，合计2636.82元" in me.text
    me.say("查2018年的缴费")
    me.say("今年的")
    assert len(me.card("records")["items"]) == 1


def test_back_from_one_record_to_the_list(people: Town) -> None:
    me = begin(people, MIXED, "lists-back", "查2025年的缴费记录")
    me.say("第二条")
    assert len(me.card("records")["items"]) == 1
    me.say("返回")
    assert len(me.card("records")["items"]) == 3


def test_the_paper_stays_meant_whatever_sounds_like_paying(people: Town) -> None:
    me = begin(people, ONCE, "lists-stay", "我要开证明")
    assert me.card("choice")["slot"] == "fee_year"
    me.say("社保缴费的")
    assert me.card("choice")["slot"] == "fee_year"
    me.say("补开完税证明")
    assert "还没有开过" in me.text
    me.say("2025年的")
    assert not documents(me)
    assert me.card("records")["certificate_kind"] == "tax_certificate_first"


def test_a_school_wants_five_years(people: Town) -> None:
    me = begin(people, FIVE, "lists-school", "学校要近五年的缴费证明")
    assert len(documents(me)) == 5
    assert me.text.count("不要转给别人") == 1
    me.say("一共多少钱")
    assert "刚才开的5张，一共2000元" in me.text
    me.say("查最近五年的缴费")
    assert "已缴费记录5条" in me.text
    me.say("把我这几年的缴费凭证都开了")
    assert len(documents(me)) == 5
    me.say("不对，只要去年的")
    (paper,) = documents(me)
    me.say("掉了，再打一张")
    assert [again["sha256"] for again in documents(me)] == [paper["sha256"]]
    me.write_transcript("c1-school")


def test_what_was_refunded_is_told_and_the_time_that_was_said(people: Town) -> None:
    me = begin(people, REFUNDED, "lists-refunded", "2026年的完税证明")
    assert "2026年缴的费已经退了，不能再开完税证明" in me.text
    me.say("要")
    assert len(me.card("records")["items"]) == 1
    me.say("八月的完税证明")
    assert "没有查到2026年8月的" in me.text
    me.say("2025年的")
    me.say("除了第一个都要")
    assert not documents(me)
    me.say("第一个")
    me.say("谢谢")
    me.say("补开刚才的")
    assert me.card("records")["certificate_kind"] == "tax_certificate_reissue"


def test_what_was_handed_out_is_not_announced_any_more(new_town: Any) -> None:
    town = new_town()
    town.load([EARLY])
    me = begin(town, EARLY, "lists-handed", "交明年的居民医保")
    pay_now(me, EARLY)
    ask(me, "开2027年的缴费凭证")
    me.press("好，告诉我")
    town.advance("P4D")
    ask(me, "开2027年的缴费凭证")
    assert len(documents(me)) == 1
    assert "还没入账" not in me.text
    for _ in range(3):
        me.say("你好")
        assert "您问过的" not in me.text
