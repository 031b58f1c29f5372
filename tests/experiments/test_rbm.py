"""Restricted Boltzmann machines as an experiment: stacked, resumed, measured, and a check that can fail."""

from math import sqrt

import numpy as np
import pytest
import torch

from dropnorm.errors import UserError
from dropnorm.experiments.boltzmann.enumeration import conditionals, expected_gradient
from dropnorm.experiments.boltzmann.filters import mean_frequency, radius_of_gyration
from dropnorm.experiments.boltzmann.training import histogram
from dropnorm.names import ResultName
from dropnorm.networks.rbm import RBM
from dropnorm.protocol import load as load_protocol
from tests.experiments.conftest import assert_resumes, experiments_of, finish, in_any_order

CPU = torch.device("cpu")
NAME = ResultName("srivastava2014", "figure12")
SMALL = {
    "machine.hidden": 12, "training.steps": 30, "training.batch_size": 20, "measure.every": 10, "measure.bins": 10,
    "toy.visible": 4, "toy.hidden": 3, "toy.steps": 6, "toy.draws": 300,
}  # fmt: skip
ARMS = ["standard", "dropout", "standard_1024", "dropout_1024", "enumeration"]
TRAINED = ["standard", "dropout", "dropout.pixels-sampled"]


@pytest.fixture
def make(root, digits):
    return experiments_of(root, digits, NAME, SMALL)


def measured(experiment, quantity, step=None):
    frame = experiment.frame()
    mine = frame[(frame.quantity == quantity) & (True if step is None else frame.step == step)]
    return mine.value.to_numpy(float)


def test_the_protocol_has_these_arms(root):
    arms = load_protocol(root, NAME, "full").arms
    assert [a for a in arms if "." not in a] == ARMS
    assert {a for a in arms if "." in a} == {
        f"{net}.{what}" for net in ("standard", "dropout") for what in ("l2-0.0", "pixels-sampled")
    }
    assert arms["dropout_1024"].machine.hidden == 1024 and arms["dropout_1024"].machine.p == 0.5
    assert arms["dropout.l2-0.0"].training.l2 == 0 and arms["dropout.l2-0.0"].machine.p == 0.5


