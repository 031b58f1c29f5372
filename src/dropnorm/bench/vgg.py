"""The step of the VGG nets of Santurkar et al. 2018 at scale `full`, beside the usual way to write them."""

from typing import Any

import torch
from torch import nn

from dropnorm.bench.timing import Stepper, experiment_stepper, in_turn, prepare, report, usual_stepper
from dropnorm.names import ResultName, project_root
from dropnorm.protocol import load

ROUNDS, STEPS = 5, 12
NETS = {"VGG without batch normalization": "standard", "VGG with batch normalization": "batchnorm"}
PRODUCTS = ("float32", "bfloat16")
PROBES = ("activations", "quantiles", "landscape", "random", "shift")
SIDE, COLOURS = 32, 3


def measure(dataset: Any) -> dict[str, Any]:
    """Without and with batch norm on CIFAR-10: the usual version in float32, ours in float32 and bfloat16."""
    peak = prepare()
    return report("vgg", {name: _compare(arm, dataset, peak) for name, arm in NETS.items()}, peak)


def _compare(arm: str, dataset: Any, peak: float) -> dict[str, Any]:
    steppers = {}
    for products in PRODUCTS:
        # A step without its measurements, as the usual one has none.
        changes = {f"measure.{probe}_every": 0 for probe in PROBES} | {"training.products": products}
        protocol = load(project_root(), ResultName("santurkar2018", "figure1"), "full", changes)
        settings = protocol.arms[arm]
        experiment = protocol.module.Experiment([(settings, 0)], dataset, torch.device("cpu"))
        steppers[products] = experiment_stepper(experiment, STEPS, 1)
    steppers = {"usual": _usual(settings, dataset)} | steppers
    return in_turn(steppers, ROUNDS, step_flops(settings), peak)


def step_flops(settings: Any) -> float:
    """FLOPs of the products of one step: forward, and two backward, less the input's gradient."""
    products, n_in, side = [], COLOURS, SIDE
    for block in settings.network.blocks:
        for n_out in block:
            products.append(9 * n_in * n_out * side**2)
            n_in = n_out
        side //= 2
    for n_out in [*settings.network.hidden, 10]:
        products.append(n_in * n_out)
        n_in = n_out
    return 2 * settings.training.batch_size * (3 * sum(products) - products[0])


def _usual(settings: Any, dataset: Any) -> Stepper:
    """DataLoader, nn.Sequential, nn.BatchNorm2d, CrossEntropyLoss, optim.SGD: as one would write it."""
    images = torch.from_numpy(dataset.train_images).float() / dataset.pixel_max
    images = (images - images.mean((0, 2, 3), keepdim=True)) / images.std((0, 2, 3), keepdim=True)
    model = usual_model(settings)
    optimiser = torch.optim.SGD(model.parameters(), lr=settings.optimiser.lr)
    return usual_stepper(model, optimiser, images, dataset, settings, STEPS)


def usual_model(settings: Any) -> nn.Sequential:
    """The network as a list of PyTorch's layers."""
    layers: list[nn.Module] = []
    n_in = COLOURS
    for block in settings.network.blocks:
        for n_out in block:
            layers.append(nn.Conv2d(n_in, n_out, 3, padding=1))
            if settings.network.normalisation == "batch":
                layers.append(nn.BatchNorm2d(n_out))
            layers.append(nn.ReLU())
            n_in = n_out
        layers.append(nn.MaxPool2d(2))
    layers.append(nn.Flatten())
    for n_out in settings.network.hidden:
        norm = [nn.BatchNorm1d(n_out)] if settings.network.normalisation == "batch" else []
        layers += [nn.Linear(n_in, n_out), *norm, nn.ReLU()]
        n_in = n_out
    return nn.Sequential(*layers, nn.Linear(n_in, 10))
