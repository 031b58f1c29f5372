"""Regression problems made of images: some pixels of some training images, against the digit as ten outputs."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from dropnorm.training.streams import stream

CLASSES = 10


def draw_problem(dataset, seeds: list[int], images: int, pixels: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """X float64 `[replica, image, pixel]` in [0, 1], y one-hot `[replica, image, class]`; a draw for each seed.

    Pixels are drawn from the more variable half, since one that is never on makes X^T X singular; 0 means all pixels.
    """
    inputs = torch.from_numpy(dataset.train_images.reshape(len(dataset.train_images), -1))
    labels = torch.from_numpy(dataset.train_labels.astype("int64"))
    lively = _more_variable_half(inputs)
    X, y = [], []
    for seed in seeds:
        generator = stream(seed, "problem")
        rows = torch.randperm(len(inputs), generator=generator)[:images]
        columns = lively[torch.randperm(len(lively), generator=generator)[:pixels]] if pixels else slice(None)
        X.append(inputs[rows][:, columns].double() / dataset.pixel_max)
        y.append(one_hot(labels[rows], CLASSES).double())
    return torch.stack(X).to(device), torch.stack(y).to(device)


def _more_variable_half(inputs: Tensor) -> Tensor:
    """Indices of the half of the pixels that vary most over the first 10,000 training images."""
    return inputs[:10_000].float().var(0).argsort(descending=True)[: inputs.shape[1] // 2]


def normal(seeds: list[int], purpose: str, *shape: int, device: torch.device) -> Tensor:
    """Standard normal numbers `[replica, *shape]`, float64, from each seed's own stream."""
    draws = [torch.randn(shape, generator=stream(seed, purpose), dtype=torch.float64) for seed in seeds]
    return torch.stack(draws).to(device)
