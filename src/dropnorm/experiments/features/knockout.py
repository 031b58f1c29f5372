"""What the loss of hidden units costs an autoencoder: a number for co-adaptation (Srivastava et al. 2014, sec. 7.1).

All on the network of test, its code p h `[replica, image, unit]`; the errors are squared errors an image.
"""

import torch
from torch import Tensor

from dropnorm.networks.autoencoder import Autoencoder, squared_error
from dropnorm.training.streams import stream


def unit_errors(net: Autoencoder, code: Tensor, x: Tensor) -> Tensor:
    """The mean error after the loss of each single unit, `[replica, unit]`; x `[replica, image, pixel]`."""
    W2 = net.parameters["W2"]
    inputs = torch.baddbmm(net.parameters["b2"], code, W2)
    errors = torch.empty(code.shape[0], code.shape[2], device=code.device)
    for j in range(code.shape[2]):
        # All that the outputs lose is what this one unit sent them.
        without = torch.baddbmm(inputs, code[:, :, j : j + 1], W2[:, j : j + 1], alpha=-1).sigmoid_()
        errors[:, j] = squared_error(without, x).mean(1)
    return errors


def kept_units(seed: int, units: int, percent: float, draws: int) -> Tensor:
    """Which units are left after a random `percent` of them is gone, zeros and ones `[draw, unit]`.

    A function of the seed alone, so that both arms of a seed lose the same units.
    """
    gone = round(units * percent / 100)
    generator = stream(seed, "knockout", round(100 * percent))
    kept = torch.ones(draws, units)
    for row in kept:
        row[torch.randperm(units, generator=generator)[:gone]] = 0
    return kept


def group_error(net: Autoencoder, code: Tensor, x: Tensor, kept: Tensor, *, rescale: bool) -> Tensor:
    """The mean error over images and draws after the loss of many units at once, `[replica]`.

    kept `[replica, draw, unit]`. rescale: what is left is divided by the share that is left, which is kinder; at the
    share p it makes the network just one of those that dropout trained.
    """
    total = torch.zeros(len(code), device=code.device)
    for draw in kept.unbind(1):
        left = code * draw.unsqueeze(1)
        if rescale:
            left = left / draw.mean(1).view(-1, 1, 1)
        total += squared_error(net.decode(left), x).mean(1)
    return total / kept.shape[1]
