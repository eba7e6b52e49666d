"""One turn at a time: what is answered, what is stored, and what fails."""

import json

import pytest
from sqlalchemy import select, text

from bot.engine.agent import Engine
from bot.engine.errors import BadActionResult, EngineSilent, EngineStuck, TurnTooLong
from services.store.conversations import Conversation, Event
from services.store.session import Database
from tests.bot.engine.acting import CARD, Trouble
from tests.bot.engine.conftest import Load


async def stored(database: Database, conversation_id: str = "rest:ann") -> list[dict[str, object]]:
    async with database.read() as session:
        rows = await session.scalars(
            select(Event.data).where(Event.conversation_id == conversation_id).order_by(Event.seq)
        )
        return [json.loads(row) for row in rows]


async def test_a_turn_answers_in_the_rest_shape_and_is_stored(engine: Engine, database: Database) -> None:
    answers = await engine.handle("rest:ann", "你好")

    assert answers == [{"text": "1 greet 你好", "buttons": [{"title": "取消", "payload": "/stop"}]}]
    names = [event["event"] for event in await stored(database)]
    assert names.count("user") == 1
    assert names[-1] == "action"


async def test_the_next_turn_knows_the_last_one_also_in_another_process(engine: Engine, load: Load) -> None:
    await engine.handle("rest:ann", "你好")
    other = await load()

    assert (await other.handle("rest:ann", "取消"))[0]["text"] == "2 stop 取消"
    assert (await engine.handle("rest:ann", "你好"))[0]["text"] == "3 greet 你好"


async def test_a_payload_is_read_without_the_graph_and_keeps_chinese_values(engine: Engine) -> None:
    parsed = await engine.parse('/inform{"size": "大", "color": ["红", "60%"]}')

    assert parsed["intent"] == {"name": "inform", "confidence": 1.0}
    assert [(found["entity"], found["value"]) for found in parsed["entities"]] == [
        ("size", "大"),
        ("color", "红"),
        ("color", "60%"),
    ]


@pytest.mark.parametrize("text", ["/", "/王小芳", "/inform{", "/inform {1}", "/nobody_knows_this", "//"])
async def test_what_only_looks_like_a_payload_is_plain_text(engine: Engine, text: str) -> None:
    parsed = await engine.parse(text)

    assert parsed["text"] == text
    assert parsed["entities"] == []


async def test_the_whole_card_is_sent_and_only_its_kind_is_stored(engine: Engine, database: Database) -> None:
    answers = await engine.handle("rest:ann", "卡片")

    assert answers[0]["custom"] == CARD
    assert "secret-token" in answers[0]["text"]
    said = [event for event in await stored(database) if event["event"] == "bot"]
    assert said[0]["data"] == {"custom": {"kind": "document"}}
    assert "secret-token" not in json.dumps(await stored(database))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("炸了", Trouble),
        ("安静", EngineSilent),
        ("打转", EngineStuck),
        ("提醒我", BadActionResult),
        ("拒绝", EngineSilent),
    ],
)
async def test_a_turn_that_fails_raises_and_stores_nothing(
    engine: Engine, database: Database, text: str, error: type[Exception]
) -> None:
    await engine.handle("rest:ann", "你好")
    before = await stored(database)

    with pytest.raises(error):
        await engine.handle("rest:ann", text)

    assert await stored(database) == before
    assert (await engine.handle("rest:ann", "你好"))[0]["text"] == "2 greet 你好"


async def test_a_turn_that_takes_too_long_is_given_up(load: Load, database: Database) -> None:
    engine = await load(turn_seconds=0.2)

    with pytest.raises(TurnTooLong):
        await engine.handle("rest:ann", "慢一点")

    assert await stored(database) == []


async def test_a_poke_may_have_nothing_to_say(engine: Engine) -> None:
    assert await engine.handle("rest:ann", '/resume_bot{"poke": "1"}') == []
    with pytest.raises(EngineSilent):
        await engine.handle("rest:ann", "/resume_bot")


async def test_a_paused_conversation_fails_instead_of_being_silent(engine: Engine) -> None:
    await engine.handle("rest:ann", "暂停")

    with pytest.raises(EngineSilent):
        await engine.handle("rest:ann", "你好")


async def test_a_store_that_cannot_be_written_fails_the_turn_and_nothing_is_forgotten(
    engine: Engine, database: Database
) -> None:
    await engine.handle("rest:ann", "你好")
    async with database.begin() as session:
        await session.execute(text("ALTER TABLE event RENAME TO gone"))

    with pytest.raises(Exception, match="event"):
        await engine.handle("rest:ann", "你好")

    async with database.begin() as session:
        await session.execute(text("ALTER TABLE gone RENAME TO event"))
    assert (await engine.handle("rest:ann", "你好"))[0]["text"] == "2 greet 你好"


async def test_a_store_that_cannot_be_read_fails_the_turn_instead_of_starting_anew(
    engine: Engine, load: Load, database: Database
) -> None:
    await engine.handle("rest:ann", "你好")
    async with database.begin() as session:
        await session.execute(text("DELETE FROM event WHERE seq = 2"))

    other = await load()
    with pytest.raises(LookupError):
        await other.handle("rest:ann", "你好")


async def test_event_times_never_go_back_when_the_machine_clock_does(
    engine: Engine, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine.handle("rest:ann", "你好")
    import time

    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 3600)
    await engine.handle("rest:ann", "你好")

    times = [event["timestamp"] for event in await stored(database)]
    assert times == sorted(times)
    assert len(set(times)) == len(times)


async def test_the_row_of_the_conversation_holds_what_is_being_asked_for(
    engine: Engine, database: Database
) -> None:
    await engine.handle("rest:ann", "问名字")

    async with database.read() as session:
        row = (await session.scalars(select(Conversation))).one()
    assert (row.channel, row.sender, row.capture, row.owner, row.epoch) == (
        "rest",
        "ann",
        "person_name",
        "bot",
        0,
    )


async def test_forms_and_their_validation_work(engine: Engine) -> None:
    assert (await engine.handle("rest:ann", "订货"))[0]["text"] == "多大？"
    answers = await engine.handle("rest:ann", '/inform{"size": "中"}')
    assert [answer["text"] for answer in answers] == ["只有大和小。", "多大？"]
    assert (await engine.handle("rest:ann", '/inform{"size": "大"}'))[0]["text"] == "什么颜色？"
    assert (await engine.handle("rest:ann", '/inform{"color": "红"}'))[0]["text"] == "大/红"
