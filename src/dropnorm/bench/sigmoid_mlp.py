"""The step of the networks of Ioffe & Szegedy 2015, Figure 1, beside the usual way to write them."""

from typing import Any

import torch
from torch import nn

from dropnorm.bench.timing import Stepper, experiment_stepper, in_turn, prepare, report, usual_stepper
from dropnorm.names import ResultName, project_root
from dropnorm.protocol import load

ROUNDS, STEPS = 7, 200
REPLICAS = (1, 10)


def measure(dataset: Any) -> dict[str, Any]:
    """Both networks of Figure 1, trained on `dataset` (MNIST): the usual version, one of ours, a stack of ours."""
    peak = prepare()
    protocol = load(project_root(), ResultName("ioffe2015", "figure1"), "paper")
    nets = {arm: _compare(protocol, arm, dataset, peak) for arm in ("baseline", "batchnorm")}
    return report("sigmoid_mlp", nets, peak)


def _compare(protocol, arm: str, dataset: Any, peak: float) -> dict[str, Any]:
    settings = protocol.arms[arm]
    steppers = {"usual": _usual(settings, dataset)}
    for replicas in REPLICAS:
        experiment = protocol.module.Experiment([(settings, s) for s in range(replicas)], dataset, torch.device("cpu"))
        steppers[f"stack of {replicas}"] = experiment_stepper(experiment, STEPS // replicas, replicas)
    return in_turn(steppers, ROUNDS, step_flops(settings), peak)


def step_flops(settings: Any) -> float:
    """FLOPs of the matrix products of one step: forward, and two backward, less the input's gradient."""
    sizes = [784, *settings.network.hidden, 10]
    products = [a * b for a, b in zip(sizes, sizes[1:], strict=False)]
    return 2 * settings.training.batch_size * (3 * sum(products) - products[0])


def _usual(settings: Any, dataset: Any) -> Stepper:
    """DataLoader, nn.Sequential, nn.BatchNorm1d, CrossEntropyLoss, optim.SGD: as one would write it."""
    images = (torch.from_numpy(dataset.train_images).flatten(1) > 127).float()
    model = usual_model(settings)
    optimiser = torch.optim.SGD(model.parameters(), lr=settings.optimiser.lr)
    return usual_stepper(model, optimiser, images, dataset, settings, STEPS)


def usual_model(settings: Any) -> nn.Sequential:
    """The network as a list of PyTorch's layers."""
    layers: list[nn.Module] = []
    sizes = [784, *settings.network.hidden]
    for n_in, n_out in zip(sizes, sizes[1:], strict=False):
        layers.append(nn.Linear(n_in, n_out))
        if settings.network.normalisation == "batch":
            layers.append(nn.BatchNorm1d(n_out))
        layers.append(nn.Sigmoid())
    return nn.Sequential(*layers, nn.Linear(sizes[-1], 10))
