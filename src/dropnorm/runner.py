"""Run what is pending of a protocol: resume, check-point, stop in time, put finished arms in place."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from traceback import extract_tb
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel
from rich.console import Console

from dropnorm import checkpoint, provenance
from dropnorm.bfloat16 import bfloat16_products
from dropnorm.errors import UserError
from dropnorm.names import Place
from dropnorm.progress import StepProgress
from dropnorm.protocol import Protocol
from dropnorm.runs import arm_state, gpu_code, write_arm
from dropnorm.stacks import Stack, drop_finished, pending_stacks, reserved

STEPS_BETWEEN_LOOKS = 20  # at signals and progress, which cost more than the clock; an experiment may say otherwise
SECONDS_BETWEEN_LOOKS = 1.0  # at most, if steps are slow


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
    stopped: bool  # by a signal, and not by the time limit


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

    Raises UserError, after all else is done, if another process is training one of the arms.
    """
    _as_said_on_a_gpu()
    deadline = time.monotonic() + limits.time_limit
    wanted = {arm: seeds or protocol.owner(arm).seeds for arm in arms}
    stacks = [
        stack
        for source in protocol.sources
        for stack in pending_stacks(source, place.of(source.name), wanted, device, console)
    ]
    for stack in stacks:
        # Fingerprints are taken once, and now: the code may be edited while stacks wait for their turn.
        _ = stack.key, gpu_code(stack.protocol, stack.arms[0])
    # What was begun comes first: it is nearest to an end.
    stacks.sort(key=lambda stack: not stack.checkpoint.exists())
    elsewhere = []
    with _stop_signals() as stopping:
        for stack in stacks:
            if stopping() or time.monotonic() >= deadline:
                break
            with reserved(stack.place, stack.protocol, stack.arms) as ours:
                if not ours:
                    elsewhere.append(stack)
                elif replicas := stack.pending():  # another process may have finished some by now
                    if not stack.checkpoint.exists():  # what was begun goes on whole
                        stack = replace(stack, replicas=replicas)
                    with _failure_in_one_line(stack, len(stack.replicas)):
                        run = _StackRun(stack, load_dataset, limits, console)
                        run.go_on(lambda: stopping() or time.monotonic() >= deadline)
        stopped = stopping()
    if elsewhere := [stack for stack in elsewhere if stack.pending()]:
        raise UserError(
            f"{elsewhere[0].label}: another process is training it in {elsewhere[0].place.folder}; "
            "run the same command again when that one has ended"
        )
    left = [a for a in wanted if set(wanted[a]) - set(arm_state(place, protocol, a).seeds)]
    return Outcome(done=[a for a in wanted if a not in left], pending=left, stopped=stopped)


