"""Images as network inputs: resident on the device as uint8, turned into floats a mini-batch at a time."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from dropnorm.training.streams import stream


class Examples(NamedTuple):
    """N examples: pixels uint8 `[N, feature]`, labels int64 `[N]`; an input is pixels * scale."""

    pixels: Tensor
    labels: Tensor
    scale: float

    def inputs(self, index: Tensor) -> Tensor:
        """float32 inputs `[..., feature]` of the examples at `index` `[...]`."""
        # index_select copies whole rows; indexing with a tensor goes element by element on a CPU.
        x = self.pixels.index_select(0, index.flatten()).view(*index.shape, -1).float()
        return x if self.scale == 1 else x.mul_(self.scale)

    def subset(self, index: Tensor) -> "Examples":
        return Examples(self.pixels[index], self.labels[index], self.scale)


def examples(images: np.ndarray, labels: np.ndarray, pixel_max: int, rule: str, device: torch.device) -> Examples:
    """Flatten images uint8 `[N, ...]` and apply a pixel rule.

    binary: 1 above half of pixel_max (on MNIST: > 127), else 0. above_zero: 1 for any ink. drawn: 1 with the grey value
    as probability, drawn once. grey: pixel / pixel_max.
    """
    pixels = torch.from_numpy(np.ascontiguousarray(images.reshape(len(images), -1)))
    targets = torch.from_numpy(labels.astype(np.int64)).to(device)
    if rule == "grey":
        return Examples(pixels.to(device), targets, 1 / pixel_max)
    if rule == "drawn":
        # One draw for all seeds and arms: it makes a data set, and belongs to no run.
        threshold = pixel_max * torch.rand(pixels.shape, generator=stream(len(pixels), "pixels"))
    else:
        threshold = {"binary": pixel_max / 2, "above_zero": 0.0}[rule]
    return Examples((pixels > threshold).to(torch.uint8).to(device), targets, 1.0)


def split(data: Examples, validation: int, seed: int) -> tuple[Examples, Examples]:
    """A random split into training and validation examples, the same for equal `seed`."""
    order = torch.randperm(len(data.labels), generator=stream(seed, "split")).to(data.labels.device)
    return data.subset(order[:-validation]), data.subset(order[-validation:])
