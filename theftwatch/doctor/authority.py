"""The timestamp authority, and its clock."""

import os
import time

from theftwatch.clock import Clock
from theftwatch.config import Settings
from theftwatch.doctor.check import SET_CLOCK, Check, clock_off, failure, took
from theftwatch.errors import TimestampError, UsageError
from theftwatch.evidence.timestamp import ask, authority_of


def check_timestamps(settings: Settings, clock: Clock) -> Check:
    """Get a timestamp and verify it, and compare this machine's clock with the authority's."""
    try:
        authority = authority_of(settings)
        if authority is None:
            detail = "THEFTWATCH_TIMESTAMP_URL is not set: nothing proves when photos and captures existed"
            return Check(name="timestamps", state="off", detail=detail, remedy="export THEFTWATCH_TIMESTAMP_URL=…")
        started = time.perf_counter()
        timestamp = ask(authority, os.urandom(32))
    except UsageError as exc:
        remedy = "export THEFTWATCH_TIMESTAMP_CERTIFICATE=FILE, of the authority's root certificate"
        return failure("timestamps", exc, remedy)
    except TimestampError as exc:
        remedy = "export THEFTWATCH_TIMESTAMP_URL=…, of another authority, or try again later"
        return failure("timestamps", exc, remedy)
    if off := clock_off(timestamp.at, clock):
        return Check(name="timestamps", state="failed", detail=f"the authority's clock is {off}", remedy=SET_CLOCK)
    return Check(name="timestamps", state="ok", detail=f"one by {authority.url}, verified, in {took(started)}")
