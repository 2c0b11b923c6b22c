"""Lengths of time as people write them: 30m, 12h, 1d, 2w."""

import re
from datetime import timedelta

from theftwatch.errors import UsageError

_TIME = re.compile(r"(?P<number>[1-9][0-9]{0,4}) ?(?P<unit>[mhdw])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def read_time(text: str) -> timedelta:
    """Return the time that a number and a unit say.

    Raises UsageError.
    """
    found = _TIME.fullmatch(text.strip())
    if not found:
        raise UsageError(f"{text!r} is no time: give a number and m, h, d or w, such as 30m, 12h, 1d or 2w")
    return int(found["number"]) * _UNITS[found["unit"]]


def write_time(interval: timedelta) -> str:
    """Return a time as it is given, in the largest unit that divides it."""
    for name, unit in reversed(_UNITS.items()):
        if interval % unit == timedelta(0):
            return f"{interval // unit}{name}"
    return str(interval)
