"""Whose bill it is: whoever is named is paid for, by number, name or relation; nobody is lost, and nobody billed instead."""

from typing import Any

import httpx2 as httpx
import pytest

from tests.journeys.driver import Resident, Town
from tests.journeys.people import MEDICAL, PENSION, RESIDENT, enrolment, id_number, medical_payment, resident

SOMEWHERE = "520122"
"""A division of this file's own, so that the numbers are nobody else's."""
BOTH = (enrolment(RESIDENT, MEDICAL), enrolment(RESIDENT, PENSION))


def person(name: str, born: str, number: int, *enrolments: dict[str, Any], **more: Any) -> dict[str, Any]:
    account = f"20889955000000{number:02d}"
    more = {"id_number": id_number(SOMEWHERE, born), "alipay_user_id": account, **more}
    return resident(name, born, number, *enrolments, **more) | {"mobile": f"137550000{number:02d}"}


ME = person("莫玉梅", "19850226", 1, *BOTH)
OTHER = person("龙海英", "19660707", 2, *BOTH)
MOTHER = person("安小云", "19701111", 3, *BOTH)
FATHER = person("田茂林", "19691010", 4, *BOTH)
WIFE = person("马兰香", "19790820", 5, *BOTH)
CHILD = person("李小宝", "20160901", 6, enrolment(RESIDENT, MEDICAL))
PAID = [medical_payment(2027, "2026-10-12T09:12:00+08:00", "2026-10-14")]
SETTLED = person("邓世伟", "19700909", 7, enrolment(RESIDENT, MEDICAL), payments=PAID)
PAYS = person("石大勇", "19850203", 8, *BOTH)
IS_PAID = person("冉启明", "19711212", 9, enrolment(RESIDENT, MEDICAL))
NEWBORN = person("吴小明", "20261105", 10, enrolment(RESIDENT, MEDICAL, since="2026-11"))
PARENT = person("吴建国", "19960606", 11, *BOTH)
IS_PAID_TOO = person("何秋香", "19720203", 12, enrolment(RESIDENT, MEDICAL))
HUSBAND = person("任小江", "19720204", 13, *BOTH)


EVERYBODY = [
    ME, OTHER, MOTHER, FATHER, WIFE, CHILD, SETTLED, PAYS, IS_PAID, NEWBORN, PARENT, IS_PAID_TOO, HUSBAND,
]  # fmt: skip


@pytest.fixture(scope="module")
def filled(town: Town) -> Town:
    town.load(EVERYBODY)
    return town


@pytest.fixture
def me(filled: Town, somebody: Resident) -> Resident:
    return somebody


def said(sentence: str) -> str:
    """`sentence` with numbers in it: <龙海英> is hers."""
    for one in EVERYBODY:
        sentence = sentence.replace(f"<{one['name']}>", one["id_number"])
    return sentence


def begin(me: Resident, sentence: str, payer: dict[str, Any] = ME) -> None:
    me.say(said(sentence))
    me.log_in(payer["alipay_user_id"])


def pay(me: Resident, payer: dict[str, Any]) -> None:
    me.say("确认支付")
    me.pay(payer["alipay_user_id"])
    me.say("好了")
    assert me.card("payment_status")["status"] == "paid"


def cashier(request: dict[str, Any]) -> str:
    """The page on which it is paid, opened."""
    return str(httpx.get(request["cashier_url"], follow_redirects=True, timeout=30).text)


def insured(me: Resident) -> str:
    assert me.has("payment_confirmation"), me.lines[-3:]
    return str(me.card("payment_confirmation")["insured"])


# --- somebody else's number (A1) --------------------------------------------------------------------

WITH_NAME = (
    "居民医保，龙海英，<龙海英>",
    "<龙海英>龙海英 交居民医保",
    "帮交居民医保身份证<龙海英>名字龙海英",
    "给低保户龙海英<龙海英>交居民医保",
    "我叫莫玉梅，给龙海英<龙海英>交居民医保",
)
WITHOUT_NAME = (
    "给<龙海英>交居民医保",
    "交居民医保 <龙海英>",
    "给特困户<龙海英>交居民医保",
    "给低保户<龙海英>交居民养老 300的",
)


