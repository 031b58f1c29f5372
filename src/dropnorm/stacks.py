"""What is pending of a protocol, in stacks: the replicas (arm, seed) that are trained together, and their checkpoint.

On a CPU a stack holds the seeds of one arm (one thread a process is fastest); on a GPU all pending arms of one shape.
"""

import glob
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from rich.console import Console

from dropnorm import checkpoint
from dropnorm.kinds import ON_CPU
from dropnorm.names import Place
from dropnorm.protocol import Protocol
from dropnorm.runs import arm_state, identity, table

Replica = tuple[str, int]  # (arm, seed)


@contextmanager
def reserved(place: Place, protocol: Protocol, arms: Iterable[str]) -> Iterator[bool]:
    """Keep other processes from training these arms and from writing their tables; False if one does already.

    The lock of a process that is killed is gone with it.
    """
    with ExitStack() as locks:
        try:
            for arm in sorted(arms):
                lock = table(place, protocol, arm).parent / f".{arm}.lock"
                lock.parent.mkdir(parents=True, exist_ok=True)
                locks.enter_context(FileLock(lock, timeout=0))
        except Timeout:
            yield False
            return
        yield True


@dataclass(frozen=True)
class Stack:
    """Replicas that are trained together, where they belong and on what they are trained."""

    protocol: Protocol
    place: Place
    device: torch.device
    replicas: list[Replica]

    @property
    def arms(self) -> list[str]:
        return list(dict.fromkeys(arm for arm, _ in self.replicas))

    @property
    def label(self) -> str:
        """The arm, or how many there are of which shape."""
        return self.arms[0] if len(self.arms) == 1 else f"{len(self.arms)} arms such as {self.arms[0]}"

    @property
    def checkpoint(self) -> Path:
        """Other replicas have another checkpoint: asking for other seeds loses nothing of what was begun."""
        which = hashlib.sha256(repr(self.replicas).encode()).hexdigest()[:12]
        return self.place.checkpoints / f"{self.arms[0]}.{which}.safetensors"

    @cached_property
    def key(self) -> str:
        """A digest of everything that decides what these replicas are."""
        identities = [(arm, seed, identity(self.protocol, arm)) for arm, seed in self.replicas]
        return hashlib.sha256(repr(identities).encode()).hexdigest()

    def pending(self) -> list[Replica]:
        """Those of its replicas that are not on disk now."""
        seeds = {arm: arm_state(self.place, self.protocol, arm).seeds for arm in self.arms}
        return [(arm, seed) for arm, seed in self.replicas if seed not in seeds[arm]]


def pending_stacks(
    protocol: Protocol, place: Place, wanted: dict[str, list[int]], device: torch.device, console: Console
) -> list[Stack]:
    """The replicas to be trained: first the stacks that were begun and are wanted still, then the others."""
    if protocol.file.experiment in ON_CPU:
        device = torch.device("cpu")
    pending = _pending(protocol, place, wanted, console)
    begun = _begun(protocol, place, device, pending)
    continued = {replica for stack in begun for replica in stack.replicas}
    groups: dict[str, list[Replica]] = {}
    for arm, seed in pending:
        if (arm, seed) not in continued:
            groups.setdefault(protocol.arms[arm].shape if device.type == "cuda" else arm, []).append((arm, seed))
    return begun + [Stack(protocol, place, device, replicas) for replicas in groups.values()]


def _pending(protocol, place, wanted: dict[str, list[int]], console) -> list[Replica]:
    pending = []
    for arm, seeds in wanted.items():
        if arm not in protocol.arms:  # another source trains it
            continue
        found = arm_state(place, protocol, arm)
        missing = [s for s in seeds if s not in found.seeds]
        if missing and found.state in ("stale", "damaged"):
            console.print(f"{arm}: {found.state} ({found.why}), running again", style="yellow", highlight=False)
        pending += [(arm, seed) for seed in missing]
    return pending


def _begun(protocol: Protocol, place: Place, device: torch.device, pending: list[Replica]) -> list[Stack]:
    """Stacks that have a checkpoint from which they can go on.

    Their replicas are pending, or on disk by now, if others of the stack are still pending: the stack stays whole, as a
    smaller one would start over.
    """
    begun, left = [], set(pending)
    headers = [checkpoint.header(path) for path in sorted(place.checkpoints.glob("*.safetensors"))]
    # First those that have no replica in vain.
    for header in sorted(filter(None, headers), key=lambda header: len({*header.replicas} - left)):
        stack = Stack(protocol, place, device, header.replicas)
        if not left.intersection(stack.replicas) or not set(stack.arms) <= set(protocol.arms):
            continue
        whole = device.type == "cuda" or len(stack.arms) == 1
        if whole and header.key == stack.key and set(stack.pending()) <= left:
            begun.append(stack)
            left -= set(stack.replicas)
    return begun


def drop_finished(stack: Stack) -> None:
    """Delete the checkpoints of all whose replicas are on disk now: this stack's, and overtaken ones.

    And what a kill left of one that was being written; nobody else writes any, as the arms are reserved.
    """
    which = "[0-9a-f]" * 12  # an arm's name may begin another's
    for part in stack.place.checkpoints.glob(f".*.part.{glob.escape(stack.arms[0])}.{which}.safetensors"):
        part.unlink(missing_ok=True)
    for path in stack.place.checkpoints.glob("*.safetensors"):
        header = checkpoint.header(path)
        if header is None or not {arm for arm, _ in header.replicas} <= set(stack.arms):
            continue
        if not replace(stack, replicas=header.replicas).pending():
            path.unlink(missing_ok=True)
