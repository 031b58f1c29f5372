"""Keep freed memory in the process instead of giving it back to the system after every step."""

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
_LARGEST_MMAP_THRESHOLD = 32 * 2**20  # glibc takes no larger one


def keep_freed_memory() -> None:
    """Tell glibc's malloc to reuse large blocks; elsewhere do nothing.

    A training step frees and asks for the same megabytes again and again. By default glibc may return them each time,
    and the page faults of getting them back can cost more than the arithmetic. No number depends on it.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD)
    mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
