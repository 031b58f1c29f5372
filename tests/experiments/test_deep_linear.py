"""The deep linear network: its short form equals the literal one, its probes known answers; stacks and resuming."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from dropnorm.errors import UserError
from dropnorm.experiments.linear import probes
from dropnorm.names import Place, ResultName
from dropnorm.networks.deep_linear import DeepLinear, Parameters, draw, moved, norm, reduce
from dropnorm.protocol import load as load_protocol
from dropnorm.runner import make_loader
from dropnorm.training.streams import stream
from dropnorm.workflow import Result, WorkflowConfig
from tests.experiments.conftest import assert_resumes, experiments_of, finish

CPU = torch.device("cpu")
KINDS = ("none", "batch", "l1", "l2", "linf")
EPS = 1e-5
SMALL = {
    "training.steps": 12,
    "data.examples": 30,
    "network.depth": 6,
    "measure.every": 4,
    "measure.sigma_every": 6,
    "measure.shift_layers": [2, 4],
    "measure.histogram_layers": [1, 5],
}


def normal(*shape, seed=0):
    return torch.randn(shape, generator=stream(seed, "test"), dtype=torch.float64)


@pytest.fixture
def make(root):
    return experiments_of(root, None, ResultName("santurkar2018", "figure10"), SMALL)


# --- the network: d + 1 numbers a unit instead of n ---


def literal_norm(u, kind):
    return {
        "batch": lambda: (u.var(0, correction=0) + EPS).sqrt(),
        "l1": lambda: u.abs().mean(0) + EPS,
        "l2": lambda: (u.square().mean(0) + EPS).sqrt(),
        "linf": lambda: u.abs().max(0).values + EPS,
    }[kind]()


def literal_loss(W, gamma, beta, X, A, kind):
    """One network, as the paper says it: every layer's output for every example."""
    z = X
    for layer, matrix in enumerate(W):
        z = z @ matrix
        if layer < len(gamma):
            z = gamma[layer] * (z - z.mean(0)) / literal_norm(z, kind) + beta[layer]
    return 0.5 * (z - X @ A).square().sum()


def some_parameters(network, width):
    """Weights as at the start, gamma and beta moved away from 1 and 0."""
    first = network.initialise([0], width, "uniform", CPU)
    return Parameters(
        first.W, first.gamma + 0.3 * normal(*first.gamma.shape, seed=1), 0.3 * normal(*first.beta.shape, seed=2)
    )


