"""Several people in one sentence, each with his own insurance or tier: nobody is forgotten, nobody gets another's."""

from typing import Any

import pytest

from tests.journeys.driver import Resident, Town
from tests.journeys.people import FLEXIBLE, MEDICAL, PENSION, RESIDENT, enrolment, resident

RESIDENTS = (enrolment(RESIDENT, PENSION), enrolment(RESIDENT, MEDICAL))
PEOPLE = {
    "me": resident("阚一秀", "19780911", 961, *RESIDENTS),
    "mother": resident("阚二秀", "19760912", 962, *RESIDENTS),
    "father": resident("阚三秀", "19760913", 963, *RESIDENTS),
    "husband": resident("阚四秀", "19770914", 964, *RESIDENTS),
    "child": resident("阚小梅", "20120915", 965, enrolment(RESIDENT, MEDICAL)),
    "works": resident("阚五秀", "19780916", 966, enrolment(FLEXIBLE, PENSION, since="2026-01")),
}
PENSION_OF = "{}，居民养老保险，2026年度，{}元档，{}元"
MEDICAL_OF = "{}，居民医保，2027年度，400元"
ME, MOTHER, FATHER, HUSBAND, CHILD = "您自己", "妈妈（**秀）", "爸爸（**秀）", "老公（**秀）", "孩子（**梅）"


@pytest.fixture(scope="module")
def hamlet(town: Town) -> Town:
    town.load(list(PEOPLE.values()))
    return town


def arrive(hamlet: Town, sender: str, sentence: str, who: str = "me") -> Resident:
    me = hamlet.resident(f"each-{sender}")
    me.say("登录")
    me.log_in(str(PEOPLE[who]["alipay_user_id"]))
    me.say(told(sentence))
    return me


def told(sentence: str) -> str:
    """`sentence` with names and numbers in it: <mother>."""
    for name, one in PEOPLE.items():
        sentence = sentence.replace(f"<{name}>", f"{one['name']}{one['id_number']}")
    return sentence


def pension(who: str, tier: int) -> str:
    return PENSION_OF.format(who, tier, tier)


def medical(who: str) -> str:
    return MEDICAL_OF.format(who)


def listed(me: Resident) -> list[str]:
    """The bills of the card, without their places."""
    assert me.has("payment_confirmation"), me.lines[-3:]
    return [line.split(". ", 1)[1] for line in me.text.splitlines() if line[:1].isdigit() and ". " in line]


EACH: list[tuple[str, list[str]]] = [
    ("居民养老，我交一千，我妈<mother>交两千", [pension(ME, 1000), pension(MOTHER, 2000)]),
    ("我妈<mother>交两千的居民养老，我交一千", [pension(MOTHER, 2000), pension(ME, 1000)]),
    ("我交600的居民养老，我妈<mother>交居民医保", [pension(ME, 600), medical(MOTHER)]),
    ("给老公<husband>交居民养老1000，给我也交600", [pension(HUSBAND, 1000), pension(ME, 600)]),
    (
        "交居民医保和居民养老，养老交最高的，还有帮我妈<mother>交居民医保",
        [medical(ME), pension(ME, 3000), medical(MOTHER)],
    ),
    (
        "给我爸<father>交居民养老一千和居民医保，给我妈<mother>交居民医保",
        [pension(FATHER, 1000), medical(FATHER), medical(MOTHER)],
    ),
    (
        "我和我妈<mother>交居民医保，我老公<husband>交居民养老600",
        [medical(ME), medical(MOTHER), pension(HUSBAND, 600)],
    ),
    ("我和老公<husband>交居民养老，我600，他1000", [pension(ME, 600), pension(HUSBAND, 1000)]),
    ("我妈<mother>没得手机，我帮她交居民养老600，我交一千", [pension(MOTHER, 600), pension(ME, 1000)]),
    ("我交600，我老公<husband>交1000，都是居民养老", [pension(ME, 600), pension(HUSBAND, 1000)]),
    (
        "我要交居民养老，我爸<father>交一千，我妈<mother>交两千",
        [pension(FATHER, 1000), pension(MOTHER, 2000)],
    ),
]


@pytest.mark.parametrize(("sentence", "bills"), EACH)
def test_each_has_what_is_said_in_his_clause(hamlet: Town, sentence: str, bills: list[str]) -> None:
    assert listed(arrive(hamlet, sentence[:40], sentence)) == bills


