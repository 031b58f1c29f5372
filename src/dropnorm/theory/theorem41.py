"""Theorem 4.1 (Lipschitzness): the gradient's length with and without batch norm.

    ||v||^2 = gamma^2/sigma^2 ( ||g||^2 - 1/m <1, g>^2 - c <g, yhat>^2 ),   g = dL/dz,  v = dLhat/dy

holds with c = 1/m. The paper (v3) prints "<=" and c = 1/sqrt(m).
"""

import torch
from torch import Tensor

from dropnorm.theory.cases import Cases, gradient, inner, relative, standardise, where_alive

ROUNDING = 1e-9  # relative, before an inequality counts as violated
SIGMAS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)  # at which the effect of eps is measured


def right_side(g: Tensor, yhat: Tensor, scale: Tensor, coefficient: float) -> Tensor:
    """gamma^2/sigma^2 ( ||g||^2 - 1/m <1, g>^2 - coefficient <g, yhat>^2 ) `[case]`; scale = gamma/sigma."""
    m = g.shape[1]
    return scale.squeeze(1).square() * (inner(g, g) - g.sum(1).square() / m - coefficient * inner(g, yhat).square())


def measure(cases: Cases) -> dict[str, Tensor]:
    """Both sides of the theorem, in its right form, as printed, and read at equal weights; `[case]` each."""
    y, m = cases.y, cases.y.shape[1]
    norm = standardise(y)
    scale = cases.gamma / norm.sigma
    g = gradient(cases.loss, cases.gamma * norm.yhat + cases.beta)
    v = gradient(cases.normalised_loss, y)
    left, size = inner(v, v), scale.squeeze(1).square() * inner(g, g)
    right = right_side(g, norm.yhat, scale, 1 / m)
    printed = right_side(g, norm.yhat, scale, m**-0.5)
    g_equal_weights = gradient(cases.loss, y)
    naive = right_side(g_equal_weights, norm.yhat, scale, 1 / m)
    size_naive = scale.squeeze(1).square() * inner(g_equal_weights, g_equal_weights)
    return {
        "error_equality": relative(left - right, size),
        "holds_printed": where_alive(left <= printed + ROUNDING * size, g),
        "holds_equal_weights": where_alive(left <= naive + ROUNDING * size_naive, g),
        "shown_right": _ratio(right, left),
        "shown_printed": _ratio(printed, left),
        "shown_equal_weights": _ratio(naive, left),
    }


def _ratio(right: Tensor, left: Tensor) -> Tensor:
    return torch.where(left > 0, right / left, torch.nan)


def eps_deviation(cases: Cases, eps: float) -> dict[str, Tensor]:
    """|left / right - 1| `[sigma, case]` of the layer with eps, the right side without it, at each of SIGMAS."""
    m, found = cases.y.shape[1], []
    for sigma in SIGMAS:
        y = sigma * standardise(cases.y).yhat
        yhat = standardise(y).yhat

        def with_eps(y: Tensor) -> Tensor:
            return cases.loss(cases.gamma * standardise(y, eps).yhat + cases.beta)

        g = gradient(cases.loss, cases.gamma * standardise(y, eps).yhat + cases.beta)
        v = gradient(with_eps, y)
        right = right_side(g, yhat, cases.gamma / sigma, 1 / m)
        found.append((inner(v, v) / right - 1).abs())
    return {"deviation": torch.stack(found)}
