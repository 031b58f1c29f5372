"""Multiplicative noise: moments as section 10 has them, each replica its own stream, nothing drawn where p = 1."""

import pytest
import torch

from dropnorm.layers.dropout import mask_probability
from dropnorm.layers.noise import Noise, gaussian_sigma
from dropnorm.training.streams import stream


def draw(kind, p, shape=(400, 500), dtype=torch.float32):
    generators = [stream(seed, "noise") for seed in range(len(p))]
    return Noise(kind, torch.tensor(p)).draw(shape, generators, dtype)


@pytest.mark.parametrize(("p", "sigma"), [(0.5, 1.0), (0.8, 0.5), (1.0, 0.0)])
def test_sigma_by_hand(p, sigma):
    assert gaussian_sigma(torch.tensor(p, dtype=torch.float64)).item() == pytest.approx(sigma)


@pytest.mark.parametrize("kind", ["bernoulli", "gaussian"])
def test_moments(kind):
    p = torch.tensor([0.8, 0.5])
    r = draw(kind, p.tolist()).double()
    factor = r / mask_probability(p.double()).view(-1, 1, 1) if kind == "bernoulli" else r
    n = factor[0].numel()
    variance = (1 - p) / p
    assert ((factor.mean((1, 2)) - 1).abs() <= 5 * (variance / n).sqrt()).all()
    torch.testing.assert_close(factor.var((1, 2)).float(), variance, rtol=0.02, atol=0)


@pytest.mark.parametrize("kind", ["bernoulli", "gaussian"])
def test_a_replica_s_noise_does_not_depend_on_who_trains_beside_it(kind):
    both = draw(kind, [0.5, 0.8])
    alone = Noise(kind, torch.tensor([0.8])).draw((400, 500), [stream(1, "noise")], torch.float32)
    torch.testing.assert_close(both[1], alone[0])
    assert not torch.equal(both[0], both[1])


def test_where_every_p_is_one_nothing_is_drawn_and_where_one_is_it_keeps_everything():
    generators = [stream(0, "noise"), stream(1, "noise")]
    assert Noise("bernoulli", torch.ones(2)).draw((3, 4), generators, torch.float32) is None
    assert Noise("none", torch.ones(2)).draw((3, 4), generators, torch.float32) is None
    mixed = draw("bernoulli", [1.0, 0.5])
    assert mixed[0].all() and not mixed[1].all()
    assert (draw("gaussian", [1.0, 0.5])[0] == 1).all()


def test_at_test_time_only_bernoulli_noise_scales():
    y, p = torch.ones(2, 3, 4), torch.tensor([0.5, 0.8])
    assert Noise("bernoulli", p).at_test(y)[:, 0, 0].tolist() == pytest.approx([0.5, 0.8])
    assert torch.equal(Noise("gaussian", p).at_test(y), y)
