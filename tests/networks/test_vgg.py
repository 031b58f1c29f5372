"""The VGG net beside torch.nn, its numbering, its inference network, and products in bfloat16."""

import pytest
import torch
from torch import nn

from dropnorm.networks import vgg
from dropnorm.networks.vgg import VGG

CPU = torch.device("cpu")
BLOCKS = [[4, 4], [4], [6], [6, 8], [8]]


def make(normalisation, hidden=()):
    net = VGG(BLOCKS, hidden, normalisation, 1e-5)
    return net, net.initialise(0, "glorot_uniform", CPU)


def usual(net, parameters):
    """The same net of torch.nn modules, with the same numbers."""
    modules = []
    for layer in net.layers:
        conv = nn.Conv2d(layer.n_in, layer.n_out, layer.kernel, padding=layer.kernel // 2, bias=not net.normalised)
        conv.weight.data.copy_(parameters[f"W{layer.number}"])
        if conv.bias is not None:
            conv.bias.data.zero_()
        modules.append(conv)
        if net.normalised:
            norm = nn.BatchNorm2d(layer.n_out)
            norm.weight.data.copy_(parameters[f"gamma{layer.number}"])
            modules.append(norm)
        modules.append(nn.ReLU())
        if layer.pool:
            modules.append(nn.MaxPool2d(2))
    last = nn.Linear(net.features, 10)
    last.weight.data.copy_(parameters[f"W{net.last}"])
    last.bias.data.zero_()
    return nn.Sequential(*modules, nn.Flatten(), last)


@pytest.fixture
def x():
    return torch.randn(6, 3, 32, 32, generator=torch.Generator().manual_seed(0)).contiguous(
        memory_format=torch.channels_last
    )


@pytest.mark.parametrize("normalisation", ["none", "batch"])
@pytest.mark.parametrize("hidden", [(), (12,)])
def test_it_computes_what_the_usual_modules_compute(x, normalisation, hidden):
    net, parameters = make(normalisation, hidden)
    output = net.forward(parameters, x)
    torch.testing.assert_close(output.logits, usual(net, parameters)(x), rtol=1e-4, atol=1e-4)


def test_layers_are_numbered_from_one_convolutions_first():
    net, parameters = make("batch", (12,))
    assert [layer.number for layer in net.layers] == list(range(1, 9))
    assert [layer.number for layer in net.layers if layer.pool] == [2, 3, 4, 6, 7]
    assert net.last == 9
    assert parameters["W8"].shape == (12, 8, 1, 1)
    assert parameters["W9"].shape == (10, 12)


def test_first_weights_are_glorot_s_and_shared_by_all_nets_of_a_seed():
    _, plain = make("none")
    _, normalised = make("batch")
    assert torch.equal(plain["W3"], normalised["W3"])
    bound = (6 / (4 * 9 + 4 * 9)) ** 0.5
    assert 0.9 * bound < plain["W3"].abs().max() <= bound
    large = vgg._draw((64, 64, 3, 3), "glorot_normal", torch.Generator().manual_seed(0))
    assert large.var().item() == pytest.approx(2 / (2 * 64 * 9), rel=0.02)
    he = vgg._draw((64, 64, 3, 3), "he", torch.Generator().manual_seed(0))
    assert he.var().item() == pytest.approx(2 / (64 * 9), rel=0.02)


def test_watched_activations_are_what_goes_into_the_relu(x):
    net, parameters = make("batch")
    watched = net.forward(parameters, x, watched=[1, 3]).activations
    assert set(watched) == {1, 3}
    assert watched[1].mean((0, 2, 3)).abs().max() < 1e-5
    assert watched[3].var((0, 2, 3), correction=0).tolist() == pytest.approx([1] * 4, abs=1e-2)


def test_noise_is_put_behind_the_norm_and_before_the_relu(x):
    net, parameters = make("batch")
    output = net.forward(parameters, x, noise=lambda u, layer: u + layer, watched=[1, 2])
    assert output.activations[2].mean().item() == pytest.approx(2, abs=1e-4)


@pytest.mark.parametrize("normalisation", ["batch", "l1", "l2", "linf"])
def test_population_statistics_of_equal_batches_give_the_training_network_back(x, normalisation):
    net, parameters = make(normalisation)
    statistics = net.population_statistics(parameters, [x, x])
    trained, inferred = net.forward(parameters, x), net.forward(parameters, x, statistics=statistics)
    # Batch norm's variance carries the factor m / (m - 1): close where m is large, 20 % where m is 6.
    tolerance = 0.35 if normalisation == "batch" else 1e-4
    torch.testing.assert_close(inferred.logits, trained.logits, rtol=tolerance, atol=tolerance)


def test_the_unbiased_factor_counts_positions(x):
    net, parameters = make("batch")
    (first, *_) = net.population_statistics(parameters, [x])
    u = torch.nn.functional.conv2d(x, parameters["W1"], padding=1)
    torch.testing.assert_close(first.norm, (u.var((0, 2, 3), correction=1) + 1e-5).sqrt(), rtol=1e-5, atol=1e-6)
    (*_, last) = net.population_statistics(parameters, [x])
    kept = net.forward(parameters, x, keep_statistics=True).statistics[-1]
    # The last convolution sees 2x2 positions of 6 examples.
    torch.testing.assert_close(last.norm.square() - 1e-5, (kept.norm.square() - 1e-5) * 24 / 23, rtol=1e-4, atol=1e-6)


def test_no_norm_has_no_population_statistics(x):
    net, parameters = make("none")
    assert net.population_statistics(parameters, [x]) is None


def test_rounded_operands_give_what_the_processor_s_bfloat16_gives(x, monkeypatch):
    W = torch.randn(8, 3, 3, 3, generator=torch.Generator().manual_seed(1))
    exact = torch.nn.functional.conv2d(x, W, padding=1)
    found = {}
    for native in (True, False):
        monkeypatch.setattr(vgg, "_has_bfloat16", lambda _, native=native: native)
        found[native] = vgg._convolve_bfloat16(x, W, None, 1)
        assert found[native].dtype == torch.bfloat16
        torch.testing.assert_close(found[native].float(), exact, rtol=0.02, atol=0.1)
    # Sums in another order now and then round to the neighbouring number.
    different = (found[True] != found[False]).float().mean()
    assert different < 0.02
    torch.testing.assert_close(found[True], found[False], rtol=0.01, atol=0.01)


@pytest.mark.parametrize("normalisation", ["none", "batch", "l1", "l2", "linf"])
def test_the_gradient_with_bfloat16_products_points_the_same_way(x, normalisation):
    net, parameters = make(normalisation)
    labels = torch.arange(6)
    gradients = {}
    for products in ("float32", "bfloat16"):
        logits = net.forward(parameters, x, products=products).logits
        assert logits.dtype == torch.float32
        loss = torch.nn.functional.cross_entropy(logits, labels)
        grads = torch.autograd.grad(loss, list(parameters.values()))
        gradients[products] = torch.cat([g.flatten() for g in grads])
    assert not torch.equal(gradients["float32"], gradients["bfloat16"])
    assert torch.nn.functional.cosine_similarity(*gradients.values(), dim=0) > 0.9
