"""`kill -9` after the acknowledgement: the next life of the service gives the answer that is owed."""

import asyncio
import multiprocessing
import os
import signal
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.killed import assert_killed, killed_at
from tests.wechat.town import Follower, open_town

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["tests.wechat.town"])
LEASE_SECONDS = 9


def live(folder: Path, openid: str, point: str, delay: float) -> None:
    """A life of the service in which one late message comes."""
    if point:
        os.environ["SHEBAO_CRASHPOINT"] = point

    async def run() -> None:
        async with open_town(folder, delay=delay, passive_seconds=0.1) as town:
            answer = await Follower(town, openid).say("确认支付", "6404")
            (folder / "acknowledged").write_text(answer)
            await asyncio.sleep(20)

    asyncio.run(run())


@pytest.mark.parametrize(
    "point, copies",
    [
        ("", 1),
        (killed_at("promise.after_commit"), 1),
        (killed_at("promise.after_turn"), 1),
        (killed_at("promise.before_settle"), 2),
        (killed_at("durable.before_settle"), 1),
    ],
)
async def test_what_was_acknowledged_is_answered_by_the_next_life(
    folder: Path, point: str, copies: int
) -> None:
    openid = "o0123456789abcdef"
    child = processes.Process(target=live, args=(folder, openid, point, 0.3 if point else 30))
    child.start()
    if not point:
        wait_for(folder / "acknowledged")
        os.kill(child.pid or 0, signal.SIGKILL)
    child.join(20)
    if point:
        assert_killed(child.exitcode, point)
    else:
        assert child.exitcode == -signal.SIGKILL
    if point in {"", "promise.after_turn"}:
        assert (folder / "acknowledged").read_text() == "200 success"

    async with open_town(folder) as town:
        town.clock.set(town.clock.now() + timedelta(seconds=LEASE_SECONDS))
        somebody = Follower(town, openid)
        answers = await somebody.received(copies)
        await asyncio.sleep(0.2)
        assert (
            answers == await somebody.received() == ["第1句：确认支付"] * copies
        )  # at most one more of a text
        assert len(town.talker.effects) == 1
        assert await somebody.say("确认支付", "6404") in {"第1句：确认支付", "200 success"}
        assert len(town.talker.effects) == 1


def wait_for(file: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not file.exists() or not file.read_text():
        assert time.monotonic() < end
        time.sleep(0.02)
