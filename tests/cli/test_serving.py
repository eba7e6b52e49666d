"""A service with two workers on PostgreSQL, and what an operator does beside it."""

import asyncio
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import httpx2 as httpx
import pytest

from tests.cli.conftest import make_database
from tests.cli.test_commands import RESIDENT
from tests.journeys.driver import ROOT, Town, free_port
from tests.journeys.people import everybody, who
from tests.journeys.test_wechat import WeChat

NUMBER = "520103198602140003"
CHECKED = "52010319860214000"
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Town]:
    url = make_database(postgres_url)
    settings = {"SHEBAO_DATABASE_URL": url, "SHEBAO_WORKERS": "2", "SHEBAO_LOG_LEVEL": "WARNING"}
    service = Town(tmp_path_factory.mktemp("two"), environment=settings)
    refused = shebao(service, "serve")
    assert (refused.returncode, refused.stderr) == (
        1, "shebao: the store is not up to date: run `shebao db upgrade`\n"
    )  # fmt: skip
    assert shebao(service, "db", "upgrade").returncode == 0
    try:
        yield service.start()
    finally:
        service.stop()


def environment(town: Town) -> dict[str, str]:
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith("SHEBAO_")},
        "SHEBAO_DATA_DIR": str(town.data_dir), "SHEBAO_PORT": str(town.port), **town.environment, "COLUMNS": "100",
    }  # fmt: skip


def shebao(town: Town, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot.cli", *arguments],
        cwd=ROOT, env=environment(town), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_two_processes_answer_one_conversation_in_the_order_of_arrival(town: Town) -> None:
    town.load(everybody())
    resident = town.resident("order")
    resident.say("登录")
    resident.log_in(who("pays_p5")["alipay_user_id"])
    town.post("/sandbox/bureau/faults", {"operation": "*", "mode": "slow", "times": 1, "seconds": 1})
    said = ["交明年的居民医保", *(f"你好{number}" for number in range(5))]

    def send(text: str) -> httpx.Response:
        with httpx.Client(base_url=town.url, timeout=30) as own_connection:
            return own_connection.post("/webhooks/rest/webhook", json={"sender": "order", "message": text})

    sent: list[Future[httpx.Response]] = []
    with ThreadPoolExecutor(len(said)) as pool:
        for text in said:
            before = arrived(town)
            sent.append(pool.submit(send, text))
            wait_until(lambda before=before: arrived(town) > before)
    answers = [one.result() for one in sent]
    assert [answer.status_code for answer in answers] == [200] * len(said)
    assert all(answer.json() for answer in answers)
    assert heard(town, "rest:order")[-len(said) :] == said


def fetch(town: Town, query: str, *arguments: str) -> list[Any]:
    async def read() -> list[Any]:
        connection = await asyncpg.connect(town.environment["SHEBAO_DATABASE_URL"])
        rows: list[Any] = await connection.fetch(query, *arguments)
        await connection.close()
        return rows

    return asyncio.run(read())


def arrived(town: Town) -> int:
    """How many messages have had a ticket so far."""
    [row] = fetch(town, "SELECT last_value FROM arrival_ticket_seq")
    return int(row["last_value"])


def wait_until(happened: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it has not happened"
        time.sleep(0.01)


def heard(town: Town, conversation_id: str) -> list[str]:
    """What residents said, in the order of the conversation's events."""
    rows = fetch(town, "SELECT data FROM event WHERE conversation_id = $1 ORDER BY seq", conversation_id)
    events = [json.loads(row["data"]) for row in rows]
    return [event["text"] for event in events if event["event"] == "user"]


def test_copies_that_reach_both_processes_have_one_effect(town: Town) -> None:
    wechat = WeChat(town, "o0123456789abcdef")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: wechat.say("你好", "77001122"), range(8)))
    assert len(set(answers)) == 1
    assert "社保" in answers[0]
    assert heard(town, f"wechat:{wechat.openid}") == ["你好"]


