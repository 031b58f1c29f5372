"""Dropout in the paper's form and in the inverted one (Srivastava et al. 2014, sections 4 and 10).

    the paper's    training  r * y       test  p y
    inverted       training  r * y / p   test  y

p is always the probability of retaining a unit. Shapes: y, r `[replica, batch, unit]`; p `[replica]`, as one number a
replica lets arms of different p train in one stack.
"""

from typing import NamedTuple

import torch
from torch import Tensor

LEVELS = 2**16  # a mask compares 16 random bits, so its probability is a multiple of 1 / LEVELS
_DRAWS_A_WORD = 4  # 16-bit draws in the 64-bit words that the generator makes


class InvertedScale(NamedTuple):
    """The factor on each quantity of the paper's form that gives the same training in the inverted form, `[replica]`.

    A layer that reads units retained with p sees r * y / p instead of r * y, so w_inv = p w computes the same; then its
    gradient is 1 / p of the other, and w_inv moves p times as far at p^2 the rate. Biases read no unit: factor 1.
    """

    weight: Tensor  # w_inv = p w: first weights too
    learning_rate: Tensor  # p^2, of weights
    max_norm: Tensor  # c_inv = p c
    l2: Tensor  # lambda_inv = lambda / p^2: its term lambda w must shrink by p like the gradient


def inverted_scale(p: Tensor) -> InvertedScale:
    """How weights that read units retained with probability p `[replica]` convert (see `InvertedScale`)."""
    return InvertedScale(weight=p, learning_rate=p**2, max_norm=p, l2=p**-2)


def dropout(y: Tensor, r: Tensor) -> Tensor:
    """Training in the paper's form (section 4): each unit kept or not, its value unchanged."""
    return r * y


def weight_scaled(y: Tensor, p: Tensor) -> Tensor:
    """Test in the paper's form: a unit's value times p does what scaling its outgoing weights does (Figure 2)."""
    return y * p.view(-1, 1, 1)


def inverted_dropout(y: Tensor, r: Tensor, p: Tensor) -> Tensor:
    """Training in the inverted form (section 10): scaled here, so that nothing is to be done at test."""
    return r * y / p.view(-1, 1, 1)


def mask_probability(p: Tensor) -> Tensor:
    """The probability that a mask asked for with p really has: the nearest multiple of 2^-16 (p = 0.5 is exact)."""
    return (p * LEVELS).round() / LEVELS


def mask_threshold(p: Tensor) -> Tensor:
    """The smallest 16-bit draw that retains a unit, int16 `[replica, 1, 1]`, for p `[replica]`.

    Raises ValueError unless every p lies in (0, 1] and is not so small that it rounds to zero.
    """
    retained = (p * LEVELS).round()
    if not bool(((retained >= 1) & (retained <= LEVELS)).all()):
        raise ValueError(f"p must be above {0.5 / LEVELS:g} and at most 1, not {p.tolist()}")
    return (LEVELS // 2 - retained).to(torch.int16).view(-1, 1, 1)


def draw_masks(
    threshold: Tensor, shape: tuple[int, int], generators: list[torch.Generator], dtype: torch.dtype = torch.float32
) -> Tensor:
    """Masks r of zeros and ones `[replica, *shape]`, r = 1 with the probability of `mask_threshold`.

    Each replica draws from its own generator, so its masks do not depend on who trains beside it. 64-bit words taken as
    four 16-bit draws and compared cost a tenth of `bernoulli_`; their probability is exact to 2^-16. Generators of the
    CPU give the same masks on every device.
    """
    count = shape[0] * shape[1]
    words = torch.empty(len(generators), -(-count // _DRAWS_A_WORD), dtype=torch.int64, device=generators[0].device)
    for row, generator in zip(words, generators, strict=True):
        row.random_(-(2**63), None, generator=generator)
    draws = words.view(torch.int16)[:, :count].view(-1, *shape).to(threshold.device)
    return torch.ge(draws, threshold, out=torch.empty(draws.shape, dtype=dtype, device=threshold.device))
