"""How the process works with pictures: what the libraries beneath do with memory and threads.

Both are set for the whole process, once, when recognition is first loaded.
"""

import ctypes
import sys
from functools import cache

import cv2
from threadpoolctl import threadpool_limits

#: Numbers of glibc's `mallopt`: how much free memory at the end of an arena is kept, how much more than is asked for is
#: taken from the system, and from which size memory is taken from it apart
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
#: The largest that glibc takes, some buffers of that size, and the size of the heaps that threads' arenas consist of
_APART_BYTES, _KEPT_BYTES, _HEAP_BYTES = 32 * 1024 * 1024, 128 * 1024 * 1024, 64 * 1024 * 1024


@cache
def prepare() -> None:
    """Have libraries compute in the thread that calls them, and keep freed memory for the next picture."""
    # Callers use threads of their own, and a result must not depend on how many. numpy's helpers would also stay awake
    # for a while after each small product, at the cost of a whole processor.
    cv2.setNumThreads(1)
    threadpool_limits(1, user_api="blas")
    _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Have the C library keep what is freed; where it is not glibc, change nothing.

    The buffers of a picture come and go by the hundred, a megabyte each. By default glibc gives each back to the system
    and asks for it anew, page by page, which was a third of the time that finding local features takes. A thread's heap
    that is empty is given back all the same, and at once asked for again, unless as much is to be taken at a time.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _APART_BYTES)
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_TOP_PAD, _HEAP_BYTES)
