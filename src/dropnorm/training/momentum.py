"""Stochastic gradient descent with momentum as the dropout paper's released code has it, and its schedules.

v <- mu v + (lambda W + g),  W <- W - eps v: the rate multiplies the whole velocity, with no factor 1 - mu.
"""

from collections.abc import Sequence
from math import exp

import torch
from torch import Tensor


@torch.no_grad()
def momentum_step(
    parameters: Sequence[Tensor],
    gradients: Sequence[Tensor],
    velocities: Sequence[Tensor],
    *,
    momentum: float,
    learning_rates: Sequence[Tensor],
    l2: Sequence[Tensor | None],
) -> None:
    """One update in place. Parameters, gradients, velocities `[replica, ...]`; a rate and an l2 (lambda) for each.

    Rates and l2 `[replica, 1, 1]`: one number a replica. Lambda is the factor in the gradient (a penalty of
    lambda / 2); None: there is no penalty, as for biases. Gradients are means over the mini-batch.
    """
    for W, g, v, eps, lambda_ in zip(parameters, gradients, velocities, learning_rates, l2, strict=True):
        torch.add(g, v, alpha=momentum, out=v)  # one pass over memory, which is what an update costs
        if lambda_ is not None:
            v.addcmul_(lambda_, W)
        W.addcmul_(eps, v, value=-1)


def momentum_at(step: int, start: float, final: float, tau: float) -> float:
    """Momentum that rises from `start` to `final`: mu_f - (mu_f - mu_0) exp(-t / tau)."""
    return final - (final - start) * exp(-step / tau)


def inverse_decay(step: int, half_time: float) -> float:
    """Factor 1 / (1 + t / T) on a learning rate (appendix B.4); it has halved at step T."""
    return 1 / (1 + step / half_time)
