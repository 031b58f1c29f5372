"""Observation 4.3: with gamma = sigma and beta = mu a batch-normalised layer computes what the plain one does.

There Theorem 4.1 reads ||v||^2 = ||g||^2 - 1/m <1, g>^2 - 1/m <g, yhat>^2 <= ||g||^2.
"""

from dataclasses import replace

import torch
from torch import Tensor

from dropnorm.theory.cases import Cases, gradient, inner, relative, standardise


def measure(cases: Cases) -> dict[str, Tensor]:
    """How far z is from y, by how much ||v|| exceeds ||g||, and the share of ||g||^2 that is removed; `[case]` each."""
    y = cases.y
    norm = standardise(y)
    there = replace(cases, gamma=norm.sigma, beta=y.mean(1, keepdim=True))
    z = there.gamma * norm.yhat + there.beta
    g, v = gradient(cases.loss, y), gradient(there.normalised_loss, y)
    gg, vv = inner(g, g), inner(v, v)
    return {
        "error_same": relative((z - y).abs().amax(1), y.abs().amax(1)),
        "error_excess": relative((vv - gg).clamp_min(0), gg),
        "mean_removed": torch.where(gg > 0, 1 - vv / gg, torch.nan),
    }
