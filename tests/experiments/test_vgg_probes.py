"""The probes of Santurkar et al. 2018 on problems whose answers are known in closed form."""

import math

import numpy as np
import pytest
import torch

from dropnorm.experiments.vgg_parts import activations
from dropnorm.experiments.vgg_parts.landscape import along, norm, random_direction
from dropnorm.experiments.vgg_parts.shift import layer_of, mixed, shift
from dropnorm.training.streams import stream

ETAS = [0.0125, 0.05, 0.1, 0.2, 0.4]


def quadratic(curvatures):
    """L(w) = 1/2 sum_i c_i w_i^2 over two tensors."""

    def evaluate(w):
        loss = sum(0.5 * (c * p.square()).sum() for c, p in zip(curvatures, w.values(), strict=True))
        return loss.detach(), dict(zip(w, torch.autograd.grad(loss, list(w.values())), strict=True))

    return evaluate


@pytest.fixture
def w():
    return {"W1": torch.tensor([1.0, -2.0]).requires_grad_(), "b1": torch.tensor([[3.0]]).requires_grad_()}


def test_on_a_sphere_the_smoothness_is_its_curvature_at_every_step_length(w):
    evaluate = quadratic([7.0, 7.0])
    loss, g = evaluate(w)
    found = along(evaluate, w, g, g, ETAS)
    assert found.smoothness.tolist() == pytest.approx([7.0] * 5, rel=1e-4)
    # w - eta 7 w: the loss is (1 - 7 eta)^2 of itself, the gradient changes by 7 eta of itself
    assert found.loss.tolist() == pytest.approx([(1 - 7 * eta) ** 2 * loss.item() for eta in ETAS], rel=1e-4)
    assert found.gradient_difference.tolist() == pytest.approx([7 * eta * norm(g).item() for eta in ETAS], rel=1e-4)


def test_along_the_gradient_of_a_valley_it_is_the_weighted_curvature(w):
    a, b = 2.0, 30.0
    evaluate = quadratic([a, b])
    _, g = evaluate(w)
    g_a, g_b = g["W1"].norm().item(), g["b1"].norm().item()
    expected = math.hypot(a * g_a, b * g_b) / math.hypot(g_a, g_b)
    found = along(evaluate, w, g, g, ETAS)
    assert found.smoothness.tolist() == pytest.approx([expected] * 5, rel=1e-4)


def test_walking_moves_nothing(w):
    before = {name: p.detach().clone() for name, p in w.items()}
    evaluate = quadratic([2.0, 30.0])
    _, g = evaluate(w)
    along(evaluate, w, g, g, ETAS)
    assert all(torch.equal(before[name], p) for name, p in w.items())


def test_a_random_direction_is_as_long_as_the_gradient_and_its_generator_s_own():
    g = {"W1": torch.randn(300, 200, generator=stream(0, "g")), "b1": torch.ones(50)}
    a, b = (random_direction(g, stream(0, "direction", step)) for step in (1, 1))
    assert norm(a).item() == pytest.approx(norm(g).item(), rel=1e-5)
    assert torch.equal(a["W1"], b["W1"])
    dot = sum((a[name] * g[name]).sum() for name in g) / norm(g) ** 2
    assert abs(dot.item()) < 5 / 60_050**0.5


# --- Definition 2.1 ---


def test_shift_of_a_two_layer_net_in_closed_form():
    """L = (v w x - y)^2 / 2, layers w then v: G_v = (v w x - y) w x; after w -> w', G'_v = (v w' x - y) w' x."""
    x, y, lr = 2.0, 1.0, 0.1
    before = {"W1": torch.tensor([0.7]), "b1": torch.tensor([0.0]), "W2": torch.tensor([1.5])}

    def gradient(p, name):
        p = {n: t.clone().requires_grad_() for n, t in p.items()}
        loss = (p["W2"] * (p["W1"] * x + p["b1"]) - y).square().sum() / 2
        return torch.autograd.grad(loss, p[name])[0]

    after = {name: p - lr * gradient(before, name) for name, p in before.items()}
    error = 1.5 * 0.7 * x - y
    w_new, b_new = 0.7 - lr * error * 1.5 * x, -lr * error * 1.5
    a, a_new = 0.7 * x, w_new * x + b_new  # the second layer's input before and after
    G, G_prime = error * a, (1.5 * a_new - y) * a_new
    found = shift(gradient(before, "W2"), gradient(mixed(before, after, 2), "W2"))
    assert found.l2.item() == pytest.approx(abs(G - G_prime), rel=1e-5)
    assert found.length.item() == pytest.approx(abs(G), rel=1e-5)
    assert found.cosine.item() == pytest.approx(math.copysign(1, G * G_prime))
    # Below the first layer there is nothing: no shift.
    assert shift(gradient(before, "W1"), gradient(mixed(before, after, 1), "W1")).l2 == 0