def test_flexible_employment_of_ones_own_and_the_child(hamlet: Town) -> None:
    me = arrive(hamlet, "child", "交灵活就业养老60%全年，娃<child>的居民医保也要交", "works")
    assert listed(me) == ["您自己，灵活就业养老保险，2026年1月至12月，60%档，10656元", medical(CHILD)]


def test_a_group_that_nobody_said_is_asked(hamlet: Town) -> None:
    sentence = "给我爸<father>交养老一千医保也交，给我妈<mother>只交医保"
    me = arrive(hamlet, "groups", sentence)
    for _ in range(2):
        assert me.card("choice")["slot"] == "insured_group"
        me.say("居民医保")
    assert listed(me) == [pension(FATHER, 1000), medical(FATHER), medical(MOTHER)]


@pytest.mark.parametrize(
    "sentence", ["居民养老，我交一千，我妈<mother>也交", "我妈<mother>交居民养老，我交一千"]
)
def test_a_tier_that_was_said_of_another_is_asked(hamlet: Town, sentence: str) -> None:
    me = arrive(hamlet, f"asked-{sentence[:9]}", sentence)
    assert me.card("choice")["slot"] == "tier"
    me.say("600")
    assert sorted(listed(me)) == sorted([pension(ME, 1000), pension(MOTHER, 600)])


def test_who_has_not_been_found_is_asked_for(hamlet: Town) -> None:
    me = arrive(hamlet, "two-bills", "我交居民医保和养老600，我妈交居民医保和居民养老一千")
    assert "您妈妈的身份证号码" in me.text
    me.say(told("<mother>"))
    assert listed(me) == [medical(ME), pension(ME, 600), medical(MOTHER), pension(MOTHER, 1000)]


def test_a_tier_is_of_no_medical_insurance(hamlet: Town) -> None:
    me = arrive(hamlet, "medical-and-tier", "我妈<mother>交居民医保，我交600")
    assert listed(me) == [medical(MOTHER), pension(ME, 600)]


TWO = "居民养老，老公<husband>交1000，我妈<mother>交1500"


def test_ones_own_tier_is_changed_alone(hamlet: Town) -> None:
    me = arrive(hamlet, "changes", "我妈<mother>交两千的居民养老，我交一千")
    me.say("我的改成三千")
    assert listed(me) == [pension(MOTHER, 2000), pension(ME, 3000)]


@pytest.mark.parametrize("said", ["我的也交，600", "我也交六百", "我的改成600"])
def test_ones_own_tier_at_the_card_of_others(hamlet: Town, said: str) -> None:
    me = arrive(hamlet, f"joins-{said}", TWO)
    assert listed(me) == [pension(HUSBAND, 1000), pension(MOTHER, 1500)]
    me.say(said)
    assert listed(me) == [pension(HUSBAND, 1000), pension(MOTHER, 1500), pension(ME, 600)]


@pytest.mark.parametrize("said", ["再加上我自己", "再加上我", "还有我自己"])
@pytest.mark.parametrize("others", ["我爸<father>", "我爸<father>和我妈<mother>"])
def test_oneself_is_added(hamlet: Town, said: str, others: str) -> None:
    me = arrive(hamlet, f"added-{said}-{others[-3:]}-{len(others)}", f"帮{others}交居民养老 六百")
    me.say(said)
    bills = [pension(FATHER, 600), *([pension(MOTHER, 600)] if "我妈" in others else []), pension(ME, 600)]
    assert listed(me) == bills


def test_oneself_is_added_while_a_tier_is_asked(hamlet: Town) -> None:
    me = arrive(hamlet, "added-early", "帮我爸<father>和我妈<mother>交居民养老")
    me.say("再加上我自己")
    assert "把您自己也加上" in me.text
    assert me.card("choice")["slot"] == "tier"


@pytest.mark.parametrize("sentence", ["给老公<husband>交居民养老1000", TWO])
def test_only_oneself(hamlet: Town, sentence: str) -> None:
    me = arrive(hamlet, f"only-{len(sentence)}", sentence)
    me.say("算了只交我的")
    assert "先不缴" in me.text
    card: Any = me.card("choice")
    assert card["slot"] == "tier"
    me.say("600")
    assert me.card("payment_confirmation")["total"] == "600.00"
    assert "给您自己缴居民养老保险，2026年度，600元档" in me.text
