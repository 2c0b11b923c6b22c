"""Who looks at pictures: threads of this process, or processes of their own where there is much to do.

A fifth of what is done with a picture is Python, for which threads wait for each other, the more of them there are.
Processes do not wait, and take a second to begin and some 350 MB each.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from multiprocessing import get_context, parent_process
from threading import Thread
from types import TracebackType
from typing import Protocol, Self

from theftwatch.errors import WorkerError
from theftwatch.log import log_everything, logs_everything
from theftwatch.match.pictures import Pictures


class Workers(Protocol):
    """Workers that have pictures each."""

    async def run[*Ts, T](self, key: bytes | None, task: Callable[[Pictures, *Ts], T], /, *arguments: *Ts) -> T:
        """Have a task done, by the worker that did the others of this key; without one, by any that is free."""
        ...


class Threads:
    """Threads, which share their pictures."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._pictures = Pictures()

    async def run[*Ts, T](self, _key: bytes | None, task: Callable[[Pictures, *Ts], T], *arguments: *Ts) -> T:
        """Have a task done by any thread."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, task, self._pictures, *arguments)


class Processes:
    """Processes for one event loop, which end with a `with` block, and with the process that began them in any case."""

    def __init__(self, count: int) -> None:
        # More than there are processors only take memory.
        count = min(count, os.cpu_count() or 1)
        # Spawned: a fork of a process that has threads may have locks that nobody opens.
        context = get_context("spawn")
        self._executors = [ProcessPoolExecutor(1, context, _begin, (logs_everything(),)) for _ in range(count)]
        #: Tasks that each process has not done yet
        self._waiting = [0] * count
        self._places: dict[bytes, int] = {}
        #: Of tasks without a key each process has one at hand and the next; the rest goes to whichever is free first
        self._room = asyncio.Semaphore(2 * count)

    def __enter__(self) -> Self:
        # Whoever types Ctrl-C stops the command, and that ends its workers: these are born deaf to it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            for each in self._executors:
                each.submit(os.getpid)  # which begins its process
        except BaseException:
            self._end()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    async def run[*Ts, T](self, key: bytes | None, task: Callable[[Pictures, *Ts], T], *arguments: *Ts) -> T:
        """Have a task done by the process that did the others of this key.

        Raises WorkerError where that process ended by itself.
        """
        if key is None:
            async with self._room:
                return await self._run(self._least_busy(), task, *arguments)
        place = self._places.setdefault(key, self._least_busy())
        return await self._run(place, task, *arguments)

    def _end(self) -> None:
        # All at once: those that are waited for last would else go on with what they were given.
        with ThreadPoolExecutor(len(self._executors)) as threads:
            for each in self._executors:
                threads.submit(each.shutdown, cancel_futures=True)

    def _least_busy(self) -> int:
        return min(range(len(self._waiting)), key=self._waiting.__getitem__)

    async def _run[*Ts, T](self, place: int, task: Callable[[Pictures, *Ts], T], *arguments: *Ts) -> T:
        self._waiting[place] += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executors[place], _do, task, *arguments)
        except BrokenProcessPool as exc:
            raise WorkerError(
                "a process that compares pictures ended by itself or from outside, mostly because memory ran out; "
                "set THEFTWATCH_WORKERS to fewer, and try again"
            ) from exc
        finally:
            self._waiting[place] -= 1


def _do[*Ts, T](task: Callable[[Pictures, *Ts], T], *arguments: *Ts) -> T:
    return task(_pictures(), *arguments)


@cache
def _pictures() -> Pictures:
    """Return the pictures of this process, which is a worker."""
    return Pictures()


def _begin(debug: bool) -> None:
    if debug:
        log_everything()
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent:
        parent.join()
        os._exit(1)
