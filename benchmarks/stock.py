"""The stock `rasa init` project under `rasa run`, in an environment of its own."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOME = Path(__file__).parents[1] / ".benchmarks" / "stock"
RASA = "rasa==3.6.21"
OVERRIDES = ("tensorflow-io-gcs-filesystem==0.34.0",)
"""Only for Python 3.11, where 3.10 is missing: what it needs to start."""
QUIET = {**os.environ, "RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "3"}


def find_python() -> tuple[str, bool]:
    """A Python 3.10 if there is one on the path or beside this one, else this one; and whether it is the former."""
    beside = sorted(Path(sys.base_prefix).parent.glob("*3.10*/bin/python3.10"))
    for python in [shutil.which("python3.10"), *beside]:
        if python and _runs(python):
            return str(python), True
    return sys.executable, False


def _runs(python: str | Path) -> bool:
    done = subprocess.run([python, "-c", ""], capture_output=True, check=False)
    return done.returncode == 0


def prepare() -> str:
    """Make the environment and the project once; what it runs on, in words."""
    python, is_310 = find_python()
    uv = shutil.which("uv") or str(Path(".venv-uv/bin/uv").absolute())
    HOME.mkdir(parents=True, exist_ok=True)
    if not (HOME / "venv/bin/rasa").exists():
        subprocess.run(
            [uv, "venv", "-q", "--no-config", "--clear", "--python", python, HOME / "venv"], check=True
        )
        wanted = [RASA, *(() if is_310 else OVERRIDES)]
        # Without our configuration, which leaves out what stock Rasa needs.
        subprocess.run(
            [uv, "pip", "install", "-q", "--no-config", "--compile-bytecode",
             "--python", HOME / "venv/bin/python", *wanted],
            check=True, cwd=HOME,
        )  # fmt: skip
    if not list((HOME / "project").glob("models/*.tar.gz")):
        (HOME / "project").mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [HOME / "venv/bin/rasa", "init", "--no-prompt", "--init-dir", HOME / "project"],
            env=QUIET, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    note = "Python 3.10" if is_310 else f"Python 3.11 with {', '.join(OVERRIDES)}"
    return f"{RASA}, {note}, bytecode compiled"


@contextmanager
def running() -> Iterator[tuple[str, int, float]]:
    """Its URL, process id and seconds from start until the first answer."""
    port = _free_port()
    began = time.monotonic()
    process = subprocess.Popen(
        [HOME / "venv/bin/rasa", "run", "--port", str(port)],
        cwd=HOME / "project", env=QUIET, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1)
                break
            except OSError:
                if process.poll() is not None:
                    raise RuntimeError("stock rasa ended: see what `rasa run` says in its project") from None
                if time.monotonic() - began > 180:
                    raise
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", process.pid, time.monotonic() - began
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
