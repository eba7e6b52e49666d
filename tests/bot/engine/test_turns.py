"""Messages in their order, redacted, committed before they are answered, and answered once."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select, text

from bot.channels.base import UserMessage
from bot.engine.agent import Engine
from bot.lines import ConversationBusy
from bot.turns import StoreFailed, Turns
from services.store.conversations import Conversation, Event, InboxMessage
from services.store.session import Database
from tests.bot.engine.acting import Trouble
from tests.bot.engine.turning import Redactor, make_turns
from tests.conftest import FixedClock


def say(text: str, *, sender: str = "ann", message_id: str | None = None) -> UserMessage:
    return UserMessage(channel="rest", sender=sender, text=text, message_id=message_id)


@pytest.fixture
def redactor() -> Redactor:
    return Redactor()


@pytest.fixture
async def turns(
    engine: Engine, database: Database, clock: FixedClock, redactor: Redactor
) -> AsyncIterator[Turns]:
    made = make_turns(engine, database, clock, redactor=redactor)
    yield made
    await made.close()


async def said(database: Database, conversation_id: str = "rest:ann") -> list[str]:
    """The texts of the residents' messages, in the order of the record."""
    async with database.read() as session:
        rows = await session.scalars(
            select(Event.data).where(Event.conversation_id == conversation_id).order_by(Event.seq)
        )
        events = [json.loads(row) for row in rows]
    return [event["text"] for event in events if event["event"] == "user"]


async def test_messages_of_one_conversation_are_answered_in_order_and_none_is_lost(
    turns: Turns, database: Database
) -> None:
    sent = [(f"c{who}", f"你好 {number}") for number in range(12) for who in range(10)]

    answers = await asyncio.gather(*(turns(say(words, sender=who)) for who, words in sent))

    for (_, words), answer in zip(sent, answers, strict=True):
        number = int(words.split()[1])
        assert answer[0]["text"] == f"{number + 1} greet {words}"
    for who in range(10):
        assert await said(database, f"rest:c{who}") == [f"你好 {number}" for number in range(12)]


async def test_the_answer_comes_after_the_commit(turns: Turns, database: Database) -> None:
    await turns(say("你好"))

    assert await said(database) == ["你好"]


async def test_a_line_that_is_too_long_refuses_the_next_message_only(
    engine: Engine, database: Database, clock: FixedClock
) -> None:
    turns = make_turns(engine, database, clock, longest=3)

    results = await asyncio.gather(*(turns(say(f"你好 {n}")) for n in range(5)), return_exceptions=True)

    assert [isinstance(result, ConversationBusy) for result in results] == [False] * 3 + [True] * 2
    assert (await turns(say("你好")))[0]["text"] == "4 greet 你好"
    await turns.close()


async def test_a_repeated_message_is_answered_again_without_a_second_turn(
    turns: Turns, database: Database, clock: FixedClock
) -> None:
    first = await turns(say("你好", message_id="m1"))
    again = await asyncio.gather(*(turns(say("你好", message_id="m1")) for _ in range(3)))

    assert again == [first] * 3
    assert await said(database) == ["你好"]

    clock.advance(hours=25)
    assert (await turns(say("你好", message_id="m1")))[0]["text"] == "2 greet 你好"


async def test_copies_of_a_message_that_arrive_together_have_one_turn(
    turns: Turns, database: Database
) -> None:
    answers = await asyncio.gather(*(turns(say("你好", message_id="m1")) for _ in range(4)))

    assert [answer[0]["text"] for answer in answers] == ["1 greet 你好"] * 4
    assert await said(database) == ["你好"]


async def test_the_same_id_in_another_conversation_is_another_message(
    turns: Turns, database: Database
) -> None:
    await turns(say("你好", message_id="m1"))
    await turns(say("你好", message_id="m1", sender="bob"))

    assert await said(database, "rest:bob") == ["你好"]


