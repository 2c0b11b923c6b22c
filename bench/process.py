"""Programs in processes of their own, and the processor time that they take."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Self

import psutil

_TIMEOUT_S = 3600
_LOOK_EVERY_S = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A program that ran to its end."""

    #: User and system time of the process, of all its threads and of what it started and waited for
    cpu_s: float
    output: str


def run_python(arguments: Sequence[str], **environment: str) -> Run:
    """Run `python` with arguments, and with an environment that knows nothing of the user's own settings.

    Raises CalledProcessError where it fails, with a note of what it said of that.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        finished = subprocess.run(
            [sys.executable, *arguments],
            env=clean_environment() | environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
        )
    except subprocess.CalledProcessError as exc:
        exc.add_note(exc.stderr)
        raise
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Run(
        cpu_s=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        output=finished.stdout,
    )


class Meter:
    """Measures the processor time of processes and of all that they start, by looking at them again and again.

    What those had that have ended the system adds up only where their parent asked how. Of each, the last moments are
    missed.
    """

    def __init__(self, *processes: psutil.Process) -> None:
        self._processes = processes
        self._before = self._look()
        self._seen = dict(self._before)
        self._ended = Event()
        self._thread = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def cpu_s(self) -> float:
        """Return the seconds since it was made."""
        total_s: float = sum(self._seen.values()) - sum(self._before.values())
        return total_s

    def _watch(self) -> None:
        while not self._ended.wait(_LOOK_EVERY_S):
            self._seen |= self._look()
        self._seen |= self._look()

    def _look(self) -> dict[psutil.Process, float]:
        found: dict[psutil.Process, float] = {}
        for first in self._processes:
            for each in (first, *first.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    times = each.cpu_times()
                    found[each] = times.user + times.system
        return found


def clean_environment() -> dict[str, str]:
    """Return this process' environment without the settings of the program."""
    return {name: value for name, value in os.environ.items() if not name.startswith("THEFTWATCH_")}


def processor_of(process: int) -> Callable[[], float]:
    """Return what tells the seconds of processor time that a process has had; where only Linux could, the clock's."""
    file = Path(f"/proc/{process}/schedstat")
    if not file.exists():
        return time.perf_counter
    return lambda: int(file.read_text().split()[0]) / 1e9
