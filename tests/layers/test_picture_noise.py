"""Factors on feature maps: their mean is one, their variance as the formulas say, their layout that of the maps."""

import pytest
import torch

from dropnorm.layers.picture_noise import factors
from dropnorm.training.streams import stream

SHAPE = torch.Size([50, 8, 16, 16])


def drawn(kind, strength, seed=0):
    return factors(SHAPE, kind, strength, stream(seed, "noise"), torch.device("cpu"))


@pytest.mark.parametrize(
    ("kind", "strength", "variance"),
    [("bernoulli", 0.5, 1.0), ("bernoulli", 0.9, 1 / 9), ("bernoulli", 1.0, 0.0), ("uniform", 0.1, 0.01 / 3)],
)
def test_mean_and_variance(kind, strength, variance):
    r, standard_error = drawn(kind, strength), (variance / SHAPE.numel()) ** 0.5
    assert r.mean().item() == pytest.approx(1, abs=5 * standard_error + 1e-6)
    assert r.var().item() == pytest.approx(variance, rel=0.05, abs=1e-12)


def test_values():
    assert set(drawn("bernoulli", 0.5).unique().tolist()) == {0.0, 2.0}
    uniform = drawn("uniform", 0.1)
    assert uniform.min() >= 0.9 and uniform.max() <= 1.1


@pytest.mark.parametrize("kind", ["bernoulli", "uniform"])
def test_a_stream_gives_the_same_again_and_another_one_others(kind):
    assert torch.equal(drawn(kind, 0.5), drawn(kind, 0.5))
    assert not torch.equal(drawn(kind, 0.5), drawn(kind, 0.5, seed=1))


def test_channels_are_last_in_memory_and_each_element_draws_for_itself():
    r = drawn("bernoulli", 0.5)
    assert r.is_contiguous(memory_format=torch.channels_last)
    for axis in range(4):
        assert not torch.equal(r.select(axis, 0), r.select(axis, 1))


def test_nothing_retained_is_refused():
    with pytest.raises(ValueError, match="p must be above"):
        drawn("bernoulli", 0.0)
