"""Freed memory stays in the process: asking for it again costs no page faults. Run apart, as malloc's settings stay."""

import platform
import subprocess
import sys

import pytest

FAULTS = """
import ctypes
import resource
import torch
from dropnorm.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones({megabytes} * 2**18)  # float32, freed at once
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

ctypes.CDLL(None).prctl(41, 1, 0, 0, 0)  # PR_SET_THP_DISABLE: pages of one size, whatever the system prefers
{keep}
for _ in range({warm_up}):
    faults()
print(sum(faults() for _ in range({times})))
"""
WARM_UP, TIMES = 30, 10  # the first few asks still grow the heap: a small block may land where the large one was
PAGES_OF_A_MEGABYTE = 2**20 // 4096


def _faults(megabytes: int, keep: str) -> int:
    """Page faults of ten asks for a block, in a new process after thirty."""
    code = FAULTS.format(megabytes=megabytes, keep=keep, warm_up=WARM_UP, times=TIMES)
    return int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's malloc takes these settings")
def test_blocks_of_any_size_are_kept():
    megabytes = 64  # more than the 32 that glibc's threshold for mapped blocks can reach
    assert _faults(megabytes, "keep_freed_memory()") < PAGES_OF_A_MEGABYTE
    assert _faults(megabytes, "") > 10 * TIMES * PAGES_OF_A_MEGABYTE  # what it spares
