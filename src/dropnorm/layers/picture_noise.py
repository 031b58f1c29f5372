"""Multiplicative noise of mean one on feature maps: dropout in its inverted form, and uniform noise.

    bernoulli    r / p,  r = 1 with probability p, else 0 (Srivastava et al. 2014, section 10)
    uniform      1 + r,  r ~ U(-beta, beta) ("Uout": Li, Chen, Hu & Yang 2019)

Each element draws for itself. Nothing is to be done at test.
"""

import torch
from torch import Tensor

from dropnorm.layers.dropout import draw_masks, mask_threshold


def factors(shape: torch.Size, kind: str, strength: float, generator: torch.Generator, device: torch.device) -> Tensor:
    """The factors on feature maps of `shape` `[example, channel, height, width]`, channels last in memory.

    strength: p of 'bernoulli' (the probability of retaining an element), beta of 'uniform'. Raises ValueError for a p
    outside (0, 1].
    """
    n, channels, height, width = shape
    if device.type != "cpu":  # drawn where they are needed: other numbers than on a CPU, of the same distribution
        generator = torch.Generator(device).manual_seed(generator.initial_seed())
    rows = (n * height * width, channels)
    if kind == "bernoulli":
        r = draw_masks(mask_threshold(torch.tensor([strength], device=device)), rows, [generator])[0].div_(strength)
    else:
        r = torch.rand(rows, generator=generator, device=device).mul_(2).sub_(1).mul_(strength).add_(1)
    return r.view(n, height, width, channels).permute(0, 3, 1, 2)
