"""Normalisation of each channel over a mini-batch and its positions: batch norm, and average l_p norms beside it.

    y = gamma (u - mean) / N + beta

N = sqrt(var(u) + eps) is batch norm. The l_p norms (Santurkar et al. 2018, section 3.3; the paper prints no formula)
are those of the activation *before* its mean is taken off: N_1 = mean |u| + eps, N_2 = sqrt(mean u^2 + eps),
N_inf = max |u| + eps. The gradient goes through mean and N.

Shapes: u, y `[example, channel, height, width]`, channels last in memory; gamma, beta, mean, norm `[channel]`. Inside,
`rows` are the same numbers as `[example * height * width, channel]`. u may be bfloat16, statistics never are.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import batch_norm

KINDS = ("batch", "l1", "l2", "linf")
_WIDTH = 512  # numbers that a CPU should find beside each other: few channels are slow


class Statistics(NamedTuple):
    """Mean and N of each channel, both `[channel]`."""

    mean: Tensor
    norm: Tensor


def channel_norm(u: Tensor, gamma: Tensor, beta: Tensor, kind: str, eps: float) -> Tensor:
    """Normalise by the mini-batch's own statistics."""
    if kind == "batch":
        return batch_norm(u, None, None, gamma, beta, training=True, momentum=0.0, eps=eps)
    return _AverageNorm.apply(u, gamma, beta, kind, eps)


def channel_norm_inference(u: Tensor, gamma: Tensor, beta: Tensor, statistics: Statistics) -> Tensor:
    """Normalise by fixed statistics: one affine map a channel."""
    mean, norm = statistics
    return batch_norm(u, mean, norm.square(), gamma, beta, training=False, eps=0.0)


def batch_statistics(u: Tensor, kind: str, eps: float) -> Statistics:
    """Mean and N of a mini-batch."""
    rows = _rows(u)
    if kind != "batch":
        return Statistics(_mean(rows), _average_norm(rows, kind, eps))
    mean = _mean(rows)
    # Two passes: the mean of squared deviations is exact where E[u^2] - E[u]^2 would cancel.
    return Statistics(mean, (_mean((rows - mean).square_()) + eps).sqrt())


class _AverageNorm(torch.autograd.Function):
    """The l_p forms. du = gamma / N (dy - mean(dy) - (sum dy x_hat) dN/du) with x_hat = (u - mean) / N."""

    @staticmethod
    def forward(ctx, u, gamma, beta, kind, eps):
        rows = _rows(u)
        mean, norm = _mean(rows), _average_norm(rows, kind, eps)
        ctx.save_for_backward(u, gamma, mean, norm)
        ctx.kind = kind
        return channel_norm_inference(u, gamma, beta, Statistics(mean, norm))

    @staticmethod
    def backward(ctx, dy):
        u, gamma, mean, norm = ctx.saved_tensors
        # As if mean and N were constants: du = gamma / N dy.
        du, dgamma, dbeta = torch.ops.aten.native_batch_norm_backward(
            dy, u, gamma, mean, norm.square(),
            mean if u.is_cuda else None, norm.reciprocal() if u.is_cuda else None,  # asked for by the kernel of a GPU
            False, 0.0, [True, True, True],
        )  # fmt: skip
        du_rows, scale = _rows(du), gamma / norm
        wide, fold = _side_by_side(du_rows)
        wide.sub_(_repeated(scale * dbeta / len(du_rows), fold, du))
        direction, factor = _norm_gradient(_rows(u), norm, ctx.kind)
        wide.addcmul_(_side_by_side(direction)[0], _repeated(scale * dgamma * factor, fold, du), value=-1)
        return _pictures(du_rows, u), dgamma, dbeta, None, None


def _norm_gradient(rows: Tensor, norm: Tensor, kind: str) -> tuple[Tensor, Tensor]:
    """dN/du as a factor of each row and channel, and one of each channel. Equal maxima share the gradient."""
    if kind == "l2":
        return rows, 1 / (len(rows) * norm)
    if kind == "l1":
        return rows.sign(), torch.full_like(norm, 1 / len(rows))
    absolute = rows.abs()
    largest = torch.eq(absolute, _largest(absolute), out=torch.empty_like(rows))
    return rows.sign().mul_(largest), 1 / largest.sum(0, dtype=norm.dtype)


def _average_norm(rows: Tensor, kind: str, eps: float) -> Tensor:
    if kind == "l1":
        return _mean(rows.abs()) + eps
    if kind == "l2":
        return (_mean(rows.to(_precision(rows)).square()) + eps).sqrt()
    return _largest(rows.abs()).to(_precision(rows)) + eps


def _largest(absolute: Tensor) -> Tensor:
    """Maximum of each channel."""
    wide, fold = _side_by_side(absolute)
    return wide.amax(0).view(fold, -1).amax(0)


def _side_by_side(rows: Tensor) -> tuple[Tensor, int]:
    """A view with several rows in one (how many is returned too), if their number can be divided so."""
    m, channels = rows.shape
    fold = max(_WIDTH // channels, 1)
    return (rows.view(m // fold, fold * channels), fold) if m % fold == 0 else (rows, 1)


def _repeated(of_channel: Tensor, fold: int, like: Tensor) -> Tensor:
    """Numbers `[channel]` for each of the rows that lie side by side, in the type of `like`."""
    return of_channel.repeat(fold).to(like.dtype)


def _mean(rows: Tensor) -> Tensor:
    return rows.mean(0, dtype=_precision(rows))


def _precision(u: Tensor) -> torch.dtype:
    """The type of statistics: float32 for bfloat16, else that of u."""
    return torch.promote_types(u.dtype, torch.float32)


def _rows(u: Tensor) -> Tensor:
    """[example, channel, height, width] -> [example * height * width, channel], without a copy if channels are last."""
    return u.permute(0, 2, 3, 1).reshape(-1, u.shape[1])


def _pictures(rows: Tensor, like: Tensor) -> Tensor:
    """The way back from rows, in the shape of `like`."""
    n, channels, height, width = like.shape
    return rows.view(n, height, width, channels).permute(0, 3, 1, 2)
