"""What benchmarks share: steps timed in turn, this core's peak, the figures that come of it."""

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from dropnorm import provenance
from dropnorm.bfloat16 import bfloat16_products
from dropnorm.memory import keep_freed_memory

Stepper = tuple[Callable[[], None], int, int]  # (one step, steps a round, networks that a step advances)
WARM_UP = 20


def prepare() -> float:
    """One thread, as the pipeline runs; returns the peak (see `matrix_peak`)."""
    torch.set_num_threads(1)
    keep_freed_memory()
    return matrix_peak()


def matrix_peak() -> float:
    """GFLOP/s of this core in large float32 matrix products."""
    a = torch.randn(1024, 1024)
    seconds = min(_seconds((lambda: a @ a, 3, 1)) for _ in range(5))
    return 2 * 1024**3 / seconds / 1e9


def in_turn(steppers: dict[str, Stepper], rounds: int, flops: float, peak: float) -> dict[str, dict[str, float]]:
    """Figures of each version; all versions take turns, so that a machine that slows down slows all of them.

    flops: of the matrix products of one step of one network. The version called 'usual' is what the others are compared
    with, round by round.
    """
    ms = [{name: 1000 * _seconds(stepper) for name, stepper in steppers.items()} for _ in range(rounds)]
    return {name: _figures(name, ms, flops, peak) for name in steppers}


def report(name: str, nets: dict[str, Any], peak: float) -> dict[str, Any]:
    """What `dropnorm bench` writes: the figures of all networks, and where they were measured."""
    return {
        "benchmark": name,
        "gflops_peak": round(peak, 1),
        "nets": nets,
        "machine": provenance.machine(torch.device("cpu")),
        "measured": provenance.now(),
    }


def experiment_stepper(experiment: Any, steps: int, replicas: int) -> Stepper:
    """A step of one of our experiments without its measurements."""
    products = bfloat16_products(torch.device("cpu"), experiment.settings)

    def step() -> None:
        with products:
            experiment._update()
        experiment.step += 1

    return step, steps, replicas


def usual_stepper(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    images: torch.Tensor,
    dataset: Any,
    settings: Any,
    steps: int,
    after: Callable[[], None] = lambda: None,
) -> Stepper:
    """A step as one would write it: a DataLoader, CrossEntropyLoss, the optimiser, and what comes after."""
    batches = _usual_batches(images, torch.from_numpy(dataset.train_labels).long(), settings.training.batch_size)
    loss_of = nn.CrossEntropyLoss()

    def step() -> None:
        x, y = next(batches)
        optimiser.zero_grad()
        loss_of(model(x), y).backward()
        optimiser.step()
        after()

    return step, steps, 1


def _usual_batches(images: torch.Tensor, labels: torch.Tensor, batch_size: int) -> Iterator[list[torch.Tensor]]:
    """Shuffled mini-batches by a DataLoader, epoch after epoch."""
    loader = DataLoader(TensorDataset(images, labels), batch_size, shuffle=True, drop_last=True)
    while True:
        yield from loader


def _figures(name: str, rounds: list[dict[str, float]], flops: float, peak: float) -> dict[str, float]:
    ms = [r[name] for r in rounds]
    return {
        "ms": round(statistics.median(ms), 4),
        "ms_low": round(min(ms), 4),
        "ms_high": round(max(ms), 4),
        "times_faster": round(statistics.median(r["usual"] / r[name] for r in rounds), 3),
        "share_of_peak": round(flops / (statistics.median(ms) / 1000) / 1e9 / peak, 3),
    }


def _seconds(stepper: Stepper) -> float:
    """Seconds a network and step."""
    step, steps, networks = stepper
    for _ in range(min(steps, WARM_UP)):
        step()
    started = time.perf_counter()
    for _ in range(steps):
        step()
    return (time.perf_counter() - started) / steps / networks
