"""What came of trying one thing, and how that is said."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from theftwatch.clock import Clock
from theftwatch.errors import TheftWatchError

type State = Literal["ok", "off", "failed"]

#: Leases of targets allow for a minute or so between the clocks of machines
CLOCK_OFF_MAX_S = 60
SET_CLOCK = "timedatectl set-ntp true"


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """What came of trying one thing."""

    name: str
    state: State
    #: One line
    detail: str
    #: The command that mends it, or switches on what is off; None where it is ok
    remedy: str | None = None


def clock_off(theirs: datetime, clock: Clock) -> str | None:
    """Return how far another clock is off from this machine's; None where they agree."""
    ahead_s = (theirs - clock()).total_seconds()
    if abs(ahead_s) <= CLOCK_OFF_MAX_S:
        return None
    return f"{abs(ahead_s):,.0f} s {'ahead of' if ahead_s > 0 else 'behind'} this machine's; one of them is wrong"


def failure(name: str, exc: TheftWatchError, remedy: str | None = None) -> Check:
    """Return the check of what one of our errors says; its own remedy counts where no command is known that mends it.

    The sentence of an error ends with its remedy.
    """
    cause, _, own = line_of(exc).rpartition("; ")
    return Check(name=name, state="failed", detail=cause or own, remedy=remedy or own)


def took(started: float) -> str:
    """Return how long something took that began at this moment of `time.perf_counter`."""
    return f"{1000 * (time.perf_counter() - started):.0f} ms"


def line_of(exc: Exception) -> str:
    """Return what an error of a library says, on one line."""
    return " ".join(str(exc).split()) or type(exc).__name__
