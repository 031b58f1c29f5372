"""Units, normalisation and their order against PyTorch's own layers, one replica at a time."""

import pytest
import torch
from torch import nn

from dropnorm.networks.ordered_mlp import OrderedMLP

CPU = torch.device("cpu")
SIZES = [6, 5, 4, 3]
UNITS = {"sigmoid": nn.Sigmoid, "relu": nn.ReLU, "elu": nn.ELU}
NORMS = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}
CHOICES = [(u, n, o) for u in UNITS for n in ("none", *NORMS) for o in ("before", "after")]


@pytest.fixture
def x():
    return torch.randn(2, 7, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def network(units, normalisation, order):
    """Two replicas in float64, every parameter moved away from its first value."""
    made = OrderedMLP(SIZES, units, normalisation, order)
    made.initialise([0, 1], [1.0, 1.0], CPU, he=True)
    g = torch.Generator().manual_seed(1)
    for name, p in made.parameters.items():
        moved = p.detach().double() + 0.3 * torch.randn(p.shape, generator=g, dtype=torch.float64)
        made.parameters[name] = moved.requires_grad_()
    return made


def of_pytorch(made, r, units, normalisation, order):
    """Replica r as a module of PyTorch's layers in training mode."""
    layers = []
    for layer, (n_in, n_out) in enumerate(zip(SIZES, SIZES[1:], strict=False), start=1):
        parts = [_filled(nn.Linear(n_in, n_out), made.parameters[f"W{layer}"][r].T, made.parameters[f"b{layer}"][r, 0])]
        if layer < made.depth:
            between = [UNITS[units]()]
            if normalisation != "none":
                gamma, beta = (made.parameters[f"{kind}{layer}"][r, 0] for kind in ("gamma", "beta"))
                between.insert(0 if order == "before" else 1, _filled(NORMS[normalisation](n_out), gamma, beta))
            parts += between
        layers += parts
    return nn.Sequential(*layers)


def _filled(module, weight, bias):
    module.double()
    module.weight.data, module.bias.data = weight.detach().clone(), bias.detach().clone()
    return module


@pytest.mark.parametrize(("units", "normalisation", "order"), CHOICES)
def test_logits_and_gradients_are_those_of_pytorch(x, units, normalisation, order):
    made = network(units, normalisation, order)
    logits = made.forward(x).logits
    names = list(made.parameters)
    mine = dict(
        zip(names, torch.autograd.grad(logits.square().sum(), [made.parameters[n] for n in names]), strict=True)
    )
    for r in range(2):
        theirs = of_pytorch(made, r, units, normalisation, order)
        expected = theirs(x[r])
        torch.testing.assert_close(logits[r], expected)
        expected.square().sum().backward()
        torch.testing.assert_close(mine["W1"][r], theirs[0].weight.grad.T)


@pytest.mark.parametrize("order", ["before", "after"])
def test_inference_uses_the_statistics_of_the_places_where_they_were_taken(x, order):
    made = network("relu", "batch", order)
    statistics = made.forward(x).statistics
    torch.testing.assert_close(made.forward(x, statistics).logits, made.forward(x).logits)
    alone = made.forward(x[:, :1], statistics).logits
    torch.testing.assert_close(alone, made.forward(x, statistics).logits[:, :1])


@pytest.mark.parametrize("normalisation", ["none", "layer"])
def test_without_batch_norm_an_example_is_alone(x, normalisation):
    made = network("elu", normalisation, "before")
    torch.testing.assert_close(made.forward(x[:, :1]).logits, made.forward(x).logits[:, :1])
    assert made.population_statistics(x) == []


def test_hidden_layers_are_what_the_next_one_reads(x):
    made = network("elu", "layer", "after")
    hidden = made.hidden(x)
    assert [h.shape[2] for h in hidden] == SIZES[1:-1]
    torch.testing.assert_close(made._dense(hidden[-1], made.depth), made.forward(x).logits)


def test_first_weights_are_in_units_of_he():
    wide = OrderedMLP([400, 300, 10], "relu", "none", "before")
    wide.initialise([0], [0.5], CPU, he=True)
    assert wide.parameters["W1"].std().item() == pytest.approx(0.5 * (2 / 400) ** 0.5, rel=0.02)
    assert wide.parameters["W2"].std().item() == pytest.approx(0.5 * (2 / 300) ** 0.5, rel=0.05)
    plain = OrderedMLP([400, 300, 10], "relu", "none", "before")
    plain.initialise([0], [0.5], CPU)
    assert plain.parameters["W1"].std().item() == pytest.approx(0.5, rel=0.02)
