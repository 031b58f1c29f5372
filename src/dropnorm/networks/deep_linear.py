"""The deep linear network (Santurkar et al. 2018, appendix A): k matrices that learn to act as one random matrix.

    L = c sum_x ||W_k^T ... W_1^T x - A^T x||^2,    each layer but the last followed by a normalisation, if any

In it every output of every unit is an affine function of the inputs x. So n examples of d inputs are known by d + 1
numbers a unit, in an orthonormal basis Q of the columns of [1, X]: the same network, loss and gradients exactly, at a
fraction of the work. Row 0 of a layer's U belongs to the constant, see `dropnorm.layers.average_norm`.

Shapes: W `[replica, layer, in, out]`, gamma, beta `[replica, layer, unit]`, Z, U `[replica, row, unit]`, all float64.
"""

from math import sqrt
from typing import NamedTuple

import torch
from torch import Tensor

from dropnorm.layers.average_norm import normalise
from dropnorm.training.streams import stream


class Examples(NamedTuple):
    """The n examples of each replica in few rows.

    basis: Q `[replica, example, row]`. inputs: Q^T X, targets: Q^T X A, both `[replica, row, unit]`.
    """

    basis: Tensor
    inputs: Tensor
    targets: Tensor


class Parameters(NamedTuple):
    """Everything that is trained, stacked over layers; without normalisation gamma and beta have no layer."""

    W: Tensor
    gamma: Tensor
    beta: Tensor


class Evaluation(NamedTuple):
    """Loss `[replica]`, and its gradient in every parameter."""

    loss: Tensor
    gradient: Parameters


def draw(seeds: list[int], examples: int, width: int, device: torch.device) -> Examples:
    """x and A with entries N(0, 1), from each seed's own stream."""
    X, A = (
        torch.stack([torch.randn(shape, generator=stream(s, purpose), dtype=torch.float64) for s in seeds])
        for purpose, shape in (("inputs", (examples, width)), ("target", (width, width)))
    )
    return reduce(X.to(device), A.to(device))


def reduce(X: Tensor, A: Tensor) -> Examples:
    """X `[replica, example, in]` and A `[replica, in, out]` in an orthonormal basis, the constant direction first."""
    n = X.shape[1]
    mean = X.mean(1, keepdim=True)
    Q, R = torch.linalg.qr(X - mean)
    basis = torch.cat([torch.full_like(X[:, :, :1], 1 / sqrt(n)), Q], dim=2)
    inputs = torch.cat([sqrt(n) * mean, R], dim=1)
    return Examples(basis, inputs, inputs @ A)


class DeepLinear:
    """R networks of k layers of equal width."""

    def __init__(self, depth: int, normalisation: str, normalise_last: bool, eps: float, loss_factor: float):
        """normalisation: none, batch, l1, l2 or linf. loss_factor: c, in front of the summed squares."""
        self.depth, self.kind, self.eps, self.loss_factor = depth, normalisation, eps, loss_factor
        self.normalised = 0 if normalisation == "none" else depth - (not normalise_last)  # layers, from the first on

    def initialise(self, seeds: list[int], width: int, init: str, device: torch.device) -> Parameters:
        """Glorot's weights, uniform or normal: variance 2 / (in + out). gamma = 1, beta = 0."""
        W = torch.stack([self._weights(seed, width, init) for seed in seeds])
        gamma = torch.ones(len(seeds), self.normalised, width, dtype=torch.float64)
        return Parameters(W.to(device), gamma.to(device), torch.zeros_like(gamma).to(device))

    def _weights(self, seed: int, width: int, init: str) -> Tensor:
        generator, shape, std = stream(seed, "init"), (self.depth, width, width), sqrt(1 / width)
        if init == "normal":
            return std * torch.randn(shape, generator=generator, dtype=torch.float64)
        return std * sqrt(3) * (2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1)

    def forward(self, parameters: Parameters, examples: Examples) -> list[Tensor]:
        """U of every layer: its output before any normalisation. The last one's output is the network's."""
        Z, found = examples.inputs, []
        W, gamma, beta = (p.unbind(1) for p in parameters)
        for layer in range(self.depth):
            U = Z @ W[layer]
            found.append(U)
            Z = U
            if layer < self.normalised:
                Z = normalise(U, gamma[layer], beta[layer], self.kind, examples.basis, self.eps)
        return [*found, Z]

    def loss(self, parameters: Parameters, examples: Examples) -> Tensor:
        """c times the squared error, summed over outputs and examples, `[replica]`."""
        error = self.forward(parameters, examples)[-1] - examples.targets
        return self.loss_factor * error.square().sum((1, 2))

    def evaluate(self, parameters: Parameters, examples: Examples) -> Evaluation:
        """Loss and gradient; replicas share no weight, so the gradient of the summed loss is each replica's own."""
        leaves = Parameters(*(p.detach().requires_grad_() for p in parameters))
        loss = self.loss(leaves, examples)
        trained = leaves if self.normalised else leaves[:1]
        gradient = torch.autograd.grad(loss.sum(), trained)
        return Evaluation(loss.detach(), Parameters(*gradient, *(torch.zeros_like(p) for p in leaves[len(gradient) :])))


def moved(parameters: Parameters, gradient: Parameters, length: Tensor) -> Parameters:
    """parameters - length * gradient, with a length for each replica `[replica]`."""
    return Parameters(
        *(p - length.view(-1, *[1] * (p.ndim - 1)) * g for p, g in zip(parameters, gradient, strict=True))
    )


def norm(gradient: Parameters) -> Tensor:
    """Length of a gradient over all parameters, `[replica]`."""
    return torch.stack([p.square().flatten(1).sum(1) for p in gradient]).sum(0).sqrt()