@pytest.mark.parametrize("normalise_last", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_loss_and_gradient_are_those_of_the_literal_network(kind, normalise_last):
    X, A = 0.5 + normal(50, 4), normal(4, 4, seed=3)
    network = DeepLinear(6, kind, normalise_last, EPS, 0.5)
    parameters = some_parameters(network, 4)
    found = network.evaluate(parameters, reduce(X[None], A[None]))
    leaves = [p[0].clone().requires_grad_() for p in parameters]
    loss = literal_loss(*leaves, X, A, kind)
    torch.testing.assert_close(found.loss[0], loss.detach(), rtol=1e-10, atol=0)
    trained = leaves if network.normalised else leaves[:1]
    for mine, theirs in zip(found.gradient, torch.autograd.grad(loss, trained), strict=False):
        torch.testing.assert_close(mine[0], theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_the_inner_outputs_are_those_of_the_literal_network(kind):
    X, A = 0.5 + normal(50, 4), normal(4, 4, seed=3)
    network, examples = DeepLinear(3, kind, False, EPS, 0.5), reduce(X[None], A[None])
    parameters = some_parameters(network, 4)
    outputs = network.forward(parameters, examples)
    u = X @ parameters.W[0, 0]
    z = (
        (u - u.mean(0)) / literal_norm(u, kind) * parameters.gamma[0, 0] + parameters.beta[0, 0]
        if kind != "none"
        else u
    )
    second = z @ parameters.W[0, 1]
    torch.testing.assert_close(examples.basis[0] @ outputs[1][0], second)
    torch.testing.assert_close(probes.sigma(outputs[1], examples)[0], second.std(0, correction=0))
    shares = probes.histogram(outputs[1], examples, bins=8, reach=1.0)[0]
    edges = [-np.inf, *np.linspace(-1, 1, 9)[1:-1], np.inf]
    np.testing.assert_allclose(shares, np.histogram(second[:, 0], edges)[0] / 50)


@pytest.mark.parametrize(("init", "kurtosis"), [("uniform", 1.8), ("normal", 3.0)])
def test_first_weights_are_glorot_s(init, kurtosis):
    W = DeepLinear(40, "none", False, EPS, 0.5).initialise([0], 20, init, CPU).W
    assert W.var() == pytest.approx(2 / 40, rel=0.03)
    assert (W**4).mean() / W.var() ** 2 == pytest.approx(kurtosis, rel=0.05)
    if init == "uniform":
        assert W.abs().max() <= np.sqrt(6 / 40)


def test_inputs_and_target_are_standard_normal_and_the_seed_s_own():
    examples, alone = draw([3, 4], 400, 10, CPU), draw([4], 400, 10, CPU)
    X = examples.basis @ examples.inputs
    assert X.mean().item() == pytest.approx(0, abs=0.03)
    assert X.std().item() == pytest.approx(1, abs=0.03)
    for both, one in zip(examples, alone, strict=True):
        torch.testing.assert_close(both[1], one[0])


# --- probes with known answers ---


def test_on_a_quadratic_the_gradient_changes_by_the_hessian_times_the_step():
    """One layer: L = c ||X W - X A||^2, so grad L(w - eta g) = g - eta H g with H = 2 c X^T X, whatever eta."""
    X, A, c = normal(1, 30, 3), normal(1, 3, 3, seed=1), 0.5
    examples, network = reduce(X, A), DeepLinear(1, "none", False, EPS, c)
    parameters = network.initialise([0], 3, "normal", CPU)
    here = network.evaluate(parameters, examples)
    g = here.gradient.W[0, 0]
    H = 2 * c * X[0].T @ X[0]
    etas = torch.tensor([[1e-4, 1e-2, 1.0]], dtype=torch.float64)
    found = probes.landscape(network, parameters, here, examples, etas)
    beta = 10 ** found["log10_difference_there"][0] / (etas[0] * norm(here.gradient))
    torch.testing.assert_close(beta, ((H @ g).norm() / g.norm()).expand(3), rtol=1e-8, atol=0)
    losses = torch.stack([c * (X[0] @ (parameters.W[0, 0] - eta * g - A[0])).square().sum() for eta in etas[0]])
    torch.testing.assert_close(10 ** found["log10_loss_there"][0], losses)


def test_covariate_shift_of_two_scalar_layers_has_a_closed_form():
    """L = c S (w2 w1 - a)^2 with S = sum x^2: G = 2 c S (w2 w1 - a) w1, and G' the same with the updated w1."""
    x, a, c, lr = normal(1, 20, 1), torch.tensor([[[0.7]]], dtype=torch.float64), 0.5, 0.02
    S = x.square().sum()
    w1, w2 = torch.tensor([0.9, -1.3], dtype=torch.float64)
    network, examples = DeepLinear(2, "none", False, EPS, c), reduce(x, a)
    none = torch.zeros(1, 0, 1, dtype=torch.float64)
    parameters = Parameters(torch.stack([w1, w2]).view(1, 2, 1, 1), none, none)
    here = network.evaluate(parameters, examples)
    updated = moved(parameters, here.gradient, torch.tensor([lr], dtype=torch.float64))
    residual = w2 * w1 - a[0, 0, 0]
    w1_after = w1 - lr * 2 * c * S * residual * w2
    G, G_prime = 2 * c * S * residual * w1, 2 * c * S * (w2 * w1_after - a[0, 0, 0]) * w1_after
    found = probes.covariate_shift(network, parameters, updated, here, examples, layer=2)
    assert 10 ** found["log10_shift"].item() == pytest.approx((G - G_prime).abs().item(), rel=1e-10)
    assert 10 ** found["log10_G"].item() == pytest.approx(G.abs().item(), rel=1e-10)
    assert found["cosine"].item() == pytest.approx((G * G_prime).sign().item())


def test_only_earlier_layers_shift_a_gradient():
    """What the layer itself, or a later one, becomes must not count; gamma and beta of earlier layers must."""
    network, examples = DeepLinear(3, "batch", False, EPS, 0.5), draw([0], 30, 4, CPU)
    parameters = some_parameters(network, 4)
    here = network.evaluate(parameters, examples)
    first = probes.covariate_shift(network, parameters, moved(parameters, here.gradient, here.loss), here, examples, 1)
    assert first["log10_shift"].item() == -probes.LARGEST
    later = Parameters(*(torch.cat([p[:, :1], p[:, 1:] + 1], 1) for p in parameters))
    assert probes.covariate_shift(network, parameters, later, here, examples, 2)["log10_shift"] == -probes.LARGEST
    gamma = parameters._replace(gamma=torch.cat([parameters.gamma[:, :1] + 1, parameters.gamma[:, 1:]], 1))
    assert probes.covariate_shift(network, parameters, gamma, here, examples, 2)["log10_shift"] > -2


# --- the experiment ---


@pytest.mark.parametrize("arm", [f"linear_{kind}" for kind in KINDS] + ["linear_batch_last"])
def test_a_replica_in_a_stack_equals_the_seed_alone(make, arm):
    stacked, alone = finish(make(arm, [0, 1, 2])), finish(make(arm, [1]))
    for both, one in zip(stacked.parameters, alone.parameters, strict=True):
        torch.testing.assert_close(both[1], one[0], rtol=1e-9, atol=1e-12)


def test_arms_of_one_shape_train_in_one_stack_each_with_its_own_rate(root, make):
    protocol = load_protocol(root, ResultName("santurkar2018", "figure10"), "smoke", SMALL)
    arms = ["linear_batch", "linear_batch.lr-1e-07", "linear_batch.lr-2e-06"]
    assert len({protocol.arms[arm].shape for arm in arms}) == 1
    assert protocol.arms["linear_none"].shape != protocol.arms["linear_batch"].shape
    frame = finish(protocol.module.Experiment([(protocol.arms[arm], 0) for arm in arms], None, CPU)).frame()
    for i, arm in enumerate(arms):
        alone = finish(make(arm, [0])).frame()
        mine = frame[frame.replica == i].reset_index(drop=True)
        np.testing.assert_allclose(mine.value, alone.value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("arm", ["linear_none", "linear_batch", "linear_l1"])
def test_resuming_anywhere_gives_the_same_bits(make, arm):
    assert_resumes(lambda: make(arm, [0, 1]), (1, 4, 7, 12), lambda e: e.parameters._asdict())


def test_it_learns_and_measures_when_it_should(make):
    frame = finish(make("linear_batch", [0, 1], **{"training.steps": 40, "optimiser.lr": 1e-4})).frame()
    loss = frame[(frame.quantity == "log10_loss") & (frame.replica == 0)].set_index("step").value
    assert list(loss.index) == list(range(0, 41, 4))
    assert loss[40] < loss[0] - 0.2
    assert frame[frame.quantity == "log10_loss_there"].unit.nunique() == 5
    etas = frame[(frame.quantity == "log10_step_length") & (frame.replica == 1)]
    np.testing.assert_allclose(10**etas.value, [1e-6, 1e-5, 1e-4, 1e-3, 3.2e-3], rtol=1e-5)
    middles = frame[(frame.quantity == "histogram_middle") & (frame.replica == 0)].value
    np.testing.assert_allclose([middles.iloc[0], middles.iloc[-1]], [-11.875, 11.875])
    assert 10 ** frame[frame.quantity == "log10_lr"].value.iloc[0] == pytest.approx(1e-4)
    sigma = frame[frame.quantity == "sigma.layer6"]
    assert sorted(sigma.step.unique()) == list(range(0, 41, 6))
    assert sigma.unit.nunique() == 10
    assert {"histogram.layer5", "cosine.layer2", "log10_shift.layer4"} <= set(frame.quantity)


def test_a_run_that_diverges_is_recorded_and_goes_on(make):
    frame = finish(make("linear_none", [0], **{"optimiser.lr": 1.0})).frame()
    assert 0 < frame[frame.quantity == "diverged_at"].value.item() < 12
    of_logs = frame[frame.quantity.str.startswith("log10")]
    assert np.isfinite(of_logs.value).all()
    assert of_logs[of_logs.step == 12].value.max() == probes.LARGEST


def test_settings_that_cannot_be_are_named(make):
    with pytest.raises(UserError, match="must be layers of 1 to 4"):
        make("linear_none", [0], **{"network.depth": 4})
    with pytest.raises(UserError, match=r"data.examples must be above network.width \(10\)"):
        make("linear_none", [0], **{"data.examples": 10})


def test_what_is_drawn_is_neither_fetched_nor_loaded(root):
    assert make_loader(Path("no/such/folder"), None)("gaussian") is None
    name = ResultName("santurkar2018", "figure10")
    config = WorkflowConfig.check(yaml.safe_load((root / "config/config.yaml").read_text()), "config")
    place, protocol = Place(Path("results"), "paper", name), load_protocol(root, name, "paper")
    result = Result(root, place, protocol, config, judged=False)
    assert len(result.jobs) == 4
    assert [job.datasets for job in result.jobs] == [[]] * 4
