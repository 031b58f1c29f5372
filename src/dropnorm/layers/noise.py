"""Multiplicative noise on units: Bernoulli (dropout) and Gaussian (Srivastava et al. 2014, sections 4 and 10).

    bernoulli    training  r y,  r = 1 with probability p, else 0     test  p y
    gaussian     training  r y,  r ~ N(1, (1 - p) / p)                test  y

Bernoulli noise is in the paper's form, which multiplies by p at test. The Gaussian has mean 1 and the variance of
r / p, so it belongs to the inverted form, and settings of the paper's form are converted (see
`layers.dropout.inverted_scale`).
"""

import torch
from torch import Tensor

from dropnorm.layers.dropout import draw_masks, mask_threshold


class Noise:
    """Noise on the units that one layer reads, p `[replica]`: the probability of retaining a unit."""

    def __init__(self, kind: str, p: Tensor):
        """kind: 'none', 'bernoulli' or 'gaussian'. Raises ValueError for a p outside (0, 1]."""
        self.kind = "none" if bool((p == 1).all()) else kind
        self.p = p.view(-1, 1, 1)
        if self.kind == "bernoulli":
            self.threshold = mask_threshold(p)
        self.sigma = gaussian_sigma(self.p)

    def draw(self, shape: tuple[int, int], generators: list[torch.Generator], dtype: torch.dtype) -> Tensor | None:
        """r `[replica, *shape]`, each replica from its own generator; None where nothing is to be multiplied."""
        if self.kind == "none":
            return None
        if self.kind == "bernoulli":
            return draw_masks(self.threshold, shape, generators, dtype)
        epsilon = torch.stack([torch.randn(shape, generator=g) for g in generators]).to(self.sigma.device)
        return torch.addcmul(torch.ones_like(self.sigma), self.sigma, epsilon).to(dtype)

    def at_test(self, y: Tensor) -> Tensor:
        """The units as the whole network of test time reads them."""
        return y * self.p.to(y.dtype) if self.kind == "bernoulli" else y


def gaussian_sigma(p: Tensor) -> Tensor:
    """sqrt((1 - p) / p): standard deviation of the Gaussian with the same first two moments as r / p (section 10)."""
    return ((1 - p) / p).sqrt()
