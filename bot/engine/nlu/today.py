"""The day against which 今年, 上个月 and 昨天 are resolved."""

from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")


def _system_day() -> date:
    return datetime.now(ZONE).date()


_clock: Callable[[], date] = _system_day


def set_clock(clock: Callable[[], date] | None) -> None:
    """Take the day from `clock` (the service clock) from now on; None goes back to the system's."""
    global _clock  # noqa: PLW0603 - Rasa builds the components, so nothing can be handed to them
    _clock = clock or _system_day


def today() -> date:
    """The current day in Shanghai."""
    return _clock()
