"""Normalisation in and outside the gradient: outputs alike, gradients not; resuming; what the biases do."""

import pytest
import torch

from dropnorm.names import ResultName
from dropnorm.networks.normalised_mlp import NormalisedMLP
from tests.experiments.conftest import assert_a_replica_equals_the_seed_alone, assert_resumes, experiments_of, finish

CPU = torch.device("cpu")
SMALL = {
    "training.steps": 30, "measure.accuracy_every": 10, "measure.accuracy_early_until": 0,
    "measure.population_batches": 3,
}  # fmt: skip


@pytest.fixture
def make(root, digits):
    return experiments_of(root, digits, ResultName("ioffe2015", "section2"), SMALL)


@pytest.fixture
def network():
    """network(**options) -> two replicas in float64 with biases that are not zero."""

    def build(**options):
        made = NormalisedMLP([6, 5, 4, 3], eps=1e-5, **options)
        made.initialise([0, 1], [0.5, 0.5], CPU)
        for name, p in made.parameters.items():
            moved = p.detach().double() + (0.3 if name.startswith("b") else 0)
            made.parameters[name] = moved.requires_grad_()
        return made

    return build


@pytest.fixture
def x():
    return torch.randn(2, 7, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def reference(network, x, divide):
    """Logits by plain operations."""
    p = network.parameters
    for layer in (1, 2):
        u = x @ p[f"W{layer}"] + p[f"b{layer}"]
        u = u - u.mean(1, keepdim=True)
        x = torch.sigmoid(u / (u.square().mean(1, keepdim=True) + 1e-5).sqrt() if divide else u)
    return x @ p["W3"] + p["b3"]


def gradients(network, logits):
    names = list(network.parameters)
    loss = logits.square().sum()
    return dict(zip(names, torch.autograd.grad(loss, [network.parameters[n] for n in names]), strict=True))


@pytest.mark.parametrize("divide", [True, False])
def test_the_whole_gradient_is_that_of_plain_operations(network, x, divide):
    mine = network(constant=False, divide=divide)
    logits = mine.forward(x).logits
    expected = reference(mine, x, divide)
    torch.testing.assert_close(logits, expected)
    found, wanted = gradients(mine, logits), gradients(mine, expected)
    for name in found:
        torch.testing.assert_close(found[name], wanted[name])
    assert found["b1"].abs().max() < 1e-12  # the bias has no effect, and the whole gradient knows it


@pytest.mark.parametrize("divide", [True, False])
def test_constant_statistics_leave_the_outputs_and_mislead_the_gradient(network, x, divide):
    whole, constant = (network(constant=c, divide=divide) for c in (False, True))
    a, b = whole.forward(x).logits, constant.forward(x).logits
    torch.testing.assert_close(a, b)
    misled = gradients(constant, b)
    assert misled["b1"].abs().min() > 1e-6
    torch.testing.assert_close(misled["W3"], gradients(whole, a)["W3"])  # above the last normalisation nothing changes


def test_inference_uses_the_statistics_it_is_given(network, x):
    mine = network(constant=True, divide=True)
    used = mine.forward(x).statistics
    torch.testing.assert_close(mine.forward(x, used).logits, mine.forward(x).logits)
    one = mine.forward(x[:, :1], used).logits
    torch.testing.assert_close(one, mine.forward(x).logits[:, :1])


@pytest.mark.parametrize("arm", ["whole", "constant", "constant_mean"])
def test_resuming_anywhere_gives_the_same_bits(make, arm):
    assert_resumes(lambda: make(arm, [0, 1]), (1, 10, 29, 30), lambda e: e.network.parameters)


def test_a_replica_in_a_stack_equals_the_seed_alone(make):
    assert_a_replica_equals_the_seed_alone(make, "constant")


def test_biases_grow_without_effect_where_statistics_are_constant(make):
    found = {}
    for arm in ("whole", "constant"):
        experiment = finish(make(arm, [0, 1]))
        frame = experiment.frame()
        found[arm] = frame[(frame.quantity == "largest_bias") & (frame.step == 30)].value.to_numpy()
        assert (frame[frame.quantity == "effect_of_bias"].value < 1e-5).all()
        largest = max(b.detach().abs().max().item() for b in experiment.network.biases())
        assert found[arm].max() == pytest.approx(largest)
    assert found["constant"].min() > 1000 * found["whole"].max()


def test_the_biases_are_put_back(make):
    experiment = make("constant", [0])
    for _ in range(5):
        experiment.advance()
    before = {name: p.clone() for name, p in experiment.network.parameters.items()}
    with torch.no_grad():
        experiment._measure_accuracy()
    for name, p in experiment.network.parameters.items():
        assert torch.equal(p, before[name])
