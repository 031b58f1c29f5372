"""Normalisation by an average l_p norm over the examples (Santurkar et al. 2018, section 3.3), and batch norm.

    y = gamma * (u - mean(u)) / N(u) + beta

with N = sqrt(mean (u - mean)^2 + eps) for batch norm, and for l_p norms that of the activation *before* its mean is
taken off: N_1 = mean |u| + eps, N_2 = sqrt(mean u^2 + eps), N_inf = max |u| + eps. The paper prints no formula.

Units whose outputs are linear in few directions of the examples are written in an orthonormal basis of these: the
first direction is the constant one, so row 0 of U is sqrt(n) mean(u), the other rows are what deviates from the mean,
and lengths are those over the n examples. Only |u| needs the examples themselves.

Shapes: U `[replica, row, unit]`, basis `[replica, example, row]`, gamma, beta `[replica, unit]`.
"""

import torch
from torch import Tensor


def normalise(U: Tensor, gamma: Tensor, beta: Tensor, kind: str, basis: Tensor, eps: float) -> Tensor:
    """gamma * (u - mean) / N + beta in the same basis, differentiated through mean and N. kind: batch, l1, l2, linf."""
    deviation = U[:, 1:] * (gamma.unsqueeze(1) / average_norm(U, kind, basis, eps))
    return torch.cat([beta.unsqueeze(1) * basis.shape[1] ** 0.5, deviation], dim=1)


def average_norm(U: Tensor, kind: str, basis: Tensor, eps: float) -> Tensor:
    """N(u) of each unit, `[replica, 1, unit]`."""
    if kind in ("batch", "l2"):
        rows = U[:, 1:] if kind == "batch" else U
        return (rows.square().sum(1, keepdim=True) / basis.shape[1] + eps).sqrt()
    # Both other norms are linear in u as long as no sign and no largest example changes: N = <dN/dU, U>.
    slope = _slope_of_mean(U, basis) if kind == "l1" else _slope_of_largest(U, basis)
    return (slope * U).sum(1, keepdim=True) + eps


@torch.no_grad()
def _slope_of_mean(U: Tensor, basis: Tensor) -> Tensor:
    """d mean|u| / dU: the mean of the basis over examples, each with the sign of its u."""
    sign = (U.mT @ basis.mT).sign_()  # [replica, unit, example]
    return (sign @ basis).mT / basis.shape[1]


@torch.no_grad()
def _slope_of_largest(U: Tensor, basis: Tensor) -> Tensor:
    """d max|u| / dU: the basis at the example of the largest |u|, with the sign of its u."""
    largest = (U.mT @ basis.mT).abs_().argmax(2)  # [replica, unit]
    rows = basis.gather(1, largest.unsqueeze(2).expand(-1, -1, basis.shape[2]))  # [replica, unit, row]
    return (rows * (rows * U.mT).sum(2, keepdim=True).sign()).mT