@pytest.mark.parametrize("place", range(len(WITH_NAME)))
def test_a_number_and_a_name_are_paid_for(me: Resident, place: int) -> None:
    begin(me, WITH_NAME[place])
    assert insured(me) == "**英"
    assert "给您自己" not in me.text


@pytest.mark.parametrize("place", range(len(WITHOUT_NAME)))
def test_a_number_alone_asks_for_the_name(me: Resident, place: int) -> None:
    begin(me, WITHOUT_NAME[place])
    assert "姓名" in me.text
    assert not me.has("payment_confirmation")
    me.say("龙海英")
    assert insured(me) == "**英"


def test_also_after_logging_in(me: Resident) -> None:
    begin(me, "登录")
    me.say(said("交居民医保 <龙海英>"))
    assert "姓名" in me.text
    me.say("取消")
    me.say(said("居民医保，龙海英，<龙海英>"))
    assert insured(me) == "**英"


def test_said_while_the_consent_is_asked_for(me: Resident) -> None:
    me.say("交居民医保")
    begin(me, "龙海英<龙海英> 交居民医保")
    assert insured(me) == "**英"


@pytest.mark.parametrize(
    "sentence", ["交居民医保 <莫玉梅>", "我是莫玉梅，身份证<莫玉梅>，交居民医保"], ids=["bare", "told"]
)
def test_ones_own_number_is_for_oneself(me: Resident, sentence: str) -> None:
    begin(me, sentence)
    assert insured(me) == "**梅"
    assert "给您自己" in me.text


def test_ones_own_number_is_not_the_mothers(me: Resident) -> None:
    begin(me, "我是莫玉梅，身份证<莫玉梅>，帮我妈交居民医保")
    assert "您妈妈" in me.text
    assert not me.has("payment_confirmation")


def test_a_number_that_contradicts_is_asked_about(me: Resident) -> None:
    begin(me, "给我自己交居民医保 <龙海英>")
    assert me.card("choice")["slot"] == "beneficiary"
    assert not me.has("payment_confirmation")
    me.say("给我自己缴")
    assert "给您自己" in me.text


def test_a_name_alone_is_asked_about(me: Resident) -> None:
    begin(me, "交居民医保 龙海英")
    assert me.card("choice")["slot"] == "beneficiary"
    me.say("给这位缴")
    me.say(OTHER["id_number"])
    assert insured(me) == "**英"


# --- X and me (A2) ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "everybody"),
    [
        ("帮我爸田茂林<田茂林>交居民医保，还有我自己", "**梅、**林"),
        ("帮我妈安小云<安小云>和我爸田茂林<田茂林>还有我自己交居民医保", "**梅、**云、**林"),
        ("我老婆马兰香<马兰香>和我交居民医保", "**梅、**香"),
        ("给我妈安小云<安小云>交居民医保，我自己也交", "**梅、**云"),
        ("先给我妈安小云<安小云>交居民医保，再给我自己交", "**梅、**云"),
        ("安小云<安小云>和田茂林<田茂林>交居民医保", "**云、**林"),
    ],
    ids=["and_me", "three", "wife_and_i", "i_too", "then_me", "two_names"],
)
def test_everybody_who_is_named(me: Resident, sentence: str, everybody: str) -> None:
    begin(me, sentence)
    assert insured(me) == everybody


@pytest.mark.parametrize(
    "sentence",
    ["帮我妈和我爸还有我自己交居民医保", "帮爸妈和我交居民医保"],
    ids=["and_me", "parents"],
)
def test_everybody_whose_number_is_not_told_yet(me: Resident, sentence: str) -> None:
    me.say(sentence)
    assert all(title in me.text for title in ("您自己", "妈妈", "爸爸"))
    me.log_in(ME["alipay_user_id"])
    me.say(said("我妈安小云<安小云>，我爸田茂林<田茂林>"))
    assert sorted(insured(me).split("、")) == sorted(["**梅", "**云", "**林"])


