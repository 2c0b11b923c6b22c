"""Programs in processes of their own, and the processor time that they take."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_TIMEOUT_S = 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A program that ran to its end."""

    #: User and system time of the process, of all its threads and of what it started and waited for
    cpu_s: float
    output: str


def run_python(arguments: Sequence[str], **environment: str) -> Run:
    """Run `python` with arguments, and with an environment that knows nothing of the user's own settings.

    Raises CalledProcessError where it fails.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    finished = subprocess.run(
        [sys.executable, *arguments],
        env=clean_environment() | environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Run(
        cpu_s=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        output=finished.stdout,
    )


def clean_environment() -> dict[str, str]:
    """Return this process' environment without the settings of the program."""
    return {name: value for name, value in os.environ.items() if not name.startswith("THEFTWATCH_")}


def processor_of(process: int) -> Callable[[], float]:
    """Return what tells the seconds of processor time that a process has had; where only Linux could, the clock's."""
    file = Path(f"/proc/{process}/schedstat")
    if not file.exists():
        return time.perf_counter
    return lambda: int(file.read_text().split()[0]) / 1e9
