"""How sparse a code is: what Figure 8 of Srivastava et al. 2014 shows, and two measures that do not depend on scale.

Activations h are not negative. The two measures take the last axis as the code, `[..., n]` -> `[...]`: 0 where all n
activations are equal, 1 where only one is not zero, NaN where all are.
"""

import torch
from torch import Tensor

NEAR_ZERO = 0.01  # in units of the 99th percentile


def hoyer(h: Tensor, n: int | Tensor | None = None) -> Tensor:
    """(sqrt n - L1 / L2) / (sqrt n - 1) (Hoyer 2004); n: how many units count, if not all."""
    root = (h.shape[-1] if n is None else n) ** 0.5
    return (root - h.sum(-1) / h.norm(dim=-1)) / (root - 1)


def treves_rolls(h: Tensor, n: int | Tensor | None = None) -> Tensor:
    """(1 - mean^2 / mean square) / (1 - 1 / n) (Treves & Rolls 1991, in the form that grows with sparsity)."""
    n = h.shape[-1] if n is None else n
    return (1 - h.sum(-1).square() / h.square().sum(-1) / n) / (1 - 1 / n)


def percentile99(h: Tensor) -> Tensor:
    """The smallest activation of a stack `[replica, image, unit]` that at least 99 % do not exceed, `[replica]`."""
    flat = h.flatten(1)
    return flat.kthvalue(-(-99 * flat.shape[1] // 100), dim=1).values


def shares(h: Tensor, p: Tensor) -> dict[str, Tensor]:
    """Mean, largest value and shares of activations of each replica `[replica]`, h `[replica, image, unit]`.

    `_scaled`: of p h, the activations that the next layer sees at test; p `[replica]`.
    """
    top, mean = percentile99(h), h.mean((1, 2))
    scaled = h * p.view(-1, 1, 1)

    def share(holds: Tensor) -> Tensor:
        return holds.float().mean((1, 2)) + 0 * mean  # NaN stays NaN, which a comparison would lose

    return {
        "mean": mean,
        "mean_scaled": scaled.mean((1, 2)),
        "largest": h.amax((1, 2)),
        "percentile99": top,
        "share_zero": share(h == 0),
        "share_near_zero": share(h < NEAR_ZERO * top.view(-1, 1, 1)),
        "share_above_1": share(h > 1),
        "share_above_2": share(h > 2),
        "share_above_1_scaled": share(scaled > 1),
    }


def code_sparsity(h: Tensor) -> dict[str, Tensor]:
    """Both measures, `[replica]`: of each image's code over units, and of each unit's activations over images.

    Means over images and over units; an image without any active unit, or a unit without any, is left out.
    """
    found = {}
    for name, measure in (("hoyer", hoyer), ("treves_rolls", treves_rolls)):
        found[f"{name}_images"] = measure(h).nanmean(1)
        found[f"{name}_units"] = measure(h.mT).nanmean(1)
    return found


def live_code_sparsity(h: Tensor) -> dict[str, Tensor]:
    """Sparsity of the images' codes over live units alone (those active for any image), `[replica]`: a check."""
    live = (h.amax(1) != 0).sum(1, keepdim=True)  # the zeros of dead units change nothing but n
    return {
        "hoyer_images_live": hoyer(h, live).nanmean(1),
        "treves_rolls_images_live": treves_rolls(h, live).nanmean(1),
    }


def histogram(h: Tensor, width: float, bins: int) -> Tensor:
    """Counts of activations in bins of equal width from 0, `[replica, bins + 1]`; the last holds all that is beyond."""
    index = (h.flatten(1) / width).nan_to_num(0).clamp(max=bins).long()
    counts = torch.zeros(len(h), bins + 1, dtype=torch.int64, device=h.device)
    return counts.scatter_add_(1, index, torch.ones_like(index))
