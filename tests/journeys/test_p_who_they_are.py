"""Who they are: names and relations in the words of residents, told in pieces; who is skipped, who logs in."""

import pytest

from tests.journeys.driver import Resident, Town
from tests.journeys.kinsfolk import EVERYBODY, HUSBAND, ME, OTHER, PAYS, begin, cashier, insured, said


@pytest.fixture(scope="module")
def filled(town: Town) -> Town:
    town.load(EVERYBODY)
    return town


@pytest.fixture
def me(filled: Town, somebody: Resident) -> Resident:
    return somebody


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


# --- what is told of one while another is asked for -------------------------------------------------


def test_her_number_told_at_my_tier_is_hers(me: Resident) -> None:
    begin(me, "我和我妈的居民养老都交")
    me.say(said("我妈叫安小云，<安小云>"))
    assert "记下了" in me.text
    me.say("一千")
    card = me.card("payment_confirmation")
    assert card["total"] == "2000.00"
    assert "**云" in me.text


def test_her_number_told_at_the_group_of_both_is_hers(me: Resident) -> None:
    begin(me, "我爸妈都要交医保")
    me.say(said("我妈安小云<安小云>"))
    me.say("居民医保")
    assert "您爸爸的身份证号码" in me.text
    me.say(said("田茂林<田茂林>"))
    assert me.card("payment_confirmation")["total"] == "800.00"


def test_whoever_was_put_in_her_place_is_not_called_mother(me: Resident) -> None:
    begin(me, "给我妈安小云<安小云>交居民医保")
    me.say(said("换成田茂林<田茂林>"))
    assert insured(me) == "**林"
    me.say("还是换回我妈")
    assert insured(me) == "**云"
