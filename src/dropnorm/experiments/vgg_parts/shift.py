"""Internal covariate shift as Santurkar et al. 2018 define it (Definition 2.1).

    G_i  = grad of W_i at (W_1, ..., W_k)                                    of step t,
    G'_i = grad of W_i at (W_1', ..., W_(i-1)', W_i, W_(i+1), ..., W_k)      the layers below i as of step t + 1,

both on the mini-batch of step t. The shift of layer i is ||G_i - G'_i||; the ideal of none at all also has cos = 1.
Biases, gamma and beta of a lower layer count to its W; G_i is the gradient of the weights alone.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Shift(NamedTuple):
    """Three numbers of one layer."""

    l2: Tensor  # ||G - G'||
    cosine: Tensor
    length: Tensor  # ||G||


def mixed(before: dict[str, Tensor], after: dict[str, Tensor], layer: int) -> dict[str, Tensor]:
    """Parameters with all layers below `layer` as `after`, the rest as `before`; names are letters, then the layer."""
    chosen = {name: after if layer_of(name) < layer else before for name in before}
    return {name: source[name] for name, source in chosen.items()}


def layer_of(name: str) -> int:
    """'gamma12' -> 12."""
    return int(name.lstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))


def shift(G: Tensor, G_prime: Tensor) -> Shift:
    """Compare the two gradients of one layer; the cosine with a zero gradient is NaN."""
    G, G_prime = G.double().flatten(), G_prime.double().flatten()
    length = G.norm()
    cosine = torch.dot(G, G_prime) / (length * G_prime.norm())
    return Shift((G - G_prime).norm().float(), cosine.float(), length.float())
