"""Where a filter lies in the image and how fine it is: measures of a hidden unit's weights as a picture.

W `[replica, pixel, unit]`, pixels row by row; each measure `[replica, unit]`.
"""

import torch
from torch import Tensor


def radius_of_gyration(W: Tensor, height: int, width: int) -> Tensor:
    """Root mean square distance, in pixels, of the squared weights from their centre."""
    rows = torch.arange(height).repeat_interleave(width).to(W)
    columns = torch.arange(width).repeat(height).to(W)
    power = W.square() / W.square().sum(1, keepdim=True)
    spread = [_moment(power, x**2) - _moment(power, x) ** 2 for x in (rows, columns)]
    return sum(spread).clamp(min=0).sqrt()  # a NaN (no weights at all) stays one


def _moment(power: Tensor, x: Tensor) -> Tensor:
    return torch.einsum("rpu,p->ru", power, x)


def mean_frequency(W: Tensor, height: int, width: int) -> Tensor:
    """Mean spatial frequency in cycles a pixel, over the power spectrum of the two-dimensional Fourier transform.

    The constant part counts with frequency 0. The largest possible value, a chequerboard, is sqrt(1/2).
    """
    pictures = W.mT.reshape(*W.mT.shape[:2], height, width)
    power = torch.fft.fft2(pictures).abs().square()
    f_row, f_column = (torch.fft.fftfreq(n).to(W) for n in (height, width))
    frequency = torch.hypot(f_row.unsqueeze(1), f_column)
    return (power * frequency).sum((2, 3)) / power.sum((2, 3))
