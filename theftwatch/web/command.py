"""Commands of the program that pages have carried out, in processes of their own."""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from typing import IO

#: Carries out a command of the program; returns its exit code and the last line of what it said on standard error
type Command = Callable[..., Awaitable[tuple[int, str]]]

_LOOK_S = 0.1


async def run_command(*arguments: str) -> tuple[int, str]:
    """Carry out a command of the program.

    What goes through it meets the same checks as when a person types it, and a file that crashes a decoder crashes no
    page. It comes to its end by itself where the page is ended before.
    """
    with tempfile.TemporaryFile() as log:
        process = _start(arguments, log)
        # asyncio's own processes are killed with its loop
        while (code := process.poll()) is None:  # noqa: ASYNC110  nobody tells
            await asyncio.sleep(_LOOK_S)
        log.seek(0)
        lines = log.read().decode(errors="replace").strip().splitlines()
    return code, (lines or ["it said nothing"])[-1]


def _start(arguments: tuple[str, ...], log: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603  no shell in between
        [sys.executable, "-m", "theftwatch", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=log,
        # Ctrl-C is for the page alone
        start_new_session=True,
    )
