"""From `shebao serve` to ready with a trained model, memory of the worker, size of the environment."""

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import memory_mb, resident_mb, size_mb, worker_of
from tests.journeys.driver import ROOT, Town

GREETINGS = 50


@dataclass(frozen=True)
class Start:
    """Seconds of three starts; the worker's memory in MB after some turns."""

    first_seconds: float
    seconds: list[float]
    memory: float
    resident: float
    environment_mb: float


def measure() -> Start:
    with tempfile.TemporaryDirectory() as folder:
        town = Town(Path(folder) / "var")
        taken = []
        for _ in range(4):
            began = time.monotonic()
            town.start(SHEBAO_LOG_LEVEL="WARNING")
            taken.append(time.monotonic() - began)
            for number in range(GREETINGS):
                town.resident(f"s{number}").say("你好")
            assert town.process is not None
            worker = worker_of(town.process.pid)
            memory, resident = memory_mb(worker), resident_mb(worker)
            town.stop()
    return Start(
        first_seconds=taken[0],
        seconds=taken[1:],
        memory=memory,
        resident=resident,
        environment_mb=environment(),
    )


def environment() -> float:
    """MB of a fresh environment for serving: without the test, development and benchmark groups."""
    folder = ROOT / ".benchmarks" / "serving"
    uv = [sys.executable, "-m", "uv"] if _has_module("uv") else ["uv"]
    subprocess.run(
        [*uv, "sync", "--frozen", "--compile-bytecode", "--no-python-downloads", "--quiet"],
        cwd=ROOT, check=True, env={**_environment(), "UV_PROJECT_ENVIRONMENT": str(folder), "UV_LINK_MODE": "copy"},
    )  # fmt: skip
    return size_mb(folder)


def _has_module(name: str) -> bool:
    from importlib.util import find_spec

    return find_spec(name) is not None


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PATH": f"{ROOT / '.venv-uv/bin'}:{os.environ['PATH']}"}
