"""The VGG experiment: stacks, resuming amid its probes, divergence; its probes are in test_vgg_probes.py."""

import pytest
import torch

from dropnorm.names import ResultName
from tests.experiments.conftest import assert_resumes, experiments_of, finish

CPU = torch.device("cpu")
SMALL = {
    "training.steps": {"long": 6, "medium": 6, "short": 6},
    "measure.test_every": 6,
    "measure.population_batches": 2,
    "measure.activations_every": 3,
    "measure.quantiles_every": 3,
    "measure.landscape_every": 2,
    "measure.random_every": 3,
    "measure.shift_every": 2,
    "measure.channels": 3,
}
ARMS = ["standard", "batchnorm", "noisy_batchnorm", "l1", "standard_relative_noise"]


@pytest.fixture
def make(root, digits):
    return experiments_of(root, digits, ResultName("santurkar2018", "figure1"), SMALL)


@pytest.mark.parametrize("arm", ARMS)
def test_a_replica_in_a_stack_equals_the_seed_alone(make, arm):
    stacked, alone = finish(make(arm, [0, 1])), finish(make(arm, [1]))
    for name, parameter in alone.nets[0].parameters.items():
        assert torch.equal(stacked.nets[1].parameters[name], parameter)
    mine = stacked.frame().query("replica == 1").drop(columns="replica").reset_index(drop=True)
    assert mine.equals(alone.frame().drop(columns="replica"))


@pytest.mark.parametrize("arm", ["standard", "noisy_batchnorm", "l1"])
def test_resuming_anywhere_gives_the_same_bits(make, arm):
    # before a landscape, after a random direction; a shift spans a step and is whole or not there
    assert_resumes(lambda: make(arm, [0]), (2, 4), lambda e: e.nets[0].parameters)


@pytest.mark.parametrize("products", ["float32", "bfloat16"])
def test_probes_leave_the_weights_as_they_are_to_the_bit(make, products):
    off = {f"measure.{probe}_every": 0 for probe in ("landscape", "random", "shift", "activations", "quantiles")}
    with_probes = finish(make("batchnorm", [0], **{"training.products": products}))
    without = finish(make("batchnorm", [0], **{"training.products": products}, **off))
    for name, parameter in without.nets[0].parameters.items():
        assert torch.equal(parameter, with_probes.nets[0].parameters[name])
    assert not any(q.startswith("landscape") for q in without.frame().quantity.unique())


def test_it_learns(make):
    steps = {"training.steps": {"long": 150, "medium": 1, "short": 1}, "measure.test_every": 150}
    off = {f"measure.{probe}_every": 0 for probe in ("landscape", "random", "shift", "activations", "quantiles")}
    frame = finish(make("batchnorm", [0], **steps, **off)).frame()
    accuracy = frame[frame.quantity == "test_accuracy"].set_index("step").value
    assert accuracy[150] > 0.6 > 0.2 > accuracy[0]
    loss = frame[frame.quantity == "train_loss"].value.to_numpy()
    assert loss[-10:].mean() < 0.6 * loss[:10].mean()


def test_what_is_measured_and_when(make):
    frame = finish(make("batchnorm", [0])).frame()
    at = {q: sorted(f.step.unique()) for q, f in frame.groupby("quantity", observed=True)}
    assert at["test_accuracy"] == [0, 6]
    assert at["landscape_loss"] == [0, 2, 4]
    assert at["random_loss"] == [0, 3]
    assert at["landscape_base_loss"] == [0, 2, 3, 4]
    assert at["shift_l2_layer5"] == [0, 2, 4]
    assert at["mean_layer2"] == [0, 1, 3, 4]  # two steps in a row
    assert at["quantiles_layer11"] == [0, 3]
    units = frame[frame.quantity == "quantiles_layer11"].groupby("step").unit.nunique()
    assert set(units) == {101}
    assert frame[frame.quantity == "landscape_loss"].unit.nunique() == 5


@pytest.mark.parametrize(("products", "low", "high"), [("float32", 0, 0), ("bfloat16", 0.01, 1)])
def test_what_the_rounding_of_products_does_to_the_gradient_is_recorded(make, products, low, high):
    frame = finish(make("batchnorm", [0], **{"training.products": products})).frame()
    errors = frame[frame.quantity == "products_error"].value
    assert errors.between(low, high).all()


def test_a_net_with_noise_is_tested_without_it_and_with_it(make):
    frame = finish(make("noisy_batchnorm", [0])).frame()
    assert {"test_accuracy", "test_accuracy_with_noise"} <= set(frame.quantity.unique())
    assert "test_accuracy_with_noise" not in set(finish(make("batchnorm", [0])).frame().quantity.unique())


def test_noise_is_in_training_alone_and_changes_it(make):
    noisy, plain = finish(make("noisy_batchnorm", [0])), finish(make("batchnorm", [0]))
    assert not torch.equal(noisy.nets[0].parameters["W3"], plain.nets[0].parameters["W3"])
    means = {e: e.frame().query("quantity == 'mean_layer2' and step == 0").value.abs().max() for e in (noisy, plain)}
    assert means[plain] < 1e-4 < 0.05 < means[noisy]


def test_weight_decay_is_part_of_the_loss_and_of_the_step(make):
    def first_loss(decay):
        e = make("standard", [0], **{"optimiser.weight_decay": decay})
        e.advance()
        return e.frame().query("quantity == 'train_loss' and step == 0").value.item(), e

    (plain, e), (decayed, f) = first_loss(0), first_loss(0.1)
    initial = make("standard", [0]).nets[0].parameters
    squares = sum(W.square().sum().item() for name, W in initial.items() if name.startswith("W"))
    assert decayed - plain == pytest.approx(0.05 * squares, rel=1e-4)
    lr = e.settings.optimiser.lr
    for name in ("W1", "W14"):
        expected = e.nets[0].parameters[name] - lr * 0.1 * initial[name]
        torch.testing.assert_close(f.nets[0].parameters[name], expected)


def test_a_diverging_run_is_recorded_and_leaves_its_neighbour_alone(make):
    experiment = make("standard", [0, 1])
    experiment.advance()
    with torch.no_grad():
        experiment.nets[0].parameters["W3"][0] = float("nan")
    frame = finish(experiment).frame()
    at = frame[frame.quantity == "diverged_at"].set_index("replica").value
    assert (at[0], at[1]) == (1, -1)
    alone = finish(make("standard", [1]))
    assert torch.equal(experiment.nets[1].parameters["W3"], alone.nets[0].parameters["W3"])


def test_augmentation_changes_the_pictures_that_are_trained_on(make):
    plain, augmented = make("standard", [0]), make("standard", [0], **{"data.augment": True})
    index = torch.arange(4)
    assert not torch.equal(plain._inputs(index, 0), augmented._inputs(index, 0))


def test_results_do_not_depend_on_global_seeds(make):
    torch.manual_seed(1)
    a = finish(make("noisy_batchnorm", [0])).frame()
    torch.manual_seed(2)
    assert a.equals(finish(make("noisy_batchnorm", [0])).frame())
