"""Who looks at pictures: threads of this process, or processes of their own where there is much to do.

A fifth of what is done with a picture is Python, for which threads wait for each other, the more of them there are.
Processes do not wait, and take a second to begin and some 350 MB each.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from multiprocessing import get_context, parent_process
from threading import Thread
from types import TracebackType
from typing import Protocol, Self

from theftwatch.errors import WorkerError
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
    """Processes, which end with a `with` block, and with the process that began them, however that ends."""

    def __init__(self, count: int) -> None:
        # More than there are processors only take memory.
        count = min(count, os.cpu_count() or 1)
        # Spawned: a fork of a process that has threads may have locks that nobody opens.
        context = get_context("spawn")
        self._executors = [ProcessPoolExecutor(1, context, _watch_parent) for _ in range(count)]
        #: Tasks that each process has not done yet
        self._waiting = [0] * count
        self._places: dict[bytes, int] = {}
        #: Each process has a task at hand and the next one, and the rest goes to whichever is free first.
        self._room = asyncio.Semaphore(2 * count)

    def __enter__(self) -> Self:
        # Whoever types Ctrl-C stops the command, and that ends its workers: these are born deaf to it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            for each in self._executors:
                each.submit(os.getpid)  # which begins its process
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        for each in self._executors:
            each.shutdown(cancel_futures=True)

    async def run[*Ts, T](self, key: bytes | None, task: Callable[[Pictures, *Ts], T], *arguments: *Ts) -> T:
        """Have a task done by the process that did the others of this key.

        Raises WorkerError where that process ended by itself.
        """
        if key is None:
            async with self._room:
                return await self._run(self._least_busy(), task, *arguments)
        place = self._places.setdefault(key, self._least_busy())
        return await self._run(place, task, *arguments)

    def _least_busy(self) -> int:
        return min(range(len(self._waiting)), key=self._waiting.__getitem__)

    async def _run[*Ts, T](self, place: int, task: Callable[[Pictures, *Ts], T], *arguments: *Ts) -> T:
        self._waiting[place] += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executors[place], _do, task, *arguments)
        except BrokenProcessPool as exc:
            raise WorkerError(
                "a process that compares pictures was ended from outside, mostly because memory ran out; "
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


def _watch_parent() -> None:
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent:
        parent.join()
        os._exit(1)
