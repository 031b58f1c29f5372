"""Mean activations by hand, bias gradients and pooling against PyTorch, resuming, stacks."""

import pytest
import torch
from torch import nn

from dropnorm.experiments.layer_order import pooling
from dropnorm.names import ResultName
from dropnorm.training.streams import stream
from tests.experiments.conftest import assert_a_replica_equals_the_seed_alone, assert_resumes, experiments_of, finish

SMALL = {"training.steps": 20, "measure.accuracy_every": 10, "measure.population_batches": 3,
         "measure.activations_at": [0, 20]}  # fmt: skip


@pytest.fixture
def alternatives(root, digits):
    return experiments_of(root, digits, ResultName("related", "alternatives"), SMALL)


@pytest.fixture
def order(root, digits):
    return experiments_of(root, digits, ResultName("related", "order"), SMALL)


@pytest.mark.parametrize("arm", ["relu", "elu", "layer-2", "batch-128"])
def test_resuming_anywhere_gives_the_same_bits(alternatives, arm):
    assert_resumes(lambda: alternatives(arm, [0, 1]), (1, 10, 19), lambda e: e.network.parameters)


@pytest.mark.parametrize("arm", ["elu", "layer-2", "batch-2"])
def test_a_replica_equals_the_seed_alone(alternatives, arm):
    assert_a_replica_equals_the_seed_alone(alternatives, arm)


@pytest.mark.parametrize(("arm", "f"), [("relu", nn.ReLU()), ("elu", nn.ELU())])
def test_mean_activations_are_of_the_probe_images(alternatives, arm, f):
    experiment = finish(alternatives(arm, [3]))
    z, expected = experiment.probe, []
    with torch.no_grad():
        for layer in range(1, 9):
            p = experiment.network.parameters
            z = f(z @ p[f"W{layer}"][0] + p[f"b{layer}"][0])
            expected.append(z.mean(0).abs().mean().item())
    frame = experiment.frame()
    found = frame[(frame.quantity == "mean_activation") & (frame.step == 20)].sort_values("unit").value
    assert found.to_numpy() == pytest.approx(expected, rel=1e-4)


def test_both_arms_of_a_pair_start_from_the_same_weights(alternatives, order):
    for make, a, b in ((alternatives, "relu", "elu"), (alternatives, "layer-2", "batch-2"), (order, "before", "after")):
        first, second = make(a, [5]).network.parameters, make(b, [5]).network.parameters
        for name in ("W1", "W2", "W3"):
            assert torch.equal(first[name], second[name])


def test_a_bias_has_no_gradient_before_the_normalisation_and_one_after(order):
    before, after = (finish(order(arm, [0, 1])).frame() for arm in ("before", "after"))
    relative = {name: frame[frame.quantity == "bias_gradient"] for name, frame in {"b": before, "a": after}.items()}
    assert sorted(relative["b"].step.unique()) == [0, 20]
    assert relative["b"].value.max() < 1e-12
    assert relative["a"].value.min() > 1e-2


def test_pooling_against_pytorch(order):
    found = pooling(stream(0, "maps"), (6, 4, 8))
    g = stream(0, "maps")
    maps = torch.randn(6, 4, 8, 8, generator=g, dtype=torch.float64)
    gamma, beta, mean, var = torch.rand(4, 4, generator=g, dtype=torch.float64)
    bn, pool = nn.BatchNorm2d(4).double(), nn.MaxPool2d(2)
    for sign, name in ((1, "pool_inference"), (-1, "pool_negative")):
        bn.weight.data, bn.bias.data = sign * (gamma + 0.5), beta
        bn.running_mean, bn.running_var = mean, var + 0.5
        bn.eval()
        assert found[name].item() == pytest.approx((bn(pool(maps)) - pool(bn(maps))).abs().max().item(), abs=1e-12)
    bn.weight.data = gamma + 0.5
    bn.train()
    assert found["pool_training"].item() == pytest.approx((bn(pool(maps)) - pool(bn(maps))).abs().max().item())
    assert found["pool_inference"] < 1e-12
    assert found["pool_training"] > 0.1
    assert found["pool_negative"] > 0.1


def test_pooling_is_measured_once_for_each_seed(order):
    frame = finish(order("before", [0, 1, 2])).frame()
    values = frame[frame.quantity == "pool_training"]
    assert values.step.tolist() == [0, 0, 0]
    assert values.value.nunique() == 3
