"""A crash inside the process: at some named point everything that is not committed is gone, and nobody cleans up."""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from services import crashpoints


class Crash(BaseException):
    """The power is gone. Nothing in the product may catch it."""


class Plan:
    """Counts the named points that are passed, and crashes at the one that was asked for."""

    def __init__(self) -> None:
        self.left = 0
        self.fired: str | None = None
        self.passed: Counter[str] = Counter()
        self.crashed: Counter[str] = Counter()

    def arm(self, points: int) -> None:
        """Crash at the `points`-th point from now."""
        self.left = points

    def disarm(self) -> None:
        self.left, self.fired = 0, None

    def reach(self, name: str) -> None:
        self.passed[name] += 1
        if self.fired is None and self.left:
            self.left -= 1
            if self.left == 0:
                self.fired = name
                self.crashed[name] += 1
                raise Crash(name)


@contextmanager
def crashes_by(plan: Plan) -> Iterator[None]:
    """Have every `crashpoint` of the product ask `plan`."""
    real = crashpoints.crashpoint
    places = [
        module
        for name, module in list(sys.modules.items())
        if name.startswith("services") and getattr(module, "crashpoint", None) is real
    ]
    for module in places:
        module.crashpoint = plan.reach  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for module in places:
            module.crashpoint = real  # type: ignore[attr-defined]
