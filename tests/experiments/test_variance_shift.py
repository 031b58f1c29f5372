"""Variances from training to test: the formula of one layer, what is stored and met, accuracies by other statistics."""

import pytest
import torch

from dropnorm.errors import UserError
from dropnorm.experiments.variance_shift import formula_error, variance_ratio
from dropnorm.names import ResultName
from dropnorm.training.streams import stream
from tests.experiments.conftest import experiments_of, finish

SMALL = {"training.steps": 30, "measure.test_every": 30, "network.width": 0.1}


@pytest.fixture
def make(root, digits):
    return experiments_of(root, digits, ResultName("related", "shift"), SMALL)


def last(experiment, quantity):
    """The values of a quantity when it was last measured, `[replica]` or `[replica x unit]`."""
    frame = experiment.frame()
    return frame[frame.quantity == quantity].value.to_numpy()


def test_it_is_about_batch_norm(make):
    with pytest.raises(UserError, match="network.normalisation = 'group': input should be 'batch'"):
        make("none", [0], **{"network.normalisation": "group"})


def test_the_formula():
    assert variance_ratio(1.0, 0.7, 2.0) == pytest.approx(1)  # nothing dropped
    assert variance_ratio(0.5, 0.0, 3.0) == pytest.approx(0.5)  # centred inputs: p, whatever the variance
    assert variance_ratio(0.5, 0.5, 1.0) == pytest.approx(1 / 2.25)  # registry: 2.25 by simulation


def test_one_layer_measures_what_the_formula_says():
    assert formula_error(100_000, stream(0, "test")) < 0.03
    assert formula_error(100, stream(0, "test")) > 0.03  # and too few examples do not


def test_dropout_shifts_variances_behind_it_only(make):
    none, half = (last(finish(make(arm, [0])), "variance_ratio") for arm in ("none", "keep-0.5"))
    assert (abs(none - 1) < 0.2).all()
    assert half[0] == pytest.approx(none[0], abs=0.2)  # the pictures themselves are not dropped
    assert (half[1:] < 0.8).all()


def test_without_noise_all_ways_agree(make):
    experiment = finish(make("none", [0]))
    assert last(experiment, "accuracy_recomputed").item() == last(experiment, "test_accuracy")[-1]
    assert last(experiment, "accuracy_training").item() == last(experiment, "accuracy_training_with_noise").item()


def test_training_mode_is_that_of_each_mini_batch(make):
    experiment = finish(make("keep-0.5", [0]))
    test, m = experiment.looked_at["test"], experiment.settings.training.batch_size
    indices = [index for index in torch.arange(len(test.labels)).split(m) if len(index) == m]
    logits = [experiment.net.forward(experiment.parameters[0], test.inputs(i)).logits for i in indices]
    right = torch.cat([of.argmax(1) == test.labels[i] for of, i in zip(logits, indices, strict=True)])
    assert last(experiment, "accuracy_training").item() == pytest.approx(right.float().mean().item())
    assert last(experiment, "accuracy_training_with_noise").item() != last(experiment, "accuracy_training").item()


def test_stored_statistics_are_those_with_dropout(make):
    experiment = finish(make("keep-0.5", [0]))
    stored, without = experiment._population(0), experiment._population(0, noise=False)
    assert torch.equal(stored[0].norm, without[0].norm)  # nothing is dropped below the first convolution
    assert (stored[1].norm > without[1].norm).float().mean() > 0.9
