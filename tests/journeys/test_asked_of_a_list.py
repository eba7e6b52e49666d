"""What is asked of a list that is shown: how many, which is the most, whether it is paid, a month of the same year."""

import pytest

from tests.journeys.driver import Town
from tests.journeys.papers import begin, declared, documents, items, month_payment, villagers, year
from tests.journeys.people import FLEXIBLE, MEDICAL, PENSION, RESIDENT, enrolment

person = villagers("520181", "77")

WORKS = person(
    "邓做工",
    0,
    enrolment(RESIDENT, MEDICAL),
    enrolment(FLEXIBLE, PENSION, since="2024-01"),
    payments=[
        *(year(number, amount=amount) for number, amount in ((2025, "380.00"), (2026, "400.00"))),
        *(month_payment(2024 + n // 12, n % 12 + 1) for n in range(33)),
    ],
)
CHOOSES = person(
    "邓选档",
    1,
    enrolment(FLEXIBLE, PENSION),
    tier_choices=[
        {"tier": "60%", "base": "4394.70", "from": f"{n}-01", "to": f"{n}-12", "validity": "invalid"}
        for n in range(2019, 2026)
    ]
    + [{"tier": "80%", "base": "5859.60", "from": "2026-01", "to": "2026-12", "validity": "valid"}],
)
DECLARES = person(
    "邓申报",
    2,
    enrolment(RESIDENT, MEDICAL),
    enrolment(FLEXIBLE, PENSION, since="2026-01"),
    declarations=[
        declared("2026-05-10", FLEXIBLE, PENSION, "878.94", fee_period="2026-04", status="未缴"),
        declared("2026-04-10", FLEXIBLE, PENSION, "878.94", fee_period="2026-03"),
        declared("2026-03-10", FLEXIBLE, PENSION, "878.94", fee_period="2026-02", status="已作废"),
        declared("2025-11-03", RESIDENT, MEDICAL, "400.00", fee_year=2026),
    ],
)
REFUNDED = person("邓退费", 3, payments=[year(2026, refunded_on="2026-01-20"), year(2025), year(2024)])
ISSUES = person(
    "邓开票",
    4,
    enrolment(FLEXIBLE, PENSION),
    payments=[
        *(month_payment(2026, month) | {"first_issued_on": "2026-09-15"} for month in range(1, 4)),
        *(month_payment(2026, month) for month in range(4, 11)),
    ],
)
ALIKE = person("邓一样", 5, payments=[year(number) for number in (2024, 2025, 2026)])
CLEAR = person(
    "邓缴清",
    6,
    enrolment(FLEXIBLE, PENSION),
    declarations=[
        declared(f"2026-0{month}-10", FLEXIBLE, PENSION, "878.94", fee_period=f"2026-0{month}")
        for month in (3, 4)
    ],
)


@pytest.fixture(scope="module")
def people(town: Town) -> Town:
    town.load([WORKS, CHOOSES, DECLARES, REFUNDED, ISSUES, ALIKE, CLEAR])
    return town


def test_how_many_are_valid_on_all_pages(people: Town) -> None:
    me = begin(people, CHOOSES, "asked-valid", "查我的选档记录")
    me.say("都要")
    assert len(items(me)) == 5
    me.say("无效的有几条")
    assert "养老选档记录一共8条，无效的有7条" in me.text
    me.say("有效的有好多条")
    assert "有效的有1条：80%档 2026年1月至12月" in me.text
    me.say("一共有几条")
    assert "一共8条" in me.text
    for said in ("最高的是哪一条", "哪一档最高"):
        me.say(said)
        assert "最高的是80%档" in me.text, said
    me.say("那有效的喃")
    assert len(items(me)) == 1
    me.say("都看哈")
    assert "养老选档记录8条" in me.text
    me.say("改成100%的档")
    assert "不能改档次" in me.text


def test_how_many_are_not_issued(people: Town) -> None:
    me = begin(people, ISSUES, "asked-issued", "补开完税证明")
    assert len(items(me)) == 3
    for said in ("一共有好多张没开", "还有几张没开"):
        me.say(said)
        assert "还有7张没有开过，开过的有3张" in me.text, said
    me.say("第一张和第三张都要")
    assert len(documents(me)) == 2
    me.say("还有几张没补")
    assert "还有1张没有补" in me.text
    me.say("首次开具2026年的完税证明")
    me.say("有好多张")
    assert "这7张一共6152.58元" in me.text
    me.say("前两个")
    me.say("还有几张没开")
    assert "还有5张没有开过，开过的有5张" in me.text
    me.write_transcript("c2-how-many")


def test_so_many_are_counted_before_a_year_is_said(people: Town) -> None:
    me = begin(people, ALIKE, "asked-first", "开完税证明")
    assert me.card("choice")["slot"] == "fee_year"
    me.say("有几张没开过")
    assert "还有3张没有开过" in me.text
    assert me.card("choice")["slot"] == "fee_year"


def test_a_part_is_counted_and_the_list_stays(people: Town) -> None:
    me = begin(people, WORKS, "asked-part", "查我全部的缴费记录")
    assert "35条" in me.text
    for said, told in (("医保的有几条", "一共2条，合计780元"), ("2025年的有几条", "一共13条")):
        me.say(said)
        assert told in me.text, said
    me.say("一共几条")
    assert "一共35条" in me.text
    refunded = begin(people, REFUNDED, "asked-refunded", "查我全部的缴费记录")
    refunded.say("退了费的有几条")
    assert "退了费的有1条：居民医保 2026年度，400元，2026年1月20日已退费" in refunded.text


def test_which_is_the_most_with_day_and_amount(people: Town) -> None:
    me = begin(people, WORKS, "asked-most", "查我全部的缴费记录")
    me.say("哪一笔最多")
    assert "最多的是灵活就业养老保险 2026年9月，878.94元，2026年9月12日入库" in me.text
    assert "还有32条" in me.text
    me.say("最少的是哪一笔")
    assert "最少的是居民医保 2025年度，380元，2024年11月5日入库" in me.text
    me.say("详情")
    assert "缴费日期2024年11月3日" in me.text
    me.say("哪一年交得最多")
    assert "2025年缴得最多，10927.28元" in me.text
    me.say("哪年交得最少")
    assert "2026年缴得最少，8310.46元" in me.text
    me.write_transcript("q2-the-most")


def test_where_all_are_alike_that_is_said(people: Town) -> None:
    me = begin(people, ALIKE, "asked-alike", "查我全部的缴费记录")
    me.say("哪一笔最多")
    assert "3条都是400元，最近的一条是居民医保 2026年度" in me.text
    me.say("是哪天交的")
    assert "缴费日期2025年11月3日" in me.text
    me.say("哪一年最少")
    assert "每年都是400元" in me.text
    gone = begin(people, REFUNDED, "asked-most-refunded", "查我全部的缴费记录")
    gone.say("哪一笔最多")
    assert "2026年度" not in gone.text


def test_whether_a_declaration_is_paid(people: Town) -> None:
    me = begin(people, DECLARES, "asked-paid", "查我全部的申报记录")
    if me.has("choice"):
        me.say("全部")
    assert len(items(me)) == 4
    me.say("缴了没有")
    assert "没缴的有1条：灵活就业养老保险 2026年4月，878.94元" in me.text
    me.say("没缴的是哪条")
    assert "没缴的有1条" in me.text
    me.say("第一条")
    for said in ("缴了没有", "这个交了没得", "还没交吗"):
        me.say(said)
        assert "这一笔还没有缴：灵活就业养老保险 2026年4月，878.94元" in me.text, said
        assert "要缴就说“缴灵活就业养老保险”" in me.text
    me.say("第二条")
    me.say("交没交")
    assert "这一笔已经缴了" in me.text
    me.say("第三条")
    me.say("缴了没有")
    assert "作废" in me.text
    me.say("第一条")
    me.say("缴了没有")
    me.press("缴灵活就业养老保险")
    assert me.card("choice")["slot"] == "fee_period"
    me.write_transcript("q1-paid")


def test_where_every_declaration_is_paid(people: Town) -> None:
    me = begin(people, CLEAR, "asked-clear", "查我全部的申报记录")
    me.say("交了没有")
    assert "这2条都缴了，没有要缴的" in me.text


def test_a_month_is_of_the_year_that_is_shown(people: Town) -> None:
    me = begin(people, WORKS, "asked-month", "查我去年的养老缴费")
    for said, told in (
        ("还有七月的", "2025年7月"),
        ("八月的呢", "2025年8月"),
        ("下半年的", "2025年7月至12月"),
    ):
        me.say(said)
        assert f"查到{told}养老保险的" in me.text, said
    me.say("查2024年的养老缴费")
    me.say("还有七月的")
    assert "查到2024年7月" in me.text
    me.say("今年七月的")
    assert "查到2026年7月" in me.text