def test_two_children_are_two(me: Resident) -> None:
    begin(me, "全家五口人都交居民医保")
    me.say("我、老婆、两个娃、我妈")
    assert all(title in me.text for title in ("您自己", "老婆", "第一个孩子", "第二个孩子", "妈妈"))


def test_what_is_paid_with_is_not_who_is_paid_for(me: Resident) -> None:
    begin(me, "给我妈安小云<安小云>交居民医保，用我自己的钱付")
    assert insured(me) == "**云"


# --- who comes along (A3, B7) -----------------------------------------------------------------------


@pytest.mark.parametrize("sentence", ["娃儿也要", "孩子也要"], ids=["child", "kid"])
def test_the_child_too(me: Resident, sentence: str) -> None:
    begin(me, "帮我和我老婆马兰香<马兰香>交居民医保")
    assert insured(me) == "**梅、**香"
    me.say(sentence)
    assert "您孩子" in me.text
    me.say(said("李小宝 <李小宝>"))
    assert insured(me) == "**梅、**香、**宝"


def test_a_number_at_the_card_of_several(me: Resident) -> None:
    begin(me, "帮我和我老婆马兰香<马兰香>交居民医保")
    me.say(said("<李小宝>李小宝"))
    assert insured(me) == "**梅、**香、**宝"


def test_mothers_too_at_the_payment_link(me: Resident) -> None:
    begin(me, "给我交居民医保", HUSBAND)
    me.say("确认支付")
    me.say("等一下，我妈的也一起交")
    assert "您妈妈" in me.text
    me.say(said("安小云 <安小云>"))
    assert insured(me) == "**江、**云"


def test_one_more_after_paying(me: Resident) -> None:
    begin(me, "给我老婆何秋香<何秋香>交居民医保", PAYS)
    pay(me, PAYS)
    me.say("我爸也要")
    assert "您爸爸的身份证号码" in me.text
    me.say(said("田茂林 <田茂林>"))
    assert insured(me) == "**林"


def test_another_year_of_the_same_child(me: Resident) -> None:
    begin(me, "给我家娃儿吴小明<吴小明>交2026年的居民医保", PARENT)
    assert insured(me) == "**明"
    pay(me, PARENT)
    me.say("2027的也一起交了嘛")
    assert insured(me) == "**明"
    assert me.card("payment_confirmation")["fee_year"] == 2027


# --- somebody else instead (A4, B3) -----------------------------------------------------------------


def test_an_order_for_the_wrong_one_is_closed(me: Resident) -> None:
    begin(me, "帮人交居民医保", HUSBAND)
    me.say(said("安小云<安小云>"))
    me.say("确认支付")
    order = me.card("payment_request")
    me.say("不是给安小云交，是给马兰香交")
    assert "已经取消" in me.text
    me.say(WIFE["id_number"])
    assert insured(me) == "**香"
    assert "确认付款" not in cashier(order)


def test_an_order_that_was_paid_meanwhile_is_told(me: Resident) -> None:
    begin(me, "帮人交居民医保", PAYS)
    me.say(said("冉启明<冉启明>"))
    me.say("确认支付")
    me.pay(PAYS["alipay_user_id"])
    me.say("不是给冉启明交，是给马兰香交")
    assert "已付款400元" in me.text
    me.say(WIFE["id_number"])
    assert insured(me) == "**香"


def test_not_this_one_but_that_one(me: Resident) -> None:
    begin(me, "帮人交居民医保")
    me.say(said("安小云<安小云>"))
    me.say("不是安小云，是马兰香")
    me.say(WIFE["id_number"])
    assert insured(me) == "**香"
    me.say(said("不对 换成田茂林<田茂林>"))
    assert insured(me) == "**林"
    me.say("不是田茂林，是马兰香")
    me.say("不付了")
    assert "取消" in me.text


# --- names and relations (B2, B4, C) ----------------------------------------------------------------


