"""Theorem C.1 (minimax smoothness): the worst curvature along the gradient of the weights over inputs ||X|| <= lambda.

    max_X v_W^T Hhat_W v_W  <  gamma^2/sigma^2 ( max_X g_W^T H_W g_W - lambda^4 kappa )
    kappa = <g, yhat> ||v||^2 / (m gamma)

with v_W = X^T v and Hhat_W = X^T Hhat X, so that v_W^T Hhat_W v_W = u^T Hhat u at u = X X^T v. For all X with
||X|| <= lambda these u fill the ball around lambda^2 v / 2 of radius lambda^2 ||v|| / 2: each maximum is a quadratic
problem over a ball, and lambda^4 divides out.
"""

import torch
from torch import Tensor

from dropnorm.theory.cases import Cases, gradient, hessian, inner, relative, standardise, where_alive

ROUNDING = 1e-6
HALVINGS = 60


def measure(cases: Cases) -> dict[str, Tensor]:
    """Whether the bound holds where it should, and everywhere; certified by the gap to the dual; `[case]` each."""
    y, m = cases.y, cases.y.shape[1]
    norm = standardise(y)
    z = cases.gamma * norm.yhat + cases.beta
    g, v = gradient(cases.loss, z), gradient(cases.normalised_loss, y)
    H, Hhat = hessian(cases.loss, z), hessian(cases.normalised_loss, y)
    left, left_gap = max_over_inputs(Hhat, v)
    plain, plain_gap = max_over_inputs(H, g)
    gamma, ratio = cases.gamma.squeeze(1), (cases.gamma / norm.sigma).squeeze(1).square()
    kappa = inner(g, norm.yhat) * inner(v, v) / (m * gamma)
    slack = ROUNDING * (left.abs() + ratio * (plain.abs() + kappa.abs()))
    holds = left <= ratio * (plain - kappa) + slack
    at_v, at_g = _quadratic(Hhat, v), _quadratic(H, g)  # where X X^T is lambda^2 along v and g: u = lambda^2 v
    applies = (inner(g, norm.yhat) > 0) & (_quadratic(H, v) <= at_g)
    everywhere = where_alive(holds, g)
    return {
        "holds_bound": torch.where(applies, everywhere, torch.nan),
        "holds_everywhere": everywhere,
        "holds_at_v_and_g": torch.where(applies, where_alive(at_v <= ratio * (at_g - kappa) + slack, g), torch.nan),
        "holds_condition": where_alive(applies, g),
        "error_gap": torch.maximum(left_gap, plain_gap),
    }


def _quadratic(H: Tensor, u: Tensor) -> Tensor:
    return inner(u, (H @ u.unsqueeze(2)).squeeze(2))


def max_over_inputs(H: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """max u^T H u over ||u - v/2|| <= ||v||/2 `[case]` (lambda = 1), and its distance to the dual bound, relative.

    With H = Q diag(l) Q^T and p = Q^T v/2: maximise sum l_i (p_i + w_i)^2 over ||w|| <= r = ||v||/2. At the maximum
    w_i = l_i p_i / (nu - l_i) with a nu above all l_i at which ||w|| = r; found by bisection.
    """
    values, Q = torch.linalg.eigh((H + H.mT) / 2)
    p = (Q.mT @ v.unsqueeze(2)).squeeze(2) / 2
    r2, size = inner(p, p), values.abs().amax(1)
    low = values[:, -1].clamp_min(0)
    high = low + size
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        too_long = _squared_step(values, p, middle) > r2
        low, high = torch.where(too_long, middle, low), torch.where(too_long, high, middle)
    w = values * p / _distance(values, high)
    primal = (values * (p + w).square()).sum(1)
    dual = (high.unsqueeze(1) * values * p.square() / _distance(values, high)).sum(1) + high * r2
    return primal, relative(dual - primal, size * r2)


def _distance(values: Tensor, nu: Tensor) -> Tensor:
    return (nu.unsqueeze(1) - values).clamp_min(torch.finfo(values.dtype).tiny)


def _squared_step(values: Tensor, p: Tensor, nu: Tensor) -> Tensor:
    return (values * p / _distance(values, nu)).square().sum(1)
