"""Papers and records beside each other: hers, then mine; one of a list, all but one; what was paid in all."""

from collections.abc import Callable

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

person = villagers("520121", "66")

AUNT = person("罗玉珍", 0, enrolment(RESIDENT, MEDICAL), enrolment(RESIDENT, PENSION))
UNCLE = person("刘桂英", 1, enrolment(RESIDENT, MEDICAL), enrolment(RESIDENT, PENSION))


def pension(**more: object) -> dict[str, object]:
    return year(2026) | {
        "insurance": PENSION, "amount": "300.00", "paid_at": "2026-03-02T09:00:00+08:00", "booked_on": "2026-03-04",
        **more,
    }  # fmt: skip


FOR_BOTH = [
    pay
    for other in (AUNT, UNCLE)
    for pay in (year(2026, paid_for=other["id_number"]), pension(paid_for=other["id_number"]))
]
OWN = [
    *(year(number) for number in (2024, 2025, 2026)),
    *(month_payment(2026, month) for month in range(1, 9)),
]


def neighbour(name: str, number: int, **more: object) -> dict[str, object]:
    enrolments = (enrolment(RESIDENT, MEDICAL), enrolment(FLEXIBLE, PENSION, since="2026-01"))
    return person(name, number, *enrolments, payments=OWN + FOR_BOTH, **more)


ONE = person("任一张", 2, payments=[year(2026)])
HERS, ISSUED, PAYS, ASKS, TIMES, TOTALS, BUT, BOTH, LAST, WAITS = (
    neighbour(name, number)
    for number, name in enumerate(
        ["任她的", "任开过", "任付过", "任邻居", "任时间", "任总共", "任除了", "任两个", "任最近", "任等着"],
        start=3,
    )
)
DECLARES = neighbour(
    "任申报",
    13,
    declarations=[
        declared("2026-05-10", FLEXIBLE, PENSION, "878.94", fee_period="2026-04"),
        declared("2025-11-03", RESIDENT, MEDICAL, "400.00", fee_year=2026),
    ],
)
EVERYBODY = [AUNT, UNCLE, ONE, HERS, ISSUED, PAYS, ASKS, TIMES, TOTALS, BUT, BOTH, LAST, WAITS, DECLARES]


@pytest.fixture(scope="module")
def people(town: Town) -> Town:
    town.load(EVERYBODY)
    return town


def test_of_one_it_is_enough_to_say_so(people: Town) -> None:
    me = begin(people, ONE, "together-one", "开完税证明")
    assert len(items(me)) == 1
    me.say("下一页")
    assert "只有这一页" in me.text
    me.say("开")
    assert len(documents(me)) == 1
    me.say("补开完税证明")
    me.say("再给我一张")
    assert "第1次补开" in me.text


def test_after_a_paper_of_hers_the_next_is_hers_too(people: Town) -> None:
    me = begin(people, HERS, "together-hers", "代缴凭证")
    me.say(HERS_AUNT := AUNT["id_number"])
    me.say("罗玉珍")
    assert "**珍2026年" in me.text
    me.say("完税证明也开一个")
    assert "**珍有2张完税证明" in me.text
    me.say("养老那张")
    assert "**珍有1张完税证明" in me.text
    me.say("开")
    assert "**珍的税收完税证明开好了：2026年居民养老保险" in me.text
    me.say("缴费记录凭证也来一份")
    assert "**珍2026年的社会保险费缴费记录凭证" in me.text
    me.say("查她的")
    assert "您替**珍缴的费2条" in me.text
    me.say("我的呢")
    assert "您替" not in me.text
    me.say("那她的凭证也开一张")
    assert "**珍2026年的社会保险费缴费记录凭证" in me.text
    me.say("算了，开我的")
    assert me.has("choice") or documents(me)
    assert HERS_AUNT not in me.text
    without_personal_data(me, AUNT)
    me.write_transcript("c4-hers-and-mine")


