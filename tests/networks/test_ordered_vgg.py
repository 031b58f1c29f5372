"""VGG nets against torch.nn: units, norms and their places, ghost statistics, inference, noise on what layers read."""

import pytest
import torch
from torch import nn

from dropnorm.networks.ordered_vgg import FUNCTIONS, OrderedVGG

CPU = torch.device("cpu")
BLOCKS = [[4], [8, 8]]
UNITS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "elu": nn.ELU}
SMALL = torch.randn(6, 3, 4, 4, generator=torch.Generator().manual_seed(1))  # two poolings make 1x1 of a picture


def net(units="relu", normalisation="batch", order="before", **k):
    """A net and parameters whose scales, shifts and biases are not trivial."""
    made = OrderedVGG(BLOCKS, units, normalisation, order, groups=4, **k)
    p, g = made.initialise(3, "he", CPU), torch.Generator().manual_seed(5)
    for name, tensor in p.items():
        if not name.startswith("W"):
            tensor.data.copy_(torch.rand(tensor.shape, generator=g) + (name[0] == "g"))
    return made, p


def twin(made, p):
    """The same net of torch's own layers, in training mode."""
    layers = []
    for layer in made.layers:
        n = layer.number
        with_bias = made.normalisation == "none" or made.order == "after"
        conv = nn.Conv2d(layer.n_in, layer.n_out, 3, padding=1, bias=with_bias)
        conv.weight.data = p[f"W{n}"].detach()
        if with_bias:
            conv.bias.data = p[f"b{n}"].detach()
        norm = {
            "none": nn.Identity,
            "batch": lambda n_out=layer.n_out: nn.BatchNorm2d(n_out),
            "group": lambda n_out=layer.n_out: nn.GroupNorm(4, n_out),
        }[made.normalisation]()
        if made.normalised:
            norm.weight.data = p[f"gamma{n}"].detach()
            norm.bias.data = p[f"{'b' if made.order == 'before' else 'beta'}{n}"].detach()
        unit = next(unit() for name, unit in UNITS.items() if made.f is FUNCTIONS[name])
        layers += [conv, *((norm, unit) if made.order == "before" else (unit, norm))]
        layers += [nn.MaxPool2d(2)] if layer.pool else []
    last = nn.Linear(8, 10)
    last.weight.data, last.bias.data = p[f"W{made.last}"].detach(), p[f"b{made.last}"].detach()
    return nn.Sequential(*layers, nn.Flatten(), last)


def answers(made, p, x, **k):
    return made.forward(p, x, **k).logits


@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize("normalisation", ["none", "batch", "group"])
@pytest.mark.parametrize("units", UNITS)
def test_it_is_the_net_of_torch(units, normalisation, order):
    made, p = net(units, normalisation, order)
    ours, theirs = answers(made, p, SMALL), twin(made, p)(SMALL)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("order", ["before", "after"])
def test_with_stored_statistics_it_is_torch_in_inference_mode(order):
    made, p = net(order=order)
    statistics = made.population_statistics(p, [SMALL])
    theirs = twin(made, p)
    for module in theirs:
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0  # keep this mini-batch's statistics, the variance with m / (m - 1)
    theirs(SMALL)
    ours = answers(made, p, SMALL[:1], statistics=statistics)
    torch.testing.assert_close(ours, theirs.eval()(SMALL[:1]), rtol=1e-4, atol=1e-5)


def test_ghosts_are_mini_batches_of_their_own():
    made, p = net(ghost=2)
    whole, _ = net()
    apart = torch.cat([answers(whole, p, part) for part in SMALL.split(2)])
    torch.testing.assert_close(answers(made, p, SMALL), apart)
    assert not torch.allclose(answers(whole, p, SMALL), apart, atol=1e-2)


def test_group_norm_knows_no_other_picture_and_stores_nothing():
    made, p = net(normalisation="group")
    torch.testing.assert_close(answers(made, p, SMALL)[:1], answers(made, p, SMALL[:1]))
    assert made.population_statistics(p, [SMALL]) is None


def test_a_norm_behind_the_units_has_a_beta_of_its_own():
    before, after = (set(net(order=order)[1]) for order in ("before", "after"))
    assert after - before == {"beta1", "beta2", "beta3"} and before < after


def test_noise_goes_on_what_each_layer_reads():
    made, p = net(normalisation="none")
    seen = {}

    def noise(x, layer):
        seen[layer] = x.shape[1]
        return 0 * x if layer == 2 else x

    doubled = answers(made, p, SMALL, noise=noise)
    assert seen == {1: 3, 2: 4, 3: 8, 4: 8}
    assert torch.equal(doubled[0], doubled[1])  # nothing of the picture gets through layer 2


def test_statistics_kept_are_those_before_the_norm():
    made, p = net(order="before")
    (first, *_) = made.forward(p, SMALL, keep_statistics=True).statistics
    u = nn.functional.conv2d(SMALL, p["W1"], padding=1)
    torch.testing.assert_close(first.mean, u.mean((0, 2, 3)), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(first.norm**2, u.var((0, 2, 3), correction=0) + 1e-5, rtol=1e-4, atol=1e-5)
