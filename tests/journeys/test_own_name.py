"""One's own name or number means oneself; who is named beside a number, a document or a relation is one person."""

import time
from collections.abc import Callable

import pytest

from tests.journeys.driver import Resident, Town
from tests.journeys.papers import begin, documents, items, month_payment, pay_now, villagers, year
from tests.journeys.people import FLEXIBLE, MEDICAL, PENSION, RESIDENT, enrolment

person = villagers("520112", "41")
BOTH = (enrolment(RESIDENT, MEDICAL), enrolment(RESIDENT, PENSION))

MOTHER = person("李四兰", 0, *BOTH)
CHILD = person("罗小梅", 1)
OWN = person("谢文娟", 2, *BOTH, payments=[year(2026)])
PAYER = person(
    "谢文萍", 3, *BOTH, payments=[year(2025), year(2026), year(2026, paid_for=MOTHER["id_number"])]
)
REFUNDS = person("谢文华", 4)


def owed(period: str, amount: str) -> dict[str, str]:
    return {
        "insured_group": FLEXIBLE, "insurance": PENSION, "agency": "520103", "period": period, "amount": amount,
    }  # fmt: skip


BY_YEAR = [owed("2022-01/2022-12", "9000.00"), owed("2023-01/2023-12", "9300.00")]
BY_HALF = [
    owed("2024-01/2024-12", "9400.00"),
    owed("2025-01/2025-06", "4800.00"),
    owed("2025-07/2025-12", "4800.00"),
]
OWES = [
    person(
        f"谢欠{name}",
        number,
        enrolment(FLEXIBLE, PENSION),
        assessed_arrears=BY_YEAR if number < 8 else BY_HALF,
    )
    for number, name in enumerate("甲乙丙丁戊", start=5)
]
AGAIN = person(
    "谢再开",
    10,
    enrolment(RESIDENT, MEDICAL),
    enrolment(FLEXIBLE, PENSION),
    payments=[
        year(2024, first_issued_on="2025-08-01"),
        year(2025, first_issued_on="2025-09-01"),
        month_payment(2025, 9) | {"first_issued_on": "2025-10-08"},
        month_payment(2025, 8),
    ],
)
EVERYBODY = [MOTHER, CHILD, OWN, PAYER, REFUNDS, *OWES, AGAIN]


def said(sentence: str) -> str:
    for name, one in (("妈", MOTHER), ("娃", CHILD), ("自己", OWN)):
        sentence = sentence.replace(f"<{name}>", one["id_number"])
    return sentence


@pytest.fixture(scope="module")
def people(town: Town) -> Town:
    town.load(EVERYBODY)
    return town


@pytest.fixture
def logged_in(people: Town) -> Callable[..., Resident]:
    """In a conversation of that name, and asked for nothing."""

    def enter(who: dict[str, object], sender: str) -> Resident:
        me = begin(people, who, sender, "查我的缴费记录")
        me.say("取消")
        return me

    return enter


@pytest.mark.parametrize(
    ("sender", "sentence"),
    [
        ("own-name-a", "查谢文娟的缴费记录"),
        ("own-name-b", "我是谢文娟，我要查我的缴费记录"),
        ("own-name-c", "查谢文娟<自己>的缴费记录"),
    ],
)
def test_records_of_ones_own_name_are_ones_own(
    logged_in: Callable[..., Resident], sender: str, sentence: str
) -> None:
    me = logged_in(OWN, sender)
    me.say(said(sentence))
    assert len(items(me)) == 1
    assert "您替" not in me.text


@pytest.mark.parametrize(
    ("sender", "sentence"),
    [
        ("own-name-d", "我叫谢文娟，开我的缴费记录凭证"),
        ("own-name-e", "开谢文娟<自己>的缴费记录凭证"),
        ("own-name-f", "开谢文娟的缴费记录凭证"),
    ],
)
def test_papers_of_ones_own_name_are_ones_own(people: Town, sender: str, sentence: str) -> None:
    me = begin(people, OWN, sender, said(sentence))
    assert len(documents(me)) == 1


def test_who_says_another_name_is_told_whose_login_it_is(logged_in: Callable[..., Resident]) -> None:
    me = logged_in(OWN, "own-name-g")
    me.say("我叫谢文萍，我要查我的缴费记录")
    assert "**娟" in me.text
    assert len(items(me)) == 1


