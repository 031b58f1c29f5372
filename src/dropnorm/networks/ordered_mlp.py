"""Perceptrons whose hidden layers choose their units, their normalisation, and which of the two comes first.

    before    z = f(N(Wu + b))        after    z = N(f(Wu + b))        N: none, batch norm or layer norm

Batch norm as in Ioffe & Szegedy 2015, layer norm as in Ba, Kiros & Hinton 2016, both with a scale and a shift a unit.
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import elu, layer_norm

from dropnorm.layers.batch_norm import Statistics, batch_norm, batch_norm_inference
from dropnorm.networks.sigmoid_mlp import Output, SigmoidMLP

Units = Literal["sigmoid", "relu", "elu"]
Normalisation = Literal["none", "batch", "layer"]
Order = Literal["before", "after"]
FUNCTIONS = {"sigmoid": torch.sigmoid, "relu": torch.relu, "elu": elu}


class OrderedMLP(SigmoidMLP):
    """A stack of R such networks; the bias b stays also where a normalisation takes it away, so that one can see it."""

    def __init__(self, sizes: list[int], units: Units, normalisation: Normalisation, order: Order, eps: float = 1e-5):
        super().__init__(sizes, normalisation == "batch", eps)
        self.f, self.normalisation, self.order = FUNCTIONS[units], normalisation, order

    def initialise(self, seeds: list[int], init_stds: list[float], device: torch.device, *, he: bool = False) -> None:
        """As the parent; with `he` the deviations are in units of sqrt(2 / inputs). Scales 1, shifts 0."""
        super().initialise(seeds, init_stds, device)
        for layer in range(1, self.depth + 1):
            W, b = self.parameters[f"W{layer}"], self.parameters[f"b{layer}"]
            if he:
                W.data.mul_((2 / W.shape[1]) ** 0.5)
            if self.normalisation != "none" and layer < self.depth:
                self.parameters[f"gamma{layer}"] = torch.ones_like(b).requires_grad_()
                self.parameters[f"beta{layer}"] = torch.zeros_like(b).requires_grad_()

    def forward(self, x: Tensor, statistics: list[Statistics] | None = None) -> Output:
        """x `[replica, batch, feature]` -> Output; `statistics` as for the parent."""
        hidden, x_in, used = self._run(x, statistics)
        return Output(self._dense(hidden[-1], self.depth), x_in, used)

    def hidden(self, x: Tensor, statistics: list[Statistics] | None = None) -> list[Tensor]:
        """What each hidden layer gives to the next, `[replica, batch, unit]`."""
        return self._run(x, statistics)[0]

    def _run(self, x: Tensor, statistics) -> tuple[list[Tensor], Tensor, list[Statistics]]:
        hidden, used = [], []
        for layer in range(1, self.depth):
            x_in = self._dense(x, layer)
            if self.order == "before":
                x_in = self._normalised(x_in, layer, statistics, used)
            x = self.f(x_in)
            if self.order == "after":
                x = self._normalised(x, layer, statistics, used)
            hidden.append(x)
        return hidden, x_in, used

    def _normalised(self, u: Tensor, layer: int, statistics, used: list[Statistics]) -> Tensor:
        if self.normalisation == "none":
            return u
        gamma, beta = self.parameters[f"gamma{layer}"], self.parameters[f"beta{layer}"]
        if self.normalisation == "layer":
            return torch.addcmul(beta, gamma, layer_norm(u, u.shape[-1:], eps=self.eps))
        if statistics is not None:
            return batch_norm_inference(u, gamma, beta, statistics[layer - 1], self.eps)
        y, batch = batch_norm(u, gamma, beta, self.eps)
        used.append(batch)
        return y
