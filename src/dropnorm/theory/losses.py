"""Random cases: layers and smooth losses drawn at random, in float64.

A theorem about any loss must hold for convex and other losses alike, so there are four kinds:

    convex      1/2 |A z|^2 + b^T z                   a quadratic with a positive semidefinite Hessian
    quadratic   z^T A z + b^T z                       a quadratic that curves both ways
    logistic    sum_k log(1 + exp(a_k^T z + b_k))     convex, with a Hessian that depends on z
    waves       sum_k sin(a_k^T z + b_k)              neither
"""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from dropnorm.theory.cases import Cases, Loss, outputs, standardise

KINDS = ("convex", "quadratic", "logistic", "waves")


class Draws:
    """Normal and uniform numbers of several seeds, one after the other: [seed * case, ...], float64."""

    def __init__(self, generators: list[torch.Generator], cases: int):
        self.generators, self.cases = generators, cases

    def normal(self, *shape: int) -> Tensor:
        return torch.cat([torch.randn(self.cases, *shape, generator=g, dtype=torch.float64) for g in self.generators])

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        drawn = [torch.rand(self.cases, *shape, generator=g, dtype=torch.float64) for g in self.generators]
        return low + (high - low) * torch.cat(drawn)


def random_cases(draws: Draws, kind: str, m: int, d: int) -> Cases:
    """Cases with gamma log-normal, beta normal, and the layer's sigma anywhere from a tenth to ten."""
    X = draws.normal(m, d) + draws.normal(1, d)
    W = draws.normal(d)
    sigma = 10 ** draws.uniform(-1, 1, 1)
    W = W * sigma / standardise(outputs(X, W)).sigma
    return Cases(X, W, (0.5 * draws.normal(1)).exp(), draws.normal(1), random_loss(draws, kind, m))


def random_loss(draws: Draws, kind: str, m: int) -> Loss:
    """One loss a case, of the kind named: z `[case, m]` -> `[case]`."""
    A, b = draws.normal(m, m) / m**0.5, draws.normal(m)

    def rows(z: Tensor) -> Tensor:
        return outputs(A, z)

    if kind == "convex":
        return lambda z: 0.5 * rows(z).square().sum(-1) + (b * z).sum(-1)
    if kind == "quadratic":
        return lambda z: (z * rows(z)).sum(-1) + (b * z).sum(-1)
    if kind == "logistic":
        return lambda z: softplus(rows(z) + b).sum(-1)
    return lambda z: (rows(z) + b).sin().sum(-1)
