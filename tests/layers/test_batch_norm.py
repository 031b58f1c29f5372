"""Batch normalization against torch's own, finite differences, and the paper's formulas written out."""

import numpy as np
import torch

from dropnorm.layers.batch_norm import (
    Statistics,
    batch_norm,
    batch_norm_inference,
    batch_statistics,
    population_statistics,
    update_moving_average,
)

EPS = 1e-5


def _random(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_agrees_with_torch_in_value_and_gradient():
    replicas, m, units = 3, 60, 100
    u = (2 * _random(replicas, m, units) + 0.7).requires_grad_()
    gamma = (1 + 0.3 * _random(replicas, 1, units, seed=1)).requires_grad_()
    beta = _random(replicas, 1, units, seed=2).requires_grad_()
    dy = _random(replicas, m, units, seed=3)
    y, _ = batch_norm(u, gamma, beta, EPS)
    ours = torch.autograd.grad((y * dy).sum(), (u, gamma, beta))
    for r in range(replicas):
        theirs = torch.nn.BatchNorm1d(units, eps=EPS)
        with torch.no_grad():
            theirs.weight.copy_(gamma[r, 0])
            theirs.bias.copy_(beta[r, 0])
        x = u[r].detach().requires_grad_()
        out = theirs(x)
        expected = torch.autograd.grad((out * dy[r]).sum(), (x, theirs.weight, theirs.bias))
        for mine, other in [(y, out), *zip(ours, expected, strict=True)]:
            scale = other.detach().abs().max()  # float32 resolves 1e-7 of it
            torch.testing.assert_close(mine[r].view_as(other) / scale, other / scale, rtol=0, atol=1e-6)


def test_gradient_agrees_with_finite_differences():
    shapes = ((2, 7, 3), (2, 1, 3), (2, 1, 3))
    inputs = [_random(*s, seed=i, dtype=torch.float64).requires_grad_() for i, s in enumerate(shapes)]
    assert torch.autograd.gradcheck(lambda u, gamma, beta: batch_norm(u, gamma, beta, EPS)[0], inputs)


def test_statistics_are_those_of_algorithm_1():
    u = _random(2, 5, 4, dtype=torch.float64).numpy()
    mean, var = batch_statistics(torch.from_numpy(u))
    np.testing.assert_allclose(mean, u.mean(1, keepdims=True), rtol=1e-12)
    np.testing.assert_allclose(var, u.var(1, keepdims=True), rtol=1e-12)  # biased: divided by m


def test_statistics_do_not_cancel_far_from_zero():
    """E[u^2] - E[u]^2 would lose every digit here."""
    u = 1e4 + _random(1, 60, 1)
    reference = u.double().var(1, correction=0)
    assert abs(batch_statistics(u).var.item() / reference.item() - 1) < 1e-2


def test_population_statistics_use_the_unbiased_factor():
    m = 4
    batches = [_random(1, m, 3, seed=i, dtype=torch.float64) for i in range(5)]
    per_batch = [batch_statistics(u) for u in batches]
    stacked = Statistics(*(torch.stack([getattr(s, f) for s in per_batch]) for f in ("mean", "var")))
    population = population_statistics(stacked, m)
    unbiased = np.mean([u.numpy().var(1, ddof=1, keepdims=True) for u in batches], axis=0)
    np.testing.assert_allclose(population.var, unbiased, rtol=1e-12)
    np.testing.assert_allclose(population.mean, np.mean([u.numpy().mean(1, keepdims=True) for u in batches], axis=0))


def test_inference_does_not_depend_on_the_rest_of_the_batch():
    statistics = Statistics(_random(1, 1, 3), _random(1, 1, 3, seed=1) ** 2)
    gamma, beta, u = torch.ones(1, 1, 3), torch.zeros(1, 1, 3), _random(1, 8, 3, seed=2)
    whole = batch_norm_inference(u, gamma, beta, statistics, EPS)
    alone = batch_norm_inference(u[:, :1], gamma, beta, statistics, EPS)
    torch.testing.assert_close(whole[:, :1], alone, rtol=0, atol=1e-7)
    expected = (u - statistics.mean) / torch.sqrt(statistics.var + EPS)
    torch.testing.assert_close(whole, expected, rtol=1e-5, atol=1e-5)


def test_moving_average_follows_torch():
    theirs = torch.nn.BatchNorm1d(5, momentum=0.01)  # torch's momentum is the weight of the new batch
    ours = Statistics(torch.zeros(1, 1, 5), torch.ones(1, 1, 5))
    for i in range(20):
        u = 3 * _random(1, 60, 5, seed=i) + 1
        theirs(u[0])
        update_moving_average(ours, batch_statistics(u), 0.99, 60)
    torch.testing.assert_close(ours.mean[0, 0], theirs.running_mean, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(ours.var[0, 0], theirs.running_var, rtol=1e-5, atol=1e-6)
