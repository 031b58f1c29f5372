"""Max-norm regularisation: no unit's incoming weights are longer than c (Srivastava et al. 2014, section 5.1)."""

import torch
from torch import Tensor


@torch.no_grad()
def limit_norm_(W: Tensor, c: Tensor) -> None:
    """Project W `[replica, in, out]` in place onto ||w|| <= c for each unit's incoming weights w = W[replica, :, unit].

    c `[replica, 1, 1]`; infinite means no limit. To be called after every update, for each layer, the output layer
    included (appendix B.1); biases are not weights and have no limit.
    """
    norm = W.norm(dim=1, keepdim=True)
    W.mul_((c / norm).clamp_(max=1))  # a norm of 0 gives infinity, hence 1


def at_limit(W: Tensor, c: Tensor, tolerance: float = 1e-9) -> Tensor:
    """Share of the units whose incoming weights have reached the limit, `[replica]`."""
    return (W.norm(dim=1, keepdim=True) >= c * (1 - tolerance)).double().mean(dim=(1, 2))
