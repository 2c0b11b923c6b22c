"""The one source of time: a function that returns an aware UTC moment, passed in wherever time is written."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


def clock_ahead(by: timedelta) -> Clock:
    """Return a clock that goes as the machine's does, and is so much ahead of it."""
    return lambda: datetime.now(UTC) + by


def monday_of(moment: datetime) -> date:
    """Return the day on which the week of a moment began."""
    return moment.date() - timedelta(days=moment.weekday())
