"""Several processes on one store, and processes that die: order, no loss, no doubles."""

import asyncio
import json
import os
import random
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from services.store.session import Database
from tests.bot.engine.test_turns import said
from tests.killed import assert_killed, killed_at

ROOT = Path(__file__).parents[3]


class Worker:
    """A process of `tests.bot.engine.worker`, with what it has said so far."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.answers: dict[int, list[dict[str, Any]]] = {}
        self.errors: dict[int, str] = {}
        self.arrived: set[int] = set()
        self._news = asyncio.Event()
        self._ready = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def ready(self) -> None:
        await asyncio.wait_for(self._ready.wait(), 30)

    def say(self, number: int, **message: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"number": number, **message}).encode() + b"\n")

    async def until(self, done: Callable[["Worker"], bool], seconds: float = 30) -> None:
        async with asyncio.timeout(seconds):
            while not done(self):
                self._news.clear()
                await self._news.wait()

    async def kill(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self._reading

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            told = json.loads(line)
            if "arrived" in told:
                self.arrived.add(told["arrived"])
            elif "answers" in told:
                self.answers[told["number"]] = told["answers"]
            elif "error" in told:
                self.errors[told["number"]] = told["error"]
            else:
                self._ready.set()
            self._news.set()


Start = Callable[..., Awaitable[Worker]]


@pytest.fixture
async def start(database: Database, model: Path) -> AsyncIterator[Start]:
    workers: list[Worker] = []

    async def started(crashpoint: str = "") -> Worker:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.bot.engine.worker",
            database.url,
            str(model),
            stdin=PIPE,
            stdout=PIPE,
            cwd=ROOT,
            env=os.environ | {"SHEBAO_CRASHPOINT": crashpoint},
        )
        worker = Worker(process)
        workers.append(worker)
        await worker.ready()
        return worker

    yield started
    for worker in workers:
        await worker.kill()


only_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
"""Several processes share no SQLite (`shebao serve` runs one worker on it)."""


async def tickets_given(database: Database, count: int) -> None:
    """Return when `count` messages have arrived, in all processes together."""
    async with asyncio.timeout(20):
        while True:
            async with database.read() as session:
                if await session.scalar(text("SELECT last_value FROM arrival_ticket_seq")) >= count:
                    return
            await asyncio.sleep(0.005)


@only_postgresql
async def test_two_processes_answer_in_order_of_arrival(start: Start, database: Database) -> None:
    workers = await asyncio.gather(start(), start())
    waited = 0
    sent: dict[str, list[str]] = {f"c{who}": [] for who in range(10)}
    number = 0
    for turn in range(12):
        for who, words_of in sent.items():
            words = f"你好 一会儿 {turn}"
            worker = workers[random.Random(number).randrange(2)]
            worker.say(number, sender=who, text=words)
            words_of.append(words)
            number += 1
        waited += number - sum(len(worker.answers) for worker in workers) > 10
        await tickets_given(database, number)  # the round has arrived; its turns are not through

    async with asyncio.timeout(60):
        while sum(len(worker.answers) + len(worker.errors) for worker in workers) < number:
            await asyncio.sleep(0.05)
    assert waited > 6  # messages really had to wait
    assert not any(worker.errors for worker in workers)
    for who, words in sent.items():
        assert await said(database, f"rest:{who}") == words


@only_postgresql
async def test_no_message_is_lost_when_two_processes_get_them_all_at_once(
    start: Start, database: Database
) -> None:
    workers = await asyncio.gather(start(), start())
    number = 0
    for turn in range(12):
        for who in range(10):
            workers[(turn + who) % 2].say(number, sender=f"c{who}", text=f"你好 {turn}")
            number += 1

    async with asyncio.timeout(60):
        while sum(len(worker.answers) + len(worker.errors) for worker in workers) < number:
            await asyncio.sleep(0.05)
    assert not any(worker.errors for worker in workers)
    for who in range(10):
        texts = await said(database, f"rest:c{who}")
        assert sorted(texts) == sorted(f"你好 {turn}" for turn in range(12))
        for parity in range(2):  # within one process the order is that of the calls
            own = [said_ for said_ in texts if int(said_.split()[1]) % 2 == parity]
            assert own == [f"你好 {turn}" for turn in range(12) if turn % 2 == parity]


@only_postgresql
async def test_a_dead_process_does_not_hold_up_the_others(start: Start, database: Database) -> None:
    dying, living = await asyncio.gather(start(), start())
    dying.say(1, sender="ann", text="慢一点")
    await dying.until(lambda worker: 1 in worker.arrived)
    await asyncio.sleep(0.2)
    living.say(2, sender="ann", text="你好")
    await asyncio.sleep(0.3)
    assert not living.answers
    await dying.kill()

    await living.until(lambda worker: 2 in worker.answers, 10)
    assert await said(database, "rest:ann") == ["你好"]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_every_answered_turn_survives_a_kill(start: Start, database: Database, seed: int) -> None:
    chance = random.Random(seed)
    worker = await start()
    for number in range(200):
        worker.say(number, sender=f"c{number % 4}", text=f"你好 {number}", message_id=f"m{number}")
    await worker.until(lambda w: len(w.answers) > chance.randrange(5, 60))
    await worker.kill()
    answered = dict(worker.answers)
    assert answered

    for who in range(4):
        texts = await said(database, f"rest:c{who}")
        own = [number for number in sorted(answered) if number % 4 == who]
        assert texts[: len(own)] == [f"你好 {number}" for number in own]
        assert len(texts) <= len(own) + 1  # the one that was committed and not yet told

    again = await start()
    for number in answered:
        again.say(number, sender=f"c{number % 4}", text=f"你好 {number}", message_id=f"m{number}")
    await again.until(lambda w: len(w.answers) == len(answered))
    assert again.answers == answered


@pytest.mark.parametrize(
    ("crashpoint", "kept"),
    [(killed_at("turn.before_commit"), []), (killed_at("turn.after_commit"), ["你好"])],
)
async def test_a_turn_is_there_wholly_or_not_at_all(
    start: Start, database: Database, crashpoint: str, kept: list[str]
) -> None:
    worker = await start(crashpoint)
    worker.say(1, sender="ann", text="你好", message_id="m1")
    assert_killed(await worker.process.wait(), crashpoint)
    assert await said(database, "rest:ann") == kept

    again = await start()
    again.say(1, sender="ann", text="你好", message_id="m1")
    await again.until(lambda w: 1 in w.answers)
    assert again.answers[1][0]["text"] == "1 greet 你好"
    assert await said(database, "rest:ann") == ["你好"]
