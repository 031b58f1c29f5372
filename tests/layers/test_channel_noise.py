"""Algorithm 1's noise: its moments, what is shared within a channel, and that equal generators draw equal noise."""

import pytest
import torch

from dropnorm.layers.channel_noise import LEVELS, Noise, NoiseSizes, _normal_quantiles, _sixteen_bits, draw
from dropnorm.training.streams import stream

CPU = torch.device("cpu")
SIZES = NoiseSizes(n_mu=0.5, n_sigma=1.25, r_mu=0.1, r_sigma=0.1)


def channel_last_rows(t):
    return t.permute(0, 2, 3, 1).reshape(-1, t.shape[1])


def test_moments_within_a_channel():
    """m - mu ~ U(-0.1, 0.1) and s - sigma ~ N(0, 0.1), independent: mean, spread, tails."""
    noise = draw(torch.Size((64, 4, 32, 32)), SIZES, stream(0, "noise"), CPU)
    m, s = channel_last_rows(noise.m), channel_last_rows(noise.s)
    n = len(m)
    assert m.std(0).tolist() == pytest.approx([0.1 / 3**0.5] * 4, rel=0.01)
    assert s.std(0).tolist() == pytest.approx([0.1] * 4, rel=0.01)
    assert (m.amax(0) - m.amin(0) <= 0.2).all()
    assert (m.amax(0) - m.amin(0) > 0.199).all()
    z = (s - s.mean(0)) / 0.1
    assert z.pow(4).mean(0).tolist() == pytest.approx([3] * 4, rel=0.05)
    assert (z.abs() > 3).float().mean().item() == pytest.approx(0.0027, rel=0.15)
    correlation = ((m - m.mean(0)) * z).mean(0) / m.std(0)
    assert correlation.abs().max() < 5 / n**0.5


def test_moments_of_channels_from_step_to_step():
    """mu ~ U(-0.5, 0.5), sigma ~ U(1, 1.25); two steps' means differ by 1/3 on average (registry, section 1.3)."""
    means = []
    for step in range(400):
        noise = draw(torch.Size((16, 8, 2, 2)), SIZES, stream(0, "noise", step), CPU)
        means.append(torch.stack([channel_last_rows(noise.m).mean(0), channel_last_rows(noise.s).mean(0)]))
    mu, sigma = torch.stack(means).unbind(1)
    assert mu.mean().item() == pytest.approx(0, abs=0.03)
    assert mu.std().item() == pytest.approx(1 / 12**0.5, rel=0.05)
    assert mu.abs().max() < 0.56
    assert mu.diff(dim=0).abs().mean().item() == pytest.approx(1 / 3, rel=0.05)
    assert sigma.mean().item() == pytest.approx(1.125, abs=0.01)
    assert sigma.min() > 0.9
    assert sigma.max() < 1.35


def test_the_cheap_draws_use_every_level_and_no_other():
    levels = _sixteen_bits(200_000, stream(0, "x")).int()
    assert levels.unique().numel() > 0.95 * LEVELS * (1 - 2.718281828 ** (-200_000 / LEVELS))
    z = _normal_quantiles(CPU).double()
    assert z.mean().item() == pytest.approx(0, abs=1e-6)
    assert z.std().item() == pytest.approx(1, abs=2e-4)
    assert z.max().item() == pytest.approx(4.32, abs=0.01)


def test_a_count_that_is_no_multiple_of_four():
    assert len(_sixteen_bits(7, stream(0, "x"))) == 7


def test_the_noise_is_a_function_of_its_generator():
    shape = torch.Size((3, 5, 4, 4))
    a, b, c = (draw(shape, SIZES, stream(1, "noise", step), CPU) for step in (6, 6, 7))
    assert torch.equal(a.s, b.s)
    assert torch.equal(a.m, b.m)
    assert not torch.equal(a.m, c.m)


def test_it_is_put_on_as_s_a_plus_m():
    noise = draw(torch.Size((3, 5, 4, 4)), SIZES, stream(1, "noise"), CPU)
    a = torch.randn(3, 5, 4, 4, generator=stream(0, "a")).requires_grad_()
    y = noise.add_to(a)
    torch.testing.assert_close(y, noise.s * a + noise.m)
    torch.testing.assert_close(torch.autograd.grad(y.sum(), a)[0], noise.s)


def test_relative_noise_is_noisy_batch_norm_scaled_back():
    noise = draw(torch.Size((8, 5, 4, 4)), SIZES, stream(1, "noise"), CPU)
    a = 0.01 * torch.randn(8, 5, 4, 4, generator=stream(0, "a")) + 0.5
    mean, sd = a.mean((0, 2, 3), keepdim=True), a.std((0, 2, 3), correction=0, keepdim=True)
    expected = mean + sd * (noise.s * (a - mean) / sd + noise.m)
    torch.testing.assert_close(noise.add_relative(a), expected)


def test_no_noise_changes_nothing():
    one = Noise(torch.ones(2, 3, 4, 4), torch.zeros(2, 3, 4, 4))
    a = torch.randn(2, 3, 4, 4, generator=stream(0, "a"))
    torch.testing.assert_close(one.add_to(a), a)
    torch.testing.assert_close(one.add_relative(a), a)
