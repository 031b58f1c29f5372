"""Theorem 4.4 (minimax bound on weights): the worst squared gradient of the weights over inputs ||X|| <= lambda.

    ghat = max ||X^T v||^2 = lambda^2 ||v||^2,   g_ = max ||X^T g||^2 = lambda^2 ||g||^2
    ghat = gamma^2/sigma^2 ( g_ - lambda^2 m mu_g^2 - lambda^2/m <g, yhat>^2 ),   mu_g = 1/m <1, g>

||X|| is the spectral norm; v, g, sigma and yhat are held fixed, as in the paper's proof. The paper prints
ghat <= gamma^2/sigma^2 ( g_^2 - m mu_g^2 - lambda^2 <g, yhat>^2 ).
"""

import torch
from torch import Tensor

from dropnorm.theory.cases import Cases, gradient, inner, outputs, relative, standardise, where_alive

ROUNDING = 1e-9
FACTORS = (1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3)  # units of the loss


def measure(cases: Cases) -> dict[str, Tensor]:
    """The corrected equality, its maximiser, and the printed form; `[case]` each."""
    y, m = cases.y, cases.y.shape[1]
    norm = standardise(y)
    ratio = (cases.gamma / norm.sigma).squeeze(1).square()
    g = gradient(cases.loss, cases.gamma * norm.yhat + cases.beta)
    v = gradient(cases.normalised_loss, y)
    eigenvalues, eigenvectors = torch.linalg.eigh(cases.X @ cases.X.mT)
    lambda2 = eigenvalues[:, -1]
    ghat, g_ = lambda2 * inner(v, v), lambda2 * inner(g, g)
    mean2, along2 = m * g.mean(1).square(), inner(g, norm.yhat).square()
    corrected = ratio * (g_ - lambda2 * mean2 - lambda2 / m * along2)
    v_W = gradient(lambda W: cases.normalised_loss(outputs(cases.X, W)), cases.W)
    printed = torch.stack([_printed(c, ghat, g_, ratio, mean2, lambda2 * along2) for c in FACTORS])
    repaired = ghat <= ratio * (g_ - mean2 - lambda2 * along2) + ROUNDING * ghat
    return {
        "error_identity": relative(ghat - corrected, ratio * g_),
        "error_bound": relative((inner(v_W, v_W) - ghat).clamp_min(0), ghat),
        "error_maximiser": _maximiser_error(cases.X, eigenvectors[:, :, -1], v, lambda2),
        "holds_printed": where_alive(printed.all(0), g),
        "holds_repaired": where_alive(repaired, g),
        "share_by_factor": printed.to(y.dtype),
    }


def _printed(c: float, ghat: Tensor, g_: Tensor, ratio: Tensor, mean2: Tensor, along2: Tensor) -> Tensor:
    """Whether the printed inequality holds `[case]` for the loss times c: gradients scale with c, g_^2 with c^4."""
    left, right = c**2 * ghat, ratio * (c**4 * g_.square() - c**2 * mean2 - c**2 * along2)
    return left <= right + ROUNDING * left


def reflected(X: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """X `[case, m, d]` with its columns reflected so that the unit vector u `[case, m]` becomes v / ||v||."""
    w = u - v / v.norm(dim=1, keepdim=True)
    return X - 2 * w.unsqueeze(2) * (w.unsqueeze(1) @ X) / inner(w, w).view(-1, 1, 1)


def _maximiser_error(X: Tensor, u: Tensor, v: Tensor, lambda2: Tensor) -> Tensor:
    """Relative error of ||X*||^2 = lambda^2 and of ||X*^T v||^2 = lambda^2 ||v||^2, the larger; 0 where v is 0."""
    alive = inner(v, v) > 0
    direction = torch.where(alive.unsqueeze(1), v, -u)
    X_star = reflected(X, u, direction)
    spectral = torch.linalg.eigvalsh(X_star @ X_star.mT)[:, -1]
    attained = (X_star.mT @ v.unsqueeze(2)).square().sum((1, 2))
    errors = relative(spectral - lambda2, lambda2), relative(attained - lambda2 * inner(v, v), lambda2 * inner(v, v))
    return torch.maximum(*errors)
