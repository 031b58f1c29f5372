"""How fast a training step is, beside the same network written the usual way in PyTorch; measured in turn.

A step of a stack is divided by its replicas, so that both figures are milliseconds a network and step.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from dropnorm import provenance
from dropnorm.names import ResultName, project_root
from dropnorm.protocol import load

ROUNDS, STEPS, WARM_UP = 7, 200, 20
REPLICAS = (1, 10)


def sigmoid_mlp(dataset: Any) -> dict[str, Any]:
    """The nets of Ioffe & Szegedy's Figure 1, trained on `dataset` (MNIST); one thread.

    Returns for each net and version the median, smallest and largest milliseconds a network and step, the median of the
    ratios to the usual version (pair by pair), and the share of this core's peak in float32 matrix products.
    """
    torch.set_num_threads(1)
    protocol = load(project_root(), ResultName("ioffe2015", "figure1"), "paper")
    peak = matrix_peak()
    nets = {arm: _compare(protocol, arm, dataset, peak) for arm in ("baseline", "batchnorm")}
    return {
        "benchmark": "sigmoid_mlp",
        "gflops_peak": round(peak, 1),
        "nets": nets,
        "machine": provenance.machine(torch.device("cpu")),
        "measured": provenance.now(),
    }


def matrix_peak() -> float:
    """GFLOP/s of this core in large float32 matrix products."""
    a = torch.randn(1024, 1024)
    seconds = min(_seconds(lambda: a @ a, 3) for _ in range(5))
    return 2 * 1024**3 / seconds / 1e9


def _compare(protocol, arm: str, dataset: Any, peak: float) -> dict[str, Any]:
    settings = protocol.arms[arm]
    steppers = {"usual": _usual(settings, dataset)}
    for replicas in REPLICAS:
        experiment = protocol.module.Experiment([(settings, s) for s in range(replicas)], dataset, torch.device("cpu"))
        steppers[f"stack of {replicas}"] = _stepper(experiment, replicas)
    rounds = [{name: 1000 * _seconds(*stepper) for name, stepper in steppers.items()} for _ in range(ROUNDS)]
    flops = step_flops(settings)
    return {name: _summary(name, rounds, flops, peak) for name in steppers}


def step_flops(settings: Any) -> float:
    """FLOPs of the matrix products of one step: forward, and two backward, less the input's gradient."""
    sizes = [784, *settings.network.hidden, 10]
    products = [a * b for a, b in zip(sizes, sizes[1:], strict=False)]
    return 2 * settings.training.batch_size * (3 * sum(products) - products[0])


def _summary(name: str, rounds: list[dict[str, float]], flops: float, peak: float) -> dict[str, float]:
    ms = [r[name] for r in rounds]
    return {
        "ms": round(statistics.median(ms), 4),
        "ms_low": round(min(ms), 4),
        "ms_high": round(max(ms), 4),
        "times_faster": round(statistics.median(r["usual"] / r[name] for r in rounds), 3),
        "share_of_peak": round(flops / (statistics.median(ms) / 1000) / 1e9 / peak, 3),
    }


def _seconds(step: Callable[[], Any], steps: int, parts: int = 1) -> float:
    """Seconds a step, divided by `parts`."""
    for _ in range(min(steps, WARM_UP)):
        step()
    started = time.perf_counter()
    for _ in range(steps):
        step()
    return (time.perf_counter() - started) / steps / parts


def _stepper(experiment: Any, replicas: int) -> tuple[Callable[[], None], int, int]:
    def step() -> None:
        experiment._update()  # a step without its measurements
        experiment.step += 1

    return step, STEPS // replicas, replicas


def _usual(settings: Any, dataset: Any) -> tuple[Callable[[], None], int]:
    """DataLoader, nn.Sequential, nn.BatchNorm1d, CrossEntropyLoss, optim.SGD: as one would write it."""
    images = (torch.from_numpy(dataset.train_images).flatten(1) > 127).float()
    labels = torch.from_numpy(dataset.train_labels).long()
    loader = DataLoader(TensorDataset(images, labels), settings.training.batch_size, shuffle=True, drop_last=True)
    model = _usual_model(settings)
    optimiser = torch.optim.SGD(model.parameters(), lr=settings.optimiser.lr)
    loss_of = nn.CrossEntropyLoss()
    batches = _endless(loader)

    def step() -> None:
        x, y = next(batches)
        optimiser.zero_grad()
        loss_of(model(x), y).backward()
        optimiser.step()

    return step, STEPS


def _usual_model(settings: Any) -> nn.Sequential:
    layers: list[nn.Module] = []
    sizes = [784, *settings.network.hidden]
    for n_in, n_out in zip(sizes, sizes[1:], strict=False):
        layers.append(nn.Linear(n_in, n_out))
        if settings.network.normalisation == "batch":
            layers.append(nn.BatchNorm1d(n_out))
        layers.append(nn.Sigmoid())
    return nn.Sequential(*layers, nn.Linear(sizes[-1], 10))


def _endless(loader: DataLoader) -> Any:
    while True:
        yield from loader


BENCHMARKS: dict[str, tuple[str, Callable[[Any], dict[str, Any]]]] = {"sigmoid_mlp": ("mnist", sigmoid_mlp)}
