"""The two clocks: the machine's own, and the sandbox's, which can be moved and is shared by all processes."""

import json
import os
import time
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from services.ports import Clock
from services.settings import Settings

SHANGHAI = ZoneInfo("Asia/Shanghai")


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(SHANGHAI)


class SandboxClock:
    """Real time plus an offset that lives in a file beside the sandbox's books.

    The file is replaced atomically, so every process sees a move at its next look; a look costs one `stat`.
    """

    def __init__(self, path: Path, start: datetime | None = None) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._offset = timedelta()
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            self.set(_aware(start) if start else datetime.now(SHANGHAI))

    def now(self) -> datetime:
        stat = self._path.stat()
        stamp = (stat.st_mtime_ns, stat.st_ino)
        if stamp != self._stamp:
            self._offset = timedelta(seconds=json.loads(self._path.read_text())["offset_seconds"])
            self._stamp = stamp
        return datetime.now(SHANGHAI) + self._offset

    def set(self, now: datetime) -> None:
        """Move the clock to `now`; it runs on from there at real speed."""
        offset = (_aware(now) - datetime.now(SHANGHAI)).total_seconds()
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}.{time.monotonic_ns()}")
        with draft.open("w") as file:
            json.dump({"offset_seconds": offset}, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)


def make_clock(settings: Settings) -> Clock:
    """The machine's clock; in the sandbox the one that all its processes share."""
    if settings.sandbox:
        return SandboxClock(settings.data_dir / "sandbox-clock.json", settings.clock)
    return SystemClock()


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=SHANGHAI) if moment.tzinfo is None else moment
