"""Dropout classification as an experiment: it learns, resumes to the bit, stacks, and keeps its limits."""

import numpy as np
import pytest
import torch

from dropnorm.experiments.dropout_classification import Experiment, Settings
from tests.experiments.conftest import assert_resumes, finish

CPU = torch.device("cpu")
BASE = {
    "data": {"name": "digits"},
    "network": {"hidden": [20, 16]},
    "dropout": {"noise": "bernoulli", "p_input": 0.8, "p_hidden": 0.5},
    "regularisation": {"max_norm": 2},
    "optimiser": {
        "lr": 0.1, "decay": "linear", "momentum_start": 0.5, "momentum_final": 0.95, "momentum_tau": 0.1,
    },
    "training": {"steps": 60, "batch_size": 50, "products": "float32"},
    "measure": {"times": 3},
}  # fmt: skip
ARMS = {
    "plain": {"dropout": {"noise": "none"}, "regularisation": {"max_norm": None}},
    "dropout": {},
    "gaussian": {"dropout": {"noise": "gaussian"}, "measure": {"noise_draws": 1000}},
    "logistic": {"network": {"units": "logistic", "init": 0.1}},
    "maxout": {"network": {"units": "maxout", "pieces": 3}},
    "penalties": {"regularisation": {"l2": 1e-3, "l1": 1e-4, "l1_from": 0.5, "sparsity_cost": 0.01}},
    "subset": {"data": {"subset": 70, "train_on": "split", "validation": 300}},
    "averaging": {"measure": {"averaging": {"networks": 6, "repeats": 3}}},
    "bfloat16": {"training": {"products": "bfloat16"}},
}


def settings(*changes):
    tree = {key: dict(value) for key, value in BASE.items()}
    for change in changes:
        for group, values in change.items():
            tree[group] |= values
    return Settings.model_validate(tree)


def train(digits, replicas):
    return Experiment(replicas, digits, CPU)


def last(frame, quantity):
    mine = frame[frame.quantity == quantity]
    return mine[mine.step == mine.step.max()].value.to_numpy(float)


@pytest.mark.parametrize("arm", ARMS)
def test_resuming_anywhere_gives_the_same_bits(digits, arm):
    chosen = [(settings(ARMS[arm]), s) for s in (0, 1)]
    assert_resumes(lambda: train(digits, chosen), (7, 33, chosen[0][0].steps - 1))


@pytest.mark.parametrize("arm", [a for a in ARMS if a != "bfloat16"])
def test_a_replica_in_a_stack_trains_as_the_seed_alone(digits, arm):
    stacked = finish(train(digits, [(settings(ARMS[arm]), s) for s in (0, 1, 2)])).frame()
    alone = finish(train(digits, [(settings(ARMS[arm]), 1)])).frame()
    mine = stacked[stacked.replica == 1].value.to_numpy(float)
    np.testing.assert_allclose(mine, alone.value.to_numpy(float), atol=0.6)  # percent: rounding may turn single answers


def test_arms_of_one_shape_train_in_one_stack_as_they_do_alone(digits):
    narrow = settings(
        {"dropout": {"p_hidden": 0.8}, "regularisation": {"max_norm": 1, "l2": 1e-3}, "optimiser": {"lr": 0.05}}
    )
    wide = settings()
    assert narrow.shape == wide.shape
    both = finish(train(digits, [(wide, 0), (narrow, 0)]))
    for i, arm in enumerate((wide, narrow)):
        alone = finish(train(digits, [(arm, 0)]))
        for name, W in alone.network.parameters.items():
            torch.testing.assert_close(both.network.parameters[name][i], W[0], rtol=1e-3, atol=1e-4)


def test_it_learns_and_dropout_costs_training_error(digits):
    plain, dropout = (finish(train(digits, [(settings(ARMS[a], {"training": {"steps": 400}}), 0)])).frame()
                      for a in ("plain", "dropout"))  # fmt: skip
    assert last(plain, "test_error")[0] < 8
    assert last(dropout, "test_error")[0] < 25
    assert last(plain, "train_error")[0] < last(dropout, "train_error")[0]