@pytest.mark.parametrize(
    "called", ["娃儿叫", "我崽叫", "幺儿叫", "老幺叫"], ids=["waer", "zai", "yaoer", "laoyao"]
)
def test_what_the_child_is_called(me: Resident, called: str) -> None:
    begin(me, "帮我娃儿交居民医保")
    me.say(said(f"{called}李小宝，<李小宝>"))
    assert insured(me) == "**宝"


def test_the_same_number_finds_nobody_again(me: Resident) -> None:
    begin(me, "帮我娃儿交居民医保", HUSBAND)
    me.say(said("李小豹，<李小宝>"))
    assert "没有查到" in me.text
    me.say("对的")
    assert "换一个号码" in me.text
    assert "没有听出" not in me.text


@pytest.mark.parametrize(
    ("sentence", "title"),
    [
        ("帮隔壁老太太交居民医保", "您邻居"),
        ("给隔壁王大姐交居民医保", "您邻居"),
        ("给我干妈交居民医保", "您干妈"),
        ("给我公公交居民医保", "您公公"),
        ("给我婆婆交居民医保", "您婆婆"),
        ("给我舅妈交居民医保", "您舅妈"),
    ],
    ids=["old_lady", "neighbour", "godmother", "father_in_law", "mother_in_law", "aunt"],
)
def test_what_they_are_to_the_resident(me: Resident, sentence: str, title: str) -> None:
    begin(me, sentence)
    assert f"{title}的身份证号码" in me.text


def test_for_a_neighbour_who_has_no_phone(me: Resident) -> None:
    begin(me, "我隔壁邻居老婆婆不会用手机，我帮她交")
    me.say("医保 居民的")
    assert "您邻居" in me.text
    me.say(said("龙海英，<龙海英>"))
    assert insured(me) == "**英"


# --- in pieces (B5, B6), who is skipped (B8), accounts (B17) ------------------------------------------


def test_half_sentences(me: Resident) -> None:
    me.say("我想给我妈")
    me.say("交那个")
    me.say("医保")
    begin(me, "居民的")
    assert "您妈妈的身份证号码" in me.text


@pytest.mark.parametrize("first", ["登录", "你好"], ids=["known", "unknown"])
def test_a_number_and_a_name_before_the_wish(me: Resident, first: str) -> None:
    me.say(first)
    if me.has("authorization_request"):
        me.log_in(ME["alipay_user_id"])
    me.say(OTHER["id_number"])
    assert "号码记下了" in me.text
    me.say("龙海英")
    assert "姓名记下了" in me.text
    me.say("交居民医保")
    if me.has("authorization_request"):
        me.log_in(ME["alipay_user_id"])
    assert insured(me) == "**英"


@pytest.mark.parametrize("skipping", ["那就不管我妈", "跳过"], ids=["never_mind", "skip"])
def test_one_who_is_not_found_is_skipped(me: Resident, skipping: str) -> None:
    begin(me, "帮我和我爸田茂林<田茂林>、我妈邓世伟<邓世伟>交居民医保", PAYS)
    assert "没有查到" in me.text
    assert any(button["title"] == "跳过" for message in me.last for button in message.get("buttons", []))
    me.say(skipping)
    assert insured(me) == "**勇、**林"


def test_consent_after_all(me: Resident) -> None:
    me.say("交居民医保")
    me.say("我不同意")
    me.say("算了我授权")
    assert me.has("authorization_request")


def test_everybody_has_an_account_of_his_own(me: Resident) -> None:
    begin(me, "交居民医保")
    me.say("我要用我老婆的账号")
    assert "自己的账号" in me.text
    me.press("给我老婆缴")
    assert "您老婆的身份证号码" in me.text
    me.say("取消")


def test_good_now_is_about_the_order_that_was_made(me: Resident) -> None:
    begin(me, "帮人交居民医保", HUSBAND)
    me.say(said("安小云<安小云>"))
    me.say("确认支付")
    assert "确认付款" in cashier(me.card("payment_request"))
    me.say("我爸的也一起交")
    assert "付款单还在" in me.text
    me.say("好了")
    assert "付款单还在" in me.text
    assert "没有听出" not in me.text
