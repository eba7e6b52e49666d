"""Notices: told once by a turn that is committed, again if it was not; pushed where somebody can be reached."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import update

from bot import push
from bot.channels.base import Message, UserMessage
from services.notices import Notices
from services.store.conversations import Conversation, TurnRecord, find_standing, write_turn
from services.store.session import Database
from tests.conftest import FixedClock

WEB = "web:s1"


@pytest.fixture
def notices(database: Database, clock: FixedClock) -> Notices:
    return Notices(database, clock)


async def commit_turn(database: Database, clock: FixedClock, conversation_id: str) -> None:
    standing = await database.look(find_standing, conversation_id)
    record = TurnRecord(
        conversation_id=conversation_id, version=standing.version, first_seq=standing.next_seq, events=["{}"], base=0,
        prefix="[]", capture=None, now=clock.now(),
    )  # fmt: skip
    await database.change(write_turn, record)


async def test_what_a_committed_turn_has_told_is_not_told_again(
    notices: Notices, database: Database, clock: FixedClock
) -> None:
    await notices.announce(WEB, "payment_status", order_no="A")
    [told] = await notices.take(WEB)
    assert (told.kind, told.facts) == ("payment_status", {"order_no": "A"})
    await commit_turn(database, clock, WEB)
    assert await notices.waiting(["web"]) == []
    assert await notices.take(WEB) == []


async def test_what_a_failed_turn_took_is_told_by_the_next(notices: Notices, clock: FixedClock) -> None:
    await notices.announce(WEB, "payment_status", order_no="A")
    first = await notices.take(WEB)
    assert await notices.take(WEB) == first
    assert await notices.waiting(["web"]) == []
    clock.advance(seconds=61)
    assert await notices.waiting(["web"]) == [WEB]


async def test_what_the_conversation_says_it_has_told_is_settled(notices: Notices) -> None:
    await notices.announce(WEB, "payment_status", order_no="A")
    [told] = await notices.take(WEB)
    await notices.announce(WEB, "payment_booked", order_no="A")
    assert [n.kind for n in await notices.take(WEB, [told.notice_id])] == ["payment_booked"]


async def test_the_same_news_is_not_doubled_until_it_is_taken(notices: Notices) -> None:
    for _ in range(3):
        await notices.announce(WEB, "payment_status", order_no="A")
    assert len(await notices.take(WEB)) == 1
    await notices.announce(WEB, "payment_status", order_no="A")
    assert len(await notices.take(WEB)) == 2


async def test_only_conversations_of_the_asked_channels_wait(notices: Notices) -> None:
    await notices.announce(WEB, "identity_progress")
    await notices.announce("rest:x", "identity_progress")
    assert await notices.waiting(["web", "wechat"]) == [WEB]


class Channel:
    name = "web"

    def __init__(self) -> None:
        self.there = True
        self.delivers = True
        self.pushed: list[list[Message]] = []

    def reachable(self, sender: str) -> bool:
        return self.there

    async def push(self, sender: str, messages: list[Message]) -> bool:
        if self.delivers:
            self.pushed.append(messages)
        return self.delivers


class Stage:
    """`push.run` over turns that tell the notices and are committed."""

    def __init__(self, notices: Notices, database: Database, clock: FixedClock) -> None:
        self.notices, self.database, self.clock = notices, database, clock
        self.channel = Channel()
        self.turns: list[str] = []
        self.fails = 0
        self.stop = asyncio.Event()

    async def turn(self, message: UserMessage) -> list[Message]:
        news = await self.notices.take(message.conversation_id)
        self.turns.append(message.text)
        if self.fails:
            self.fails -= 1
            raise OSError
        await commit_turn(self.database, self.clock, message.conversation_id)
        return [{"text": notice.kind} for notice in news]

    async def until(self, count: int) -> None:
        async with asyncio.timeout(30):
            while len(self.channel.pushed) < count:
                await asyncio.sleep(0.02)


@pytest.fixture
async def stage(
    notices: Notices, database: Database, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stage]:
    monkeypatch.setattr(push, "LOOK_SECONDS", 0.2)
    monkeypatch.setattr(push, "REST_SECONDS", 0.2)
    stage = Stage(notices, database, clock)
    running = asyncio.create_task(push.run(notices, stage.turn, [stage.channel], stage.stop))
    yield stage
    stage.stop.set()
    await running


async def test_news_are_pushed_at_once_and_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    await stage.notices.announce(WEB, "payment_status", order_no="A")
    await stage.until(1)
    await asyncio.sleep(0.5)
    assert stage.channel.pushed == [[{"text": "payment_status"}]]
    assert stage.turns == [push.POKE]


async def test_who_is_not_there_is_told_when_he_comes(stage: Stage) -> None:
    stage.channel.there = False
    await stage.notices.announce(WEB, "payment_status", order_no="A")
    await asyncio.sleep(0.5)
    assert stage.turns == []
    stage.channel.there = True
    await stage.until(1)


async def test_what_could_not_be_delivered_is_told_anew(stage: Stage) -> None:
    stage.channel.delivers = False
    await stage.notices.announce(WEB, "payment_status", order_no="A")
    while not stage.turns:
        await asyncio.sleep(0.02)
    stage.channel.delivers = True
    await stage.until(1)
    assert stage.channel.pushed == [[{"text": "payment_status"}]]


async def test_a_turn_that_failed_is_tried_again(stage: Stage) -> None:
    stage.fails = 1
    await stage.notices.announce(WEB, "payment_status", order_no="A")
    while not stage.turns:
        await asyncio.sleep(0.02)
    stage.clock.advance(seconds=61)
    await stage.until(1)
    assert len(stage.turns) == 2


async def test_what_the_residents_own_turn_tells_is_not_pushed(stage: Stage) -> None:
    stage.channel.there = False
    await stage.notices.announce(WEB, "payment_status", order_no="A")
    await stage.turn(UserMessage(channel="web", sender="s1", text="好了"))
    stage.channel.there = True
    await asyncio.sleep(0.5)
    assert stage.channel.pushed == []


async def test_a_version_that_moved_settles_also_what_was_told_by_a_running_turn(
    notices: Notices, database: Database, clock: FixedClock
) -> None:
    await commit_turn(database, clock, WEB)
    async with database.begin() as session:
        await notices.announce_in(session, WEB, "payment_status", telling=True, order_no="A")
    assert await notices.waiting(["web"]) == []
    async with database.begin() as session:
        await session.execute(update(Conversation).values(version=Conversation.version + 1))
    facts: list[Any] = await notices.take(WEB)
    assert facts == []
