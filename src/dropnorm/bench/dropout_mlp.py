"""The step of Table 2's network of Srivastava et al. 2014, 784-1024-1024-1024-10, beside the usual way to write it."""

from typing import Any

import torch
from torch import nn

from dropnorm.bench.sigmoid_mlp import step_flops
from dropnorm.bench.timing import Stepper, experiment_stepper, in_turn, prepare, report, usual_stepper
from dropnorm.names import ResultName, project_root
from dropnorm.protocol import load

ROUNDS, STEPS = 5, 40
VERSIONS = {"float32": "float32", "bfloat16": "max_norm_3x1024"}  # version -> arm of Table 2


def measure(dataset: Any) -> dict[str, Any]:
    """Dropout and max-norm on MNIST: the usual version in float32, ours in float32 and with products in bfloat16."""
    peak = prepare()
    protocol = load(project_root(), ResultName("srivastava2014", "table2"), "paper")
    settings = protocol.arms["float32"]
    steppers = {"usual": _usual(settings, dataset)}
    for version, arm in VERSIONS.items():
        experiment = protocol.module.Experiment([(protocol.arms[arm], 0)], dataset, torch.device("cpu"))
        steppers[version] = experiment_stepper(experiment, STEPS, 1)
    figures = in_turn(steppers, ROUNDS, step_flops(settings), peak)
    return report("dropout_mlp", {"3x1024": figures}, peak)


def _usual(settings: Any, dataset: Any) -> Stepper:
    """DataLoader, nn.Dropout, torch.renorm, optim.SGD: as one would write it."""
    images = torch.from_numpy(dataset.train_images).flatten(1).float() / dataset.pixel_max
    model = usual_model(settings)
    optimiser = torch.optim.SGD(
        model.parameters(), lr=settings.optimiser.lr, momentum=settings.optimiser.momentum_final
    )

    @torch.no_grad()
    def limit_norms() -> None:
        for layer in model:
            if isinstance(layer, nn.Linear):
                layer.weight.copy_(torch.renorm(layer.weight, 2, 0, settings.regularisation.max_norm))

    return usual_stepper(model, optimiser, images, dataset, settings, STEPS, after=limit_norms)


def usual_model(settings: Any) -> nn.Sequential:
    """The network as a list of PyTorch's layers, dropout on what each of them reads."""
    sizes = [784, *settings.network.hidden]
    layers: list[nn.Module] = [nn.Dropout(1 - settings.dropout.p_input)]
    for n_in, n_out in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(n_in, n_out), nn.ReLU(), nn.Dropout(1 - settings.dropout.p_hidden)]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], 10))