def test_every_limit_holds_after_every_step_output_layer_included(digits):
    experiment = train(digits, [(settings({"regularisation": {"max_norm": c}}), 0) for c in (0.5, 1.0)])
    while not experiment.finished:
        experiment.advance()
        for name in experiment.network.weights:
            norms = experiment.network.parameters[name].norm(dim=1).amax(1)
            assert (norms <= torch.tensor([0.5, 1.0]) * (1 + 1e-5)).all()
    assert norms[0] > 0.49  # and it is reached


def test_the_limit_of_gaussian_noise_is_converted(digits):
    experiment = finish(train(digits, [(settings(ARMS["gaussian"], {"regularisation": {"max_norm": 0.5}}), 0)]))
    for name, p in zip(experiment.network.weights, (0.8, 0.5, 0.5), strict=True):
        assert experiment.network.parameters[name].norm(dim=1).max() <= 0.5 * p * (1 + 1e-5)


def test_a_subset_is_the_seed_s_own_and_the_same_in_every_arm(digits):
    one, other = (train(digits, [(settings(ARMS["subset"], ARMS[a]), s) for s in (0, 1)]) for a in ("plain", "dropout"))
    assert torch.equal(one.subset, other.subset)
    assert not torch.equal(one.subset[0], one.subset[1])
    assert one.subset.shape == (2, 70) and len(one.subset[0].unique()) == 70
    seen = one._examples(one.order.batch(0))
    assert set(seen[0].tolist()) <= set(one.subset[0].tolist())
    more = train(digits, [(settings({"data": {"subset": 10**6}}), 0)])
    assert more.subset is None  # more than there are: all of them


def test_errors_are_counted_image_by_image(digits):
    experiment = finish(train(digits, [(settings(ARMS["plain"]), 0)]))
    x = torch.from_numpy(digits.test_images).flatten(1).float() / digits.pixel_max
    y = x
    for layer in (1, 2, 3):
        W, b = (experiment.network.parameters[f"{k}{layer}"][0] for k in "Wb")
        y = y @ W + b
        y = y.clamp(min=0) if layer < 3 else y
    wrong = (y.argmax(1) != torch.from_numpy(digits.test_labels).long()).double().mean().item()
    assert last(experiment.frame(), "test_error")[0] == pytest.approx(100 * wrong, abs=1e-4)


def test_averaging_many_networks_comes_near_to_the_whole_one(digits):
    arm = settings({"training": {"steps": 400}, "measure": {"averaging": {"networks": 30, "repeats": 4}}})
    frame = finish(train(digits, [(arm, 0)])).frame()
    averaged = frame[frame.quantity == "arithmetic_error"].pivot_table(index="step", columns="unit", values="value")
    assert averaged.shape == (30, 4)
    whole = last(frame, "test_error")[0]
    assert averaged.loc[1].mean() > averaged.loc[30].mean()
    assert abs(averaged.loc[30].mean() - whole) < abs(averaged.loc[1].mean() - whole)


@pytest.mark.parametrize("noise", ["bernoulli", "gaussian"])
def test_moments_of_the_noise(digits, noise):
    arm = settings({"dropout": {"noise": noise}, "measure": {"noise_draws": 200_000}, "training": {"steps": 1}})
    frame = finish(train(digits, [(arm, 0)])).frame()
    assert last(frame, "noise_mean") == pytest.approx([1, 1], abs=0.01)
    assert last(frame, "noise_variance") == pytest.approx([0.25, 1], rel=0.02)


def test_late_l1_does_nothing_before_its_time(digits):
    late = settings({"regularisation": {"l1": 0.1, "l1_from": 0.5}})
    a, b = train(digits, [(late, 0)]), train(digits, [(settings(), 0)])
    for step in range(40):
        a.advance()
        b.advance()
        same = torch.equal(a.network.parameters["W1"], b.network.parameters["W1"])
        assert same == (step < 30)


def test_divergence_is_recorded_and_does_not_stop_the_others(digits):
    wild = settings(ARMS["plain"], {"optimiser": {"lr": 1e6}})
    frame = finish(train(digits, [(settings(ARMS["plain"]), 0), (wild, 0)])).frame()
    diverged = frame[frame.quantity == "diverged_at"].value
    assert diverged.iloc[0] == -1 and diverged.iloc[1] >= 0


def test_a_stretched_schedule_is_longer_and_of_the_same_shape(digits):
    assert settings({"training": {"stretch": 2.5}}).steps == 150
    assert settings({"measure": {"averaging": {"networks": 4, "repeats": 5}}}).steps == 80
