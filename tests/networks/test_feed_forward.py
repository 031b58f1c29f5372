"""The networks of the dropout paper: written-out gradients against autograd, each kind of unit and noise, stacks."""

import pytest
import torch
from torch.nn.functional import cross_entropy as torch_cross_entropy

from dropnorm.experiments.dropout_classification import cross_entropy
from dropnorm.networks.feed_forward import FeedForward
from dropnorm.training.streams import stream

CPU = torch.device("cpu")
SIZES, SEEDS = [6, 5, 4, 3], [0, 1]
P = ((0.8, 0.9), (0.5, 0.7), (0.5, 0.6))  # by layer, for two replicas


def net(noise="bernoulli", units="relu", pieces=1, product=torch.float64, seeds=SEEDS, replicas=slice(None)):
    retain = [torch.tensor(p, dtype=torch.float64)[replicas] for p in P]
    made = FeedForward(SIZES, retain, noise=noise, units=units, pieces=pieces, product=product)
    made.initialise(seeds, [0.5] * len(seeds), CPU)
    for name, b in made.parameters.items():
        if name.startswith("b"):  # biases start at 0: give them values, so that a forgotten one is seen
            b.copy_(torch.linspace(-0.3, 0.4, b.numel()).view(b.shape))
    made.round()
    return made