def test_both_workers_serve(town: Town) -> None:
    assert town.process is not None
    children = subprocess.run(
        ["pgrep", "-P", str(town.process.pid)], capture_output=True, text=True, check=False
    )
    assert len(children.stdout.split()) >= 2


def test_residents_are_loaded_while_it_runs(town: Town) -> None:
    number = next(CHECKED + digit for digit in "0123456789X" if is_right(CHECKED + digit))
    file = town.data_dir / "people.yml"
    file.write_text(RESIDENT.format(number=number), encoding="utf-8")
    assert shebao(town, "sandbox", "load", str(file)).stdout == "1 residents loaded\n"
    assert town.state(number)["enrolments"][0]["insurance"] == "medical"
    file.write_text(RESIDENT.format(number=number).replace("medical", "dental"), encoding="utf-8")
    bad = shebao(town, "sandbox", "load", str(file))
    assert (bad.returncode, len(bad.stderr.splitlines())) == (1, 1)
    assert town.state(number)["enrolments"][0]["insurance"] == "medical"


def is_right(number: str) -> bool:
    from services.domain.id_documents import check_id_number

    return check_id_number(number).ok


def test_keys_are_rotated_while_it_runs(town: Town) -> None:
    resident = town.resident("rotation")
    resident.say("交居民医保")
    resident.say("拒绝")
    resident.say("520103199003078834")
    with ThreadPoolExecutor(2) as pool:
        rotation = pool.submit(shebao, town, "keys", "rotate")
        while not rotation.done():
            assert "出了点问题" not in "".join(m.get("text", "") for m in resident.say("你好"))
    done = rotation.result()
    assert done.returncode == 0, done.stderr
    assert re.match(r"master key \d+: \d+ keys wrapped anew", done.stdout)
    assert "出了点问题" not in "".join(m.get("text", "") for m in resident.say("再说一遍"))


def test_the_doctor_has_nothing_to_mend(town: Town) -> None:
    ran = shebao(town, "doctor")
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    lines = ran.stdout.splitlines()
    [warned] = [line for line in lines if not line.startswith("ok ")]
    assert warned.startswith("WARN  calendar: the holidays of 2027")  # it is November
    names = [line.removeprefix("ok    ") for line in lines if line != warned]
    assert names == [
        "settings",
        "store",
        "model",
        "keys",
        "clock",
        "payment gateway",
        "tax bureau",
        "wechat pay",
        "wechat",
    ]


def test_a_worker_of_its_own_ends_when_asked(town: Town) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "bot.cli", "worker"], cwd=ROOT, env=environment(town), stderr=subprocess.PIPE
    )
    end = time.monotonic() + 60
    while not listens_to(process.pid, signal.SIGTERM):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, b"Traceback" in err) == (0, False)


def test_a_worker_of_its_own_does_what_a_service_that_hangs_does_not(town: Town) -> None:
    assert town.process is not None
    worker = subprocess.Popen(
        [sys.executable, "-m", "bot.cli", "worker"], cwd=ROOT, env=environment(town), stderr=subprocess.PIPE
    )
    try:
        for _ in range(20):  # not in the middle of something that others wait for
            os.killpg(town.process.pid, signal.SIGSTOP)
            if not asked(town, "SELECT 1 FROM job WHERE lease_until IS NOT NULL"):
                break
            os.killpg(town.process.pid, signal.SIGCONT)
            time.sleep(0.2)
        [[before]] = asked(town, "UPDATE job SET next_at = '2000-01-01' WHERE kind = 'sweep' RETURNING fence")
        end = time.monotonic() + 60
        while not asked(
            town, "SELECT 1 FROM job WHERE kind = 'sweep' AND fence > $1 AND lease_until IS NULL", before
        ):
            assert time.monotonic() < end
            assert worker.poll() is None
            time.sleep(0.1)
    finally:
        os.killpg(town.process.pid, signal.SIGCONT)
        worker.terminate()
    _, err = worker.communicate(timeout=60)
    assert (worker.returncode, b"Traceback" in err) == (0, False)