@pytest.mark.parametrize("arm", [*TRAINED, "enumeration"])
def test_a_replica_in_a_stack_measures_what_the_seed_alone_does(make, arm):
    stacked, alone = finish(make(arm, [0, 1, 2])).frame(), finish(make(arm, [1])).frame()
    mine = stacked[stacked.replica == 1].value.to_numpy(float)
    np.testing.assert_allclose(mine, alone.value.to_numpy(float), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("arm", [*TRAINED, "enumeration"])
def test_resuming_anywhere_gives_the_same_bits(make, arm):
    stops = (1, 10, 17) if arm != "enumeration" else (1, 4)
    assert_resumes(lambda: make(arm, [0, 1]), stops, measured=in_any_order)


def test_arms_of_one_seed_start_alike_and_see_the_same_examples(make):
    standard, dropout = (make(arm, [0]).task for arm in ("standard", "dropout"))
    assert torch.equal(standard.rbm.W, dropout.rbm.W)
    assert torch.equal(standard.order.batch(3), dropout.order.batch(3))
    assert standard._masks(3) is None and not torch.equal(dropout._masks(3), dropout._masks(4))


def test_training_reconstructs_better_and_records_what_it_should(make):
    done = finish(make("dropout", [0, 1], **{"training.steps": 300, "measure.every": 100, "machine.hidden": 32}))
    error = measured(done, "squared_error")
    assert (error[-2:] < 0.8 * error[:2]).all()
    frame = done.frame()
    assert sorted(frame[frame.quantity == "norm"].step.unique()) == [100, 200, 300]
    assert frame[frame.quantity == "norm"].unit.nunique() == 32
    assert (measured(done, "diverged_at") == -1).all()
    filters = frame[(frame.quantity.str.startswith("filter.")) & (frame.replica == 1) & (frame.unit == 5)]
    assert len(filters) == 64
    norm = frame[(frame.quantity == "norm") & (frame.step == 300) & (frame.replica == 1) & (frame.unit == 5)]
    assert np.linalg.norm(filters.value) == pytest.approx(norm.value.item(), rel=1e-5)


def test_shares_means_and_histogram_are_of_one_and_the_same_activations(make, digits):
    done = finish(make("dropout", [0], **{"measure.bins": 10, "measure.mini_batch": 5}))
    task = done.task
    h = task.rbm.hidden_probability(task.test.inputs(torch.arange(5)).unsqueeze(0))[0]
    assert measured(done, "batch_share_below").item() == pytest.approx((h < 0.1).float().mean().item())
    assert measured(done, "batch_activation_mean") == pytest.approx(h.mean(0).numpy(), abs=1e-6)
    assert measured(done, "batch_activation_sd") == pytest.approx(h.std(0, correction=0).numpy(), abs=1e-6)
    assert measured(done, "batch_histogram").sum() == pytest.approx(1)
    assert measured(done, "batch_histogram")[0] == pytest.approx(measured(done, "batch_share_below").item())
    v = task.test.inputs(torch.arange(5)).unsqueeze(0)
    back = torch.sigmoid(0.5 * h @ task.rbm.W[0].T + task.rbm.a[0])
    assert measured(done, "batch_squared_error").item() == pytest.approx((back - v).square().sum(2).mean().item())


def test_sampled_pixels_are_binary_and_new_each_time(make):
    task = make("standard.pixels-sampled", [0]).task
    grey = torch.full((1, 20, 64), 0.25)
    first, second = task._visible(grey, 1), task._visible(grey, 2)
    assert set(first.unique().tolist()) == {0.0, 1.0}
    assert not torch.equal(first, second)
    assert first.mean().item() == pytest.approx(0.25, abs=0.05)


def test_a_diverging_machine_is_recorded_and_leaves_its_neighbour_alone(make):
    experiment = make("standard", [0, 1])
    for _ in range(4):
        experiment.advance()
    experiment.task.rbm.W[0, 0, 0] = float("nan")
    finish(experiment)
    assert measured(experiment, "diverged_at").tolist() == [4, -1]
    assert np.isnan(measured(experiment, "share_below", step=30)[0])
    assert (
        measured(experiment, "share_below", step=30)[1] == measured(finish(make("standard", [0, 1])), "share_below")[-1]
    )


# --- the check by enumeration ---


def test_enumeration_finds_the_code_right(make):
    done = finish(make("enumeration", [0, 1]))
    assert measured(done, "conditional_error").max() < 1e-14
    assert measured(done, "standard_difference").max() == 0
    assert measured(done, "deviation_in_se").max() < 5


def test_enumeration_finds_a_wrong_conditional(make, monkeypatch):
    right = RBM.hidden_probability
    monkeypatch.setattr(RBM, "hidden_probability", lambda rbm, v, r=None: right(rbm, v, r) * (1 - 1e-9))
    assert make("enumeration", [0]).task.conditional_error().item() > 1e-11


@pytest.mark.parametrize("slip", ["p", "one_mask_less"])
def test_the_drawn_steps_can_tell_a_slip(make, slip):
    """Another p, or a negative phase without the mask: the mean of the drawn steps is many standard errors away."""
    experiment = make("enumeration", [0, 1], **{"toy.draws": 3000})
    if slip == "p":
        experiment.task.expected = make("enumeration", [0, 1], **{"toy.p": 0.6}).task.expected
    else:
        expected = [_without_negative_mask(experiment.task, i) for i in range(2)]
        experiment.task.expected = torch.stack(expected)
    assert measured(finish(experiment), "deviation_in_se").min() > 5


def _without_negative_mask(task, i):
    """The expectation if the reconstruction were read by all hidden units, by a sum over drawn masks and states."""
    g = torch.Generator().manual_seed(0)
    W, a, b = task._machine(i)
    v = task.v[i].repeat(40_000, 1)
    r = (torch.rand(len(v), len(b), generator=g) < task.settings.p).double()
    h = torch.sigmoid(v @ W + b) * r
    v_model = torch.sigmoid((torch.rand(h.shape, generator=g) < h).double() @ W.T + a)
    h_model = torch.sigmoid(v_model @ W + b)
    parts = ((v_model.T @ h_model - v.T @ h) / len(v), (v_model - v).mean(0), (h_model - h).mean(0))
    return torch.cat([t.flatten() for t in parts])


def test_listed_states_against_numbers_by_hand():
    """One visible and one hidden unit, W = log 2, no biases: P(h = 1 | v = 1) = 2/3."""
    W, zero = torch.tensor([[2.0]]).log(), torch.zeros(1)
    h, v = conditionals(W, zero, zero, torch.ones(1))
    assert h.flatten().tolist() == pytest.approx([1 / 2, 2 / 3])
    assert v.flatten().tolist() == pytest.approx([1 / 2, 2 / 3])
    h, v = conditionals(W, zero, zero, torch.zeros(1))
    assert h.abs().max() == 0 and v.flatten().tolist() == pytest.approx([1 / 2])
    # v = 1: h is on with p 2/3; then v_model is 2/3, else 1/2. The mean reconstruction is 11/18, less 1.
    dW, da, db = expected_gradient(W, zero, zero, torch.ones(1, 1), 1.0)
    assert da.item() == pytest.approx(11 / 18 - 1)
    h_model = [2**x / (1 + 2**x) for x in (2 / 3, 1 / 2)]
    assert db.item() == pytest.approx(2 / 3 * h_model[0] + 1 / 3 * h_model[1] - 2 / 3)
    assert dW.item() == pytest.approx(2 / 3 * 2 / 3 * h_model[0] + 1 / 3 * 1 / 2 * h_model[1] - 2 / 3)


# --- measures ---


def test_extent_and_frequency_of_pictures_with_a_known_answer():
    pictures = torch.zeros(6, 8, 8, dtype=torch.float64)
    pictures[0] = 1.0  # constant: frequency 0
    pictures[1] = (torch.arange(64).view(8, 8) // 8 + torch.arange(8)) % 2 * 2 - 1.0  # chequerboard
    pictures[2] = torch.cos(2 * torch.pi * torch.arange(8) / 4).double()  # a wave of 4 pixels
    pictures[3, 2, 5] = -3.0  # a point: no extent, all frequencies alike
    pictures[4, 1, 1] = pictures[4, 1, 5] = 1.0  # two points 4 apart: 2 from their centre
    pictures[5, 0, 0], pictures[5, 3, 4] = 1.0, -1.0  # 5 apart
    W = pictures.view(1, 6, 64).mT
    frequency = mean_frequency(W, 8, 8)[0].tolist()
    assert frequency[:3] == pytest.approx([0, sqrt(0.5), 0.25], abs=1e-9)
    grid = np.fft.fftfreq(8)
    assert frequency[3] == pytest.approx(np.hypot(grid[:, None], grid).mean())
    radius = radius_of_gyration(W, 8, 8)[0].tolist()
    assert radius[3:] == pytest.approx([0, 2, 2.5], abs=1e-7)
    assert radius[0] == pytest.approx(sqrt(2 * (64 - 1) / 12))
    torch.testing.assert_close(radius_of_gyration(-5 * W, 8, 8), radius_of_gyration(W, 8, 8))


def test_rows_and_columns_of_an_image_that_is_not_square_are_told_apart():
    picture = torch.zeros(1, 12, 1, dtype=torch.float64)  # 3 rows of 4 pixels
    picture[0, [0, 8]] = 1.0  # first column, first and last row
    assert radius_of_gyration(picture, 3, 4).item() == pytest.approx(1)
    picture[0, 8], picture[0, 3] = 0.0, 1.0  # first row, first and last column
    assert radius_of_gyration(picture, 3, 4).item() == pytest.approx(1.5)


def test_histogram_counts_each_replica_by_itself_and_puts_one_into_the_last_bin():
    h = torch.tensor([[[0.0, 0.09, 0.1, 1.0]], [[0.55, 0.55, 0.95, 0.999]]])
    counts = histogram(h, 10)
    assert counts[0].tolist() == [2, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    assert counts[1].tolist() == [0, 0, 0, 0, 0, 2, 0, 0, 0, 2]


@pytest.mark.parametrize(
    ("key", "value"),
    [("machine.p", 0), ("toy.visible", 12), ("data.pixels", "binary"), ("training.l2", -1), ("task", "sample")],
)
def test_impossible_settings_are_refused(root, key, value):
    with pytest.raises(UserError, match=key.split(".")[0]):
        load_protocol(root, NAME, "smoke", {key: value})
