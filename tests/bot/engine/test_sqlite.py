"""The connection that leaves the event loop only to wait: who waits, who does not, and who gave up waiting."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError, OperationalError

from services.store import session as sessions
from services.store.session import Database


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/local.db")
    async with database.engine.begin() as rows:
        await rows.execute(text("CREATE TABLE thing (name TEXT PRIMARY KEY)"))
    yield database
    await database.close()


async def names(database: Database) -> list[str]:
    return await database.look(lambda rows: list(rows.scalars(text("SELECT name FROM thing ORDER BY name"))))


async def add(database: Database, name: str) -> None:
    await database.change(lambda rows: rows.execute(text("INSERT INTO thing VALUES (:name)"), {"name": name}))


async def test_a_reader_does_not_wait_for_a_writer_and_sees_nothing_of_it(store: Database) -> None:
    async with store.engine.begin() as rows:
        await rows.execute(text("INSERT INTO thing VALUES ('a')"))
        assert await asyncio.wait_for(names(store), 4) == []
    assert await names(store) == ["a"]


async def test_writers_wait_for_each_other_and_the_loop_goes_on(store: Database) -> None:
    order = []

    async def hold() -> None:
        async with store.engine.begin() as rows:
            await rows.execute(text("INSERT INTO thing VALUES ('held')"))
            await asyncio.sleep(0.3)
            order.append("held")

    async def ticks() -> None:
        for _ in range(5):
            await asyncio.sleep(0.02)
            order.append("tick")

    async def next_one() -> None:
        await asyncio.sleep(0.02)
        await add(store, "next")
        order.append("next")

    await asyncio.gather(hold(), ticks(), next_one())

    assert order == ["tick"] * 5 + ["held", "next"]


async def test_every_write_is_committed_or_nothing_of_it(store: Database) -> None:
    await add(store, "a")

    async def fail() -> None:
        await store.change(
            lambda rows: [rows.execute(text(f"INSERT INTO thing VALUES ('{n}')")) for n in "ba"]
        )

    with pytest.raises(IntegrityError):
        await fail()

    assert await names(store) == ["a"]
    await add(store, "b")


async def test_a_connection_of_a_turn_that_was_given_up_is_usable_again(store: Database) -> None:
    for number in range(40):
        task = asyncio.create_task(add(store, f"given-up-{number}"))
        for _ in range(number % 8):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await add(store, f"said-{number:02}")

    said = [name for name in await names(store) if name.startswith("said")]
    assert said == [f"said-{number:02}" for number in range(40)]


async def test_a_turn_that_was_given_up_holds_no_lock_while_its_error_is_kept(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever keeps the exception keeps its frames, and with them a cursor in the middle of its rows."""
    monkeypatch.setattr(sessions, "BUSY_TIMEOUT_MS", 300)
    impatient = Database(store.url)
    await add(store, "a")
    kept = []

    async def look_under_the_lock() -> None:
        await impatient.change(lambda rows: rows.execute(text("SELECT name FROM thing")))

    for number in range(20):
        task = asyncio.create_task(look_under_the_lock())
        for _ in range(number % 8):
            await asyncio.sleep(0)
        task.cancel()
        kept += await asyncio.gather(task, return_exceptions=True)
        await add(impatient, f"said-{number:02}")
    await impatient.close()

    assert any(isinstance(error, asyncio.CancelledError) for error in kept)


async def test_a_lock_that_is_never_free_is_an_error(
    tmp_path: Path, store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "BUSY_TIMEOUT_MS", 50)
    other = Database(store.url)
    async with store.engine.begin() as rows:
        await rows.execute(text("INSERT INTO thing VALUES ('a')"))
        with pytest.raises(OperationalError, match="locked"):
            await add(other, "b")
    await add(other, "b")
    await other.close()

    assert await names(store) == ["a", "b"]


async def test_looking_stays_on_the_loop_and_committing_leaves_it(store: Database) -> None:
    where: list[tuple[str, int]] = []

    def trace(statement: str) -> None:
        where.append((statement.split(maxsplit=1)[0], threading.get_ident()))

    @event.listens_for(store.engine.sync_engine, "checkout")
    def traced(connection: object, _record: object, _proxy: object) -> None:
        connection.driver_connection._conn.set_trace_callback(trace)  # type: ignore[attr-defined]

    await add(store, "a")
    await names(store)

    here = threading.get_ident()
    assert [name for name, thread in where if thread == here] == ["BEGIN", "SELECT", "ROLLBACK"]
    assert [name for name, thread in where if thread != here] == ["BEGIN", "INSERT", "COMMIT"]


async def test_writers_are_served_in_the_order_in_which_they_came(store: Database) -> None:
    served = []

    async def write(number: int) -> None:
        async with store.engine.begin() as rows:
            await rows.execute(text("INSERT INTO thing VALUES (:name)"), {"name": str(number)})
            await asyncio.sleep(0.002)
            served.append(number)

    await asyncio.gather(*(write(number) for number in range(4)))  # makes the connections, in any order
    served.clear()
    await asyncio.gather(*(write(number) for number in range(10, 14)))

    assert served == [10, 11, 12, 13]


async def test_a_writer_that_waits_too_long_in_the_line_fails_and_the_line_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "BUSY_TIMEOUT_MS", 50)
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/line.db")
    async with database.engine.begin() as rows:
        await rows.execute(text("CREATE TABLE thing (name TEXT PRIMARY KEY)"))
        with pytest.raises(OperationalError, match="locked"):
            await add(database, "a")
    await add(database, "b")

    assert await names(database) == ["b"]
    await database.close()