def test_the_name_is_compared_after_the_login(people: Town) -> None:
    me = begin(people, OWN, "own-name-h", "查谢文娟的缴费记录")
    assert len(items(me)) == 1


@pytest.mark.parametrize(
    ("sender", "sentence"),
    [("own-name-i", "开李四兰<妈>的缴费记录凭证"), ("own-name-j", "给李四兰（<妈>）开2026年的缴费记录凭证")],
)
def test_a_name_beside_a_number_is_heard(people: Town, sender: str, sentence: str) -> None:
    me = begin(people, PAYER, sender, said(sentence))
    assert len(documents(me)) == 1
    assert "**兰" in me.text


def test_another_paper_that_is_asked_for_along_with_the_name(people: Town) -> None:
    me = begin(people, PAYER, "own-name-k", said("给我妈<妈>开缴费记录凭证"))
    me.say("给我妈李四兰开完税证明")
    assert "完税证明" in me.text
    assert not documents(me)
    assert len(items(me)) == 1


def test_number_document_and_name_are_of_one_child(people: Town) -> None:
    me = begin(people, PAYER, "own-name-l", said("<娃>这个是我娃的身份证，罗小梅，帮他买明年居民医保"))
    assert "**梅" in me.text
    assert "另一位" not in me.text
    assert "确认支付" in me.text


def test_the_other_insurance_is_for_oneself_only(people: Town) -> None:
    me = begin(people, PAYER, "own-name-m", said("居民医保我和我妈李四兰<妈>都交，养老只交我的"))
    assert "另一位" not in me.text
    me.say("300")
    assert "这3笔一起缴" in me.text
    assert "您自己，居民养老保险，2026年度" in me.text
    assert "妈妈（**兰），居民医保，2027年度" in me.text


def test_how_far_a_refund_is_is_asked_at_the_gateway(people: Town) -> None:
    me = begin(people, REFUNDS, "own-name-n", "交明年的居民医保")
    pay_now(me, REFUNDS)
    me.say("缴重了，要退费")
    me.say("确认退费")
    end = time.monotonic() + 5
    while people.state(REFUNDS["id_number"])["trades"][0]["trade_status"] != "TRADE_CLOSED":
        assert time.monotonic() < end
        time.sleep(0.1)
    me.say("退费办到哪了")
    assert "已经原路退回" in me.text
    assert "正在" not in me.text


@pytest.mark.parametrize(
    ("who", "sentence"), [(0, "改成2023年的"), (1, "不对，是2023年的"), (2, "换成23年的")]
)
def test_another_item_of_arrears_at_the_card(people: Town, who: int, sentence: str) -> None:
    me = begin(people, OWES[who], f"own-name-arrears-{who}", "补缴养老保险")
    me.say("2022年的")
    assert me.card("payment_confirmation")["total"] == "9000.00"
    me.say(sentence)
    assert me.card("payment_confirmation")["total"] == "9300.00"
    me.say("改成2021年的")
    assert "2021年" in me.text
    assert me.card("payment_confirmation")["total"] == "9300.00"


def test_several_items_of_one_year(people: Town) -> None:
    me = begin(people, OWES[3], "own-name-arrears-3", "补缴养老保险")
    me.say("25年的两笔")
    assert "这2笔一起缴" in me.text
    assert "一共9600元" in me.text


def test_all_arrears_if_there_are_any(people: Town) -> None:
    me = begin(people, OWES[4], "own-name-arrears-4", "我有没有欠费，有的话都补了")
    assert "这3笔一起缴" in me.text
    me.say("取消")
    me.say("我有没有欠费，有的话都补了")
    assert "这3笔一起缴" in me.text


def test_a_month_of_the_list_of_papers_is_that_of_the_issue_or_of_the_fee(people: Town) -> None:
    me = begin(people, AGAIN, "own-name-again", "补开完税证明")
    assert len(items(me)) == 3
    me.say("2025年8月")
    [item] = items(me)
    assert "2025-08-01" in item
    me.say("开第一个")
    assert "2024年" in documents(me)[0]["title"] or "2024年" in me.text


def test_where_two_papers_show_the_month_it_is_asked_which(people: Town) -> None:
    me = begin(people, AGAIN, "own-name-again-two", "补开完税证明")
    me.say("2025年9月")
    assert len(items(me)) == 2
    assert "还没有开过" not in me.text
