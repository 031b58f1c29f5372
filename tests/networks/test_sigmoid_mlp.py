"""The sigmoid network against torch.nn, written the usual way."""

import pytest
import torch
from torch import nn

from dropnorm.networks.sigmoid_mlp import SigmoidMLP

CPU = torch.device("cpu")


def _twin(network: SigmoidMLP, replica: int) -> nn.Sequential:
    """The same network in torch.nn, with the weights of one replica."""
    layers = []
    for i, (n_in, n_out) in enumerate(zip(network.sizes, network.sizes[1:], strict=False), start=1):
        linear = nn.Linear(n_in, n_out)
        linear.weight.data = network.parameters[f"W{i}"][replica].detach().T.clone()
        linear.bias.data = network.parameters[f"b{i}"][replica, 0].detach().clone()
        layers.append(linear)
        if i < network.depth:
            if network.batch_normalised:
                linear.bias.data.zero_()
                norm = nn.BatchNorm1d(n_out)
                norm.bias.data = network.parameters[f"b{i}"][replica, 0].detach().clone()
                layers.append(norm)
            layers.append(nn.Sigmoid())
    return nn.Sequential(*layers)


@pytest.mark.parametrize("batch_normalised", [False, True])
def test_agrees_with_torch_nn(batch_normalised):
    network = SigmoidMLP([20, 8, 8, 10], batch_normalised)
    network.initialise([0, 1], [0.5, 0.5], CPU)
    x = torch.randn(2, 16, 20, generator=torch.Generator().manual_seed(1))
    out = network.forward(x)
    for r in range(2):
        torch.testing.assert_close(out.logits[r], _twin(network, r)(x[r]), rtol=1e-4, atol=1e-5)


def test_initial_weights_are_gaussian_and_paired_between_arms():
    plain, normalised = SigmoidMLP([784, 100, 10], False), SigmoidMLP([784, 100, 10], True)
    for network in (plain, normalised):
        network.initialise([3, 4], [0.055, 0.1], CPU)
    W = plain.parameters["W1"]
    assert torch.equal(W, normalised.parameters["W1"])
    assert W[0].std().item() == pytest.approx(0.055, rel=0.01)
    assert W[1].std().item() == pytest.approx(0.1, rel=0.01)
    assert not torch.equal(W[0] / 0.055, W[1] / 0.1)
    assert plain.parameters["b1"].abs().sum() == 0


def test_layers_of_one_shape_start_from_different_weights():
    network = SigmoidMLP([8, 8, 8], False)
    network.initialise([0], [1.0], CPU)
    assert not torch.equal(network.parameters["W1"], network.parameters["W2"])


def test_inference_with_the_batch_s_own_statistics_is_the_training_network():
    network = SigmoidMLP([20, 8, 10], True)
    network.initialise([0], [0.5], CPU)
    x = torch.randn(1, 60, 20)
    trained = network.forward(x)
    fixed = network.forward(x, trained.statistics)
    torch.testing.assert_close(trained.logits, fixed.logits, rtol=1e-5, atol=1e-5)
    assert fixed.statistics == []


def test_population_statistics_average_the_mini_batches():
    network = SigmoidMLP([20, 8, 8, 10], True)
    network.initialise([0, 1], [0.5, 0.5], CPU)
    batches = torch.randn(5, 60, 20)
    population = network.population_statistics(batches)
    first = [network.forward(x.expand(2, -1, -1)).statistics[0] for x in batches]
    torch.testing.assert_close(population[0].mean, torch.stack([s.mean for s in first]).mean(0))
    torch.testing.assert_close(population[0].var, torch.stack([s.var for s in first]).mean(0) * 60 / 59)
    assert len(population) == 2
