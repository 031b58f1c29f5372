"""How the inputs of a layer's ReLUs are distributed over a mini-batch and its positions, channel by channel.

Santurkar et al. 2018 show histograms (Figures 1, 2, 6) and the first two moments (Figure 8) of example activations.
Followed here are a few channels of a layer, drawn once for all seeds and arms.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from dropnorm.training.streams import stream

PERCENTS = 101  # quantiles 0 %, 1 %, ..., 100 %


def followed_channels(layer: int, channels: int, count: int) -> Tensor:
    """Which channels of a layer are followed, `[min(count, channels)]`; the first one is the example."""
    return torch.randperm(channels, generator=stream(0, "channels", layer))[:count]


def moments(activations: dict[int, Tensor], channels: dict[int, Tensor]) -> dict[str, Tensor]:
    """Mean, biased variance and excess kurtosis of each followed channel, `[channel]`, by layer."""
    found = {}
    for layer, a in activations.items():
        x = _rows(a, channels[layer])
        mean = x.mean(0)
        deviation = x - mean
        var = deviation.square().mean(0)
        found[f"mean_layer{layer}"] = mean
        found[f"var_layer{layer}"] = var
        found[f"kurtosis_layer{layer}"] = deviation.pow(4).mean(0) / var.square() - 3
    return found


def quantiles(activations: dict[int, Tensor], channels: dict[int, Tensor]) -> dict[str, Tensor]:
    """Every percentile of the example channel of each layer, `[101]`."""
    q = torch.linspace(0, 1, PERCENTS)
    return {
        f"quantiles_layer{layer}": torch.quantile(_rows(a, channels[layer][:1]).flatten(), q.to(a.device))
        for layer, a in activations.items()
    }


def _rows(a: Tensor, channels: Sequence[int] | Tensor) -> Tensor:
    """[example, channel, height, width] -> float32 [example * height * width, followed channel]."""
    chosen = a.index_select(1, torch.as_tensor(channels, device=a.device))
    return chosen.permute(0, 2, 3, 1).reshape(-1, chosen.shape[1])
