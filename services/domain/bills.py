"""When a gateway's bill of a day can be had: from about 10:00 of the next (`protocols` 5 and 8)."""

from datetime import date, datetime, time, timedelta, tzinfo

READY = time(10)


def ready_at(day: date, zone: tzinfo | None) -> datetime:
    """The moment from which on the bill of `day` should be there; `zone` is the service's."""
    return datetime.combine(day + timedelta(days=1), READY, zone)


def newest_day(now: datetime) -> date:
    """The last day whose bill should be there at `now`."""
    return now.date() - timedelta(days=1 if now.time() >= READY else 2)
