"""The autoencoder: its gradients against autograd, its update against the plain one, its answer at test."""

import pytest
import torch
from torch.nn.functional import binary_cross_entropy

from dropnorm.networks.autoencoder import Autoencoder, squared_error
from dropnorm.training.fused_momentum import descend_layer
from dropnorm.training.momentum import momentum_step

SEEDS = [0, 1, 2]


@pytest.fixture
def net():
    net = Autoencoder(12, 7, torch.tensor([1.0, 0.5, 0.5]))
    net.initialise(SEEDS, [1.0, 1.0, 2.0], torch.device("cpu"))
    generator = torch.Generator().manual_seed(1)
    net.parameters = {
        name: (W + 0.1 * torch.randn(W.shape, generator=generator)).double() for name, W in net.parameters.items()
    }
    net.p = net.p.double()
    return net


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(2)
    x = torch.rand(3, 5, 12, generator=generator, dtype=torch.float64)
    return x, (torch.rand(3, 5, 7, generator=generator) < 0.5).double()


@pytest.mark.parametrize("loss", ["squared", "cross_entropy"])
@pytest.mark.parametrize("masked", [True, False])
def test_gradients_are_those_of_autograd(net, batch, loss, masked):
    x, r = batch
    W = {name: p.clone().requires_grad_() for name, p in net.parameters.items()}
    h = torch.relu(x @ W["W1"] + W["b1"])
    y = torch.sigmoid((h * r if masked else h) @ W["W2"] + W["b2"])
    total = ((y - x) ** 2).sum() / 2 if loss == "squared" else binary_cross_entropy(y, x, reduction="sum")
    expected = dict(zip(W, torch.autograd.grad(total / 5, list(W.values())), strict=True))
    errors = net.errors(x, r if masked else None, loss)
    for layer, read, delta in zip((1, 2), errors.read, errors.delta, strict=True):
        torch.testing.assert_close(read.mT @ delta, expected[f"W{layer}"])
        torch.testing.assert_close(delta.sum(1, keepdim=True), expected[f"b{layer}"])


def test_a_layer_descends_as_by_the_plain_update(net, batch):
    x, r = batch
    lr, l2 = (
        torch.tensor([0.1, 0.2, 0.3]).double().view(-1, 1, 1),
        torch.tensor([0.0, 0.1, 0.2]).double().view(-1, 1, 1),
    )
    W, b = net.parameters["W1"], net.parameters["b1"]
    plain = [W.clone(), b.clone()]
    v, plain_v = [torch.ones_like(W), torch.ones_like(b)], [torch.ones_like(W), torch.ones_like(b)]
    for step in range(3):
        delta = r + step
        gradients = [x.mT @ delta, delta.sum(1, keepdim=True)]
        momentum_step(plain, gradients, plain_v, momentum=0.9, learning_rates=[lr, lr], l2=[l2, 0 * l2])
        descend_layer(W, b, *v, x, delta, momentum=0.9, learning_rate=lr, l2=l2)
    torch.testing.assert_close(W, plain[0])
    torch.testing.assert_close(b, plain[1])


def test_at_test_the_code_is_scaled_by_p(net, batch):
    x, _ = batch
    for i, p in enumerate((1.0, 0.5, 0.5)):
        h = torch.relu(x[i] @ net.parameters["W1"][i] + net.parameters["b1"][i])
        y = torch.sigmoid(h @ (p * net.parameters["W2"][i]) + net.parameters["b2"][i])
        torch.testing.assert_close(net.reconstruct(x)[i], y)
        torch.testing.assert_close(squared_error(net.reconstruct(x), x)[i], ((y - x[i]) ** 2).sum(1))


def test_first_weights_have_the_spread_of_the_authors_code():
    net = Autoencoder(784, 256, torch.ones(2))
    net.initialise([0, 1], [1.0, 2.0], torch.device("cpu"))
    W1, W2 = net.parameters["W1"], net.parameters["W2"]
    assert W1.std((1, 2)).tolist() == pytest.approx([1 / 16, 2 / 16], rel=0.01)  # 256 units read the pixels
    assert W2.std((1, 2)).tolist() == pytest.approx([1 / 28, 2 / 28], rel=0.01)  # 784 read the units
    again = Autoencoder(784, 256, torch.tensor([0.5]))
    again.initialise([0], [1.0], torch.device("cpu"))
    assert torch.equal(again.parameters["W1"][0], W1[0])  # both arms of a seed start alike
