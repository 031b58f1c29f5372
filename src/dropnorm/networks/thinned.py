"""All thinned networks of a small network, and what they answer together (Srivastava et al. 2014, sections 1 and 4).

With n units that may be dropped there are 2^n thinned networks; here each is really made.
"""

import torch
from torch import Tensor


def all_masks(n: int) -> Tensor:
    """All 2^n masks of n units, zeros and ones, float64 `[mask, n]`."""
    return (torch.arange(2**n).unsqueeze(1) >> torch.arange(n)).remainder(2).double()


def mask_weights(masks: Tensor, p: float) -> Tensor:
    """The probability of each mask `[mask]`: p^(ones) (1 - p)^(zeros)."""
    ones = masks.sum(1)
    return p**ones * (1 - p) ** (masks.shape[1] - ones)


def geometric_mean(logits: Tensor, weights: Tensor) -> Tensor:
    """The renormalised geometric mean of the networks' answers, `[batch, class]`.

    logits `[mask, batch, class]` of each thinned network; weights `[mask]`, its probability: at p = 0.5 all equal.
    """
    mean_log = torch.einsum("m,mbc->bc", weights, logits.log_softmax(2))
    return mean_log.softmax(1)


def one_layer_logits(x: Tensor, masks: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """Logits `[mask, batch, class]` of a softmax layer that reads x `[batch, n]` through each mask `[mask, n]`."""
    return (masks.unsqueeze(1) * x) @ W + b


def two_layer_logits(x: Tensor, masks: Tensor, W1: Tensor, W2: Tensor) -> Tensor:
    """Logits `[mask, batch, class]` with a ReLU layer between: masks `[mask, n + hidden]` of inputs, then of hidden."""
    r1, r2 = masks.unsqueeze(1).split([x.shape[1], W2.shape[0]], dim=2)
    return (r2 * torch.relu((r1 * x) @ W1)) @ W2