def test_a_dead_letter_is_measured_and_tried_again_while_it_runs(town: Town) -> None:
    asked(
        town, "UPDATE job SET state = 'dead', crashes = 8, last_error = 'ValueError' WHERE kind = 'exports'"
    )
    assert 'shebao_jobs{state="dead"} 1.0' in town.http.get("/metrics").text
    assert 'shebao_broken_invariants{invariant="I2"} 0.0' in town.http.get("/metrics").text
    assert "  exports " in shebao(town, "jobs").stdout
    assert shebao(town, "jobs", "replay", "--all").stdout == "1 job is tried again\n"
    end = time.monotonic() + 60
    while not asked(town, "SELECT 1 FROM job WHERE kind = 'exports' AND last_error IS NULL"):
        assert time.monotonic() < end
        time.sleep(0.1)
    assert 'shebao_jobs{state="dead"} 0.0' in town.http.get("/metrics").text


def asked(town: Town, sql: str, *values: object) -> list[Any]:
    async def ask() -> list[Any]:
        connection = await asyncpg.connect(town.environment["SHEBAO_DATABASE_URL"])
        try:
            return [tuple(row) for row in await connection.fetch(sql, *values)]
        finally:
            await connection.close()

    return asyncio.run(ask())


def listens_to(pid: int, number: int) -> bool:
    """Whether the process has a handler of its own for this signal."""
    caught = re.search(r"SigCgt:\s*(\w+)", (Path("/proc") / str(pid) / "status").read_text())
    return caught is not None and bool(int(caught[1], 16) >> (number - 1) & 1)


def test_a_conversation_in_the_terminal(town: Town) -> None:
    with Terminal(town) as terminal:
        terminal.wait("您: ")
        terminal.type("帮我交居民医保")
        assert "→ http" in terminal.wait("您: ")
        terminal.type("1")
        terminal.wait("您: ")
        terminal.type("退出")
        terminal.wait("再见")
        assert terminal.process.wait(10) == 0
    assert "Traceback" not in terminal.seen
    assert "社保" in terminal.seen


class Terminal:
    """`shebao chat` behind a pseudo-terminal."""

    def __init__(self, town: Town) -> None:
        self.town, self.seen, self._read = town, "", 0

    def __enter__(self) -> "Terminal":
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot.cli", "chat"], cwd=ROOT, env=environment(self.town) | {"TERM": "xterm"},
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def type(self, line: str) -> None:
        os.write(self._ours, line.encode() + b"\n")

    def wait(self, what: str, seconds: float = 60) -> str:
        """What was shown since the last wait, up to `what`."""
        raw, end = b"", time.monotonic() + seconds
        while time.monotonic() < end:
            ready, _, _ = select.select([self._ours], [], [], 0.1)
            if ready:
                with suppress(OSError):  # it has ended
                    raw += os.read(self._ours, 65536)
            text = ESCAPES.sub("", raw.decode(errors="ignore"))
            if what in text:
                self.seen += text
                return text
        raise AssertionError(f"no {what!r} in {raw.decode(errors='replace')}")


def test_the_stock_action_server_runs_our_action(town: Town) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "bot.cli", "rasa", "run", "actions", "--port", str(port)],
        cwd=ROOT, env=environment(town), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    call = {
        "next_action": "action_run_flow",
        "sender_id": "rest:stock",
        "tracker": {
            "sender_id": "rest:stock", "slots": {}, "paused": False, "latest_event_time": 0, "followup_action": None,
            "events": [], "active_loop": {}, "latest_action_name": "action_listen",
            "latest_message": {"text": "你好", "intent": {"name": "greet", "confidence": 1.0}, "entities": []},
        },
        "domain": {},
    }  # fmt: skip
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as http:
            end = time.monotonic() + 60
            while True:
                try:
                    answer = http.post("/webhook", json=call)
                    break
                except httpx.ConnectError:
                    assert process.poll() is None
                    assert time.monotonic() < end
                    time.sleep(0.2)
        assert answer.status_code == 200, answer.text
        assert "您好" in json.dumps(answer.json()["responses"], ensure_ascii=False)
        assert any(event["event"] == "slot" for event in answer.json()["events"])
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