async def test_kept_answers_are_encrypted(turns: Turns, database: Database) -> None:
    await turns(say("卡片", message_id="\ud800 odd id" + "x" * 999))

    async with database.read() as session:
        kept = (await session.scalars(select(InboxMessage.answers))).one()
    assert b"secret-token" not in kept


async def test_personal_data_is_gone_before_anything_is_stored(turns: Turns, database: Database) -> None:
    await turns(say("我是王小芳"))

    assert await said(database) == ["我是⟦person_name:ABCDEFGHJKMN⟧"]


async def test_what_is_asked_for_is_sealed_whatever_it_looks_like(turns: Turns, database: Database) -> None:
    await turns(say("问名字"))
    await turns(say("安宁"))

    assert (await said(database))[-1] == "⟦person_name:ABCDEFGHJKMN⟧"


@pytest.mark.parametrize(
    "words", ["取消", "取消。", "/stop", '/inform{"size": "大"}', "为什么 要知道我的名字"]
)
async def test_a_control_word_a_button_or_a_question_gets_past_an_open_question(
    turns: Turns, database: Database, words: str
) -> None:
    await turns(say("问名字"))
    await turns(say(words))

    assert (await said(database))[-1] == words


@pytest.mark.parametrize("words", ["/王小芳", "为什么 要问 王小芳", '/nothing{"size": "大"}'])
async def test_a_text_that_hides_a_name_does_not_get_past(
    turns: Turns, database: Database, words: str
) -> None:
    await turns(say("问名字"))
    await turns(say(words))

    assert "王小芳" not in (await said(database))[-1]


async def test_a_failing_turn_raises_and_the_line_goes_on(turns: Turns, database: Database) -> None:
    results = await asyncio.gather(
        turns(say("你好")), turns(say("炸了")), turns(say("取消")), return_exceptions=True
    )

    assert isinstance(results[1], Trouble)
    assert results[2][0]["text"] == "2 stop 取消"  # type: ignore[index]
    assert await said(database) == ["你好", "取消"]


async def test_a_failing_store_fails_the_turn_with_its_own_error(turns: Turns, database: Database) -> None:
    await turns(say("你好"))
    for table in ("event", "conversation"):
        async with database.begin() as session:
            await session.execute(text(f"ALTER TABLE {table} RENAME TO gone"))
        with pytest.raises(StoreFailed) as failure:
            await turns(say("你好"))
        assert failure.value.store_failed
        async with database.begin() as session:
            await session.execute(text(f"ALTER TABLE gone RENAME TO {table}"))

    assert (await turns(say("你好")))[0]["text"] == "2 greet 你好"


async def test_a_writer_that_goes_past_the_line_loses_and_nothing_is_doubled(
    turns: Turns, engine: Engine, database: Database, clock: FixedClock
) -> None:
    await turns(say("你好"))
    others = make_turns(engine, database, clock)
    others._arrivals = turns._arrivals = None  # as if there were no order across processes

    results = await asyncio.gather(turns(say("取消")), others(say("这个")), return_exceptions=True)

    assert sum(isinstance(result, Exception) for result in results) <= 1
    assert len(await said(database)) == 3 - sum(isinstance(result, Exception) for result in results)


async def test_a_turn_ends_also_when_the_client_has_gone(turns: Turns, database: Database) -> None:
    asking = asyncio.create_task(turns(say("你好")))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    await turns.close()
    assert await said(database) == ["你好"]


@pytest.mark.parametrize("words", ["", "\x00", "\ud800", "x" * 20_000, "你好\x00\ud800"])
async def test_odd_texts_do_no_harm(turns: Turns, words: str) -> None:
    assert await turns(say(words))
    assert await turns(say("你好"))


async def test_the_time_of_the_last_turn_is_the_service_clock(
    turns: Turns, database: Database, clock: FixedClock
) -> None:
    await turns(say("你好"))
    clock.advance(hours=1)
    await turns(say("你好"))

    async with database.read() as session:
        row = (await session.scalars(select(Conversation))).one()
    assert row.last_turn_at == clock.now()
    assert row.version == 2
