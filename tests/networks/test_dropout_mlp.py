"""The perceptron with dropout against its equations written out, and its two forms against each other."""

import pytest
import torch

from dropnorm.networks.dropout_mlp import DropoutMLP
from dropnorm.training.streams import stream

CPU = torch.device("cpu")
SIZES, SEEDS = [6, 5, 4, 3], [0, 1]


def net(form="paper", p=((0.8, 0.5, 0.5), (0.9, 0.7, 0.6))):
    retain = [torch.tensor(column, dtype=torch.float64) for column in zip(*p, strict=True)]
    made = DropoutMLP(SIZES, retain, form, torch.float64)
    made.initialise(SEEDS, [0.5, 1.0], CPU)
    return made


@pytest.fixture
def x():
    return torch.randn(2, 7, 6, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def test_training_is_the_paper_s_equations(x):
    made = net()
    masks = made.draw_masks(7, [stream(s, "masks") for s in SEEDS])
    W = {name: p.detach() for name, p in made.parameters.items()}
    for i in range(2):
        y = x[i]
        for layer in (1, 2, 3):
            y = (masks[layer - 1][i] * y) @ W[f"W{layer}"][i] + W[f"b{layer}"][i]
            y = y.clamp(min=0) if layer < 3 else y
        torch.testing.assert_close(made.forward(x, masks)[i].detach(), y)


def test_test_scales_the_weights_of_each_layer_by_its_own_p(x):
    made = net()
    for i, p in enumerate(((0.8, 0.5, 0.5), (0.9, 0.7, 0.6))):
        y = x[i]
        for layer in (1, 2, 3):
            y = y @ (p[layer - 1] * made.parameters[f"W{layer}"][i].detach())
            y = y.clamp(min=0) if layer < 3 else y
        torch.testing.assert_close(made.forward(x)[i].detach(), y)


def test_both_forms_start_as_the_same_network_in_training_and_at_test(x):
    paper, inverted = net(), net("inverted")
    masks = paper.draw_masks(7, [stream(s, "masks") for s in SEEDS])
    torch.testing.assert_close(paper.forward(x, masks), inverted.forward(x, masks))
    torch.testing.assert_close(paper.forward(x), inverted.forward(x))
    torch.testing.assert_close(inverted.parameters["W1"][1], 0.9 * paper.parameters["W1"][1])


def test_masks_differ_between_examples_and_layers(x):
    masks = net().draw_masks(7, [stream(s, "masks") for s in SEEDS])
    assert [m.shape for m in masks] == [(2, 7, 6), (2, 7, 5), (2, 7, 4)]
    assert not torch.equal(masks[0][0, 0], masks[0][0, 1])


def test_every_layer_needs_its_p():
    with pytest.raises(ValueError, match="3 layers need 3"):
        DropoutMLP(SIZES, [torch.ones(1)] * 2)
