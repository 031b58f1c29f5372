"""Measures of filters, codes and lost units against closed forms and written-out sums."""

import numpy as np
import pytest
import torch

from dropnorm.experiments.features import filters, knockout, sparsity
from dropnorm.networks.autoencoder import Autoencoder


def picture(side=12):
    return torch.zeros(1, 1, side, side, dtype=torch.float64)


def noise(side=28, count=200):
    return torch.randn(1, count, side, side, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


# --- filters ---


def test_weights_become_pictures_row_by_row():
    W = torch.arange(2 * 4 * 3).view(2, 4, 3).double()
    w = filters.as_pictures(W, 2)
    assert w.shape == (2, 3, 2, 2)
    assert torch.equal(w[1, 2], W[1, :, 2].view(2, 2))


def test_a_spot_is_local_and_a_flat_filter_is_not():
    spot, flat = picture(), picture() + 1
    spot[..., 3, 4] = -2.0
    assert filters.norms(spot).item() == 2
    assert filters.window_energy(spot, 3).item() == pytest.approx(1)
    assert filters.window_energy(flat, 3).item() == pytest.approx(9 / 144)
    assert filters.participation(spot).item() == pytest.approx(1)
    assert filters.participation(flat).item() == pytest.approx(144)


def test_the_best_window_is_found_wherever_it_is_and_counts_squares():
    w = picture()
    w[..., 10:12, 9:12] = -1.0  # six weights in a corner
    w[..., 0, 0] = 2.0  # as much energy as four of them
    assert filters.window_energy(w, 3).item() == pytest.approx(0.6)


def test_noise_has_the_values_that_are_expected_of_it():
    w = noise()
    assert filters.participation(w).mean().item() == pytest.approx(784 / 3, rel=0.05)
    assert filters.morans_i(w).mean().item() == pytest.approx(-1 / 783, abs=0.01)
    inside = sum(i * i + j * j <= 25 for i in range(-14, 14) for j in range(-14, 14))
    assert filters.low_frequency(w, 5).mean().item() == pytest.approx(inside / 784, rel=0.05)


def test_frequencies_are_cycles_a_picture():
    wave = picture() + torch.cos(2 * torch.pi * 3 * torch.arange(12).double() / 12)
    assert filters.low_frequency(wave, 3).item() == pytest.approx(1)
    assert filters.low_frequency(wave, 2.9).item() == pytest.approx(0, abs=1e-12)
    assert filters.low_frequency(picture() + 1, 0.1).item() == pytest.approx(1)  # the mean counts as frequency 0


def test_morans_i_is_the_written_out_sum():
    checks = picture() + torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(6, 6)
    assert filters.morans_i(checks).item() == pytest.approx(-1)
    w = noise(5, 1)
    z, total, pairs = (w[0, 0] - w[0, 0].mean()).numpy(), 0.0, 0
    for i in range(5):
        for j in range(5):
            for k, m in ((i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)):
                if 0 <= k < 5 and 0 <= m < 5:
                    total, pairs = total + z[i, j] * z[k, m], pairs + 1
    assert filters.morans_i(w).item() == pytest.approx(25 / pairs * total / (z**2).sum())


def test_measures_do_not_depend_on_the_scale_and_a_dead_filter_has_none():
    for measure in (filters.participation, filters.morans_i, lambda w: filters.window_energy(w, 9)):
        torch.testing.assert_close(measure(noise()), measure(-7 * noise()))
        assert measure(picture()).isnan().all()


# --- codes ---


def test_sparsity_of_one_active_unit_is_1_and_of_equal_units_0():
    one, all_ = torch.tensor([0.0, 0, 3, 0]), torch.full((4,), 2.0)
    for measure in (sparsity.hoyer, sparsity.treves_rolls):
        assert measure(one).item() == pytest.approx(1)
        assert measure(all_).item() == pytest.approx(0, abs=1e-6)
        assert measure(torch.zeros(4)).isnan()
        h = torch.rand(5, 9)
        torch.testing.assert_close(measure(h), measure(10 * h))
    half = torch.tensor([1.0, 1, 0, 0])
    assert sparsity.hoyer(half).item() == pytest.approx(2 - 2**0.5)
    assert sparsity.treves_rolls(half).item() == pytest.approx((1 - 0.5) / 0.75)


def test_shares_by_hand():
    h = torch.tensor([[[0.0, 0.5], [1.5, 3.0]], [[0.0, 0.0], [0.0, 4.0]]])
    found = sparsity.shares(h, torch.tensor([0.5, 1.0]))
    assert found["mean"].tolist() == [1.25, 1.0]
    assert found["mean_scaled"].tolist() == [0.625, 1.0]
    assert found["share_zero"].tolist() == [0.25, 0.75]
    assert found["share_above_1"].tolist() == [0.5, 0.25]
    assert found["share_above_2"].tolist() == [0.25, 0.25]
    assert found["share_above_1_scaled"].tolist() == [0.25, 0.25]
    assert found["largest"].tolist() == found["percentile99"].tolist() == [3.0, 4.0]


def test_near_zero_is_in_units_of_the_99th_percentile():
    h = torch.arange(1000.0).view(1, 10, 100)
    assert sparsity.percentile99(h).item() == np.percentile(np.arange(1000), 99, method="inverted_cdf") == 989
    assert sparsity.shares(h, torch.ones(1))["share_near_zero"].item() == pytest.approx(0.010)  # 0 to 9
    assert sparsity.shares(7 * h, torch.ones(1))["share_near_zero"].item() == pytest.approx(0.010)


def test_codes_are_taken_by_image_and_by_unit_and_silent_ones_are_left_out():
    h = torch.tensor([[[1.0, 1.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 0.0]]])
    found = sparsity.code_sparsity(h)
    expected = np.mean([(3**0.5 - 2**0.5) / (3**0.5 - 1), 1.0])
    assert found["hoyer_images"].item() == pytest.approx(expected, rel=1e-5)
    assert found["treves_rolls_units"].item() == pytest.approx(np.mean([(1 - 1 / (5 / 3)) / (2 / 3), 1.0]), rel=1e-5)
    live = sparsity.live_code_sparsity(h)  # the third unit is never active
    assert live["treves_rolls_images_live"].item() == pytest.approx(0.5)


def test_a_histogram_counts_everything_once():
    h = torch.tensor([[[0.0, 0.09, 0.1, 0.95, 5.0]], [[0.0, 0.0, float("nan"), 0.2, 0.3]]])
    counts = sparsity.histogram(h, 0.1, 10)
    assert counts.shape == (2, 11)
    assert counts[0].tolist() == [2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1]
    assert counts.sum(1).tolist() == [5, 5]


# --- lost units ---


@pytest.fixture
def case():
    net = Autoencoder(9, 6, torch.tensor([1.0, 0.5]))
    net.initialise([0, 1], [3.0, 3.0], torch.device("cpu"))
    x = torch.rand(2, 8, 9, generator=torch.Generator().manual_seed(3))
    return net, net.hidden(x) * net.p.view(-1, 1, 1), x


def test_a_lost_unit_is_one_whose_activation_is_zero(case):
    net, code, x = case
    errors = knockout.unit_errors(net, code, x)
    for j in range(6):
        without = code.clone()
        without[:, :, j] = 0
        expected = ((net.decode(without) - x) ** 2).sum(2).mean(1)
        torch.testing.assert_close(errors[:, j], expected)


def test_groups_are_of_the_right_size_and_a_function_of_the_seed():
    kept = knockout.kept_units(3, 256, 10, 20)
    assert (kept.sum(1) == 230).all()
    assert torch.equal(kept, knockout.kept_units(3, 256, 10, 20))
    assert not torch.equal(kept, knockout.kept_units(4, 256, 10, 20))
    assert kept.unique(dim=0).shape[0] == 20


@pytest.mark.parametrize("rescale", [True, False])
def test_the_error_of_a_group_is_the_mean_over_draws(case, rescale):
    net, code, x = case
    kept = torch.stack([knockout.kept_units(seed, 6, 50, 3) for seed in (0, 1)])
    expected = torch.zeros(2)
    for replica in (0, 1):
        for draw in kept[replica]:
            left = code[replica] * draw * (2 if rescale else 1)
            y = torch.sigmoid(left @ net.parameters["W2"][replica] + net.parameters["b2"][replica])
            expected[replica] += ((y - x[replica]) ** 2).sum(1).mean() / 3
    torch.testing.assert_close(knockout.group_error(net, code, x, kept, rescale=rescale), expected)
