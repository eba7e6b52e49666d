"""In time or later: every message has one effect, and its answer comes once."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.channels.wechat.wire import MAX_TEXT_BYTES
from bot.sandbox.wechat.api import WeChatToken
from services.domain.errors import OutcomeUnknown, Refused, Unavailable
from services.store.promises import PromisedAnswer
from tests.wechat.town import Follower, Town, open_town, text_xml

SLOW, HURRY = 0.3, 0.1


def slow_down(town: Town) -> None:
    """From now on a turn takes longer than WeChat waits."""
    town.talker.delay, town.channel._seconds = SLOW, HURRY


async def owed(town: Town) -> int:
    async with town.database.read() as session:
        return len((await session.scalars(select(PromisedAnswer))).all())


async def until_nothing_is_owed(town: Town, seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while await owed(town):
            await asyncio.sleep(0.02)


async def test_an_answer_in_time_is_passive(town: Town, somebody: Follower) -> None:
    assert await somebody.say("你好") == "第1句：你好"
    assert await somebody.received() == []
    assert await owed(town) == 0


async def test_a_late_answer_is_promised_before_it_is_acknowledged_and_sent_once(
    town: Town, somebody: Follower
) -> None:
    slow_down(town)
    assert await somebody.say("你好") == "200 success"
    assert await owed(town) == 1
    assert await somebody.received(1) == ["第1句：你好"]
    await until_nothing_is_owed(town)
    await asyncio.sleep(0.1)
    assert len(await somebody.received()) == 1


async def test_what_was_said_lies_sealed_while_an_answer_is_owed(town: Town, somebody: Follower) -> None:
    slow_down(town)
    await somebody.say("我叫王小芳")
    raw = b"".join(file.read_bytes() for file in Path(town.books.data_dir).glob("shebao.db*"))
    assert "王小芳".encode() not in raw
    await until_nothing_is_owed(town)


async def test_without_a_promise_nothing_is_acknowledged(
    town: Town, somebody: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow_down(town)
    real = town.channel._promises.promise

    async def broken(_message: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(town.channel._promises, "promise", broken)
    assert (await somebody.say("你好", "7")).startswith("5")
    monkeypatch.setattr(town.channel._promises, "promise", real)
    assert await somebody.say("你好", "7") in {"200 success", "第1句：你好"}
    await until_nothing_is_owed(town)
    assert len(town.talker.effects) == 1


@pytest.mark.parametrize("copies", [1, 2, 3, 4])
@pytest.mark.parametrize("delay", [0.05, SLOW])
async def test_overlapping_copies_have_one_effect_and_one_answer(
    town: Town, somebody: Follower, copies: int, delay: float
) -> None:
    town.talker.delay = delay
    town.channel._seconds = HURRY if delay == SLOW else 2
    bodies = [somebody.envelope(text_xml("确认支付", "6404")) for _ in range(copies)]
    answers = []

    async def send(number: int) -> None:
        await asyncio.sleep(number * 0.06)
        answers.append(await somebody.post(*bodies[number]))

    await asyncio.gather(*(send(number) for number in range(copies)))
    await asyncio.sleep(SLOW + 0.1)
    assert town.talker.calls == len(town.talker.effects) == 1 or delay < SLOW
    assert len(town.talker.effects) == 1
    if delay < SLOW:
        assert set(answers) == {"第1句：确认支付"}
        assert await somebody.received() == []
    else:
        assert set(answers) == {"200 success"}
        assert await somebody.received() == ["第1句：确认支付"]


async def test_a_copy_after_the_answer_gets_the_same_answer(town: Town, somebody: Follower) -> None:
    first = await somebody.say("你好", "99")
    assert await somebody.say("你好", "99") == first
    assert len(town.talker.effects) == 1


async def test_a_copy_after_a_late_answer_is_acknowledged_and_no_more(town: Town, somebody: Follower) -> None:
    slow_down(town)
    await somebody.say("你好", "99")
    await somebody.received(1)
    await until_nothing_is_owed(town)
    assert await somebody.say("你好", "99") == "200 success"
    assert len(await somebody.received()) == 1
    assert len(town.talker.effects) == 1


async def test_messages_of_one_resident_are_answered_in_order(
    town: Town, somebody: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.channel._seconds, town.talker.delay = 20, 0.05
    arrived, begin = [], town.channel._begin
    monkeypatch.setattr(town.channel, "_begin", lambda message: arrived.append(message) or begin(message))
    tasks = []
    for number in range(5):
        tasks.append(asyncio.create_task(somebody.say(str(number))))
        while len(arrived) <= number:
            await asyncio.sleep(0.01)
    assert await asyncio.gather(*tasks) == [f"第{number + 1}句：{number}" for number in range(5)]


async def test_an_answer_of_several_parts_comes_whole_and_in_order(town: Town, somebody: Follower) -> None:
    town.talker.answer = [{"text": "社保费可以在手机上缴。" * 150}]
    assert await somebody.say("怎么缴") == "200 success"
    parts = await somebody.received(3)
    assert all(len(part.encode()) <= MAX_TEXT_BYTES for part in parts)
    assert "".join(parts) == "社保费可以在手机上缴。" * 150
    await until_nothing_is_owed(town)


async def test_a_failed_turn_is_told_in_time_and_can_be_repeated(town: Town, somebody: Follower) -> None:
    town.talker.fails = 1
    assert "出了点问题" in await somebody.say("你好", "5")
    assert await somebody.say("你好", "5") == "第1句：你好"


async def test_a_late_turn_that_fails_is_tried_again(town: Town, somebody: Follower) -> None:
    slow_down(town)
    town.talker.fails = 1
    assert await somebody.say("你好") == "200 success"
    await asyncio.sleep(SLOW)
    await jump(town, 3)
    assert await somebody.received(1) == ["第1句：你好"]


async def test_a_late_turn_that_always_fails_is_told(town: Town, somebody: Follower) -> None:
    slow_down(town)
    town.talker.fails = 99
    assert await somebody.say("你好") == "200 success"
    await asyncio.sleep(SLOW)
    town.talker.delay = 0
    for _ in range(8):
        await asyncio.sleep(0.1)
        await jump(town, 70)
    [told] = await somebody.received(1)
    assert "出了点问题" in told
    await until_nothing_is_owed(town)


async def jump(town: Town, seconds: float) -> None:
    town.clock.set(town.clock.now() + timedelta(seconds=seconds))


# --- the platform refuses ---------------------------------------------------------------------------


async def test_over_the_number_a_late_answer_waits_for_the_next_message(
    town: Town, somebody: Follower
) -> None:
    slow_down(town)
    slow = asyncio.create_task(somebody.say("第一件"))
    await asyncio.sleep(0.1)
    for number in range(5):
        assert await town.channel.push(somebody.openid, [{"text": str(number)}])
    assert await slow == "200 success"
    await asyncio.sleep(SLOW + 0.2)
    assert len(await somebody.received()) == 5
    assert await owed(town) == 1
    town.talker.delay, town.channel._seconds = 0, 2
    assert await somebody.say("第二件") == "第2句：第二件"
    assert (await somebody.received(6))[5] == "第1句：第一件"
    await until_nothing_is_owed(town)
    assert len(town.talker.effects) == 2


async def test_outside_the_window_a_notice_waits(town: Town, somebody: Follower) -> None:
    assert await town.channel.push(somebody.openid, [{"text": "已付款"}]) is False
    assert not town.channel.reachable(somebody.openid)
    await somebody.say("你好")
    assert town.channel.reachable(somebody.openid)
    assert await town.channel.push(somebody.openid, [{"text": "已付款"}]) is True


async def test_after_48_hours_and_after_leaving_nothing_can_be_sent(town: Town, somebody: Follower) -> None:
    await somebody.say("你好")
    await jump(town, 48 * 3600 + 5)
    with pytest.raises(Refused, match="window"):
        await town.messenger.send(somebody.openid, {"text": "x"})
    await somebody.say("你好")
    await somebody.event("unsubscribe")
    with pytest.raises(Refused, match="window"):
        await town.messenger.send(somebody.openid, {"text": "x"})


async def test_a_tap_allows_three_messages_for_a_minute(town: Town, somebody: Follower) -> None:
    await somebody.event("CLICK", "/help")
    for _ in range(3):
        await town.messenger.send(somebody.openid, {"text": "x"})
    with pytest.raises(Refused, match="quota"):
        await town.messenger.send(somebody.openid, {"text": "x"})
    await jump(town, 61)
    with pytest.raises(Refused, match="window"):
        await town.messenger.send(somebody.openid, {"text": "x"})


async def test_a_peer_that_is_away_is_tried_again_soon(
    town: Town, somebody: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    await somebody.say("你好")
    for error in (Unavailable(), OutcomeUnknown()):

        async def away(*_: object, error: Exception = error) -> None:
            raise error

        with monkeypatch.context() as broken:
            broken.setattr(town.messenger, "send", away)
            assert await town.channel.push(somebody.openid, [{"text": "x"}]) is False
        assert not town.channel.reachable(somebody.openid)
        assert town.channel._out_of_reach[somebody.openid] < 10**9
        town.channel._out_of_reach.clear()


async def test_a_token_that_has_expired_is_read_anew_once(town: Town, somebody: Follower) -> None:
    await somebody.say("你好")
    await town.messenger.send(somebody.openid, {"text": "1"})
    async with town.books.database.begin() as session:
        for row in await session.scalars(select(WeChatToken)):
            await session.delete(row)
    await asyncio.gather(*(town.messenger.send(somebody.openid, {"text": "x"}) for _ in range(3)))
    async with town.books.database.read() as session:
        assert len((await session.scalars(select(WeChatToken))).all()) == 1
    await jump(town, 7300)
    await town.messenger.send(somebody.openid, {"text": "2"})
    assert len(await somebody.received()) == 5


async def test_the_api_says_in_numbers_what_is_wrong(town: Town, somebody: Follower) -> None:
    await somebody.say("你好")
    with pytest.raises(Refused, match="wechat_45002"):
        await town.messenger.send(somebody.openid, {"text": "字" * 700})
    town.messenger._secret = "wrong"
    town.messenger._token = None
    with pytest.raises(Unavailable):
        await town.messenger.send(somebody.openid, {"text": "x"})


async def test_a_restart_keeps_what_was_promised(folder: Path) -> None:
    async with open_town(folder, delay=0.3, passive_seconds=HURRY) as town:
        somebody = town.follower()
        assert await somebody.say("你好") == "200 success"
    async with open_town(folder) as town:
        again = Follower(town, somebody.openid)
        assert await again.received(1) == ["第1句：你好"]
