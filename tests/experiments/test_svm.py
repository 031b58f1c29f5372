"""The support vector machine: its formula, its choice, stacks and resuming."""

import numpy as np
import pytest
import torch

from dropnorm.experiments.svm import error, fit
from dropnorm.names import ResultName
from dropnorm.protocol import load as load_protocol
from dropnorm.training.examples import examples
from tests.experiments.conftest import assert_resumes, finish

CPU = torch.device("cpu")
SMALL = {"data.subset": 120, "grid.C": [0.01, 10], "grid.gamma": [0.05, 20]}


@pytest.fixture
def make(root, digits):
    def experiment(seeds, changes=SMALL):
        protocol = load_protocol(root, ResultName("srivastava2014", "svm"), "smoke", changes)
        return protocol.module.Experiment([(protocol.arms["svm"], s) for s in seeds], digits, CPU)

    return experiment


def values(experiment, quantity):
    """A quantity as an array [step, seed]."""
    mine = experiment.frame().query("quantity == @quantity")
    return mine.pivot(index="step", columns="replica", values="value").to_numpy()


def test_two_examples_have_the_kernel_s_own_answer():
    """With one example a class the boundary is where both kernel values are equal: halfway, whatever gamma is."""
    images = np.array([[0, 0], [10, 0]], np.uint8)
    machine = fit(examples(images, np.array([0, 1]), 10, "grey", CPU), C=100, gamma=0.7)
    assert machine.predict([[0.49, 0.3], [0.51, 0.3]]).tolist() == [0, 1]
    alpha = 1 / (1 - np.exp(-0.7))  # the dual's stationary point: alpha (k(x, x) - k(x, x')) = 1
    assert np.abs(machine.dual_coef_).ravel() == pytest.approx([alpha, alpha], rel=1e-3)


def test_errors_are_percent_of_wrong_answers(digits):
    data = examples(digits.train_images, digits.train_labels, digits.pixel_max, "grey", CPU)
    some = data.subset(torch.arange(200))
    assert error(fit(some, 1000, 0.1), some) == 0
    wrong = some._replace(labels=(some.labels + (torch.arange(200) < 30)) % 10)
    assert error(fit(some, 1000, 0.1), wrong) == pytest.approx(15)


def test_the_pair_of_the_lowest_validation_error_is_fitted_to_all_images(make):
    experiment = finish(make([0, 1]))
    validation = values(experiment, "validation_error")
    assert validation.shape == (4, 2) and validation[:, 0].min() < 10 < validation[:, 0].max()
    best = validation.argmin(0)
    for quantity, pairs in (("C", [0.01, 0.01, 10, 10]), ("gamma", [0.05, 20, 0.05, 20])):
        np.testing.assert_allclose(values(experiment, quantity)[4], np.array(pairs)[best])
    assert experiment.chosen() == [(10, 0.05)] * 2
    machine = fit(experiment.all, 10, 0.05)
    np.testing.assert_allclose(values(experiment, "test_error"), [[error(machine, experiment.test)] * 2])
    np.testing.assert_allclose(values(experiment, "support_vectors"), [[len(machine.support_)] * 2])


def test_seeds_draw_their_own_subsets_and_never_see_validation_images(make):
    experiment = make([0, 1])
    first, second = (set(map(bytes, s.pixels.numpy())) for s in experiment.subsets)
    assert first != second
    held_out = set(map(bytes, experiment.validation.pixels.numpy()))
    assert len(experiment.subsets[0].labels) == 120 and not (first | second) & held_out


def test_a_seed_in_a_stack_equals_the_seed_alone(make):
    stacked, alone = finish(make([0, 3])).frame(), finish(make([3])).frame()
    mine = stacked[stacked.replica == 1].reset_index(drop=True)
    assert mine.drop(columns="replica").equals(alone.drop(columns="replica"))


def test_resuming_after_any_fit_gives_the_same_bits(make):
    assert_resumes(lambda: make([0]), (1, 3, 4, 5))


def test_a_run_can_be_stopped_between_two_fits(root, dropnorm, tmp_path):
    common = ("srivastava2014/svm", "--scale", "smoke", "--out", tmp_path)
    stopped = dropnorm("run", *common, "--time-limit", "0.01s")
    assert stopped.returncode == 0 and "still pending: svm" in stopped.stdout
    ended = dropnorm("run", *common)
    assert ended.returncode == 0, ended.stderr
    assert "1 of 1 arms done" in ended.stdout
