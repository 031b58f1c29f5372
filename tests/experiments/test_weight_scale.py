"""Weight normalization against PyTorch's and the paper's gradients; moments of deep nets against a loop in NumPy."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, selu

from dropnorm.experiments import weight_scale as kind
from dropnorm.layers.weight_norm import normalised_weights
from dropnorm.names import ResultName
from dropnorm.training.streams import stream
from tests.experiments.conftest import assert_resumes, experiments_of, finish

SMALL = {"training.steps": 8, "training.measure_every": 4, "training.hidden": [12], "moments.depth": 5,
         "moments.width": 30, "moments.examples": 20}  # fmt: skip
CPU = torch.device("cpu")


@pytest.fixture
def make(root, digits):
    return experiments_of(root, digits, ResultName("related", "weights"), SMALL)


@pytest.fixture
def network(make, digits):
    return kind.WeightNormMLP(digits, make("weight_norm", [0]).settings.training, 0, CPU)


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_weights_and_gradients_are_those_of_pytorch_and_of_the_paper():
    v, g, x = normal(6, 4).requires_grad_(), normal(4, seed=1).abs().requires_grad_(), normal(9, 6, seed=2)
    w = normalised_weights(v, g)
    assert w.norm(dim=0).tolist() == pytest.approx(g.tolist())
    loss = (x @ w).pow(3).sum()
    dw, dv, dg = torch.autograd.grad(loss, [w, v, g])
    length = v.norm(dim=0)
    torch.testing.assert_close(dg, (dw * v).sum(0) / length)
    torch.testing.assert_close(dv, g / length * (dw - dg * v / length))
    theirs = nn.utils.parametrizations.weight_norm(nn.Linear(6, 4, bias=False).double())
    theirs.parametrizations.weight.original0.data = g.detach().view(4, 1)
    theirs.parametrizations.weight.original1.data = v.detach().T.clone()
    (theirs(x).pow(3).sum()).backward()
    torch.testing.assert_close(theirs.parametrizations.weight.original1.grad.T, dv)
    torch.testing.assert_close(theirs.parametrizations.weight.original0.grad.flatten(), dg)


def test_at_first_the_network_is_the_one_with_weights_v(network):
    x = network.data.inputs(torch.arange(5)).double()
    expected = torch.relu(x @ network.v[0]) @ network.v[1]
    torch.testing.assert_close(network.forward(x), expected)


def test_a_step_is_that_of_torch_optim(network, digits, make):
    twin = kind.WeightNormMLP(digits, network.settings, 0, CPU)
    optimiser = torch.optim.SGD([*twin.v, *twin.g, *twin.b], lr=network.settings.lr)
    for step in range(3):
        network._update(step)
        index = twin.order.batch(step)[0]
        optimiser.zero_grad()
        cross_entropy(twin.forward(twin.data.inputs(index).double()), twin.data.labels[index]).backward()
        optimiser.step()
    for mine, theirs in zip([*network.v, *network.g, *network.b], [*twin.v, *twin.g, *twin.b], strict=True):
        torch.testing.assert_close(mine, theirs)


def test_growth_sees_a_step_that_is_not_at_right_angles():
    v, across = normal(6, 3), normal(6, 3, seed=1)
    across = across - v * (v * across).sum(0) / v.square().sum(0)
    error, cosine = kind.growth(v, v - 0.1 * across, across, 0.1)
    assert max(error, cosine) < 1e-15
    error, cosine = kind.growth(v, v - 0.1 * v, v, 0.1)
    assert error.item() == pytest.approx(abs(0.81 - 1 - 0.01) / 0.81)
    assert cosine.item() == pytest.approx(1)


def test_lengths_never_fall(make):
    frame = finish(make("weight_norm", [0, 1])).frame()
    lengths = frame[frame.quantity == "length"].pivot(index="unit", columns="replica", values="value")
    assert lengths.shape == (3, 2)
    assert (lengths.diff().iloc[1:] > 0).all().all()


def test_correlation_is_one_for_a_whole_population_and_less_for_correlated_inputs():
    layer = kind.Layer(inputs=20, units=10, examples=20_000)
    assert 0.999 < kind.correlation(layer, stream(0, "layer")).item() < 1
    few = kind.Layer(inputs=20, units=10, examples=5)
    assert kind.correlation(few, stream(0, "layer")).item() < 0.97


@pytest.mark.parametrize(("units", "f"), [("selu", selu), ("relu", torch.relu)])
def test_moments_by_a_loop(units, f):
    settings = kind.Moments(units=units, gain=2, start=0.5, depth=4, width=25, examples=15)
    found = kind.moments(settings, stream(7, "moments"), CPU)
    g = stream(7, "moments")
    x = torch.randn(15, 25, generator=g) * 0.5**0.5
    for layer in range(5):
        if layer:
            x = f(x @ (torch.randn(25, 25, generator=g) * (2 / 25) ** 0.5))
        values = x.double().numpy()
        assert found["mean"][layer].item() == pytest.approx(values.mean(), rel=1e-4, abs=1e-6)
        assert found["variance"][layer].item() == pytest.approx(values.var(), rel=1e-4)
        assert found["second_moment"][layer].item() == pytest.approx(np.square(values).mean(), rel=1e-4)


def test_the_units_have_the_constants_of_the_paper():
    x = torch.tensor([-100.0, 2.0], dtype=torch.float64)
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    assert kind.UNITS["selu"](x).tolist() == pytest.approx([-scale * alpha, 2 * scale])


@pytest.mark.parametrize("arm", ["weight_norm", "selu", "relu"])
def test_resuming_anywhere_gives_the_same_bits(make, arm):
    assert_resumes(lambda: make(arm, [0, 1, 2]), (0, 1, 2, 3))


@pytest.mark.parametrize("arm", ["weight_norm", "selu_he"])
def test_a_seed_in_a_stack_equals_the_seed_alone(make, arm):
    stacked, alone = finish(make(arm, [0, 1])).frame(), finish(make(arm, [1])).frame()
    mine = stacked[stacked.replica == 1].assign(replica=0).reset_index(drop=True)
    assert mine.equals(alone)


def test_of_all_steps_the_worst_counts(digits, monkeypatch):
    """Else an error of one step, or of all, could pass for none."""
    settings = kind.Training(hidden=[4], lr=0.1, steps=3, batch_size=10, measure_every=1)
    network = kind.WeightNormMLP(digits, settings, 0, CPU)
    found = iter(torch.tensor([[1.0, 0.5], [3.0, 0.1], [2.0, 0.2]], dtype=torch.float64))
    monkeypatch.setattr(network, "_update", lambda step: next(found))
    trained = network.train()
    assert (trained["growth_error"], trained["cosine"]) == (3.0, 0.5)
