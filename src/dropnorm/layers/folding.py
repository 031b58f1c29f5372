"""Batch normalization in inference mode, taken up by the weights and the bias of the layer below.

There it is one affine map a unit (Ioffe & Szegedy 2015, Algorithm 2, line 11), and two affine maps make one:

    W' = gamma W / sqrt(Var + eps)        b' = beta - gamma mean / sqrt(Var + eps)
"""

from torch import Tensor

from dropnorm.layers.batch_norm import Statistics


def fold(W: Tensor, gamma: Tensor, beta: Tensor, statistics: Statistics, eps: float) -> tuple[Tensor, Tensor]:
    """Weights `[replica, in, unit]` and bias `[replica, 1, unit]` of the layer that does what Wu and its BN do."""
    scale = gamma * (statistics.var + eps).rsqrt()
    return W * scale, beta - scale * statistics.mean
