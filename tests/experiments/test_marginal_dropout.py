"""The checks of section 9 as an experiment: small, stacked, resumed, and able to fail."""

import numpy as np
import pytest
import torch

from dropnorm.errors import UserError
from dropnorm.experiments.marginal.problem import draw_problem
from dropnorm.experiments.marginal.sampling import measured_at
from dropnorm.names import ResultName
from dropnorm.protocol import load as load_protocol
from tests.experiments.conftest import assert_resumes, experiments_of, finish, in_any_order

CPU = torch.device("cpu")
NAME = ResultName("srivastava2014", "section9")
SMALL = {
    "identity.images": 20, "identity.pixels": 6, "identity.p": [0.8, 0.5],
    "monte_carlo.images": 50, "monte_carlo.steps": 60,
    "sgd.images": 60, "sgd.pixels": 5, "sgd.batch_size": 60, "sgd.steps": 60, "sgd.average_from": 20,
    "penalty.images": 100, "penalty.pixels": 10, "penalty.p": [1.0, 0.5, 0.1],
    "geometric_mean.images": 5, "geometric_mean.units": 6, "geometric_mean.p": [0.5, 0.8],
    "trajectories.hidden": [12, 8], "trajectories.steps": 60, "trajectories.measure_every": 20,
}  # fmt: skip
ARMS = [
    "identity", "monte_carlo", "sgd", "penalty", "geometric_mean", "trajectories", "trajectories_unconverted",
]  # fmt: skip


@pytest.fixture
def make(root, digits):
    return experiments_of(root, digits, NAME, SMALL)


def measured(experiment, quantity):
    frame = experiment.frame()
    return frame[frame.quantity == quantity].value.to_numpy(float)


def test_the_protocol_has_these_arms(root):
    assert list(load_protocol(root, NAME, "smoke").arms) == ARMS


@pytest.mark.parametrize("arm", ARMS)
def test_a_replica_in_a_stack_measures_what_the_seed_alone_does(make, arm):
    stacked, alone = finish(make(arm, [0, 1, 2])).frame(), finish(make(arm, [1])).frame()
    mine = stacked[stacked.replica == 1].value.to_numpy(float)
    np.testing.assert_allclose(mine, alone.value.to_numpy(float), rtol=1e-5, atol=1e-11)


@pytest.mark.parametrize("arm", ARMS)
def test_resuming_anywhere_gives_the_same_bits(make, arm):
    stop = 1 if make(arm, [0]).steps < 10 else 33
    assert_resumes(lambda: make(arm, [0, 1]), (stop,), measured=in_any_order)


def test_exact_checks_are_exact_up_to_rounding(make):
    identity, penalty = finish(make("identity", [0, 1])), finish(make("penalty", [0, 1]))
    assert measured(identity, "identity_error").max() < 1e-13
    assert measured(identity, "solution_error").max() < 1e-12
    assert measured(penalty, "orthogonal_error").max() < 1e-10
    assert measured(penalty, "shrinkage")[0] == pytest.approx(1)  # p = 1
    means = finish(make("geometric_mean", [0, 1]))
    assert measured(means, "one_layer_difference").max() < 1e-13
    assert measured(means, "two_layer_difference").min() > 1e-4


def test_the_formula_for_another_p_is_found_wrong(make):
    """The drawn masks can tell p = 0.8 from 0.75: the check can fail."""
    right = finish(make("monte_carlo", [0, 1, 2]))
    assert np.abs(measured(right, "deviation_in_se")[-3:]).max() < 3.5
    wrong = make("monte_carlo", [0, 1, 2])
    wrong.check.expected = make("monte_carlo", [0, 1, 2], **{"monte_carlo.p": 0.75}).check.expected
    assert np.abs(measured(finish(wrong), "deviation_in_se")[-3:]).min() > 3


def test_averaged_descent_comes_nearer_to_the_closed_form_than_to_least_squares(make):
    changes = {"sgd.steps": 1500, "sgd.average_from": 500, "sgd.pixels": 4}
    done = finish(make("sgd", [0, 1], **changes))
    to_star = measured(done, "average_distance")[-2:]
    assert to_star.max() < 0.08
    assert (to_star < measured(done, "average_distance_ols")[-2:] / 3).all()


def test_both_forms_agree_only_if_rate_limit_and_decay_are_converted(make):
    converted, not_converted = finish(make("trajectories", [0, 1])), finish(make("trajectories_unconverted", [0, 1]))
    assert measured(converted, "largest_difference").max() < 1e-12
    assert measured(converted, "answer_difference").max() < 1e-12
    assert measured(not_converted, "largest_difference").min() > 1e-3


@pytest.mark.parametrize("slip", ["lr", "l2", "c"])
def test_each_part_of_the_conversion_is_needed(make, slip):
    experiment = make("trajectories", [0], **{"trajectories.max_norm": 0.5, "trajectories.steps": 20})
    side = experiment.check.inverted
    getattr(side, slip)["W1"] = getattr(experiment.check.paper, slip)["W1"]
    assert measured(finish(experiment), "largest_difference").max() > 1e-7


def test_every_limit_holds_after_every_step(make):
    experiment = make("trajectories", [0, 1], **{"trajectories.max_norm": 0.5})
    while not experiment.finished:
        experiment.advance()
        for side, factor in ((experiment.check.paper, (1, 1, 1)), (experiment.check.inverted, (0.8, 0.5, 0.5))):
            for layer, p in enumerate(factor, start=1):
                norms = side.net.parameters[f"W{layer}"].detach().norm(dim=1)
                assert norms.max() <= 0.5 * p * (1 + 1e-12)


def test_problems_are_pixels_that_vary_and_one_hot_targets(digits):
    X, y = draw_problem(digits, [0, 1], 200, 20, CPU)
    assert X.shape == (2, 200, 20) and y.shape == (2, 200, 10)
    assert X.dtype == torch.float64 and X.min() == 0 and X.max() <= 1
    assert (X.amax(1) > 0).all()
    assert torch.equal(y.sum(2), torch.ones(2, 200, dtype=torch.float64))
    assert not torch.equal(X[0], X[1])
    assert draw_problem(digits, [0], 7, 0, CPU)[0].shape == (1, 7, 64)  # 0: all pixels


def test_measured_about_ten_times_a_decade_and_at_the_end():
    steps = [s for s in range(1, 778) if measured_at(s, 777)]
    assert steps[0] == 1 and steps[-1] == 777 and 20 < len(steps) < 32


@pytest.mark.parametrize(
    ("key", "value"), [("sgd.p", 0), ("sgd.p", 1.2), ("identity.pixels", 13), ("trajectories.momentum_final", 1)]
)
def test_impossible_settings_are_refused(root, key, value):
    with pytest.raises(UserError, match=key.replace(".", r"\.")):
        load_protocol(root, NAME, "smoke", {key: value})
