"""Keep freed memory in the process instead of giving it back to the system after every step."""

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of glibc's malloc.h


def keep_freed_memory() -> None:
    """Tell glibc's malloc to keep what is freed, blocks of any size; elsewhere do nothing.

    A training step frees and asks for the same megabytes again and again. By default glibc may return them each time,
    and the page faults of getting them back take a good part of a step. No number depends on it.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_MMAP_MAX, 0)  # a block that is mapped by itself, as large ones are, goes back when it is freed
    mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
