"""Turns per second at 16 conversations: this service, durable, against stock Rasa, one after the other in turns."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import load, stock
from benchmarks.figures import memory_mb, worker_of
from benchmarks.load import Load
from tests.journeys.driver import Town
from tests.journeys.people import everybody, who

CONVERSATIONS, SECONDS, ROUNDS = 16, 15, 3
STOCK_LINES = ("hello", "I am very sad", "yes", "are you a bot?", "bye")
SMALL_TALK = ("你好", "医保什么时候交", "谢谢", "你是机器人吗", "再见")
PAYING = ("/restart", "交灵活就业养老", "一到六月", "百分之六十", "改成最高档", "取消")


@dataclass(frozen=True)
class Compared:
    stock: list[Load]
    small_talk: list[Load]
    paying: list[Load]
    stock_memory: float
    memory: float
    stock_start: float
    stock_made_of: str


def compare() -> Compared:
    """Interleaved rounds, so that a slow minute of the machine meets both."""
    made_of = stock.prepare()
    rounds: dict[str, list[Load]] = {"stock": [], "small": [], "paying": []}
    with tempfile.TemporaryDirectory() as folder:
        town = Town(Path(folder) / "var", environment={"SHEBAO_LOG_LEVEL": "WARNING"}).start(
            SHEBAO_LOG_LEVEL="WARNING"
        )
        try:
            town.load(everybody())
            _log_in_all(town)
            with stock.running() as (url, pid, start):
                for number in range(ROUNDS):
                    rounds["stock"].append(_run(url, STOCK_LINES, f"stock{number}"))
                    rounds["small"].append(_run(town.url, SMALL_TALK, f"small{number}"))
                    rounds["paying"].append(_run(town.url, PAYING, "paying"))
                stock_memory = memory_mb(worker_of(pid))
            assert town.process is not None
            memory = memory_mb(worker_of(town.process.pid))
        finally:
            town.stop()
    return Compared(
        stock=rounds["stock"], small_talk=rounds["small"], paying=rounds["paying"], stock_memory=stock_memory,
        memory=memory, stock_start=start, stock_made_of=made_of,
    )  # fmt: skip


def _run(url: str, lines: tuple[str, ...], name: str) -> Load:
    return load.run(url, lines, conversations=CONVERSATIONS, seconds=SECONDS, name=name)


def _log_in_all(town: Town) -> None:
    account = who("has_both")["alipay_user_id"]
    for number in range(CONVERSATIONS):
        resident = town.resident(f"paying-{number}")
        resident.say("登录")
        resident.log_in(account)
