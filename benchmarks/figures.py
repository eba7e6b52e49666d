"""Reads processes and folders: CPU seconds, memory, sizes."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of one process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mb(pid: int) -> float:
    """Proportional memory (PSS) of one process: shared pages are counted once over all."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise LookupError("the kernel tells no Pss")


def resident_mb(pid: int) -> float:
    """Resident memory (RSS), shared pages included."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise LookupError("the kernel tells no VmRSS")


def descendants(pid: int) -> list[int]:
    """All processes below `pid`."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text().rsplit(") ", 1)[1].split()
            except OSError:
                continue
            parents.setdefault(int(stat[1]), []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        for child in parents.get(waiting.pop(), []):
            found.append(child)
            waiting.append(child)
    return found


def worker_of(pid: int) -> int:
    """The descendant that has used most memory: the one with the engine in it."""
    return max([pid, *descendants(pid)], key=resident_mb)


def size_mb(folder: Path) -> float:
    """What the folder takes on disk, hard links counted once."""
    seen: set[int] = set()
    total = 0
    for path in folder.rglob("*"):
        stat = path.lstat()
        if stat.st_ino not in seen:
            seen.add(stat.st_ino)
            total += stat.st_blocks * 512
    return total / 1_000_000


def machine() -> str:
    """Cores, processor and Python, in one line."""
    import platform

    model = next(
        (line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")),
        platform.machine(),
    )  # fmt: skip
    return f"{os.cpu_count()} cores, {model}, Python {platform.python_version()}"


def how_busy() -> str:
    """What else the machine had to do, in one sentence: ask before measuring."""
    load, cores = os.getloadavg()[1], os.cpu_count() or 1
    if load < 0.3 * cores:
        return "It had nothing else to do."
    return f"It was busy with other work when this began: {load:.1f} processes wanted its {cores} cores."
