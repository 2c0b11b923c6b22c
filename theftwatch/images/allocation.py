"""How the process deals with memory that it has done with.

The buffers of a picture come and go by the hundred, a megabyte each. By default glibc gives each back to the system and
asks for it anew, page by page, which was a third of the time that finding local features takes.
"""

import ctypes
import sys

#: Numbers of glibc's `mallopt`: from which size memory is taken from the system apart, and how much free memory at the
#: end of an arena is kept
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
#: The largest that glibc takes, and some buffers of that size
_APART_BYTES, _KEPT_BYTES = 32 * 1024 * 1024, 128 * 1024 * 1024


def keep_freed_memory() -> None:
    """Have the process keep freed memory for its next picture; where the C library is not glibc, change nothing."""
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _APART_BYTES)
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