def test_what_was_just_issued_is_not_issued_once_more(people: Town) -> None:
    me = begin(people, ISSUED, "together-issued", "开我2025年的完税证明")
    me.say("开")
    assert len(documents(me)) == 1
    me.say("开2025年的完税证明")
    assert "首次开具过了" in me.text
    me.say("全部")
    assert "补开" not in me.text
    assert len(documents(me)) == 1
    me.say("补开2025年的完税证明")
    me.say("都要")
    assert "第1次补开" in me.text
    me.say("一共补了几张")
    assert "一共补开了1张" in me.text
    me.say("一共开了几张")
    assert "一共开了2张" in me.text


def test_whom_one_has_just_paid_for_is_known(people: Town) -> None:
    me = begin(people, PAYS, "together-paid", f"给罗玉珍{AUNT['id_number']}交明年的居民医保")
    pay_now(me, PAYS)
    ask(me, "给她开凭证")
    assert "证件号码" not in me.text
    assert "2026年" in me.text
    ask(me, "给她查一下缴费")
    assert "您替**珍缴的费2条" in me.text
    assert "2027年度的居民医保还没入库" in me.text
    me.say("凭证要得了没")
    assert len(me.last) == 1
    assert "最晚" in me.text


def test_a_neighbour_is_not_oneself(people: Town) -> None:
    me = begin(people, ASKS, "together-neighbour", "查一下邻居家罗玉珍交了没")
    assert "姓名记下了" in me.text
    me.say(AUNT["id_number"])
    assert "您替**珍缴的费2条" in me.text
    me.say("她去年交没交过")
    assert "没有查到您替这个人缴的费" in me.text
    other = begin(people, ASKS, "together-neighbour-unknown", "她去年交没交过")
    assert "证件号码" in other.text
    other.say(UNCLE["id_number"])
    other.say("刘桂英")
    other.say("查哈我妈交了没")
    assert "证件号码" in other.text


def test_my_mother_stays_my_mother(people: Town) -> None:
    me = begin(people, WAITS, "together-mother", "开凭证")
    me.say("查哈我妈交了没")
    me.say(UNCLE["id_number"])
    me.say("刘桂英")
    assert "您替**英缴的费2条" in me.text
    me.say("我妈去年交了没")
    assert "证件号码" not in me.text
    assert "没有查到您替这个人" in me.text


def test_times_are_of_what_is_shown_and_of_all_insurances(people: Town) -> None:
    me = begin(people, TIMES, "together-times", "查我前年的医保")
    me.say("2026年1月到8月社保交了好多钱")
    assert "2026年1月至8月的已缴费记录8条，合计7031.52元" in me.text
    me.say("去年的今天到现在")
    assert "2025年11月23日到2026年11月23日的已缴费记录8条" in me.text
    me.say("查2024年的医保")
    me.say("9月以后")
    assert "2025年度" in me.text
    assert "2024年11月5日入库" in me.text


def test_what_was_paid_in_all(people: Town) -> None:
    me = begin(people, TOTALS, "together-total", "我一共付了好多钱")
    assert "一共11条，合计8231.52元" in me.text
    me.say("交明年的居民医保")
    pay_now(me, TOTALS)
    for said in ("总共付了好多", "一共好多钱嘛"):
        ask(me, said)
        assert "一共11条，合计8231.52元" in me.text, said
    assert me.has("menu") is False


def test_a_declaration_that_is_paid_and_not_booked(people: Town) -> None:
    me = begin(people, DECLARES, "together-declared", "交明年的居民医保")
    pay_now(me, DECLARES)
    ask(me, "查申报")
    me.say("全部")
    me.say("个人")
    assert len(items(me)) == 3
    assert "已付款，正在入账" in me.text
    assert "未缴" not in me.text
    me.say("第一条")
    me.say("缴了没有")
    assert "已经付款了，正在入账" in me.text
    ask(me, "看哈我报了几次")
    assert "申报记录" in me.text
    assert "3条" in me.text


def test_all_but_one_and_the_first_two(people: Town) -> None:
    me = begin(people, BUT, "together-but", "开2026年6月到8月的完税证明")
    assert len(items(me)) >= 3
    count = len(items(me))
    me.say("除了第一个都要")
    assert len(documents(me)) == count - 1
    assert "2026年8月" not in me.text
    me.say("查我全部的缴费记录")
    me.say("前两条")
    assert len(items(me)) == 2
    me.say("最近一次")
    assert "灵活就业养老保险 2026年8月" in me.text
    me.say("最后一页")
    me.say("下一页")
    assert "已经是最后一页了" in me.text
    assert not me.has("records")


