"""Random streams: every draw comes from a generator made for one purpose of one seed.

A stream's seed is a hash of (seed, purpose, counter), so streams are independent of each other, of the number of
replicas trained together, and of how far a run had got when it was stopped.
"""

import hashlib

import torch


def stream(seed: int, purpose: str, counter: int = 0) -> torch.Generator:
    """A CPU generator of its own for `purpose` ('init', 'order', ...); `counter` numbers layers or epochs."""
    digest = hashlib.sha256(f"{seed}/{purpose}/{counter}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little"))