def test_only_lower_layers_are_taken_from_after():
    before = {name: torch.zeros(1) for name in ("W1", "gamma1", "W9", "b9", "W10", "b10", "gamma11")}
    after = {name: torch.ones(1) for name in before}
    chosen = {name: t.item() for name, t in mixed(before, after, 10).items()}
    assert chosen == {"W1": 1, "gamma1": 1, "W9": 1, "b9": 1, "W10": 0, "b10": 0, "gamma11": 0}
    assert layer_of("gamma12") == 12


def test_shift_in_numbers():
    found = shift(torch.tensor([3.0, 0.0]), torch.tensor([0.0, 4.0]))
    assert (found.l2.item(), found.cosine.item(), found.length.item()) == (5.0, 0.0, 3.0)
    assert shift(torch.zeros(2), torch.zeros(2)).cosine.isnan()


def test_the_experiment_s_shift_is_the_definition(root, digits):
    """Written out once more for a real net: both gradients by hand, on the weights before and after a step."""
    from dropnorm.names import ResultName
    from dropnorm.protocol import load

    protocol = load(root, ResultName("santurkar2018", "figure1"), "smoke", {})
    settings = protocol.arms["batchnorm"]
    experiment = protocol.module.Experiment([(settings, 0)], digits, torch.device("cpu"))
    (net,) = experiment.nets
    index = experiment.order.batch(0)[0]
    x, labels = experiment.data["train"].inputs(index), experiment.data["train"].labels[index]
    before = {name: p.detach().clone() for name, p in net.parameters.items()}
    experiment.advance()
    after = net.parameters

    def gradient(parameters):
        p = {name: t.detach().clone().requires_grad_() for name, t in parameters.items()}
        loss = torch.nn.functional.cross_entropy(net.vgg.forward(p, x).logits, labels)
        return torch.autograd.grad(loss, p["W5"])[0]

    lower = {f"{kind}{n}" for n in range(1, 5) for kind in ("W", "b", "gamma")}
    G, G_prime = gradient(before), gradient({n: after[n] if n in lower else before[n] for n in before})
    frame = experiment.frame().query("step == 0").set_index("quantity").value
    assert frame["shift_l2_layer5"] == pytest.approx((G - G_prime).norm().item(), rel=1e-4)
    assert frame["shift_length_layer5"] == pytest.approx(G.norm().item(), rel=1e-4)


# --- activations ---


def test_moments_and_quantiles_of_followed_channels():
    rng = np.random.default_rng(0)
    values = rng.exponential(size=(4, 5, 3, 3)).astype("float32")
    a, channels = {7: torch.from_numpy(values)}, {7: torch.tensor([4, 1])}
    found = activations.moments(a, channels)
    columns = values.transpose(1, 0, 2, 3).reshape(5, -1)[[4, 1]]
    assert found["mean_layer7"].tolist() == pytest.approx(columns.mean(1).tolist(), rel=1e-5)
    assert found["var_layer7"].tolist() == pytest.approx(columns.var(1).tolist(), rel=1e-5)
    z = (columns - columns.mean(1, keepdims=True)) / columns.std(1, keepdims=True)
    assert found["kurtosis_layer7"].tolist() == pytest.approx(((z**4).mean(1) - 3).tolist(), rel=1e-4, abs=1e-4)
    q = activations.quantiles(a, channels)["quantiles_layer7"]
    assert q[[0, 50, 100]].tolist() == pytest.approx(np.percentile(columns[0], [0, 50, 100]).tolist(), rel=1e-5)


def test_followed_channels_are_drawn_once_for_all():
    chosen = activations.followed_channels(11, 128, 20)
    assert len(set(chosen.tolist())) == 20
    assert torch.equal(chosen, activations.followed_channels(11, 128, 20))
    assert len(activations.followed_channels(2, 16, 20)) == 16
