"""The one source of time: a function that returns an aware UTC moment, passed in wherever time is written."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)
