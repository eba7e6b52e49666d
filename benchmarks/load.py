"""A load of conversations over REST: each says its lines one after the other, all of them at once."""

import asyncio
import itertools
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp


@dataclass(frozen=True)
class Load:
    """Turns per second over the whole run, and milliseconds until an answer."""

    turns: int
    seconds: float
    median_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        return self.turns / self.seconds


def run(url: str, lines: Sequence[str], *, conversations: int, seconds: float, name: str) -> Load:
    """`conversations` residents for `seconds` after a warm-up of one round each. A turn without an answer fails."""
    return asyncio.run(_run(url, lines, conversations, seconds, name))


async def _run(url: str, lines: Sequence[str], conversations: int, seconds: float, name: str) -> Load:
    connector = aiohttp.TCPConnector(limit=conversations)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as http:
        senders = [f"{name}-{number}" for number in range(conversations)]
        await asyncio.gather(*(_say(http, url, sender, line) for sender in senders for line in lines[:1]))
        times: list[float] = []
        began = time.perf_counter()
        await asyncio.gather(*(_talk(http, url, sender, lines, began + seconds, times) for sender in senders))
        took = time.perf_counter() - began
    times.sort()
    return Load(
        turns=len(times),
        seconds=took,
        median_ms=statistics.median(times) * 1000,
        p99_ms=times[int(len(times) * 0.99) - 1] * 1000,
    )


async def _talk(
    http: aiohttp.ClientSession, url: str, sender: str, lines: Sequence[str], end: float, times: list[float]
) -> None:
    for line in itertools.cycle(lines):
        began = time.perf_counter()
        if began >= end:
            return
        await _say(http, url, sender, line)
        times.append(time.perf_counter() - began)


async def _say(http: aiohttp.ClientSession, url: str, sender: str, line: str) -> None:
    async with http.post(f"{url}/webhooks/rest/webhook", json={"sender": sender, "message": line}) as answer:
        messages = await answer.json()
        if answer.status != 200 or not messages:
            raise AssertionError(f"no answer to {line!r}: {answer.status} {messages}")
