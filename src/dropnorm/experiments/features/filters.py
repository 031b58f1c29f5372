"""How local and how smooth a filter is: numbers for what Figures 7 and 12 of Srivastava et al. 2014 show as pictures.

A filter is what a hidden unit reads its pixels with, w `[..., side, side]`. Every measure but the norm is free of its
scale; each gives one number a filter `[...]`, NaN where a filter is zero everywhere.
"""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d


def as_pictures(W: Tensor, side: int) -> Tensor:
    """The filters `[replica, unit, side, side]` of weights `[replica, pixel, unit]`."""
    return W.mT.reshape(W.shape[0], W.shape[2], side, side)


def norms(w: Tensor) -> Tensor:
    """Length ||w||."""
    return w.square().sum((-2, -1)).sqrt()


def window_energy(w: Tensor, size: int) -> Tensor:
    """Share of the energy sum w^2 that lies in the size x size window which holds most of it."""
    energy = w.square()
    windows = avg_pool2d(energy, size, stride=1) * size**2
    return windows.amax((-2, -1)) / energy.sum((-2, -1))


def participation(w: Tensor) -> Tensor:
    """(sum w^2)^2 / sum w^4: n for a filter of n equal weights, about a third of its pixels for Gaussian noise."""
    energy = w.square()
    return energy.sum((-2, -1)).square() / energy.square().sum((-2, -1))


def low_frequency(w: Tensor, radius: float) -> Tensor:
    """Share of the power at frequencies of at most `radius` cycles a picture, the mean (frequency 0) included."""
    side = w.shape[-1]
    power = torch.fft.fft2(w).abs().square()
    cycles = torch.fft.fftfreq(side, 1 / side, dtype=torch.float64, device=w.device)
    low = cycles.square() + cycles.square().unsqueeze(1) <= radius**2
    return (power * low).sum((-2, -1)) / power.sum((-2, -1))


def morans_i(w: Tensor) -> Tensor:
    """Moran's I: the correlation of a weight with its four neighbours; near 0 for noise, near 1 for a smooth filter."""
    side = w.shape[-1]
    z = w - w.mean((-2, -1), keepdim=True)
    # Each neighbouring pair counts in both directions in the sum as in the weights, so the 2 cancels.
    pairs = (z[..., 1:, :] * z[..., :-1, :]).sum((-2, -1)) + (z[..., 1:] * z[..., :-1]).sum((-2, -1))
    return side**2 / (2 * side * (side - 1)) * pairs / z.square().sum((-2, -1))