def test_the_papers_of_two_one_after_the_other(people: Town) -> None:
    me = begin(people, BOTH, "together-two", "把两个老人的凭证都开了")
    assert "第一位老人的证件号码" in me.text
    me.say(AUNT["id_number"])
    me.say("罗玉珍")
    assert len(documents(me)) == 1
    assert "第二位老人的证件号码" in me.text
    me.say(UNCLE["id_number"])
    me.say("刘桂英")
    assert "**英2026年" in me.text
    me.say("一共开了几张")
    assert "一共开了2张" in me.text
    without_personal_data(me, AUNT, UNCLE)
    me.write_transcript("c4-two-old-people")


def test_the_last_payment_and_papers_of_others(people: Town) -> None:
    me = begin(people, LAST, "together-last", "我最近一次交钱是好久")
    assert "灵活就业养老保险 2026年8月" in me.text
    me.say("给我开个收入证明")
    assert "单位" in me.text
    assert "您要哪一样" in me.text
    assert not me.has("choice")
    me.say("我的凭证要得了没")
    assert me.card("choice")["slot"] == "fee_year"
    me.say("就要最近那张")
    assert "2026年的社会保险费缴费记录凭证" in me.text


def test_a_payment_that_waits_is_shown_again(people: Town) -> None:
    me = begin(people, WAITS, "together-waits", "交明年的居民医保")
    ask(me, "查我的选档记录")
    me.say("查缴费记录")
    assert me.card("choice")["slot"] == "fee_period"
    me.say("确认支付")
    assert me.has("payment_confirmation")


def test_a_fee_of_a_year_counts_when_it_was_paid(new_town: Callable[..., Town]) -> None:
    paid = year(2027) | {"paid_at": "2026-11-03T09:00:00+08:00", "booked_on": "2026-11-05"}
    town = new_town()
    who = person("任今年", 14, payments=[year(2026), paid])
    town.load([who])
    me = begin(town, who, "together-year", "查2026年1月到8月的缴费")
    me.say("9月以后")
    assert "2026年9月至12月的已缴费记录1条" in me.text
    assert "2027年度，400元，2026年11月5日入库" in me.text


def test_who_was_looked_up_is_known_and_what_is_mine_is_mine(people: Town) -> None:
    me = begin(people, BOTH, "together-looked-up", "查我爸妈的缴费记录")
    assert "爸爸的证件号码" in me.text
    me.say(AUNT["id_number"])
    me.say("罗玉珍")
    assert "妈妈的证件号码" in me.text
    me.say(UNCLE["id_number"])
    me.say("刘桂英")
    assert "您替**英缴的费2条" in me.text
    me.say("我一共交了好多钱")
    assert "您替" not in me.text
    assert "一共11条，合计8231.52元" in me.text
    me.say("我爸的凭证")
    assert "**珍2026年的社会保险费缴费记录凭证" in me.text
    me.say("我妈的凭证")
    assert "**英2026年的社会保险费缴费记录凭证" in me.text


def test_where_nothing_was_found_the_last_payment_can_be_asked_for(people: Town) -> None:
    me = begin(people, LAST, "together-nothing", "查我上个月的养老")
    assert "没有查到您2026年10月养老保险" in me.text
    me.say("最近一次好久交的")
    assert "缴费日期2026年8月10日" in me.text


def test_who_was_paid_for_along_with_oneself_is_known(people: Town) -> None:
    me = begin(people, ISSUED, "together-along", "给刘桂英和我交明年的居民医保")
    me.say(UNCLE["id_number"])
    pay_now(me, ISSUED)
    ask(me, "她的凭证")
    assert "证件号码" not in me.text
    me.say("2026年")
    assert "**英2026年" in me.text
    me.say("查她的")
    assert "您替**英缴的费" in me.text
    me.say("我的凭证")
    assert me.card("choice")["slot"] == "fee_year"
