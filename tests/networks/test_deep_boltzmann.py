"""Stacks of machines: doubled weights, and mean-field means against states that are all listed."""

import itertools

import pytest
import torch

from dropnorm.networks.deep_boltzmann import Layer, joined_bias, layers, mean_field
from dropnorm.networks.rbm import RBM, cd1_gradient


def machine(visible, hidden, seed, scale=1.0, replicas=2):
    g = torch.Generator().manual_seed(seed)
    shapes = ((replicas, visible, hidden), (replicas, 1, visible), (replicas, 1, hidden))
    return RBM(*(scale * torch.randn(s, generator=g, dtype=torch.float64) for s in shapes))


def test_a_deep_belief_net_is_made_of_plain_machines_and_a_deep_machine_of_doubled_ones():
    first, second = machine(4, 3, 0), machine(3, 5, 1)
    v, h, top = (torch.rand(2, 6, n).double() for n in (4, 3, 5))
    plain = layers("dbn", [first, second])
    torch.testing.assert_close(plain[0].hidden_probability(v), first.hidden_probability(v))
    torch.testing.assert_close(
        plain[1].visible_probability(h.new_ones(2, 6, 5)), second.visible_probability(h.new_ones(2, 6, 5))
    )
    below, above = layers("dbm", [first, second])
    doubled = first._replace(W=2 * first.W)
    torch.testing.assert_close(below.hidden_probability(v), doubled.hidden_probability(v))
    torch.testing.assert_close(below.visible_probability(h), first.visible_probability(h))
    torch.testing.assert_close(above.hidden_probability(h), second.hidden_probability(h))
    torch.testing.assert_close(above.visible_probability(top), second._replace(W=2 * second.W).visible_probability(top))


def test_contrastive_divergence_reads_the_layer_s_own_conditionals():
    rbm, g = machine(4, 3, 2), torch.Generator().manual_seed(5)
    v, u = torch.rand(2, 6, 4, generator=g).double(), torch.rand(2, 6, 3, generator=g).double()
    found = cd1_gradient(Layer(rbm, up=2), v, u)
    h = torch.sigmoid(2 * v @ rbm.W + rbm.b)
    v_model = torch.sigmoid((u < h).double() @ rbm.W.mT + rbm.a)
    h_model = torch.sigmoid(2 * v_model @ rbm.W + rbm.b)
    torch.testing.assert_close(found.W, (v_model.mT @ h_model - v.mT @ h) / 6)


def listed_means(first, second, v):
    """E[h1 | v] and E[h2 | v] for replica 0, summed over all states of both layers."""
    W1, W2, b, c = first.W[0], second.W[0], joined_bias(first, second)[0, 0], second.b[0, 0]
    total, m1, m2 = 0.0, torch.zeros(len(b)).double(), torch.zeros(len(c)).double()
    for h1 in itertools.product([0.0, 1.0], repeat=len(b)):
        for h2 in itertools.product([0.0, 1.0], repeat=len(c)):
            x, y = torch.tensor(h1).double(), torch.tensor(h2).double()
            weight = torch.exp(v @ W1 @ x + x @ W2 @ y + b @ x + c @ y)
            total, m1, m2 = total + weight, m1 + weight * x, m2 + weight * y
    return m1 / total, m2 / total


@pytest.mark.parametrize(("scale", "tolerance"), [(0.0, 1e-12), (0.3, 2e-2)])
def test_mean_field_is_near_the_listed_means_where_layers_are_weakly_coupled(scale, tolerance):
    first, second = machine(3, 3, 3), machine(3, 2, 4)
    second = second._replace(W=scale * second.W)
    v = torch.rand(2, 1, 3, generator=torch.Generator().manual_seed(6)).double()
    mu, top = mean_field(first, second, v, 50)
    for found, listed in zip((mu[0, 0], top[0, 0]), listed_means(first, second, v[0, 0]), strict=True):
        torch.testing.assert_close(found, listed, atol=tolerance, rtol=0)


def test_mean_field_ends_at_its_own_equations_and_each_replica_at_its_own():
    first, second = machine(5, 4, 7, 0.5), machine(4, 6, 8, 0.5)
    v = torch.rand(2, 9, 5, generator=torch.Generator().manual_seed(9)).double()
    mu, top = mean_field(first, second, v, 100)
    torch.testing.assert_close(mu, torch.sigmoid(v @ first.W + top @ second.W.mT + (first.b + second.a) / 2))
    torch.testing.assert_close(top, torch.sigmoid(mu @ second.W + second.b))
    alone = mean_field(*(RBM(*(t[1:] for t in rbm)) for rbm in (first, second)), v[1:], 100)
    torch.testing.assert_close(alone[1][0], top[1])
