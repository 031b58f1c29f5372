"""Momentum as in the released code, against torch's own and by hand."""

import pytest
import torch

from dropnorm.training.momentum import inverse_decay, momentum_at, momentum_step


def ones(value, replicas=1):
    return torch.full((replicas, 1, 1), value, dtype=torch.float64)


def test_agrees_with_torch_s_sgd_with_momentum_and_weight_decay():
    generator = torch.Generator().manual_seed(0)
    W = torch.randn(1, 4, 3, generator=generator, dtype=torch.float64)
    theirs = W.clone().requires_grad_()
    optimiser = torch.optim.SGD([theirs], lr=0.1, momentum=0.9, weight_decay=0.01)
    v = torch.zeros_like(W)
    for _ in range(20):
        g = torch.randn(W.shape, generator=generator, dtype=torch.float64)
        theirs.grad = g.clone()
        optimiser.step()
        momentum_step([W], [g], [v], momentum=0.9, learning_rates=[ones(0.1)], l2=[ones(0.01)])
    torch.testing.assert_close(W, theirs.detach())


def test_two_steps_by_hand_with_a_rate_for_each_replica():
    W, v = torch.ones(2, 1, 1, dtype=torch.float64), torch.zeros(2, 1, 1, dtype=torch.float64)
    rates = torch.tensor([0.1, 1.0], dtype=torch.float64).view(2, 1, 1)
    for _ in range(2):
        momentum_step([W], [torch.ones_like(W)], [v], momentum=0.5, learning_rates=[rates], l2=[ones(0.0, 2)])
    # velocities 1, 1.5: moves of rate * 2.5
    torch.testing.assert_close(W.flatten(), torch.tensor([0.75, -1.5], dtype=torch.float64))


def test_schedules():
    assert momentum_at(0, 0.5, 0.95, 100) == 0.5
    assert momentum_at(100, 0.5, 0.95, 100) == pytest.approx(0.95 - 0.45 / 2.718281828459045)
    assert momentum_at(10**6, 0.5, 0.95, 100) == pytest.approx(0.95)
    assert [inverse_decay(t, 500) for t in (0, 500, 1500)] == [1, 0.5, 0.25]
