"""`make bench`: measures everything and writes docs/performance.md."""

import json
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from statistics import median

from benchmarks import paper, start, turns
from benchmarks.figures import how_busy, machine
from benchmarks.load import Load
from tests.journeys.driver import ROOT, Town

PAGE = """# Performance

Measured on {day} by `make bench` ({machine}). {busy}
Wall times swing by half between runs on a busy machine: trust the ratios, which were taken in one run,
round about.

## Turns per second

16 conversations at once over the REST channel, {rounds} rounds of {seconds} s each, taken in turns; the load generator
shares the machine. Stock is the project that `rasa init` makes, under `rasa run`: {stock_made_of};
it keeps its conversations in memory. Ours writes and syncs each turn to SQLite (`synchronous=FULL`) before it answers.

| | turns/s (each round) | median | 99 of 100 | against stock |
|---|---|---|---|---|
| stock, small talk | {stock} | {stock_ms} | {stock_p99} | 1 |
| ours, small talk and questions | {small} | {small_ms} | {small_p99} | {small_ratio:.1f} |
| ours, choosing insurance, months and tier | {paying} | {paying_ms} | {paying_p99} | {paying_ratio:.1f} |

In the last row most turns also ask the simulated tax bureau, which runs in the same process and on the same core.

## One turn

In process, CPU of the process, best of three (`benchmarks/inside.py`).

| | ms |
|---|---|
| one turn, half payment requests, half thanks | {turn:.2f} |
| turn 5 of a conversation | {turn_5:.2f} |
| turn 200 of a conversation | {turn_200:.2f} ({ratio:.2f} times turn 5) |

Where it goes:

| step | ms |
|---|---|
| redact (numbers and names of people) | {redact:.2f} |
| understand (Rasa's graph with our components) | {parse:.2f} |
| decide, answer, commit: a button's turn, which needs no understanding | {payload:.2f} |

## An official paper

CPU in the process that prints, off the event loop (`benchmarks/paper.py`). Fonts are read once per process.

| | ms |
|---|---|
| the first paper of a process, fonts and libraries included | {paper_first:.0f} |
| a page with one row: drawn, embedded, signed | {paper:.0f} |
| a page with the twelve months of a year | {paper_year:.0f} |
| its picture for the chat | {picture:.0f} |

## Start and size

| | |
|---|---|
| `shebao serve` to ready, model trained | {starts} s |
| the same on an empty data folder | {first:.1f} s |
| stock `rasa run` to its first answer | {stock_start:.1f} s |
| memory of a worker (PSS; RSS) | {memory:.0f} MB; {resident:.0f} MB |
| memory of a worker after the load above (PSS) | {loaded:.0f} MB |
| stock, without an action server (PSS) | {stock_memory:.0f} MB |
| environment for serving, with bytecode | {environment:.0f} MB |
"""


def main() -> None:
    busy = how_busy()
    inside = _inside()
    papers = paper.measure()
    started = start.measure()
    compared = turns.compare()
    stock = _per_second(compared.stock)
    page = PAGE.format(
        day=date.today().isoformat(), machine=machine(), busy=busy, rounds=turns.ROUNDS, seconds=turns.SECONDS,
        stock_made_of=compared.stock_made_of,
        **_row("stock", compared.stock), **_row("small", compared.small_talk), **_row("paying", compared.paying),
        small_ratio=_per_second(compared.small_talk) / stock, paying_ratio=_per_second(compared.paying) / stock,
        ratio=inside["turn_200"] / inside["turn_5"], **inside, **papers,
        starts=" · ".join(f"{value:.1f}" for value in started.seconds), first=started.first_seconds,
        stock_start=compared.stock_start, memory=started.memory, resident=started.resident, loaded=compared.memory,
        stock_memory=compared.stock_memory, environment=started.environment_mb,
    )  # fmt: skip
    (ROOT / "docs" / "performance.md").write_text(page, encoding="utf-8")
    print(page)


def _inside() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        town = Town(Path(folder) / "var").start(SHEBAO_LOG_LEVEL="WARNING")
        try:
            done = subprocess.run(
                [sys.executable, "-W", "ignore", "-m", "benchmarks.inside", str(town.data_dir), str(town.port)],
                cwd=ROOT, check=True, capture_output=True, text=True,
            )  # fmt: skip
        finally:
            town.stop()
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _per_second(loads: list[Load]) -> float:
    return median(load.per_second for load in loads)


def _row(name: str, loads: list[Load]) -> dict[str, str]:
    return {
        name: " · ".join(f"{load.per_second:.0f}" for load in loads),
        f"{name}_ms": f"{median(load.median_ms for load in loads):.0f} ms",
        f"{name}_p99": f"{median(load.p99_ms for load in loads):.0f} ms",
    }


if __name__ == "__main__":
    main()
