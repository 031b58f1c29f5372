"""Lemma 4.5 (initialisation): how far the first weights are from an optimum of the batch-normalised network.

With a batch-normalised layer, What = k W* is an optimum for every k > 0. The nearest, k = <W*, W0> / ||W*||^2, is at

    ||W0 - What||^2 = ||W0 - W*||^2 - ( ||W*||^2 - <W*, W0> )^2 / ||W*||^2      if <W0, W*> > 0.
"""

import torch
from torch import Tensor

from dropnorm.layers.batch_norm import batch_norm
from dropnorm.theory.cases import outputs, relative, standardise
from dropnorm.theory.losses import Draws

FACTORS = (1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3)  # by which the weights are scaled


def random_pairs(draws: Draws, rows: int, columns: int) -> tuple[Tensor, Tensor]:
    """(W0, W*) `[case, row, column]`: W* normal, W0 = a W* + noise with a between 0 and 2."""
    W_star = draws.normal(rows, columns)
    return draws.uniform(0, 2, 1, 1) * W_star + draws.normal(rows, columns), W_star


def distances(W0: Tensor, W_star: Tensor) -> dict[str, Tensor]:
    """Both sides of the lemma, and one factor a unit (a row) against one for all; each `[case]`.

    Where <W0, W*> <= 0 the lemma says nothing: there errors are 0, and `mean_nearer_percent` is NaN.
    """
    along, star2, first2 = ((a * b).sum((1, 2)) for a, b in ((W0, W_star), (W_star, W_star), (W0, W0)))
    k = (along / star2).view(-1, 1, 1)
    left = (W0 - k * W_star).square().sum((1, 2))
    right = (W0 - W_star).square().sum((1, 2)) - (star2 - along).square() / star2
    k_rows = ((W0 * W_star).sum(2, keepdim=True) / W_star.square().sum(2, keepdim=True)).clamp_min(0)
    by_rows = (W0 - k_rows * W_star).square().sum((1, 2))
    applies, size = along > 0, first2 + star2
    zero = torch.zeros_like(size)
    return {
        "error_identity": torch.where(applies, relative(left - right, size), zero),
        "error_rows": torch.where(applies, relative((by_rows - left).clamp_min(0), size), zero),
        "mean_nearer_percent": torch.where(applies, 100 * (1 - (by_rows / right).sqrt()), torch.nan),
    }


def unit_layer(y: Tensor, eps: float) -> Tensor:
    """This package's batch-norm layer with gamma 1 and beta 0 on the outputs y `[case, m]` of one unit each."""
    ones, zeros = torch.ones(1, 1, 1, dtype=y.dtype), torch.zeros(1, 1, 1, dtype=y.dtype)
    return batch_norm(y.unsqueeze(2), ones, zeros, eps)[0].squeeze(2)


def unit_spread(X: Tensor, W: Tensor) -> Tensor:
    """The weights `[case, d]`, scaled so that the unit's outputs over the batch have a standard deviation of one."""
    return W / standardise(outputs(X, W)).sigma


def scale_error(X: Tensor, W: Tensor, eps: float) -> Tensor:
    """Largest change of an output `[factor, case]` when the weights W `[case, d]` are multiplied by each of FACTORS."""
    at_one = unit_layer(outputs(X, W), eps)
    return torch.stack([(unit_layer(outputs(X, a * W), eps) - at_one).abs().amax(1) for a in FACTORS])


def scaling(X: Tensor, W: Tensor, eps: float) -> dict[str, Tensor]:
    """The layer's scale invariance: exact without eps; with eps, what is left of it at sigma = 1."""
    with_eps = scale_error(X, unit_spread(X, W), eps)
    return {
        "error_scale": scale_error(X, W, 0.0).amax(0),
        "error_tenth": with_eps[FACTORS.index(0.1)],
        "error_hundredth": with_eps[FACTORS.index(0.01)],
        "share_by_factor": with_eps,
    }
