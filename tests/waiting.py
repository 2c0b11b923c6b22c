"""Waiting for a state, however long a busy machine takes to come to it."""

import subprocess
import time
from collections.abc import Callable

#: What has not come by then does not come
AMPLE_S = 240
PAUSE_S = 0.05


def wait_until[T](happens: Callable[[], T], process: subprocess.Popen[str] | None = None) -> T:
    """Wait until something is so, and return what it gives; with a process, only as long as that goes on."""
    deadline = time.monotonic() + AMPLE_S
    while not (found := happens()):
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "it does not come as far"
        time.sleep(PAUSE_S)
    return found
