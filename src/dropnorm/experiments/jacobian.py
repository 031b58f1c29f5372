"""Train Figure 1's networks and follow the singular values of their layers' Jacobians.

Ioffe & Szegedy 2015, section 3.3. It trains as `classification` does. The Jacobian is of the input to one hidden
layer's sigmoids with respect to the input to the sigmoids below, in inference mode, where each example is alone:

    J = diag(gamma / sqrt(Var + eps)) W^T diag(g'(x))        without batch norm: J = W^T diag(g'(x))
"""

import torch
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor

from dropnorm.experiments import classification
from dropnorm.layers.batch_norm import Statistics
from dropnorm.networks.sigmoid_mlp import SigmoidMLP
from dropnorm.training.streams import stream

WHITENED = (40, 20, 500)  # inputs, outputs and vectors of the linear map between whitened vectors


class Measure(classification.Measure):
    """When the Jacobians are looked at, and at how many test images."""

    jacobian_at: list[NonNegativeInt] = Field(min_length=1)
    images: PositiveInt


class Settings(classification.Settings):
    """All settings of one arm."""

    measure: Measure


class Experiment(classification.Experiment):
    """R networks in training; at some steps, the singular values of the Jacobians between hidden layers."""

    def _measure(self) -> None:
        super()._measure()
        if self.step in self.settings.measure.jacobian_at:
            self._measure_jacobians()
        if self.step == 0:
            errors = [whitened_error(stream(seed, "whitened")) for seed in self.seeds]
            self.recorder.add(self.step, "whitened_error", torch.tensor(errors))

    @torch.no_grad()
    def _measure_jacobians(self) -> None:
        """ln(largest / smallest singular value), the largest, the middle one; mean of the images `[replica, layer]`."""
        x = self.probe[: self.settings.measure.images].expand(len(self.seeds), -1, -1)
        statistics = self.network.population_statistics(self._population_batches())
        values = [torch.linalg.svdvals(J) for J in layer_jacobians(self.network, x, statistics or None)]
        spread = torch.stack([(s[..., 0] / s[..., -1]).log().mean(1) for s in values], 1)
        self.recorder.add(self.step, "spread", spread)
        for name, at in {"largest": 0, "middle": values[0].shape[-1] // 2}.items():
            self.recorder.add(self.step, name, torch.stack([s[..., at].mean(1) for s in values], 1))


def layer_jacobians(network: SigmoidMLP, x: Tensor, statistics: list[Statistics] | None) -> list[Tensor]:
    """J `[replica, image, unit, unit below]`, float64, of all hidden layers but the first; x `[replica, image, in]`."""
    inputs, used = [], []
    for layer in range(1, network.depth):
        inputs.append(network._hidden_input(x, layer, statistics, used))
        x = torch.sigmoid(inputs[-1])
    return [_jacobian(network, layer, inputs[layer - 2].double(), statistics) for layer in range(2, network.depth)]


def _jacobian(network: SigmoidMLP, layer: int, below: Tensor, statistics: list[Statistics] | None) -> Tensor:
    W = network.parameters[f"W{layer}"].double()
    if statistics is not None:
        scale = network.parameters[f"gamma{layer}"] * (statistics[layer - 1].var + network.eps).rsqrt()
        W = W * scale.double()
    slope = torch.sigmoid(below) * (1 - torch.sigmoid(below))  # g' [replica, image, unit below]
    return W.mT.unsqueeze(1) * slope.unsqueeze(2)


def whitened_error(generator: torch.Generator) -> float:
    """Largest entry of J J^T - I for a random linear map between vectors that are both whitened, in float64."""
    d_in, d_out, n = WHITENED
    x = _whitening(drawn := torch.randn(n, d_in, generator=generator, dtype=torch.float64)) @ (drawn - drawn.mean(0)).T
    W = torch.randn(d_out, d_in, generator=generator, dtype=torch.float64)
    J = _whitening((W @ x).T) @ W
    return (J @ J.T - torch.eye(d_out, dtype=torch.float64)).abs().max().item()


def _whitening(x: Tensor) -> Tensor:
    """Cov[x]^(-1/2) of vectors x `[vector, entry]`."""
    centred = x - x.mean(0)
    values, vectors = torch.linalg.eigh(centred.T @ centred / len(x))
    return vectors @ torch.diag(values.rsqrt()) @ vectors.T
