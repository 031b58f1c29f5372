"""The restricted Boltzmann machine against its energy, state by state, and the direction of contrastive divergence."""

import itertools
from math import exp

import pytest
import torch

from dropnorm.networks.rbm import RBM, cd1_gradient, initial_rbm, sample

CPU = torch.device("cpu")


def machine(replicas, visible, hidden, seed=0):
    g = torch.Generator().manual_seed(seed)
    shapes = ((replicas, visible, hidden), (replicas, 1, visible), (replicas, 1, hidden))
    return RBM(*(torch.randn(s, generator=g, dtype=torch.float64) for s in shapes))


def states(n):
    return list(itertools.product([0, 1], repeat=n))


def probability_by_hand(rbm, v, h):
    """exp(v W h + a v + b h), written out for replica 0."""
    W, a, b = rbm.W[0], rbm.a[0, 0], rbm.b[0, 0]
    energy = sum(v[i] * W[i, j].item() * h[j] for i in range(len(v)) for j in range(len(h)))
    biases = sum(x * y.item() for x, y in [*zip(v, a, strict=True), *zip(h, b, strict=True)])
    return exp(energy + biases)


@pytest.mark.parametrize("r", [(1, 1), (1, 0), (0, 0)])
def test_conditionals_are_those_of_the_energy(r):
    rbm = machine(1, 3, 2)
    allowed = [h for h in states(2) if all(x <= y for x, y in zip(h, r, strict=True))]
    mask = torch.tensor(r, dtype=torch.float64).view(1, 1, 2)
    for v in states(3):
        total = sum(probability_by_hand(rbm, v, h) for h in allowed)
        on = [sum(probability_by_hand(rbm, v, h) for h in allowed if h[j]) / total for j in range(2)]
        found = rbm.hidden_probability(torch.tensor(v, dtype=torch.float64).view(1, 1, 3), mask)
        assert found.flatten().tolist() == pytest.approx(on, abs=1e-14)
    for h in allowed:
        total = sum(probability_by_hand(rbm, v, h) for v in states(3))
        on = [sum(probability_by_hand(rbm, v, h) for v in states(3) if v[i]) / total for i in range(3)]
        found = rbm.visible_probability(torch.tensor(h, dtype=torch.float64).view(1, 1, 2))
        assert found.flatten().tolist() == pytest.approx(on, abs=1e-14)


def test_one_step_written_out():
    rbm, v = machine(1, 3, 2), torch.tensor([[[0.2, 1.0, 0.0], [0.5, 0.5, 1.0]]], dtype=torch.float64)
    uniform = torch.tensor([[[0.3, 0.9], [0.6, 0.1]]], dtype=torch.float64)
    r = torch.tensor([[[1.0, 0.0], [1.0, 1.0]]], dtype=torch.float64)
    W, a, b = rbm.W[0], rbm.a[0, 0], rbm.b[0, 0]
    expected_W, expected_a, expected_b = torch.zeros(3, 2).double(), torch.zeros(3).double(), torch.zeros(2).double()
    for n in range(2):
        h = torch.sigmoid(v[0, n] @ W + b) * r[0, n]
        v_model = torch.sigmoid(W @ (uniform[0, n] < h).double() + a)
        h_model = torch.sigmoid(v_model @ W + b) * r[0, n]
        expected_W += (torch.outer(v_model, h_model) - torch.outer(v[0, n], h)) / 2
        expected_a += (v_model - v[0, n]) / 2
        expected_b += (h_model - h) / 2
    found = cd1_gradient(rbm, v, uniform, r)
    torch.testing.assert_close(found.W[0], expected_W)
    torch.testing.assert_close(found.a[0, 0], expected_a)
    torch.testing.assert_close(found.b[0, 0], expected_b)


def test_a_unit_that_is_not_retained_learns_nothing_and_tells_nothing():
    rbm, g = machine(2, 5, 4), torch.Generator().manual_seed(1)
    v, uniform = torch.rand(2, 7, 5, generator=g).double(), torch.rand(2, 7, 4, generator=g).double()
    r = torch.ones(2, 7, 4).double()
    r[..., 2] = 0
    gradient = cd1_gradient(rbm, v, uniform, r)
    assert gradient.W[:, :, 2].abs().max() == 0 and gradient.b[..., 2].abs().max() == 0
    keep = [0, 1, 3]
    smaller = cd1_gradient(RBM(rbm.W[:, :, keep], rbm.a, rbm.b[..., keep]), v, uniform[..., keep])
    torch.testing.assert_close(gradient.W[:, :, keep], smaller.W)
    torch.testing.assert_close(gradient.a, smaller.a)


def test_a_step_down_the_gradient_makes_the_data_more_probable():
    """On states that can all be listed: log P(data) under the machine grows."""
    v = torch.tensor([[[1.0, 1, 0, 0], [0, 0, 1, 1]]], dtype=torch.float64)
    rbm, g = machine(1, 4, 3, seed=2), torch.Generator().manual_seed(3)

    def log_weight(rbm, x):
        return x @ rbm.a[0, 0] + torch.nn.functional.softplus(x @ rbm.W[0] + rbm.b[0, 0]).sum(1)

    def log_likelihood(rbm):
        every = torch.tensor(states(4), dtype=torch.float64)
        return (log_weight(rbm, v[0]).mean() - torch.logsumexp(log_weight(rbm, every), 0)).item()

    before = log_likelihood(rbm)
    for _ in range(300):
        gradient = cd1_gradient(rbm, v, torch.rand(1, 2, 3, generator=g).double())
        rbm = RBM(*(t - 0.1 * d for t, d in zip(rbm, gradient, strict=True)))
    assert log_likelihood(rbm) > before + 1
    assert log_likelihood(rbm) > -1.5  # two patterns: log(1/2) is the best there is


def test_samples_have_the_probability_asked_for():
    u = torch.rand(200_000, generator=torch.Generator().manual_seed(0))
    for p in (0.0, 0.3, 1.0):
        assert sample(torch.full_like(u, p), u).mean().item() == pytest.approx(p, abs=5e-3)


def test_first_weights_are_those_of_the_seed_alone():
    stack, alone = initial_rbm([3, 4, 5], 6, 2, 0.5, CPU), initial_rbm([4], 6, 2, 0.5, CPU)
    assert torch.equal(stack.W[1], alone.W[0])
    assert not torch.equal(stack.W[1], initial_rbm([4], 6, 2, 0.5, CPU, layer=2).W[0])
    assert initial_rbm([0], 300, 300, 0.5, CPU).W.std().item() == pytest.approx(0.5, rel=0.02)
    assert alone.a.abs().max() == 0 and alone.b.abs().max() == 0
