"""Run what is pending of a protocol: resume, check-point, stop in time, put finished arms in place.

On a CPU a stack holds the seeds of one arm (one thread a process is fastest); on a GPU all pending arms of one shape.
"""

import hashlib
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from dropnorm import checkpoint, provenance
from dropnorm.bfloat16 import bfloat16_products
from dropnorm.errors import UserError
from dropnorm.names import Place
from dropnorm.progress import StepProgress
from dropnorm.protocol import Protocol
from dropnorm.runs import arm_state, identity, write_arm

Replica = tuple[str, int]  # (arm, seed)
STEPS_BETWEEN_LOOKS = 20  # at the clock; a step takes milliseconds, or an experiment says `steps_between_looks`


@dataclass(frozen=True)
class Limits:
    """How a run is paced."""

    time_limit: float = float("inf")  # seconds from the start
    checkpoint_every: float = 30.0  # seconds


@dataclass(frozen=True)
class Outcome:
    """What a call of `run_pending` came to."""

    done: list[str]
    pending: list[str]


def choose_device(name: str) -> torch.device:
    """'auto', 'cpu' or 'cuda'. Raises UserError if a GPU was asked for and there is none."""
    if name not in ("auto", "cpu", "cuda"):
        raise UserError(f"device '{name}' is unknown; allowed: auto, cpu, cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("device cuda: no GPU can be used here; run without one: --device cpu (or device=cpu)")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def run_pending(
    protocol: Protocol,
    place: Place,
    *,
    arms: list[str],
    seeds: list[int] | None,
    device: torch.device,
    load_dataset: Callable[[str], Any],
    limits: Limits,
    console: Console,
) -> Outcome:
    """Train the arms and seeds that are not on disk yet (or are stale or damaged) and put them in place.

    seeds: None for those of the protocol. Arms of a derived result are trained by its sources, in their places.
    Stops cleanly, with a checkpoint, at the time limit, on SIGTERM and on Ctrl-C; the same call continues from there.
    """
    deadline = time.monotonic() + limits.time_limit
    wanted = {arm: seeds or protocol.owner(arm).seeds for arm in arms}
    stacks = [
        (source, place.of(source.name), stack)
        for source in protocol.sources
        for stack in _stacks(source, _pending(source, place.of(source.name), wanted, console), device)
    ]
    # What was begun comes first: it is nearest to an end.
    stacks.sort(key=lambda entry: not entry[1].checkpoint(_stack_label(entry[2])).exists())
    with _stop_signals() as stopping:
        for source, its_place, stack in stacks:
            if stopping() or time.monotonic() >= deadline:
                break
            run = _StackRun(source, its_place, stack, device, load_dataset, limits, console)
            with bfloat16_products(device, source.arms[stack[0][0]]):
                finished = run.advance(lambda: stopping() or time.monotonic() >= deadline)
            if finished:
                run.finish()
    left = [a for a in wanted if set(wanted[a]) - set(arm_state(place, protocol, a).seeds)]
    return Outcome(done=[a for a in wanted if a not in left], pending=left)


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


def _stacks(protocol: Protocol, pending: list[Replica], device: torch.device) -> list[list[Replica]]:
    groups: dict[str, list[Replica]] = {}
    for arm, seed in pending:
        key = protocol.arms[arm].shape if device.type == "cuda" else arm
        groups.setdefault(key, []).append((arm, seed))
    return list(groups.values())


def _stack_label(stack: list[Replica]) -> str:
    arms = list(dict.fromkeys(arm for arm, _ in stack))
    if len(arms) == 1:
        return arms[0]
    return "stack-" + hashlib.sha256(repr(stack).encode()).hexdigest()[:12]


class _StackRun:
    """One stack of replicas from its last checkpoint (or the beginning) to its end."""

    def __init__(self, protocol, place, stack, device, load_dataset, limits, console):
        self.protocol, self.place, self.stack, self.device = protocol, place, stack, device
        self.limits, self.console = limits, console
        self.label = _stack_label(stack)
        self.path = place.checkpoint(self.label)
        settings = [(protocol.arms[arm], seed) for arm, seed in stack]
        self.experiment = protocol.module.Experiment(settings, load_dataset(settings[0][0].dataset), device)
        self.total = getattr(self.experiment, "steps", settings[0][0].steps)  # most know it from settings alone
        identities = [(arm, seed, identity(protocol, arm)) for arm, seed in stack]
        self.key = hashlib.sha256(repr(identities).encode()).hexdigest()
        self.started, self.seconds = provenance.now(), 0.0
        self._resume()

    def _resume(self) -> None:
        if state := checkpoint.load(self.path, self.key, self.console):
            self.seconds = float(state.pop("runner/seconds"))
            self.started = bytes(state.pop("runner/started")).decode()
            self.experiment.load_state(state)
            self.console.print(f"{self.label}: resuming at step {self.experiment.step:,}", highlight=False)

    def advance(self, should_stop: Callable[[], bool]) -> bool:
        """Train until finished (True), or until told to stop (False, with a checkpoint)."""
        clock = time.monotonic()
        saved_at = clock
        between = getattr(self.experiment, "steps_between_looks", STEPS_BETWEEN_LOOKS)
        seeds = len(self.stack)
        with StepProgress(f"{self.place.name} {self.label} [{seeds} replicas]", self.total, self.console) as progress:
            while not self.experiment.finished:
                self.experiment.advance()
                if self.experiment.step % between:
                    continue
                now = time.monotonic()
                self.seconds, clock = self.seconds + now - clock, now
                progress.update(self.experiment.step)
                if self.experiment.finished:
                    break  # not saved: a run killed after its last measurement would resume and measure it again
                if should_stop():
                    self._save()
                    return False
                if now - saved_at > self.limits.checkpoint_every:
                    self._save()
                    saved_at = now
        self.seconds += time.monotonic() - clock
        return True

    def _save(self) -> None:
        state = self.experiment.state() | {
            "runner/seconds": torch.tensor(self.seconds, dtype=torch.float64),
            "runner/started": torch.tensor(list(self.started.encode()), dtype=torch.uint8),
        }
        checkpoint.save(self.path, state, self.key)

    def finish(self) -> None:
        """Write each arm's table and record; only then drop the checkpoint."""
        runs = self.experiment.frame()
        session = provenance.machine(self.device) | {
            "started": self.started,
            "ended": provenance.now(),
            "seconds": round(self.seconds, 1),
            "replicas": len(self.stack),
            "steps": self.total,
        }
        for arm in dict.fromkeys(arm for arm, _ in self.stack):
            seed_of = {i: seed for i, (a, seed) in enumerate(self.stack) if a == arm}
            mine = runs[runs.replica.isin(seed_of)]
            mine = mine.assign(seed=mine.replica.map(seed_of)).drop(columns="replica")
            write_arm(self.place, self.protocol, arm, mine, session | {"seeds": list(seed_of.values())})
        self.path.unlink(missing_ok=True)


@contextmanager
def _stop_signals() -> Iterator[Callable[[], bool]]:
    """SIGTERM and Ctrl-C ask for a clean stop; a second Ctrl-C stops at once."""
    asked = []

    def ask(signum: int, _frame: object) -> None:
        asked.append(signum)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {s: signal.signal(s, ask) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: bool(asked)
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def make_loader(data_dir: Path, mirror: str | None) -> Callable[[str], Any]:
    """A function that loads a data set by name, once; None for what an experiment draws itself."""
    from functools import cache

    from dropnorm import datasets
    from dropnorm.datasets.registry import DRAWN

    return cache(lambda name: None if name in DRAWN else datasets.load(name, data_dir, mirror or None))
