"""What is taken for a delivery of WeChat's: forged, old, broken and oversized ones have no effect."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.channels.wechat.wire import signature_of
from tests.wechat.town import Follower, Town, open_town, text_xml

pytestmark = pytest.mark.asyncio(loop_scope="module")
HELLO = text_xml("你好", "6404")
REFUSED = "403"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one_town(new_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    folder = tmp_path_factory.mktemp("deliveries") / "data"
    async with open_town(Path(shutil.copytree(new_folder, folder))) as opened:
        yield opened


@pytest.fixture
def town(one_town: Town) -> Town:
    """One for all tests here, as if nobody had said anything yet."""
    one_town.talker.forget()
    one_town.unbound.clear()
    return one_town


async def test_the_address_is_confirmed_for_wechat_only(town: Town) -> None:
    query = {"timestamp": "1790000000", "nonce": "n", "echostr": "5838479218127813673"}
    query["signature"] = signature_of(town.keys.wechat_token, "1790000000", "n")
    right = await town.http.get("/webhooks/wechat", params=query)
    assert (right.status_code, right.text) == (200, query["echostr"])
    for change in ({"signature": "0" * 40}, {"nonce": "m"}, {"signature": ""}, {"signature": "签名"}):
        wrong = await town.http.get("/webhooks/wechat", params=query | change)
        assert (wrong.status_code, wrong.text) == (403, "")
    assert (await town.http.get("/webhooks/wechat")).status_code == 403


async def test_old_and_future_deliveries_have_no_effect(town: Town, somebody: Follower) -> None:
    for late in (310, -310, 86400):
        assert await somebody.deliver(HELLO, late=late) == REFUSED
    assert town.talker.effects == {}
    for late in (280, -280):
        assert (await somebody.deliver(HELLO, late=late)).startswith("第1句")


async def test_a_tampered_delivery_has_no_effect(town: Town, somebody: Follower) -> None:
    query, body = somebody.envelope(HELLO)
    start = body.index(b"<Encrypt>") + 9
    for place in (start, start + 20, start + 21, len(body) - 30):
        changed = body[:place] + (b"A" if body[place : place + 1] != b"A" else b"B") + body[place + 1 :]
        assert await somebody.post(query, changed) == REFUSED
    other_query, other_body = somebody.envelope(text_xml("别的", "1"))
    assert await somebody.post(query, other_body) == REFUSED
    assert await somebody.post(other_query, body) == REFUSED
    for name in ("msg_signature", "timestamp", "nonce"):
        assert await somebody.post({k: v for k, v in query.items() if k != name}, body) == REFUSED
    assert await somebody.post(query | {"timestamp": "1" * 400}, body) == REFUSED
    assert await somebody.post(query | {"timestamp": "²"}, body) == REFUSED
    assert town.talker.effects == {}


async def test_another_account_s_delivery_has_no_effect(town: Town, somebody: Follower) -> None:
    assert await somebody.deliver(HELLO, app_id="wxffffffffffffffff") == REFUSED
    assert town.talker.effects == {}


async def test_the_same_delivery_played_again_has_no_second_effect(town: Town, somebody: Follower) -> None:
    envelope = somebody.envelope(HELLO)
    assert len({await somebody.post(*envelope) for _ in range(3)}) == 1
    assert len(town.talker.effects) == 1


async def test_in_compatible_mode_the_plain_fields_count_for_nothing(town: Town, somebody: Follower) -> None:
    extra = "<FromUserName>forged</FromUserName><Content>确认支付</Content><MsgType>text</MsgType>"
    assert (await somebody.deliver(HELLO, extra=extra)).endswith("你好")
    assert set(town.talker.effects) == {f"wechat:{somebody.openid} 6404"}


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "body",
    [
        b"", b"success", b"{}", b"<xml>", b"<xml/>", b"\xff\xfe\x00", b"<xml><Encrypt/></xml>", b"\x00" * 100,
        b"<xml><Encrypt>not base64</Encrypt></xml>", b"<xml><Encrypt>a</Encrypt><Encrypt>b</Encrypt></xml>",
        f"{BOMB}<xml><Encrypt>&b;</Encrypt></xml>".encode(),
        "<xml><Encrypt>汉字</Encrypt></xml>".encode("gb18030"),
    ],
)  # fmt: skip
async def test_broken_bodies_are_refused_without_a_crash(town: Town, somebody: Follower, body: bytes) -> None:
    query, _ = somebody.envelope(HELLO)
    assert await somebody.post(query, body) == REFUSED


async def test_an_oversized_body_is_refused(town: Town, somebody: Follower) -> None:
    query, _ = somebody.envelope(HELLO)
    for size in (70_000, 900_000):
        assert await somebody.post(query, b"<xml>" + b" " * size + b"</xml>") == REFUSED
    assert (await somebody.post(query, b"x" * 1_100_000)).startswith("413")


@pytest.mark.parametrize(
    "inside", ["", "<MsgType>text</MsgType>", f"{BOMB}<Content>&b;</Content>", "<a></b>"]
)
async def test_a_signed_delivery_that_is_no_message_is_refused(
    town: Town, somebody: Follower, inside: str
) -> None:
    answer = await somebody.deliver(inside)
    assert answer == REFUSED or answer.startswith("我没有收到内容")
    assert town.talker.effects == {}


async def test_a_kind_that_is_newer_than_we_is_acknowledged(town: Town, somebody: Follower) -> None:
    assert await somebody.event("subscribe_msg_popup_event") == "200 success"
    assert "文字" in await somebody.deliver("<MsgType>hologram</MsgType><MsgId>9</MsgId>")
    for event in ("VIEW", "SCAN", "LOCATION", "TEMPLATESENDJOBFINISH", "kf_close_session"):
        assert await somebody.event(event, "x") == "200 success"
    assert town.talker.effects == {}


@pytest.mark.parametrize(
    "body",
    [
        "<MsgType>image</MsgType><PicUrl>u</PicUrl><MediaId>m</MediaId><MsgId>2</MsgId>",
        "<MsgType>voice</MsgType><MediaId>m</MediaId><Format>amr</Format><Recognition></Recognition><MsgId>3</MsgId>",
        "<MsgType>video</MsgType><MediaId>m</MediaId><ThumbMediaId>t</ThumbMediaId><MsgId>4</MsgId>",
        "<MsgType>shortvideo</MsgType><MediaId>m</MediaId><ThumbMediaId>t</ThumbMediaId><MsgId>4</MsgId>",
        "<MsgType>link</MsgType><Title>t</Title><Description>d</Description><Url>u</Url><MsgId>5</MsgId>",
        "<MsgType>location</MsgType><Location_X>26.6</Location_X><Location_Y>106.6</Location_Y><Scale>1</Scale><Label>l</Label><MsgId>6</MsgId>",
    ],
)  # fmt: skip
async def test_what_is_no_text_gets_a_polite_sentence(town: Town, somebody: Follower, body: str) -> None:
    assert "打字" in await somebody.deliver(body)
    assert town.talker.effects == {}


async def test_a_spoken_message_counts_as_said(town: Town, somebody: Follower) -> None:
    answer = await somebody.deliver(
        "<MsgType>voice</MsgType><MediaId>m</MediaId><Format>amr</Format><Recognition>交社保。</Recognition><MsgId>3</MsgId>"
    )
    assert answer == "第1句：交社保。"


async def test_empty_and_long_messages_get_a_sentence(town: Town, somebody: Follower) -> None:
    assert "没有收到" in await somebody.say("  ")
    assert "太长" in await somebody.say("社" * 1001)
    assert town.talker.effects == {}


async def test_messages_without_a_number_are_not_taken_for_one_another(
    town: Town, somebody: Follower
) -> None:
    def bare(text: str) -> str:
        return f"<MsgType>text</MsgType><Content>{text}</Content>"

    assert [await somebody.deliver(bare("一")), await somebody.deliver(bare("二"))] == [
        "第1句：一",
        "第2句：二",
    ]
    assert await somebody.deliver(bare("一")) == "第1句：一"


async def test_a_number_stays_text(town: Town, somebody: Follower) -> None:
    for number in ("23456789012345678901", "23456789012345678902", "0", "msg-1"):
        await somebody.say("你好", number)
    assert len(town.talker.effects) == 4


async def test_events_have_one_effect(town: Town, somebody: Follower) -> None:
    answers = await asyncio.gather(*(somebody.event("subscribe") for _ in range(3)))
    assert set(answers) == {"第1句：/greet"}
    assert {await somebody.event("CLICK", "/help") for _ in range(2)} == {"第2句：/help"}
    assert await somebody.event("CLICK", "/help", 1790000009) == "第3句：/help"
    assert await somebody.event("CLICK", "/greet", 1790000009) == "第4句：/greet"
    assert await somebody.event("subscribe", "qrscene_12", 1790000020) == "第5句：/greet"
    assert len(town.talker.effects) == 5


async def test_leaving_unbinds_once_and_is_not_answered(town: Town, somebody: Follower) -> None:
    for _ in range(3):
        assert await somebody.event("unsubscribe") == "200 success"
    assert town.unbound == [f"wechat:{somebody.openid}"]
    await somebody.event("unsubscribe", stamp=1790000100)
    assert len(town.unbound) == 2


@pytest.mark.parametrize(
    "said", ["a]]>b", "]]>", "]]]]>>", "<a href='x'>&amp;", "</Content></xml>", "一\x07二", "𠮷𱁬"]
)
async def test_an_answer_with_markup_arrives_as_it_was_written(
    town: Town, somebody: Follower, said: str
) -> None:
    town.talker.answer = [{"text": said}]
    assert await somebody.say("你好") == said.replace("\x07", "")


async def test_plain_deliveries_need_the_setting(town: Town, somebody: Follower, folder: Path) -> None:
    assert await somebody.post(*somebody.plain(HELLO)) == REFUSED
    async with open_town(folder, wechat_plain=True) as open_mode:
        them = open_mode.follower()
        assert await them.post(*them.plain(HELLO)) == "第1句：你好"
        query, body = them.plain(text_xml("确认支付", "2"))
        assert await them.post(query | {"signature": "0" * 40}, body) == REFUSED
        assert (await them.say("加密")).endswith("加密")
    async with open_town(folder, wechat_plain=True, env="production") as closed:
        them = closed.follower()
        assert await them.post(*them.plain(HELLO)) == REFUSED
