"""Where processes are killed: every test that kills one at a named point says so here, and proves that it died."""

import signal

KILLED_AT: set[str] = set()
"""Filled while tests are collected."""


def killed_at(point: str) -> str:
    """`point`, noted as one at which the calling module kills a process."""
    KILLED_AT.add(point)
    return point


def assert_killed(returncode: int | None, point: str, told: str = "") -> None:
    """The process died of SIGKILL, and not of anything else, or not at all."""
    assert point in KILLED_AT, f"say killed_at({point!r}) where the test is collected"
    assert returncode == -signal.SIGKILL, f"{point} was not passed: {returncode} {told}"
