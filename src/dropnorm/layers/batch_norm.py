"""Batch normalization, written out (Ioffe & Szegedy 2015, sections 3 and 3.1).

Shapes: u, y `[replica, batch, unit]`; gamma, beta, mean, var `[replica, 1, unit]`.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Statistics(NamedTuple):
    """Mean and variance of each unit's input, both `[replica, 1, unit]`."""

    mean: Tensor
    var: Tensor


def batch_statistics(u: Tensor) -> Statistics:
    """Mini-batch mean and biased variance (Algorithm 1, lines 1 and 2) of u `[replica, batch, unit]`."""
    mean = u.mean(1, keepdim=True)
    # Two passes: the mean of squared deviations is exact where E[u^2] - E[u]^2 would cancel.
    return Statistics(mean, (u - mean).square_().mean(1, keepdim=True))


class _BatchNorm(torch.autograd.Function):
    """y = gamma * x_hat + beta with the gradient of section 3, through mean and variance."""

    @staticmethod
    def forward(ctx, u, gamma, beta, eps):
        mean, var = batch_statistics(u)
        inv_std = (var + eps).rsqrt()
        x_hat = (u - mean).mul_(inv_std)
        ctx.save_for_backward(x_hat, inv_std, gamma)
        ctx.mark_non_differentiable(mean, var)
        return torch.addcmul(beta, gamma, x_hat), mean, var

    @staticmethod
    def backward(ctx, dy, _dmean, _dvar):
        x_hat, inv_std, gamma = ctx.saved_tensors
        m = dy.shape[1]
        dbeta = dy.sum(1, keepdim=True)
        dgamma = (dy * x_hat).sum(1, keepdim=True)
        # The three terms of d loss / d u, collected: the direct one, through the mean, through the variance.
        du = (dy - dbeta / m).addcmul_(x_hat, dgamma / m, value=-1).mul_(gamma * inv_std)
        return du, dgamma, dbeta, None


def batch_norm(u: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> tuple[Tensor, Statistics]:
    """Training mode: normalise by the mini-batch's own statistics (Algorithm 1).

    Returns y `[replica, batch, unit]` and the statistics used (not differentiated).
    """
    y, mean, var = _BatchNorm.apply(u, gamma, beta, eps)
    return y, Statistics(mean, var)


def batch_norm_inference(u: Tensor, gamma: Tensor, beta: Tensor, statistics: Statistics, eps: float) -> Tensor:
    """Inference mode: one fixed affine map a unit (Algorithm 2, line 11)."""
    scale = gamma * (statistics.var + eps).rsqrt()
    return torch.addcmul(beta - scale * statistics.mean, scale, u)


def population_statistics(batches: Statistics, m: int) -> Statistics:
    """E[x] and Var[x] from the statistics of many mini-batches of size m (Algorithm 2, line 10).

    batches: mean and biased var `[mini-batch, replica, 1, unit]`. The factor m / (m - 1) makes Var[x] unbiased.
    """
    return Statistics(batches.mean.mean(0), batches.var.mean(0) * (m / (m - 1)))


def update_moving_average(average: Statistics, batch: Statistics, momentum: float, m: int) -> None:
    """In place: average <- momentum * average + (1 - momentum) * batch, with the unbiased variance.

    The paper only mentions moving averages (section 3.1); today's libraries use nothing else.
    """
    average.mean.lerp_(batch.mean, 1 - momentum)
    average.var.lerp_(batch.var * (m / (m - 1)), 1 - momentum)
