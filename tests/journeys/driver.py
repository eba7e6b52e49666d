"""An outside driver: starts `shebao serve` on an empty data folder and talks by REST and HTML forms only."""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx2 as httpx
import yaml
from bs4 import BeautifulSoup

READY_SECONDS = 180
ROOT = Path(__file__).parent.parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Town:
    """One running service with its sandbox, and what an outsider can do to it."""

    data_dir: Path
    clock: str = "2026-11-23T10:00:00+08:00"
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    shared: bool = False
    """Of all journeys of a process: its clock runs on for those that come after, and nobody moves it."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, **extra: str) -> "Town":
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("SHEBAO_")},
            "SHEBAO_DATA_DIR": str(self.data_dir),
            "SHEBAO_CLOCK": self.clock,
            "SHEBAO_LOG_LEVEL": "DEBUG",
            **self.environment,
            **extra,
        }
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.log = (self.data_dir / "serve.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot.cli", "serve", "--port", str(self.port)],
            cwd=ROOT,
            env=environment,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        self.http = httpx.Client(base_url=self.url, timeout=30)
        self._wait_until_ready()
        return self

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end:
            assert self.process is not None
            if self.process.poll() is not None:
                raise AssertionError(f"serve ended: {(self.data_dir / 'serve.log').read_text()[-3000:]}")
            try:
                if self.http.get("/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"not ready: {(self.data_dir / 'serve.log').read_text()[-3000:]}")

    def kill(self) -> None:
        """As a power cut would: the whole process group, at once."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        if self.process:
            self.process.wait()

    def wait_for_death(self, seconds: float = 60) -> None:
        """Until no process of the service is left: one worker died, and the rest is taken down with it."""
        assert self.process is not None
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                self.http.get("/healthz", timeout=1)
            except httpx.TransportError:
                break
            time.sleep(0.1)
        self.kill()

    def stop(self) -> None:
        self.kill()
        self.http.close()
        self.log.close()

    def load(self, residents: list[dict[str, Any]]) -> None:
        file = self.data_dir / "residents.yml"
        file.write_text(yaml.safe_dump({"residents": residents}, allow_unicode=True), encoding="utf-8")
        done = self.shebao("sandbox", "load", str(file))
        assert done.returncode == 0, done.stdout + done.stderr

    def shebao(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "SHEBAO_DATA_DIR": str(self.data_dir), "SHEBAO_PORT": str(self.port)}
        return subprocess.run(
            [sys.executable, "-m", "bot.cli", *arguments],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        answer = self.http.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer

    def advance(self, duration: str) -> None:
        assert not self.shared, "who moves the clock starts a town of his own"
        self.post("/sandbox/clock", {"advance": duration})

    def now(self) -> datetime:
        """The time that the sandbox's clock shows."""
        return datetime.fromisoformat(self.post("/sandbox/clock", {"advance": "PT0S"}).json()["now"])

    def state(self, id_number: str) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get("/sandbox/state", params={"id_number": id_number}).json()
        return found

    def resident(self, sender: str) -> "Resident":
        return Resident(self, sender)


class Resident:
    """Somebody who talks in one conversation; keeps all that was said for the transcript."""

    def __init__(self, town: Town, sender: str) -> None:
        self.town = town
        self.sender = sender
        self.lines: list[tuple[str, str]] = []
        self.last: list[dict[str, Any]] = []

    def say(self, text: str) -> list[dict[str, Any]]:
        answer = self.town.http.post("/webhooks/rest/webhook", json={"sender": self.sender, "message": text})
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
        self.last = answer.json()
        self.lines.append(("居民", text))
        for message in self.last:
            self.lines.append(("助手", message.get("text", "")))
        assert self.last, f"silence after {text!r}"
        return self.last

    def card(self, kind: str) -> dict[str, Any]:
        """The newest card of this kind in the last answer."""
        found = [m["custom"] for m in self.last if m.get("custom", {}).get("kind") == kind]
        assert found, f"no {kind} in {[(m.get('text'), m.get('custom', {}).get('kind')) for m in self.last]}"
        return found[-1]

    def has(self, kind: str) -> bool:
        return any(m.get("custom", {}).get("kind") == kind for m in self.last)

    @property
    def text(self) -> str:
        return "\n".join(message.get("text", "") for message in self.last)

    def press(self, title: str) -> list[dict[str, Any]]:
        """Tap a button of the last answer."""
        for message in reversed(self.last):
            for button in message.get("buttons", []):
                if button["title"] == title:
                    return self.say(button["payload"])
        raise AssertionError(f"no button {title} in {self.last}")

    def wait_for_button(self, title: str, seconds: float = 30) -> None:
        """Greet now and then, until an answer brings this button."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.say("你好")
            if any(b["title"] == title for m in self.last for b in m.get("buttons", [])):
                return
            time.sleep(0.2)
        raise AssertionError(f"no button {title} in {seconds} s: {self.text}")

    def consent(self, account: str, button: str = "同意") -> httpx.Response:
        return self.fill(self.card("authorization_request")["url"], button, account=account)

    def verify(self, button: str = "通过") -> httpx.Response:
        return self.fill(self.card("identity_verification")["url"], button)

    def pay(self, account: str, button: str = "确认付款") -> httpx.Response:
        url = self.card("payment_request")["cashier_url"]
        return self.fill(url, button, account=account, password="123456")

    def fill(self, url: str, button: str, **fields: str) -> httpx.Response:
        """Open a page, fill its form and press a button, as a browser without script would."""
        with httpx.Client(follow_redirects=True, timeout=30) as browser:
            page = browser.get(url)
            assert page.status_code == 200, f"{page.status_code} {page.text[:500]}"
            soup = BeautifulSoup(page.text, "html.parser")
            pressed = next(b for b in soup.find_all("button") if b.get_text(strip=True) == button)
            form = pressed.find_parent("form")
            values = {i["name"]: i.get("value", "") for i in form.find_all("input") if i.get("name")}
            values.update(fields)
            if pressed.get("name"):
                values[pressed["name"]] = pressed.get("value", "")
            return browser.post(urljoin(str(page.url), form.get("action") or str(page.url)), data=values)

    def log_in(self, account: str) -> None:
        """From an `authorization_request` in the last answer to the parked task's next question."""
        self.consent(account)
        self.say("好了")
        self.verify()
        self.say("好了")

    def write_transcript(self, name: str) -> None:
        folder = ROOT / "docs" / "transcripts"
        folder.mkdir(parents=True, exist_ok=True)
        body = "\n\n".join(f"**{who}**：{text}" for who, text in self.lines)
        (folder / f"{name}.md").write_text(f"# {name}\n\n{body}\n", encoding="utf-8")
