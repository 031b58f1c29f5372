"""The inference experiment: resuming, stacks, and what each way of testing does."""

import pytest
import torch

from dropnorm.layers.batch_norm import Statistics
from dropnorm.names import ResultName
from tests.experiments.conftest import assert_a_replica_equals_the_seed_alone, assert_resumes, experiments_of, finish

SMALL = {"training.steps": 30, "measure.accuracy_every": 10, "measure.population_batches": 3, "measure.mates": 5}


@pytest.fixture
def make(root, digits):
    return experiments_of(root, digits, ResultName("ioffe2015", "section31"), SMALL)


def last(frame, quantity):
    mine = frame[frame.quantity == quantity]
    return mine[mine.step == mine.step.max()].value.to_numpy()


@pytest.mark.parametrize("arm", ["batch-4", "decayed"])
def test_resuming_anywhere_gives_the_same_bits(make, arm):
    assert_resumes(lambda: make(arm, [0, 1]), (1, 10, 29, 30), lambda e: e.network.parameters)


def test_a_replica_in_a_stack_equals_the_seed_alone(make):
    assert_a_replica_equals_the_seed_alone(make, "decayed")


def test_the_rate_falls_to_zero_or_stays(make):
    rates = {}
    for arm in ("decayed", "batch-60"):
        experiment, rates[arm] = make(arm, [0]), []
        while not experiment.finished:
            experiment.advance()
            rates[arm].append(experiment.learning_rate.item())
    assert rates["decayed"][14] == pytest.approx(1.0 * (1 - 14 / 30))
    assert rates["decayed"][-1] == pytest.approx(1 / 30)  # of the last update
    assert rates["batch-60"] == pytest.approx([rates["batch-60"][0]] * 31)


def test_mates_matter_in_training_mode_only(make):
    frame = finish(make("batch-4", [0, 1])).frame()
    assert (last(frame, "change_by_mates_inference") == 0).all()
    assert (last(frame, "change_by_mates_training") > 0.01).all()


def test_each_reading_is_of_the_statistics_it_names(make, monkeypatch):
    """The statistics that reach the inference network, told apart by their variance."""
    experiment = finish(make("batch-2", [0]))
    seen = []
    monkeypatch.setattr(type(experiment), "_accuracy", lambda self, held_out, s: seen.append(s) or torch.zeros(1))
    experiment._measure_accuracy()
    population, biased, slow, fast = seen
    for full, less in zip(population, biased, strict=True):
        torch.testing.assert_close(full.var, 2 * less.var)  # m / (m - 1) at m = 2
        assert torch.equal(full.mean, less.mean)
    assert slow is experiment.moving
    assert fast is experiment.fast


def test_the_fast_average_forgets_faster(make):
    experiment = make("batch-60", [0])
    ones = [Statistics(torch.ones_like(a.mean), torch.ones_like(a.var)) for a in experiment.fast]
    experiment._follow_moving_average(ones)
    assert experiment.fast[0].mean.mean().item() == pytest.approx(0.1)
    assert experiment.moving[0].mean.mean().item() == pytest.approx(0.01)


def test_accuracy_in_batches_is_of_whole_batches_in_training_mode(make):
    experiment = finish(make("batch-60", [0, 1]))
    test = experiment.held_out["test"]
    found = experiment._accuracy_in_batches(len(test.labels))
    x = test.inputs(torch.arange(len(test.labels))).expand(2, -1, -1)
    answers = experiment.network.forward(x).logits.argmax(2)
    torch.testing.assert_close(found, (answers == test.labels).float().mean(1), rtol=0, atol=0.01)
