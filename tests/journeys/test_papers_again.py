"""Papers and queries that go on from each other: ranges, somebody else, a name put right, a half that is denied."""

from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest

from tests.journeys.driver import Town
from tests.journeys.papers import (
    ask,
    begin,
    declared,
    documents,
    items,
    month_payment,
    pay_now,
    villagers,
    without_personal_data,
    year,
)
from tests.journeys.people import FLEXIBLE, MEDICAL, PENSION, RESIDENT, enrolment

person = villagers("520114", "55")


MONTHS = person(
    "石月月",
    0,
    enrolment(FLEXIBLE, PENSION, since="2026-01"),
    payments=[month_payment(2026, month) for month in range(7, 12)],
)
MOTHER = person("潘老奶", 1)
FATHER = person("石大公", 2)
CHILD = person(
    "石小明",
    3,
    enrolment(RESIDENT, MEDICAL),
    enrolment(FLEXIBLE, PENSION, since="2024-01"),
    payments=[
        *(year(number) for number in (2025, 2026)),
        *(month_payment(2024 + n // 12, n % 12 + 1) for n in range(33)),
        *(year(number, paid_for=MOTHER["id_number"]) for number in (2024, 2025, 2026)),
        year(2026, paid_for=FATHER["id_number"]),
    ],
)
CHOOSES = person(
    "石选档",
    4,
    enrolment(FLEXIBLE, PENSION),
    payments=[month_payment(2026, 1)],
    tier_choices=[
        {"tier": "60%", "base": "4394.70", "from": "2025-01", "to": "2025-12", "validity": "invalid"},
        {"tier": "80%", "base": "5859.60", "from": "2026-01", "to": "2026-12", "validity": "valid"},
    ],
)
REISSUES = person(
    "石补开",
    5,
    enrolment(FLEXIBLE, PENSION),
    payments=[
        *(month_payment(2026, month) | {"first_issued_on": "2026-08-20"} for month in range(1, 4)),
        *(month_payment(2026, month) | {"first_issued_on": "2026-09-15"} for month in range(4, 6)),
        *(month_payment(2025, month) | {"first_issued_on": "2025-12-15"} for month in range(1, 3)),
    ],
)
REFUNDED = person("石退费", 6, payments=[year(2026, refunded_on="2026-01-20"), year(2025), year(2024)])
DECLARES = person(
    "石申报",
    7,
    enrolment(RESIDENT, MEDICAL),
    enrolment(FLEXIBLE, PENSION),
    declarations=[
        declared("2026-05-10", FLEXIBLE, PENSION, "878.94", fee_period="2026-04", status="未缴"),
        declared("2025-11-03", RESIDENT, MEDICAL, "400.00", fee_year=2026),
    ],
)
TICKETS = person(
    "石五张", 9, enrolment(FLEXIBLE, PENSION), payments=[month_payment(2026, month) for month in range(5, 10)]
)
THREE = person("石三年", 10, payments=[year(number) for number in (2024, 2025, 2026)])
EARLY = person("石太早", 8, payments=[year(2026), year(2025)])


@pytest.fixture(scope="module")
def people(town: Town) -> Town:
    town.load([MONTHS, MOTHER, FATHER, CHILD, CHOOSES, REISSUES, REFUNDED, DECLARES, EARLY, TICKETS, THREE])
    return town


def test_from_the_first_to_the_third_are_three(people: Town) -> None:
    me = begin(people, MONTHS, "again-range", "首次开具完税证明")
    assert len(items(me)) == 5
    me.say("第一张到第三张")
    assert len(documents(me)) == 3
    assert [month in me.text for month in ("11月", "10月", "9月", "8月")] == [True, True, True, False]
    me.write_transcript("c2-range")


def test_several_tickets_by_their_places(people: Town) -> None:
    me = begin(people, TICKETS, "again-places", "开2026年的完税证明")
    assert len(items(me)) == 5
    expected = (
        ("前三张", ["9月", "8月", "7月"]), ("后面两张", ["6月", "5月"]), ("第一张和第三张", ["9月", "7月"]),
        ("第二张跟第四张都要", ["8月", "6月"]), ("1和3", ["9月", "7月"]), ("最后两个", ["6月", "5月"]),
    )  # fmt: skip
    for said, months in expected:
        me.say(said)
        assert len(documents(me)) == len(months), f"{said}: {me.text}"
        assert all(f"2026年{month}灵活就业" in me.text for month in months), f"{said}: {me.text}"
    me.say("前两个再补开")
    assert len(documents(me)) == 2
    assert me.text.count("第1次补开") == 2
    assert "2026年9月" in me.text


def test_all_vouchers_after_one(people: Town) -> None:
    me = begin(people, THREE, "again-all", "开2026年的缴费凭证")
    for said in ("都要", "全部开", "都给我开出来"):
        me.say(said)
        assert len(documents(me)) == 3, said
    me.say("一共几张")
    assert "刚才开的3张" in me.text
    me.say("都重新发一遍")
    assert len(documents(me)) == 3
    me.say("要完税证明，不要凭证")
    me.say("算了，还是凭证")
    assert "缴费记录凭证" in me.text
    me.say("有好多张")
    assert not documents(me)
    other = begin(people, CHILD, "again-all-other", "开代缴的2026年的缴费凭证")
    other.say(MOTHER["id_number"])
    other.say(MOTHER["name"])
    other.say("都要")
    assert len(documents(other)) == 3
    assert "**奶2024年" in other.text


def test_a_month_of_the_list_of_tickets(people: Town) -> None:
    me = begin(people, CHILD, "again-month", "开2025年的完税证明")
    me.say("八月的那张")
    assert "2025年8月" in items(me)[0]
    assert "2026年" not in me.text


def test_nobody_asked_to_pay(people: Town) -> None:
    me = begin(people, CHILD, "again-follows", "查我2026年的养老")
    assert "已缴费记录9条" in me.text
    me.say("那我自己的医保")
    assert "2026年医保的已缴费记录1条" in me.text
    me.say("我妈的呢")
    assert "证件号码" in me.text
    me.say(MOTHER["id_number"])
    me.say(MOTHER["name"])
    assert "**奶缴的费1条，2026年" in me.text
    me.say("一共交了好多")
    assert "您替**奶缴的费" in me.text
    me.say("总共交了好多")
    assert "一共1条，合计400元" in me.text
    me.say("开2026年的缴费凭证")
    assert len(documents(me)) == 1
    me.say("换成给我爸开")
    assert "证件号码" in me.text
    me.say(FATHER["id_number"])
    me.say(FATHER["name"])
    assert "**公2026年" in me.text
    assert len(documents(me)) == 1
    assert not any("您要缴哪一种" in text for _, text in me.lines)
    without_personal_data(me, MOTHER, FATHER)
    me.write_transcript("c4-follows-a-query")


def test_what_was_said_wrongly_is_put_right(people: Town) -> None:
    me = begin(people, CHILD, "again-right", "开代缴的2026年的缴费凭证")
    me.say(FATHER["id_number"])
    me.say(MOTHER["name"])
    assert "请核对姓名和证件号码" in me.text
    me.say("2026年")
    assert not documents(me)
    me.say(FATHER["name"])
    assert "**公2026年" in me.text
    me.say("查代缴的记录")
    me.say(FATHER["id_number"])
    me.say(MOTHER["name"])
    assert "请核对姓名和证件号码" in me.text
    me.say(MOTHER["id_number"])
    me.say("2019年")
    assert "没有查到" in me.text
    me.say("换一个人")
    me.say(FATHER["id_number"])
    me.say(FATHER["name"])
    me.say("2026年")
    assert "**公缴的费1条" in me.text
    without_personal_data(me, MOTHER, FATHER)
    me.write_transcript("c4-put-right")


def test_a_chart_leaves_the_list_as_it_is(people: Town) -> None:
    me = begin(people, CHILD, "again-chart", "查2024年到2025年养老")
    assert "24条" in me.text
    me.say("画个图")
    assert [said in me.text for said in ("2024年", "2025年", "2026年")] == [True, True, False]
    me.say("导出")
    assert "24条都导出好了" in me.text
    sheet = people.http.get(documents(me)[0]["url"]).content
    cells = ZipFile(BytesIO(sheet)).read("xl/worksheets/sheet1.xml").decode()
    assert "<v>878.94</v>" in cells
    me.say("回到列表")
    assert "24条" in me.text
    me.say("2025年")
    me.say("画个图")
    assert "全部年份的" in me.text
    assert "2024年" in me.text
    me.say("导出")
    assert "12条都导出好了" in me.text


@pytest.mark.parametrize(("place", "said"), [(1, "有效无效都要"), (2, "都要"), (3, "两种都看")])
def test_valid_and_invalid_choices(people: Town, place: int, said: str) -> None:
    me = begin(people, CHOOSES, f"again-both-{place}", "查我的选档记录")
    me.say(said)
    assert len(items(me)) == 2


def test_a_month_of_issue_is_less_than_its_year(people: Town) -> None:
    me = begin(people, REISSUES, "again-september", "补开完税证明")
    me.say("2026年九月开的")
    assert len(items(me)) == 2


def test_what_was_refunded_is_not_offered(people: Town) -> None:
    me = begin(people, REFUNDED, "again-refunded", "开缴费凭证")
    assert [option["value"] for option in me.card("choice")["options"]] == ["2025", "2024"]
    me.say("2026年")
    assert "已经退了" in me.text
    me.say("2025年")
    assert len(documents(me)) == 1


def test_a_year_is_no_number_of_anybody(people: Town) -> None:
    me = begin(people, CHILD, "again-number", "开代缴的缴费凭证")
    for said in ("2026年的", "帮我妈开2026年的缴费凭证"):
        me.say(said)
        assert "位数不对" not in me.text
        assert "证件号码是多少" in me.text
    me.say("我记不得号码了")
    assert "没有听出号码" in me.text
    me.say("开我自己2026的")
    assert len(documents(me)) == 1
    assert "**" not in me.text


def test_who_was_asked_about_is_known(people: Town) -> None:
    me = begin(people, CHILD, "again-known", "查替别人缴的2026年的费")
    me.say(MOTHER["id_number"])
    me.say(MOTHER["name"])
    me.say("给她开2026年的缴费凭证")
    assert "**奶2026年" in me.text
    me.say("不开她的，还是开我自己的")
    assert len(documents(me)) == 1
    assert "**" not in me.text
    me.say("不开我的，开我爸的")
    assert "证件号码" in me.text
    me.say(FATHER["id_number"])
    me.say(FATHER["name"])
    assert "**公2026年" in me.text
    without_personal_data(me, MOTHER, FATHER)
    me.write_transcript("c4-second-half")


def test_who_was_paid_for_is_known(people: Town) -> None:
    me = begin(people, CHILD, "again-paid", f"给{MOTHER['name']}交明年的居民医保")
    me.say(MOTHER["id_number"])
    pay_now(me, CHILD)
    ask(me, f"给{MOTHER['name']}开2026年的缴费凭证")
    assert "**奶2026年" in me.text
    ask(me, "开她2027年的缴费凭证")
    assert "最晚11月26日" in me.text
    for said in ("那啥时候才有", "哪天可以开"):
        me.say(said)
        assert "最早11月24日，最晚11月26日" in me.text
    me.say("好")
    assert "我就告诉您" in me.text
    me.say("凭证可以开了没")
    assert "最早11月24日，最晚11月26日" in me.text
    without_personal_data(me, MOTHER)
    me.write_transcript("c4-paid-a-moment-ago")


def test_what_is_wished_for_instead_and_what_can_not_be_done(people: Town) -> None:
    me = begin(people, REISSUES, "again-instead", "补开完税证明")
    me.say("2025年")
    assert len(items(me)) == 2
    me.say("上一步")
    assert me.card("choice")["slot"] == "fee_year"
    me.say("下一页")
    assert me.card("choice")["slot"] == "fee_year"
    me.say("2025年")
    me.say("第一张开错了，作废")
    assert "不能作废" in me.text
    assert not documents(me)
    me.say("取消")
    assert "扣钱" not in me.text


def test_both_papers_and_a_voucher_is_of_the_whole_year(people: Town) -> None:
    me = begin(people, EARLY, "again-two", "缴费凭证和完税证明都要，2025年的")
    assert len(documents(me)) == 1
    assert len(items(me)) == 1
    me.say("第一个")
    assert "2025年居民医保" in me.text
    me.say("开2026年的缴费凭证")
    me.say("只要1到3月的")
    assert "按年开" in me.text
    assert not documents(me)


def test_the_refunded_one_is_shown_and_told(people: Town) -> None:
    me = begin(people, REFUNDED, "again-gone", "查我的缴费记录")
    me.say("全部")
    me.say("看看退费的那笔")
    (item,) = items(me)
    assert "退费日期" in item
    me.say("2026年的缴费凭证")
    me.say("为什么没有")
    assert "已经退了" in me.text


def test_the_latest_declaration_is_of_the_same_kind(people: Town) -> None:
    me = begin(people, DECLARES, "again-declared", "查上周的申报记录")
    me.say("城乡居民")
    assert "最近的一次是2025年11月3日" in me.text


def test_from_one_record_to_the_next_and_to_its_paper(people: Town) -> None:
    me = begin(people, REISSUES, "again-beside", "查2026年的养老")
    me.say("第二条")
    assert "2026年4月" in me.text
    me.say("下一条")
    assert "2026年3月" in me.text
    me.say("上一条")
    assert "2026年4月" in me.text
    me.say("帮这笔开完税证明")
    (item,) = items(me)
    assert "2026年4月" in item
    me.say("查2026年的养老")
    me.say("最后一条")
    me.say("下一条")
    assert "最后一条了" in me.text


def test_what_is_said_of_a_page_of_one_and_of_files(people: Town) -> None:
    me = begin(people, CHILD, "again-files", "首次开具2026年的完税证明")
    me.say("最后一页")
    assert "这是第2页" in me.text
    me.say("查2025年的养老")
    me.say("导出PDF")
    assert [card["title"].endswith("（PDF）") for card in documents(me)] == [True, False]
    assert "链接10分钟内有效" in me.text
    me.say("开2019年的缴费凭证")
    me.say("第八个")
    assert "只有3个可以选" in me.text
    me.say("都开出来")
    assert len(documents(me)) == 3


def test_what_is_not_booked_is_told_once(new_town: Any) -> None:
    town = new_town()
    town.load([EARLY])
    me = begin(town, EARLY, "again-once", "交明年的居民医保")
    pay_now(me, EARLY)
    ask(me, "查我2026年的缴费记录")
    assert "还没入库" in me.text
    me.say("查我2025年的缴费记录")
    assert "还没入库" not in me.text