@pytest.fixture
def x():
    return torch.rand(2, 7, 6, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


@pytest.fixture
def labels():
    return torch.randint(3, (2, 7), generator=torch.Generator().manual_seed(4))


def reference(parameters, x, r, units, pieces):
    """One replica, equation by equation (section 4)."""
    y, depth = x, len(SIZES) - 1
    for layer in range(1, depth + 1):
        y = y if r[layer - 1] is None else r[layer - 1] * y
        z = y @ parameters[f"W{layer}"] + parameters[f"b{layer}"]
        if layer == depth:
            return z
        if units == "maxout":
            y = torch.stack([z[:, piece::pieces] for piece in range(pieces)]).amax(0)
        else:
            y = {"relu": lambda z: z.clamp(min=0), "logistic": lambda z: 1 / (1 + (-z).exp())}[units](z)


@pytest.mark.parametrize(("units", "pieces"), [("relu", 1), ("logistic", 1), ("maxout", 3)])
@pytest.mark.parametrize("noise", ["none", "bernoulli", "gaussian"])
def test_gradients_are_autograd_s(noise, units, pieces, x, labels):
    made = net(noise, units, pieces)
    r = made.draw_noise(7, [stream(s, "noise") for s in SEEDS])
    assert all((m is None) == (noise == "none") for m in r)
    trace = made.forward(x, r)
    loss, dlogits = cross_entropy(trace.logits, labels)
    gradients = made.backward(trace, r, dlogits)
    for i in range(2):
        mine = {name: p[i].clone().requires_grad_() for name, p in made.parameters.items()}
        logits = reference(mine, x[i], [None if m is None else m[i] for m in r], units, pieces)
        expected = torch_cross_entropy(logits, labels[i])
        torch.testing.assert_close(loss[i], expected.detach())
        for name, gradient in zip(mine, torch.autograd.grad(expected, list(mine.values())), strict=True):
            torch.testing.assert_close(gradients[name][i].view_as(gradient), gradient)


def test_a_penalty_on_hidden_units_goes_back_with_the_loss(x, labels):
    made = net("none")
    pull = [torch.full((2, 1, 5), 0.3, dtype=torch.float64), torch.full((2, 1, 4), -0.2, dtype=torch.float64)]
    trace = made.forward(x, [None] * 3)
    gradients = made.backward(trace, [None] * 3, cross_entropy(trace.logits, labels)[1], pull)
    parameters = {name: p.clone().requires_grad_() for name, p in made.parameters.items()}
    y1 = torch.relu(x @ parameters["W1"] + parameters["b1"])
    y2 = torch.relu(y1 @ parameters["W2"] + parameters["b2"])
    logits = y2 @ parameters["W3"] + parameters["b3"]
    loss = torch_cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum") / 7
    total = loss + (pull[0] * y1).sum() + (pull[1] * y2).sum()
    for name, gradient in zip(parameters, torch.autograd.grad(total, list(parameters.values())), strict=True):
        torch.testing.assert_close(gradients[name], gradient)


@pytest.mark.parametrize("noise", ["none", "bernoulli", "gaussian"])
def test_the_whole_network_is_scaled_by_each_layer_s_own_p(noise, x):
    made = net(noise)
    for i in range(2):
        y = x[i]
        for layer in (1, 2, 3):
            scale = P[layer - 1][i] if noise == "bernoulli" else 1
            y = y @ (scale * made.parameters[f"W{layer}"][i]) + made.parameters[f"b{layer}"][i]
            y = y.clamp(min=0) if layer < 3 else y
        torch.testing.assert_close(made.answer(x)[i], y)


def test_gaussian_noise_starts_as_the_same_network_with_converted_weights(x):
    bernoulli, gaussian = net("bernoulli"), net("gaussian")
    torch.testing.assert_close(bernoulli.answer(x), gaussian.answer(x))
    torch.testing.assert_close(gaussian.parameters["W2"][1], 0.7 * bernoulli.parameters["W2"][1])


def test_a_layer_whose_p_is_one_draws_nothing():
    made = FeedForward([6, 5, 3], [torch.ones(1), torch.full((1,), 0.5)])
    r = made.draw_noise(4, [stream(0, "noise")])
    assert r[0] is None and r[1].shape == (1, 4, 5)


@pytest.mark.parametrize("noise", ["bernoulli", "gaussian"])
def test_a_replica_in_a_stack_is_the_lone_one(noise, x):
    both, alone = net(noise), net(noise, seeds=[1], replicas=slice(1, 2))
    for name, p in alone.parameters.items():
        p.copy_(both.parameters[name][1:])
    r = [m[1:] for m in both.draw_noise(7, [stream(s, "noise") for s in SEEDS])]
    for mine, single in zip(r, alone.draw_noise(7, [stream(1, "noise")]), strict=True):
        torch.testing.assert_close(mine, single)
    stacked = both.forward(x, both.draw_noise(7, [stream(s, "noise") for s in SEEDS]))
    torch.testing.assert_close(stacked.logits[1:], alone.forward(x[1:], r).logits)


def test_products_in_bfloat16_agree_to_its_precision_and_weights_stay_float32(x, labels):
    exact, rounded = net(product=torch.float32), net(product=torch.bfloat16)
    r = exact.draw_noise(7, [stream(s, "noise") for s in SEEDS])
    low = [m.bfloat16() for m in r]
    a, b = exact.forward(x.float(), r), rounded.forward(x.float(), low)
    assert b.logits.dtype == torch.float32 and b.hidden[0].dtype == torch.bfloat16
    torch.testing.assert_close(b.logits, a.logits, rtol=0.03, atol=0.03)
    dlogits = cross_entropy(a.logits, labels)[1]
    exact_gradients, low_gradients = exact.backward(a, r, dlogits), rounded.backward(b, low, dlogits)
    for name, gradient in exact_gradients.items():
        assert low_gradients[name].dtype == rounded.parameters[name].dtype == torch.float32
        assert (low_gradients[name] - gradient).norm() < 0.05 * gradient.norm()


def test_he_weights_follow_the_inputs():
    made = FeedForward([400, 300, 10], [torch.ones(1)] * 2, noise="none")
    made.initialise([0], ["he"], CPU)
    assert made.parameters["W1"].std().item() == pytest.approx((2 / 400) ** 0.5, rel=0.02)
    assert made.parameters["W2"].std().item() == pytest.approx((2 / 300) ** 0.5, rel=0.03)


def test_every_layer_needs_its_p():
    with pytest.raises(ValueError, match="3 layers need 3"):
        FeedForward(SIZES, [torch.ones(1)] * 2)
