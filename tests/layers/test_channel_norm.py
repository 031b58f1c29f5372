"""Normalisation by channel: written-out references, gradients by finite differences, and what it is invariant to."""

import pytest
import torch
from torch import Tensor

from dropnorm.layers.channel_norm import (
    KINDS,
    Statistics,
    batch_statistics,
    channel_norm,
    channel_norm_inference,
)

EPS = 1e-5


@pytest.fixture
def u() -> Tensor:
    """Float64 [6, 5, 4, 4], off centre, channels last."""
    g = torch.Generator().manual_seed(0)
    scale = torch.tensor([0.1, 1.0, 3.0, 0.5, 2.0]).view(1, 5, 1, 1)
    u = scale * torch.randn(6, 5, 4, 4, generator=g, dtype=torch.float64) + 0.3
    return u.contiguous(memory_format=torch.channels_last)


@pytest.fixture
def affine() -> tuple[Tensor, Tensor]:
    return torch.linspace(0.5, 2, 5, dtype=torch.float64), torch.linspace(-1, 1, 5, dtype=torch.float64)


def average_norm(x: Tensor, kind: str) -> Tensor:
    """N of one channel's numbers, as section 3.3 describes it: taken before the mean is subtracted."""
    return {
        "batch": ((x - x.mean()).square().mean() + EPS).sqrt(),
        "l1": x.abs().mean() + EPS,
        "l2": (x.square().mean() + EPS).sqrt(),
        "linf": x.abs().max() + EPS,
    }[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_formula(u, affine, kind):
    gamma, beta = affine
    y = channel_norm(u, gamma, beta, kind, EPS)
    for c in range(5):
        x = u[:, c]
        expected = gamma[c] * (x - x.mean()) / average_norm(x, kind) + beta[c]
        torch.testing.assert_close(y[:, c], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [5, 512])  # rows side by side, or not
def test_gradients_agree_with_finite_differences(kind, channels):
    g = torch.Generator().manual_seed(1)
    u = torch.randn(8 if channels == 5 else 2, channels, 1 if channels > 5 else 3, 1, generator=g, dtype=torch.float64)
    u = u[:, :40].contiguous(memory_format=torch.channels_last).requires_grad_()
    gamma, beta = (torch.rand(u.shape[1], generator=g, dtype=torch.float64).requires_grad_() for _ in range(2))
    assert torch.autograd.gradcheck(lambda *a: channel_norm(*a, kind, EPS), (u, gamma, beta))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here, and it is a GPU's kernel that is compared")
@pytest.mark.parametrize("kind", KINDS)
def test_a_gpu_has_the_same_gradients(u, affine, kind):
    found = {}
    for device in ("cpu", "cuda"):
        given = [t.to(device).requires_grad_() for t in (u, *affine)]
        y = channel_norm(*given, kind, EPS)
        found[device] = [g.cpu() for g in torch.autograd.grad(y.square().sum(), given)]
    torch.testing.assert_close(found["cuda"], found["cpu"])


def test_rows_side_by_side_have_the_same_gradient(monkeypatch, u, affine):
    """Folding rows is for speed alone: 96 rows of 5 channels are folded 102 -> not, or 96 -> yes."""
    from dropnorm.layers import channel_norm as module

    dy = torch.randn(u.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    gradients = {}
    for width in (5, 5 * 96):
        monkeypatch.setattr(module, "_WIDTH", width)
        x = u.clone().requires_grad_()
        (gradients[width],) = torch.autograd.grad(channel_norm(x, *affine, "linf", EPS), x, dy)
    torch.testing.assert_close(gradients[5], gradients[5 * 96])


@pytest.mark.parametrize("kind", KINDS)
def test_scaling_the_input_changes_nothing(u, affine, kind):
    torch.testing.assert_close(
        channel_norm(u, *affine, kind, 1e-12), channel_norm(100 * u, *affine, kind, 1e-12), rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_inference_network_with_the_batch_s_own_statistics_is_the_training_one(u, affine, kind):
    found = batch_statistics(u, kind, EPS)
    torch.testing.assert_close(channel_norm_inference(u, *affine, found), channel_norm(u, *affine, kind, EPS))


def test_inference_is_one_affine_map_a_channel(u, affine):
    fixed = Statistics(torch.zeros(5, dtype=torch.float64), torch.full((5,), 2.0, dtype=torch.float64))
    gamma, beta = (t.view(1, 5, 1, 1) for t in affine)
    torch.testing.assert_close(channel_norm_inference(u, *affine, fixed), gamma * u / 2 + beta)


@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_is_the_same_to_its_rounding(u, affine, kind):
    gamma, beta = (t.float() for t in affine)
    fine = u.float().requires_grad_()
    coarse = u.bfloat16().requires_grad_()
    dy = torch.randn(u.shape, generator=torch.Generator().manual_seed(2)).contiguous(memory_format=torch.channels_last)
    y, y16 = channel_norm(fine, gamma, beta, kind, EPS), channel_norm(coarse, gamma, beta, kind, EPS)
    assert y16.dtype == torch.bfloat16
    torch.testing.assert_close(y16.float(), y, rtol=0.02, atol=0.05)
    (du,), (du16,) = torch.autograd.grad(y, fine, dy), torch.autograd.grad(y16, coarse, dy.bfloat16())
    assert torch.dist(du16.float(), du) < 0.05 * du.norm()


@pytest.mark.parametrize("kind", KINDS)
def test_statistics_of_bfloat16_are_not_rounded_to_it(u, kind):
    coarse = u.bfloat16()
    found, exact = batch_statistics(coarse, kind, EPS), batch_statistics(coarse.double(), kind, EPS)
    torch.testing.assert_close(found.norm.double(), exact.norm, rtol=1e-3 if kind == "batch" else 1e-6, atol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_dead_channel_stays_finite(kind):
    u = torch.zeros(4, 2, 3, 3).requires_grad_()
    y = channel_norm(u, torch.ones(2), torch.zeros(2), kind, EPS)
    (du,) = torch.autograd.grad(y.sum(), u)
    assert y.isfinite().all()
    assert du.isfinite().all()
