"""Pictures as inputs: standardised, laid out, enlarged, augmented."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dropnorm.datasets import load
from dropnorm.training.pictures import pictures

CPU = torch.device("cpu")


@pytest.fixture
def colours():
    """CIFAR-10's layout: planes, with other moments in each colour."""
    rng = np.random.default_rng(0)
    images = np.stack([rng.integers(c, c + 100, (20, 32, 32)) for c in (0, 60, 150)], axis=1).astype(np.uint8)
    return SimpleNamespace(
        train_images=images, train_labels=np.arange(20, dtype=np.uint8) % 10,
        test_images=images[:5], test_labels=np.arange(5, dtype=np.uint8),
    )  # fmt: skip


def test_planes_become_standardised_channels_last_pictures(colours):
    train = pictures(colours, CPU)["train"]
    x = train.inputs(torch.arange(20))
    assert x.shape == (20, 3, 32, 32)
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert x.mean((0, 2, 3)).abs().max() < 1e-4
    assert x.std((0, 2, 3), correction=0).tolist() == pytest.approx([1] * 3, abs=1e-4)
    planes = torch.from_numpy(colours.train_images[7]).float()
    torch.testing.assert_close(x[7] * train.sd.view(3, 1, 1) + train.mean.view(3, 1, 1), planes, rtol=1e-4, atol=1e-2)


def test_test_pictures_are_standardised_by_the_training_ones(colours):
    both = pictures(colours, CPU)
    assert torch.equal(both["test"].inputs(torch.arange(5)), both["train"].inputs(torch.arange(5)))


def test_digits_are_enlarged_without_blur(tmp_path):
    digits = load("digits", tmp_path)
    train = pictures(digits, CPU)["train"]
    assert train.pixels.shape == (1437, 32, 32, 3)
    assert torch.equal(train.pixels[3, ::4, ::4, 0], torch.from_numpy(digits.train_images[3]))
    assert torch.equal(train.pixels[3, 1::4, 3::4, 2], torch.from_numpy(digits.train_images[3]))


def test_augmentation_crops_pads_with_black_and_mirrors(colours):
    train = pictures(colours, CPU)["train"]
    index = torch.zeros(200, dtype=torch.int64)
    x = train.augmented(index, seed=0, step=0)
    assert torch.equal(x, train.augmented(index, seed=0, step=0))
    assert not torch.equal(x, train.augmented(index, seed=0, step=1))
    assert not torch.equal(x, train.augmented(index, seed=1, step=0))
    original = train.inputs(index[:1])[0]
    black = (-train.mean / train.sd).view(3, 1, 1)
    padded = black.expand(3, 40, 40).clone()
    padded[:, 4:36, 4:36] = original
    crops = [padded[:, i : i + 32, j : j + 32] for i in range(9) for j in range(9)]
    candidates = torch.stack([c for crop in crops for c in (crop, crop.flip(2))])
    equal = torch.stack([(candidates == picture).flatten(1).all(1) for picture in x])
    assert equal.any(1).all()  # each is one of the 162 possible ones,
    assert equal.any(0).sum() > 80  # and many of them occur
