"""A sigmoid network whose normalisation the gradient may or may not know of (Ioffe & Szegedy 2015, section 2)."""

import torch
from torch import Tensor

from dropnorm.layers.batch_norm import Statistics, batch_statistics
from dropnorm.networks.sigmoid_mlp import SigmoidMLP


class NormalisedMLP(SigmoidMLP):
    """R multilayer perceptrons z = g(N(Wu + b)) with N(x) = (x - E[x]) / sqrt(Var[x] + eps), or x - E[x] alone.

    There is no scale and shift, as in the example of section 2. With `constant` statistics the gradient takes E and Var
    for constants; the outputs are the same.
    """

    def __init__(self, sizes: list[int], *, constant: bool, divide: bool, eps: float = 1e-5):
        super().__init__(sizes, batch_normalised=True, eps=eps)
        self.constant, self.divide = constant, divide

    def initialise(self, seeds: list[int], init_stds: list[float], device: torch.device) -> None:
        """As the parent, without gamma; b stands before the normalisation."""
        super().initialise(seeds, init_stds, device)
        for layer in range(1, self.depth):
            del self.parameters[f"gamma{layer}"]

    def biases(self) -> list[Tensor]:
        """b `[replica, 1, unit]` of each hidden layer."""
        return [self.parameters[f"b{layer}"] for layer in range(1, self.depth)]

    def _hidden_input(self, x, layer, statistics, used) -> Tensor:
        u = self._dense(x, layer)
        mean, var = self._statistics_of(u) if statistics is None else statistics[layer - 1]
        if statistics is None:
            used.append(Statistics(mean.detach(), var.detach()))
        centred = u - mean
        return centred * (var + self.eps).rsqrt() if self.divide else centred

    def _statistics_of(self, u: Tensor) -> Statistics:
        if self.constant:
            return batch_statistics(u.detach())
        mean = u.mean(1, keepdim=True)
        return Statistics(mean, (u - mean).square().mean(1, keepdim=True))
