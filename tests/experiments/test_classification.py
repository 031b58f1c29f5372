"""The classification experiment: stacks, resuming, divergence, tuning without the test set."""

import numpy as np
import pytest
import torch

from dropnorm.names import ResultName
from dropnorm.protocol import load as load_protocol
from tests.experiments.conftest import assert_a_replica_equals_the_seed_alone, assert_resumes, experiments_of, finish

CPU = torch.device("cpu")
SMALL = {
    "training.steps": 30,
    "measure.accuracy_every": 10,
    "measure.accuracy_early_until": 0,
    "measure.percentiles_every": 10,
    "measure.percentiles_also_at": [5],
    "measure.population_batches": 3,
}


@pytest.fixture
def make(root, digits):
    return experiments_of(root, digits, ResultName("ioffe2015", "figure1"), SMALL)


@pytest.mark.parametrize("arm", ["baseline", "batchnorm"])
def test_a_replica_in_a_stack_equals_the_seed_alone(make, arm):
    assert_a_replica_equals_the_seed_alone(make, arm)


def test_arms_of_one_shape_train_in_one_stack_each_with_its_own_rate_and_first_weights(root, digits, make):
    """What a GPU does with a sweep: arms that differ in numbers a replica share a stack."""
    protocol = load_protocol(root, ResultName("ioffe2015", "figure1"), "smoke", SMALL)
    arms = ["batchnorm.init_std-0.01", "batchnorm.init_std-0.3", "batchnorm.init_std-1.0"]
    assert len({protocol.arms[arm].shape for arm in arms}) == 1
    stacked = finish(protocol.module.Experiment([(protocol.arms[arm], 0) for arm in arms], digits, CPU))
    for i, arm in enumerate(arms):
        alone = finish(make(arm, [0]))
        for name, parameter in alone.network.parameters.items():
            torch.testing.assert_close(stacked.network.parameters[name][i], parameter[0], rtol=1e-4, atol=1e-5)


def test_arms_of_other_shape_are_told_apart(root):
    arms = load_protocol(root, ResultName("ioffe2015", "figure1"), "smoke", SMALL).arms
    assert arms["baseline"].shape != arms["batchnorm"].shape
    assert arms["baseline"].shape != arms["baseline.pixels-grey"].shape


@pytest.mark.parametrize("arm", ["baseline", "batchnorm", "batchnorm.lr-0.3"])
def test_resuming_anywhere_gives_the_same_bits(make, arm):
    assert_resumes(lambda: make(arm, [0, 1]), (1, 7, 10, 29, 30), lambda e: e.network.parameters)


def test_it_learns_and_measures_when_it_should(make):
    frame = finish(make("batchnorm", [0], **{"training.steps": 200})).frame()
    accuracy = frame[frame.quantity == "test_accuracy"].set_index("step").value
    assert accuracy[200] > 0.8 > accuracy[0]
    assert list(accuracy.index) == list(range(0, 201, 10))
    percentiles = frame[frame.quantity == "probe_p50"]
    assert sorted(percentiles.step.unique()) == sorted({*range(0, 201, 10), 5})
    assert percentiles.unit.nunique() == 100


def test_percentiles_are_in_order_and_of_the_normalised_input(make):
    frame = finish(make("batchnorm", [0])).frame()
    values = {p: frame[frame.quantity == f"probe_{p}"].value.to_numpy() for p in ("p15", "p50", "p85")}
    assert (values["p15"] < values["p50"]).all()
    assert (values["p50"] < values["p85"]).all()
    at_start = frame[(frame.quantity == "probe_p85") & (frame.step == 0)].value
    assert at_start.mean() == pytest.approx(1.0, abs=0.15)  # gamma = 1: a standardised input


def test_a_diverging_run_is_recorded_and_leaves_its_neighbours_alone(make, digits):
    experiment = make("baseline", [0, 1])
    for _ in range(4):
        experiment.advance()
    with torch.no_grad():
        experiment.network.parameters["W4"][0] = float("nan")
    frame = finish(experiment).frame()
    at = frame[frame.quantity == "diverged_at"].set_index("replica").value
    assert at[0] == 4
    assert at[1] == -1
    assert frame[(frame.quantity == "test_accuracy") & (frame.replica == 0)].value.notna().all()
    torch.testing.assert_close(
        experiment.network.parameters["W4"][1], finish(make("baseline", [0, 1])).network.parameters["W4"][1]
    )


def test_the_tuning_arms_train_on_the_split_alone(make, digits):
    tuned, whole = make("baseline.lr-0.1", [0]), make("baseline", [0])
    assert len(whole.train.labels) == len(digits.train_labels)
    assert len(tuned.train.labels) + len(tuned.held_out["validation"].labels) == len(digits.train_labels)
    rows = {row.tobytes() for row in np.asarray(tuned.train.pixels)}
    held = [row.tobytes() for row in np.asarray(tuned.held_out["validation"].pixels)]
    assert sum(row in rows for row in held) < len(held) / 4  # a few binary digits are twins, no more


def test_float_results_do_not_depend_on_global_seeds(make):
    torch.manual_seed(1)
    a = finish(make("batchnorm", [0])).frame()
    torch.manual_seed(2)
    b = finish(make("batchnorm", [0])).frame()
    assert a.equals(b)
