"""Colour pictures as inputs of a convolutional net: resident as uint8, made into floats a mini-batch at a time."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from dropnorm.training.streams import stream

SIDE, COLOURS, PADDING = 32, 3, 4


class Pictures(NamedTuple):
    """N pictures uint8 `[N, 32, 32, 3]` and labels int64 `[N]`; an input is (pixel - mean) / sd, both `[3]`."""

    pixels: Tensor
    labels: Tensor
    mean: Tensor
    sd: Tensor

    def inputs(self, index: Tensor) -> Tensor:
        """float32 `[n, 3, 32, 32]`, channels last in memory, of the pictures at `index` `[n]`."""
        return self._standardised(self.pixels.index_select(0, index))

    def augmented(self, index: Tensor, seed: int, step: int) -> Tensor:
        """The same, each picture padded by four black pixels, cropped at random, and mirrored with probability 1/2."""
        g = stream(seed, "augment", step)
        n, positions = len(index), torch.arange(SIDE)
        top, left = (torch.randint(2 * PADDING + 1, (n, 1), generator=g) for _ in range(2))
        mirrored = torch.rand(n, 1, generator=g) < 0.5
        rows = (top + positions).to(index.device)
        columns = (left + torch.where(mirrored, positions.flip(0), positions)).to(index.device)
        padded = torch.nn.functional.pad(self.pixels.index_select(0, index), (0, 0, *[PADDING] * 4))
        picture = torch.arange(n, device=index.device).view(n, 1, 1)
        return self._standardised(padded[picture, rows.unsqueeze(2), columns.unsqueeze(1)])

    def _standardised(self, pixels: Tensor) -> Tensor:
        return pixels.float().sub_(self.mean).div_(self.sd).permute(0, 3, 1, 2)


def pictures(dataset, device: torch.device) -> dict[str, Pictures]:
    """'train' and 'test' of a data set; standardised a colour by the training pictures' mean and deviation.

    CIFAR-10's planes `[N, 3, 32, 32]` are turned round. Grey images of another size (the bundled 8x8 digits) are
    enlarged by repeating pixels, with three equal colours.
    """
    parts = {
        "train": (_as_pictures(dataset.train_images), dataset.train_labels),
        "test": (_as_pictures(dataset.test_images), dataset.test_labels),
    }
    mean, sd = _moments(parts["train"][0])
    return {
        name: Pictures(
            torch.from_numpy(pixels).to(device),
            torch.from_numpy(labels.astype(np.int64)).to(device),
            mean.to(device),
            sd.to(device),
        )
        for name, (pixels, labels) in parts.items()
    }


def _as_pictures(images: np.ndarray) -> np.ndarray:
    if images.ndim == 3:
        factor = SIDE // images.shape[1]
        images = np.repeat(images.repeat(factor, 1).repeat(factor, 2)[:, None], COLOURS, axis=1)
    return np.ascontiguousarray(images.transpose(0, 2, 3, 1))


def _moments(pixels: np.ndarray) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each colour, float32 `[3]`, from counts of the 256 values (no float copy)."""
    counts = np.stack([np.bincount(pixels[..., c].ravel(), minlength=256) for c in range(COLOURS)])
    values, total = np.arange(256.0), counts[0].sum()
    mean = counts @ values / total
    variance = (counts * (values - mean[:, None]) ** 2).sum(1) / total
    return torch.from_numpy(mean).float(), torch.from_numpy(variance**0.5).float()
