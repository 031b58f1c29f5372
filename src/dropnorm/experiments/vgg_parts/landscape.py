"""How loss and gradient change along a direction (Santurkar et al. 2018, Figure 4 and appendix A.2.2).

At parameters w with gradient g, for step lengths eta:  L(w - eta d),  ||grad L(w - eta d) - g||, and the 'effective
beta-smoothness' ||grad L(w - eta d) - g|| / ||eta d||. The paper's direction d is g itself. Norms are over all trained
parameters. Nothing is moved: the loss is evaluated at copies, and w stays as it is, to the bit.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

Vector = dict[str, Tensor]  # parameters, or a gradient, by name
Evaluate = Callable[[Vector], tuple[Tensor, Vector]]  # parameters -> loss, gradient


class Landscape(NamedTuple):
    """One number a step length, each `[eta]`."""

    loss: Tensor
    gradient_difference: Tensor
    smoothness: Tensor


def along(evaluate: Evaluate, w: Vector, g: Vector, d: Vector, etas: Sequence[float]) -> Landscape:
    """Walk from w against the direction d; g is the gradient at w."""
    found, length = [], norm(d)
    for eta in etas:
        loss, there = evaluate({name: (p.detach() - eta * d[name]).requires_grad_() for name, p in w.items()})
        difference = norm({name: there[name] - g[name] for name in g})
        found.append(torch.stack([loss, difference, difference / (eta * length)]))
    return Landscape(*torch.stack(found, dim=1))


def random_direction(g: Vector, generator: torch.Generator) -> Vector:
    """A direction uniform on the sphere of radius ||g|| in the space of all parameters."""
    normal = {name: torch.randn(t.shape, generator=generator).to(t) for name, t in g.items()}
    factor = norm(g) / norm(normal)
    return {name: factor * t for name, t in normal.items()}


def norm(v: Vector) -> Tensor:
    """Euclidean length over all tensors of v; summed in float64."""
    return torch.stack([t.double().square().sum() for t in v.values()]).sum().sqrt().float()
