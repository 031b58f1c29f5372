"""The autoencoder experiment: stacks, resuming, divergence, and that it measures what it says."""

import numpy as np
import pytest
import torch

from dropnorm.errors import UserError
from dropnorm.names import ResultName
from dropnorm.protocol import load as load_protocol
from tests.experiments.conftest import assert_resumes, experiments_of, finish

CPU = torch.device("cpu")
NAME = ResultName("srivastava2014", "figure7")
SMALL = {
    "training.steps": 30, "network.hidden": 16, "measure.error_every": 10, "measure.knockout_images": 40,
    "measure.knockout_draws": 3, "measure.pictures_of_seed": 1, "measure.histogram_bins": 40,
}  # fmt: skip
ARMS = [
    "none", "dropout", "none.l2-0.0", "dropout.l2-0.0", "none.loss-cross_entropy", "dropout.loss-cross_entropy",
]  # fmt: skip


@pytest.fixture
def make(root, digits):
    return experiments_of(root, digits, NAME, SMALL)


def measured(experiment, quantity):
    frame = experiment.frame()
    return frame[frame.quantity == quantity]


def test_the_protocol_has_these_arms_and_judges_the_released_configuration(root):
    protocol = load_protocol(root, NAME, "paper")
    assert list(protocol.arms) == ARMS
    for arm, p in (("none", 1.0), ("dropout", 0.5)):
        s = protocol.arms[arm]
        assert (s.network.p, s.training.loss, s.optimiser.l2, s.optimiser.lr) == (p, "squared", 1e-3, 0.1)


@pytest.mark.parametrize("arm", ["none", "dropout", "dropout.loss-cross_entropy"])
def test_a_replica_in_a_stack_equals_the_seed_alone(make, arm):
    stacked, alone = finish(make(arm, [0, 1, 2])), finish(make(arm, [1]))
    for name, parameter in alone.net.parameters.items():
        torch.testing.assert_close(stacked.net.parameters[name][1], parameter[0], rtol=1e-4, atol=1e-5)
    mine = stacked.frame()
    mine = mine[mine.replica == 1].reset_index(drop=True)
    assert (mine.quantity == alone.frame().quantity).all()
    continuous = ~mine.quantity.str.contains("share|histogram")  # counts may differ by one at an edge
    np.testing.assert_allclose(mine.value[continuous], alone.frame().value[continuous], rtol=2e-3, atol=1e-4)


def test_arms_of_one_shape_train_in_one_stack_each_with_its_own_p_and_decay(root, digits, make):
    protocol = load_protocol(root, NAME, "smoke", SMALL)
    arms = ["none", "dropout", "dropout.l2-0.0"]
    assert len({protocol.arms[arm].shape for arm in arms}) == 1
    assert protocol.arms["none"].shape != protocol.arms["none.loss-cross_entropy"].shape
    stacked = finish(protocol.module.Experiment([(protocol.arms[arm], 1) for arm in arms], digits, CPU))
    assert measured(stacked, "picture_000").replica.unique().tolist() == [0, 1, 2]  # each arm's picture of its seed
    for i, arm in enumerate(arms):
        alone = finish(make(arm, [1]))
        for name, parameter in alone.net.parameters.items():
            torch.testing.assert_close(stacked.net.parameters[name][i], parameter[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("arm", ["none", "dropout"])
def test_resuming_anywhere_gives_the_same_bits(make, arm):
    assert_resumes(lambda: make(arm, [0, 1]), (1, 7, 10, 30), lambda e: e.net.parameters)


def test_it_learns_and_measures_when_it_should(make):
    done = finish(make("none", [0], **{"training.steps": 300, "measure.error_every": 100}))
    for name in ("test", "validation"):
        error = measured(done, f"{name}_error").set_index("step").value
        assert list(error.index) == [0, 100, 200, 300]
        assert error[300] < error[0] / 3
    assert measured(done, "filter_moran").unit.nunique() == 16
    assert measured(done, "batch_histogram").value.sum() == 100 * 16
    assert measured(done, "test_histogram").value.sum() == 360 * 16


def test_the_errors_and_codes_are_those_of_the_final_network(make, digits):
    done = finish(make("dropout", [1]))
    W = {name: p[0].numpy() for name, p in done.net.parameters.items()}
    x = digits.test_images.reshape(360, -1) / np.float32(16)
    h = np.maximum(x @ W["W1"] + W["b1"], 0)
    y = 1 / (1 + np.exp(-(0.5 * h @ W["W2"] + W["b2"])))
    assert measured(done, "test_error").value.iloc[-1] == pytest.approx(((y - x) ** 2).sum(1).mean(), rel=1e-4)
    assert measured(done, "test_mean").value.item() == pytest.approx(h.mean(), rel=1e-4)
    np.testing.assert_allclose(measured(done, "test_unit_mean").value, h.mean(0), rtol=1e-3, atol=1e-6)
    assert measured(done, "test_dead_units").value.item() == (h.max(0) == 0).sum()
    first = ((y[:40] - x[:40]) ** 2).sum(1).mean()
    assert measured(done, "knockout_none").value.item() == pytest.approx(first, rel=1e-4)


def test_pictures_are_the_filters_by_decreasing_norm_of_one_seed(make):
    done = finish(make("none", [0, 1]))
    frame = done.frame()
    pictures = frame[frame.quantity.str.startswith("picture_")]
    assert pictures.replica.unique().tolist() == [1]
    kept = pictures.pivot(index="quantity", columns="unit", values="value").to_numpy(float)
    W1 = done.net.parameters["W1"][1].numpy()
    np.testing.assert_allclose(kept, W1[:, np.argsort(-(W1**2).sum(0))].T, rtol=1e-6)


def test_without_dropout_no_mask_is_drawn_and_with_it_half_the_units_are_kept(make):
    assert make("none", [0])._masks() is None
    masks = make("dropout", [0, 1])._masks()
    assert masks.shape == (2, 100, 16) and not torch.equal(masks[0], masks[1])
    assert masks.mean().item() == pytest.approx(0.5, abs=0.05)


def test_a_diverging_run_is_recorded_and_leaves_its_neighbours_alone(make):
    experiment = make("dropout", [0, 1])
    for _ in range(4):
        experiment.advance()
    for parameter in experiment.net.parameters.values():
        parameter[0] = float("nan")
    done = finish(experiment)
    assert measured(done, "diverged_at").value.tolist() == [4, -1]
    assert measured(done, "test_error").value.iloc[-2:].isna().tolist() == [True, False]
    assert measured(done, "test_share_above_1").value.isna().tolist() == [True, False]
    assert measured(done, "test_mean").value.iloc[1] == pytest.approx(
        measured(finish(make("dropout", [0, 1])), "test_mean").value.iloc[1]
    )


def test_images_held_out_for_validation_are_not_trained_on(make, digits):
    experiment = make("none", [0])
    assert len(experiment.train.labels) == len(digits.train_labels) - 300
    rows = {row.tobytes() for row in np.asarray(experiment.train.pixels)}
    held = [row.tobytes() for row in np.asarray(experiment.held_out["validation"].pixels)]
    assert len(held) == 300 and sum(row in rows for row in held) < 3


@pytest.mark.parametrize(("key", "value"), [("network.p", 0), ("network.p", 1.2), ("training.loss", "hinge")])
def test_impossible_settings_are_refused(root, key, value):
    with pytest.raises(UserError, match=key.replace(".", r"\.")):
        load_protocol(root, NAME, "smoke", {key: value})
