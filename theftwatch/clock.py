"""The one source of time: a function that returns an aware UTC moment, passed in wherever time is written."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


def clock_ahead(by: timedelta) -> Clock:
    """Return a clock that goes as the machine's does, and is so much ahead of it."""
    return lambda: datetime.now(UTC) + by