@contextmanager
def _failure_in_one_line(stack: Stack, replicas: int) -> Iterator[None]:
    """Raises UserError where the machine, or its GPU, lacks the memory for it, and where a variant fails.

    A variant may have settings that are impossible together, which only the experiment finds. Of a protocol as it is
    published that is not to be expected, so there a traceback says where it failed.
    """
    try:
        yield
    except (MemoryError, RuntimeError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "can't allocate memory" in str(error):
            raise UserError(
                f"{stack.label}: not enough memory for {replicas} networks at once; run fewer --seeds in one call, or "
                "a smaller network"
            ) from error
        if stack.place.variant is None or "CUDA" in str(error):
            raise
        what, where = f"{type(error).__name__}: {error}".splitlines()[0], extract_tb(error.__traceback__)[-1]
        raise UserError(
            f"{stack.label}: variant '{stack.place.variant}' failed, probably for its settings ({what}; in "
            f"{Path(where.filename).name}, line {where.lineno}); make another with other settings"
        ) from error


def _as_said_on_a_gpu() -> None:
    """Have a GPU compute as it is said of all runs: what it does unasked is faster, and something else.

    cuDNN rounds the factors of float32 convolutions to ten bits, and may add up their gradients in any order, so that a
    resumed run ends with other bits; and sums of bfloat16 products need not be kept in float32.
    """
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
    torch.backends.cudnn.deterministic = True


class _StackRun:
    """One stack of replicas from its last checkpoint (or the beginning) to its end."""

    def __init__(self, stack: Stack, load_dataset, limits: Limits, console: Console):
        self.stack, self.limits, self.console = stack, limits, console
        settings = [(stack.protocol.arms[arm], seed) for arm, seed in stack.replicas]
        self.settings = settings[0][0]
        dataset = load_dataset(self.settings.dataset)
        for of_replica, _ in settings:
            _refuse_too_large(of_replica, dataset)
        self.experiment = stack.protocol.module.Experiment(settings, dataset, stack.device)
        self.total = getattr(self.experiment, "steps", self.settings.steps)  # most know it from settings alone
        # Asked now, as a checkout may be at another commit at the end; the last is this one.
        self.machines = [provenance.machine(stack.device)]
        self.gpu_code = gpu_code(stack.protocol, stack.arms[0])  # all arms of a stack are of one experiment
        self.started, self.seconds = provenance.now(), 0.0
        self._resume()

    def _resume(self) -> None:
        state = checkpoint.load(self.stack.checkpoint, self.stack.key, self.console)
        if state and self._same_gpu_code(bytes(state.pop("runner/gpu_code", b"")).decode()):
            self.seconds = float(state.pop("runner/seconds"))
            self.started = bytes(state.pop("runner/started")).decode()
            before = json.loads(bytes(state.pop("runner/machines", b"[]")).decode())  # not in former checkpoints
            self.machines = [m for m in before if m != self.machines[0]] + self.machines
            self.experiment.load_state(state)
            self.console.print(f"{self.stack.label}: resuming at step {self.experiment.step:,}", highlight=False)

    def _same_gpu_code(self, then: str) -> bool:
        """Whether what was begun on a GPU ('' if it was not) would go on there as it began."""
        same = then in ("", self.gpu_code)
        if not same:
            self.console.print(f"{self.stack.label}: the code for a GPU changed, starting over", style="yellow")
        return same

    def go_on(self, should_stop: Callable[[], bool]) -> None:
        """Train until finished, and put the runs in place; or until told to stop."""
        with bfloat16_products(self.stack.device, self.settings):
            finished = self.advance(should_stop)
        if finished:
            self.finish()

    def advance(self, should_stop: Callable[[], bool]) -> bool:
        """Train until finished (True), or until told to stop (False, with a checkpoint)."""
        saved_at = clock = time.monotonic()
        between = getattr(self.experiment, "steps_between_looks", STEPS_BETWEEN_LOOKS)
        title = f"{self.stack.place.name} {self.stack.label} [{len(self.stack.replicas)} replicas]"
        with StepProgress(title, self.total, self.console, self.experiment.step) as progress:
            while not self.experiment.finished:
                self.experiment.advance()
                now = time.monotonic()
                if self.experiment.step % between and now - clock < SECONDS_BETWEEN_LOOKS:
                    continue
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
        on_gpu = any(machine["device"] == "cuda" for machine in self.machines)
        state = self.experiment.state() | {
            "runner/gpu_code": torch.tensor(list(self.gpu_code.encode() * on_gpu), dtype=torch.uint8),
            "runner/seconds": torch.tensor(self.seconds, dtype=torch.float64),
            "runner/started": torch.tensor(list(self.started.encode()), dtype=torch.uint8),
            "runner/machines": torch.tensor(list(json.dumps(self.machines).encode()), dtype=torch.uint8),
        }
        checkpoint.save(self.stack.checkpoint, state, checkpoint.Header(self.stack.key, self.stack.replicas))

    def finish(self) -> None:
        """Write each arm's table and record, but of seeds that are on disk; only then drop the checkpoint."""
        runs = self.experiment.frame()
        replicas, pending = self.stack.replicas, self.stack.pending()
        session = self.machines[-1] | {
            "before": self.machines[:-1],  # where it was begun, if that was elsewhere
            "started": self.started,
            "ended": provenance.now(),
            "steps": self.settings.steps,
        }
        for arm in dict.fromkeys(arm for arm, _ in pending):
            seed_of = {i: seed for i, (a, seed) in enumerate(replicas) if a == arm and (a, seed) in pending}
            mine = runs[runs.replica.isin(seed_of)]
            mine = mine.assign(seed=mine.replica.map(seed_of)).drop(columns="replica")
            share = len(seed_of) / len(replicas)  # of the time of all arms in the stack
            session_of_arm = session | {
                "seeds": list(seed_of.values()),
                "replicas": len(seed_of),
                "seconds": round(share * self.seconds, 1),
            }
            write_arm(self.stack.place, self.stack.protocol, arm, mine, session_of_arm)
        drop_finished(self.stack)


def _refuse_too_large(settings: BaseModel, dataset: Any) -> None:
    """Raises UserError where settings ask for more images than the data set has (None: it is drawn)."""
    if dataset is None:
        return
    name, images, tested = settings.dataset, len(dataset.train_labels), len(dataset.test_labels)
    held_out = _setting(settings, "data.validation", 0) if _setting(settings, "data.train_on") in (None, "split") else 0
    if held_out >= images:
        raise UserError(f"data.validation = {held_out:,}: {name} has {images:,} training images, none would be left")
    for keys, most, what in (
        (("training.batch_size", "network.batch_size"), images - held_out, "images to train on"),
        (("measure.probe_images", "measure.mates", "measure.test_sizes"), tested, "test images"),
    ):
        for key in keys:
            asked = np.max(_setting(settings, key, 0))  # the largest of several
            if asked > most:
                raise UserError(f"{key} = {asked:,}: {name} has {most:,} {what}")


def _setting(settings: BaseModel, key: str, missing: Any = None) -> Any:
    """settings.a.b for 'a.b', or what stands for it where there is no such setting."""
    for word in key.split("."):
        settings = getattr(settings, word, missing)
    return settings


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

    return cache(lambda name: None if name in DRAWN else datasets.load(name, data_dir, mirror))
