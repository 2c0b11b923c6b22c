"""Commands of the program that pages have carried out, in processes of their own."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

#: Carries out a command of the program; returns its exit code and the last line of what it said on standard error
type Command = Callable[..., Awaitable[tuple[int, str]]]


async def run_command(*arguments: str) -> tuple[int, str]:
    """Carry out a command of the program.

    What goes through it meets the same checks as when a person types it, and a file that crashes a decoder crashes no
    page.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "theftwatch", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        # Ctrl-C ends the page; what is being taken in comes to its end by itself.
        start_new_session=True,
    )
    _, log = await process.communicate()
    assert process.returncode is not None
    return process.returncode, (log.decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
