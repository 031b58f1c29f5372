"""Ordinary ridge regression, and how near it can come to other weights.

    w(lambda) = (X^T X + lambda I)^-1 X^T y

Shapes: X `[example, column]`, y `[example, 1]`, lambdas `[lambda]`.
"""

import torch
from scipy.optimize import minimize_scalar
from torch import Tensor


def ridge_path(X: Tensor, y: Tensor, lambdas: Tensor) -> Tensor:
    """w(lambda) for each lambda, `[lambda, column]`: with X = U S V^T it is V (S^2 + lambda)^-1 S U^T y."""
    U, S, Vt = torch.linalg.svd(X, full_matrices=False)
    return (S / (S.square() + lambdas.unsqueeze(1)) * (U.mT @ y).squeeze(1)) @ Vt


def relative_distance(w: Tensor, to: Tensor) -> Tensor:
    """||w - to|| / ||to|| over the last dimension."""
    return (w - to).norm(dim=-1) / to.norm(dim=-1)


def nearest_lambda(X: Tensor, y: Tensor, to: Tensor, lambdas: Tensor) -> float:
    """The lambda whose w(lambda) is nearest to `to` `[column]`: the best of an ascending grid, then refined.

    The distance may have several minima, so the grid must be fine; lambda is refined between the best one's neighbours.
    """
    grid = lambdas.log()
    best = int((ridge_path(X, y, lambdas) - to).norm(dim=-1).argmin())
    around = grid[max(best - 1, 0)].item(), grid[min(best + 1, len(grid) - 1)].item()

    def distance(log_lambda: float) -> float:
        return (ridge_path(X, y, torch.tensor([log_lambda]).to(X).exp()) - to).norm().item()

    found = minimize_scalar(distance, bounds=around, method="bounded", options={"xatol": 1e-9})
    return float(torch.tensor(found.x).exp())
