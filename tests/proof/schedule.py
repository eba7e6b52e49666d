"""A schedule: one seed, some acts, the heal phase. `python -m tests.proof.schedule SEED` plays one and tells it."""

import asyncio
import gc
import hashlib
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from tests.conftest import _create
from tests.proof.crashes import Plan, crashes_by
from tests.proof.virtual import VirtualClock, VirtualLoop, chance_from, inline_store
from tests.proof.world import ACTS, World

FEWEST, MOST = 8, 24
SWEPT = 0.2
NAMES = list(ACTS)
WEIGHTS = [ACTS[name].weight for name in NAMES]
BATCH = 100
COLLECT_EVERY = 10


@dataclass
class Outcome:
    """What some schedules came to."""

    schedules: int = 0
    steps: int = 0
    orders: int = 0
    paid: int = 0
    refunded: int = 0
    crashes: Counter[str] = field(default_factory=Counter)
    failures: dict[int, str] = field(default_factory=dict)
    digests: dict[int, str] = field(default_factory=dict)

    def count(self, world: World) -> None:
        trades = world.gateway.table("trades").values()
        self.schedules += 1
        self.steps += world.judge.steps
        self.orders += len(trades)
        self.paid += sum("paid" in trade for trade in trades)
        self.refunded += len(world.gateway.table("refunds"))
        self.crashes += world.plan.crashed

    def told(self) -> str:
        return (
            f"{self.schedules} schedules, {self.steps} steps, {self.orders} orders, {self.paid} paid, "
            f"{self.refunded} refunded, {self.crashes.total()} crashes at {len(self.crashes)} points, "
            f"{len(self.failures)} failures"
        )

    def add(self, other: "Outcome") -> None:
        for name in ("schedules", "steps", "orders", "paid", "refunded"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.crashes += other.crashes
        self.failures |= other.failures
        self.digests |= other.digests


class Stage:
    """One process's stores, used again for every schedule: what a statement compiles to is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / "test.db"
        asyncio.run(_create(f"sqlite+aiosqlite:///{folder}/empty.db"))
        self.loop = VirtualLoop()
        self.loop.set_exception_handler(lambda _loop, _context: None)  # of tasks that died in a crash
        self.plan = Plan()

    @contextmanager
    def open(self) -> Iterator["Stage"]:
        with inline_store(str(self.file)) as self.database, crashes_by(self.plan):
            yield self
        self.loop.run_until_complete(self.database.engine.dispose())
        self.loop.close()

    async def new_world(self, *, swept: bool = True) -> World:
        await self.database.engine.dispose()
        for old in self.folder.glob("test.db*"):
            old.unlink()
        shutil.copy(self.folder / "empty.db", self.file)
        self.plan.disarm()
        world = World(self.database, VirtualClock(self.loop), self.plan, swept=swept)
        await world.prepare()
        return world

    def play(self, seed: int, outcome: Outcome, *, tell: bool = False) -> None:
        with chance_from(seed) as dice:
            try:
                self.loop.run_until_complete(self._play(dice, seed, outcome, tell))
            except AssertionError as error:
                outcome.failures[seed] = str(error)
            except Exception as error:
                outcome.failures[seed] = f"{type(error).__name__}: {error}"
                if tell:
                    raise

    async def _play(self, dice: random.Random, seed: int, outcome: Outcome, tell: bool) -> None:
        world = await self.new_world(swept=dice.random() < SWEPT)
        self.plan.crashed.clear()
        try:
            await play(world, dice, tell=tell)
            history = await world.judge.history()
            if tell:
                print(*history, sep="\n")
            outcome.digests[seed] = hashlib.sha256("\n".join(history).encode()).hexdigest()[:16]
        finally:
            world.judge.close()
            await world.restart()
            outcome.count(world)


async def play(world: World, dice: random.Random, *, tell: bool = False) -> None:
    """Some acts, and the judge after each; then everything heals. `Wrong` if the money has gone wrong."""
    for _ in range(dice.randint(FEWEST, MOST)):
        name = _draw(dice, world)
        numbers = {wish: dice.randrange(top) for wish, top in ACTS[name].ranges.items()}
        if tell:
            print(world.clock.now().time(), name, numbers)
        await ACTS[name](world, **numbers)
        await world.judge.after_step()
    await world.heal()
    await world.judge.at_the_end()


def _draw(dice: random.Random, world: World) -> str:
    while True:
        [name] = dice.choices(NAMES, WEIGHTS)
        if world.can(name):
            return name


@contextmanager
def stage() -> Iterator[Stage]:
    """A stage in memory. Refusals and outages are what schedules are made of: nobody reads of them."""
    memory, said = Path("/dev/shm"), structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    try:
        with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
            here = Stage(Path(folder))
            with here.open():
                yield here
    finally:
        structlog.configure(**said)


def play_all(seeds: Sequence[int]) -> Outcome:
    """Play schedules in this process."""
    outcome = Outcome()
    gc.disable()
    with stage() as here:
        for number, seed in enumerate(seeds):
            here.play(seed, outcome)
            if number % COLLECT_EVERY == 0:
                gc.collect()
    gc.enable()
    return outcome


def play_on_all_cores(
    seeds: Sequence[int], *, cores: int | None = None, tell: Callable[[Outcome], None] = lambda _sofar: None
) -> Outcome:
    """Play them in processes of their own, a batch at a time; `tell` hears how far it is after each."""
    cores = cores or os.cpu_count() or 1
    size = max(1, min(BATCH, -(-len(seeds) // cores)))
    batches = [seeds[at : at + size] for at in range(0, len(seeds), size)]
    outcome = Outcome()
    with multiprocessing.get_context("spawn").Pool(cores) as pool:
        for part in pool.imap_unordered(play_all, batches):
            outcome.add(part)
            tell(outcome)
    return outcome


def _tell(outcome: Outcome) -> None:
    print(
        outcome.told(),
        *(f"seed {seed}: {words}" for seed, words in outcome.failures.items()),
        sep="\n",
        flush=True,
    )


def main() -> None:
    first = int(sys.argv[1])
    if len(sys.argv) == 2:
        outcome = Outcome()
        with stage() as here:
            here.play(first, outcome, tell=True)
    else:
        begun = time.monotonic()
        outcome = play_on_all_cores(range(first, int(sys.argv[2])), tell=_tell)
        print(f"{time.monotonic() - begun:.0f} s: {outcome.told()}")
        print(dict(outcome.crashes.most_common()))
    for seed, words in outcome.failures.items():
        print(f"seed {seed}: {words}")


if __name__ == "__main__":
    main()
