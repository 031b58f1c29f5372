"""Linear regression with dropped inputs, the masks averaged out (Srivastava et al. 2014, section 9.1).

    E_R ||y - (R * X) w||^2  =  ||y - p X w||^2 + p (1 - p) ||Gamma w||^2,      Gamma = diag(X^T X)^(1/2)

and with w_tilde = p w the right side is ||y - X w_tilde||^2 + (1 - p) / p ||Gamma w_tilde||^2.

Shapes: X `[..., example, input]`, y `[..., example, output]`, w, w_tilde `[..., input, output]`, p a number. Several
outputs are several regressions side by side: their losses add up.
"""

import torch
from torch import Tensor

from dropnorm.networks.thinned import all_masks, mask_weights


def gram(X: Tensor) -> Tensor:
    """X^T X `[..., input, input]`."""
    return X.mT @ X


def gamma_squared(X: Tensor) -> Tensor:
    """Gamma^2 = diag(X^T X) `[..., input, 1]`: the squared length of each column, its mean not taken off."""
    return X.square().sum(-2).unsqueeze(-1)


def penalty_norm(X: Tensor, w: Tensor) -> Tensor:
    """||Gamma w|| over inputs and outputs, `[...]`."""
    return (gamma_squared(X) * w.square()).sum((-2, -1)).sqrt()


def penalty_ratio(p: float) -> float:
    """(1 - p) / p: the weight of the penalty on w_tilde."""
    return (1 - p) / p


def dropped_loss(X: Tensor, y: Tensor, w: Tensor, R: Tensor) -> Tensor:
    """||y - (R * X) w||^2 for one mask R `[..., example, input]`, `[...]`."""
    return (y - (R * X) @ w).square().sum((-2, -1))


def marginal_loss(X: Tensor, y: Tensor, w: Tensor, p: float) -> Tensor:
    """The expectation of `dropped_loss` over masks, by the formula, `[...]`."""
    return (y - p * X @ w).square().sum((-2, -1)) + p * (1 - p) * penalty_norm(X, w).square()


def marginal_loss_scaled(X: Tensor, y: Tensor, w_tilde: Tensor, p: float) -> Tensor:
    """The same in w_tilde = p w, `[...]`."""
    return (y - X @ w_tilde).square().sum((-2, -1)) + penalty_ratio(p) * penalty_norm(X, w_tilde).square()


def marginal_solution(X: Tensor, y: Tensor, p: float) -> Tensor:
    """The w of the smallest expected loss: (p^2 X^T X + p (1 - p) diag(X^T X))^-1 p X^T y."""
    G = gram(X)
    H = p**2 * G + p * (1 - p) * torch.diag_embed(G.diagonal(dim1=-2, dim2=-1))
    return torch.linalg.solve(H, p * X.mT @ y)


def scaled_solution(X: Tensor, y: Tensor, p: float) -> Tensor:
    """The w_tilde of the smallest expected loss: (X^T X + (1 - p) / p diag(X^T X))^-1 X^T y; at p = 1 plain OLS."""
    G = gram(X)
    return torch.linalg.solve(G + penalty_ratio(p) * torch.diag_embed(G.diagonal(dim1=-2, dim2=-1)), X.mT @ y)


def least_squares(X: Tensor, y: Tensor) -> Tensor:
    """The w of the smallest ||y - X w||^2, without the normal equations: X = QR, R w = Q^T y.

    By QR and not by `torch.linalg.lstsq`, which on the same problem does not always give the same last bits.
    """
    Q, R = torch.linalg.qr(X)
    return torch.linalg.solve_triangular(R, Q.mT @ y, upper=True)


# --- every mask, one by one ---


def enumerated_loss(X: Tensor, y: Tensor, w: Tensor, p: float) -> Tensor:
    """E_R ||y - (R * X) w||^2 by summing over masks, with no use of the formula, a single number.

    X `[example, input]`. The loss is a sum over examples and their masks are independent, so all 2^input masks of one
    example at a time give the expectation over all 2^(example * input) masks R.
    """
    masks = all_masks(X.shape[1]).to(X.device)
    answers = (masks.unsqueeze(1) * X) @ w  # [mask, example, output]
    losses = (y - answers).square().sum((1, 2))
    return mask_weights(masks, p) @ losses


def enumerated_solution(X: Tensor, y: Tensor, p: float) -> Tensor:
    """The w of the smallest `enumerated_loss`: its normal equations, each term summed over all masks of an example."""
    masks = all_masks(X.shape[1]).to(X.device)
    weighted = mask_weights(masks, p).unsqueeze(1) * masks
    H = (weighted.mT @ masks) * gram(X)  # E[r r^T] * X^T X
    return torch.linalg.solve(H, weighted.sum(0).unsqueeze(1) * (X.mT @ y))
