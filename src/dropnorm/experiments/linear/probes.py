"""Measurements on a deep linear network that does not notice them (Santurkar et al. 2018, appendix A.2).

Values that span hundreds of decades are given as log10, so that a record in float32 can hold them. Each quantity is
`[replica]`, or `[replica, unit]` where `unit` counts step lengths, units of a layer, or bins.
"""

import torch
from torch import Tensor

from dropnorm.networks.deep_linear import DeepLinear, Evaluation, Examples, Parameters, moved, norm

LARGEST = 308.0  # log10 of the largest float64, nearly: what stands for a number that is none


def log10(x: Tensor) -> Tensor:
    """log10 x within -308 and 308; NaN, as of a loss that overflowed, counts as 308."""
    return x.log10().nan_to_num(nan=LARGEST, posinf=LARGEST, neginf=-LARGEST)


def landscape(
    network: DeepLinear, parameters: Parameters, here: Evaluation, examples: Examples, step_lengths: Tensor
) -> dict[str, Tensor]:
    """Loss and change of the gradient after steps of several lengths eta along minus the gradient, `[replica, eta]`.

    ||grad L(w) - grad L(w - eta g)|| with g = grad L(w), over all parameters. step_lengths `[replica, eta]`.
    """
    losses, differences = [], []
    for eta in step_lengths.unbind(1):
        there = network.evaluate(moved(parameters, here.gradient, eta), examples)
        losses.append(log10(there.loss))
        differences.append(log10(norm(difference(here.gradient, there.gradient))))
    return {"log10_loss_there": torch.stack(losses, 1), "log10_difference_there": torch.stack(differences, 1)}


def difference(a: Parameters, b: Parameters) -> Parameters:
    """a - b."""
    return Parameters(*(x - y for x, y in zip(a, b, strict=True)))


def covariate_shift(
    network: DeepLinear,
    parameters: Parameters,
    updated: Parameters,
    here: Evaluation,
    examples: Examples,
    layer: int,
) -> dict[str, Tensor]:
    """Internal covariate shift of a layer (Definition 2.1): what updating all layers before it does to its gradient.

    G is the gradient of the layer's W before the update, G' with the earlier layers, their gamma and beta included, as
    the update leaves them. Layers count from 1.
    """
    earlier = layer - 1
    mixed = (torch.cat([new[:, :earlier], old[:, earlier:]], 1) for new, old in zip(updated, parameters, strict=True))
    G_prime = network.evaluate(Parameters(*mixed), examples).gradient.W[:, earlier].flatten(1)
    G = here.gradient.W[:, earlier].flatten(1)
    return {
        "log10_shift": log10((G - G_prime).norm(dim=1)),
        "log10_G": log10(G.norm(dim=1)),
        "cosine": (G * G_prime).sum(1) / (G.norm(dim=1) * G_prime.norm(dim=1)),
    }


def sigma(output: Tensor, examples: Examples) -> Tensor:
    """Standard deviation over the examples of every unit of a layer, `[replica, unit]`."""
    return (output[:, 1:].square().sum(1) / examples.basis.shape[1]).sqrt()


def bin_edges(bins: int, reach: float) -> Tensor:
    """The edges of the bins, `[bin + 1]`."""
    return torch.linspace(-reach, reach, bins + 1, dtype=torch.float64)


def histogram(output: Tensor, examples: Examples, bins: int, reach: float) -> Tensor:
    """Share of the examples in each of the bins from -reach to reach, of the layer's first unit, `[replica, bin]`.

    What lies outside counts in the outermost bin.
    """
    u = (examples.basis @ output[:, :, :1]).squeeze(2)  # [replica, example]
    inner = bin_edges(bins, reach)[1:-1].to(u.device)
    counts = torch.zeros(len(u), bins, dtype=u.dtype, device=u.device)
    return counts.scatter_add_(1, torch.bucketize(u, inner), torch.ones_like(u)) / u.shape[1]
