"""Figure 4 from made-up runs: bands, edges, the plateau, and the comparison at equal loss."""

import numpy as np
import pandas as pd
import pytest

from dropnorm.analyses.santurkar2018 import figure4


def arm(width, change, slope=1 / 1000, rate=0.1):
    """A band of `width`, a gradient of length 4 that changes by `change` at every step length; the loss falls."""
    lengths = [0.125, 0.5, 1, 2, 4]
    return {
        "train_loss": lambda t, s: float(np.exp(-slope * t)),
        "landscape_base_loss": 10.0,
        "landscape_loss": [9.0, 1.0, 1.0, 1.0 + width, 1.0],
        "landscape_gradient_difference": [change] * 5,
        "landscape_smoothness": [change / (4 * rate * m) for m in lengths],
        "landscape_gradient_norm": 4.0,
        "random_loss": [1.0, 1.0, 1.0, 1.0, 1.0 + width / 100],
        "random_gradient_difference": [change / 50] * 5,
    }


def test_samples_of_every_claim(vgg_runs, value, draw_all):
    runs = vgg_runs(
        {"standard": arm(2.0, 12.0), "batchnorm": arm(0.4, 4.0), "batchnorm.half_rate-0.05": arm(0.4, 4.0, rate=0.05)},
        last=15_000,
    )
    summary = figure4.summarise(runs)
    assert value(summary, "band_width", "standard") == pytest.approx([2.0] * 3)
    assert value(summary, "gradient_edge", "batchnorm") == pytest.approx([4.0] * 3)
    # the largest change over distance is at half the rate: change / (4 * 0.05)
    assert value(summary, "beta_early", "standard") == pytest.approx([60] * 3)
    assert value(summary, "beta_late", "batchnorm") == pytest.approx([20] * 3)
    assert value(summary, "beta_p95", "batchnorm") == pytest.approx([20] * 3)
    # a gradient that changes by its own length at once: the grid decides, 8 / rate at an eighth of the rate
    assert value(summary, "beta_eighth_times_rate", "batchnorm") == pytest.approx([8] * 3)
    assert value(summary, "beta_late_times_rate", "batchnorm.half_rate-0.05") == pytest.approx([2] * 3)
    assert value(summary, "band_ratio_mid_over_late", "standard") == pytest.approx([1] * 3)
    assert value(summary, "random_gradient_edge", "standard") == pytest.approx([0.24] * 3)
    assert value(summary, "random_band_width", "batchnorm") == pytest.approx([0.004] * 3)
    assert value(summary, "band_ratio_equal_loss", "standard") == pytest.approx([5] * 3)
    kept = {key: fact for key, fact in summary.facts.items() if key.startswith("loss_kept")}
    assert set(kept) == {f"loss_kept_at_{step}_{arm}" for step in ("half", "eighth") for arm in figure4.ARMS}
    assert (kept["loss_kept_at_half_standard"], kept["loss_kept_at_eighth_batchnorm"]) == ("10", "90")
    drawings = draw_all(figure4, summary)
    assert set(drawings) == {"figure", "plateau", "random", "equal_loss"}
    assert "width of the loss band 2, upper edge of the gradient's change 12" in drawings["figure"].alt


def test_every_measure_has_its_own_window(vgg_runs, value):
    """What is the step itself has for its median the middle of its window; probes are 100 steps apart."""

    def step(t, s):
        return float(t)

    grows = arm(0.0, 0.0) | {
        "landscape_loss": [9.0, 1.0, 1.0, 1.0, lambda t, s: 1.0 + t],
        "landscape_gradient_difference": [step] * 5,
        "landscape_smoothness": [step] * 5,
        "random_loss": [1.0, 1.0, 1.0, 1.0, lambda t, s: 1.0 + t],
        "random_gradient_difference": [step] * 5,
    }
    middles = {
        "band_width": 2500, "band_width_mid": 3000, "band_width_first": 500, "gradient_edge": 3000,
        "gradient_edge_first": 500, "beta_early": 1500, "beta_late": 9000, "beta_p95": 0.95 * 15_000,
        "random_gradient_edge": 3000, "random_band_width": 3000,
    }  # fmt: skip
    summary = figure4.summarise(vgg_runs({"standard": grows, "batchnorm.half_rate-0.05": grows}, last=15_000))
    for measure, middle in middles.items():
        assert value(summary, measure, "standard") == pytest.approx([middle] * 3, abs=100), measure
    eighth = 9000 / 4 / 0.125  # over the gradient's length and the multiple of the rate
    assert value(summary, "beta_eighth_times_rate", "standard") == pytest.approx([eighth] * 3, rel=0.02)
    late = 9000 / 4 / 0.5
    assert value(summary, "beta_late_times_rate", "batchnorm.half_rate-0.05") == pytest.approx([late] * 3, rel=0.02)
    longer = figure4.summarise(vgg_runs({"standard": arm(1, 1) | {"landscape_gradient_norm": step}}, last=15_000))
    for window, middle in (("first", 500), ("late", 12_500)):
        assert float(longer.facts[f"gradient_length_{window}_standard"]) == pytest.approx(middle, abs=100)


def test_a_short_schedule_says_nothing_of_the_late_part(vgg_runs, names):
    summary = figure4.summarise(vgg_runs({"standard": arm(2.0, 12.0), "batchnorm": arm(0.4, 4.0)}))
    measured = {measure for measure, _ in names(summary)}
    assert {"band_width", "gradient_edge", "beta_early", "beta_p95", "band_ratio_equal_loss"} <= measured
    assert not measured & {"beta_late", "band_ratio_mid_over_late", "beta_eighth_times_rate"}


def test_the_bin_of_the_highest_losses_can_be_left_out(vgg_runs, value):
    """Bands as wide as each other, but for the plateau on which one net's band is a hundredth."""
    one, other = arm(0.0, 4.0, 1 / 1000), arm(0.0, 4.0, 1 / 1000)
    for net, on_plateau in ((one, 0.01), (other, 1.0)):
        net["landscape_loss"] = [9.0, 1.0, 1.0, 1.0, lambda t, s, f=on_plateau: 1 + (f if t <= 300 else 1.0)]
    summary = figure4.summarise(vgg_runs({"standard": one, "batchnorm": other}))
    assert value(summary, "band_ratio_equal_loss", "standard").max() < 0.8
    assert summary.facts["band_ratio_below_highest_loss"] == "1.0"


def test_nets_that_differ_only_in_how_far_they_are_are_equal_at_equal_loss(vgg_runs, value):
    """Band width = loss, one net four times as fast: at equal steps they differ, at equal loss they do not."""
    runs = []
    for name, slope in (("standard", 1 / 4000), ("batchnorm", 1 / 1000)):
        one = arm(0.0, 4.0, slope)
        one["landscape_loss"] = [9.0, 1.0, 1.0, 1.0, lambda t, s, slope=slope: 1 + float(np.exp(-slope * t))]
        runs.append(vgg_runs({name: one}))
    runs = pd.concat(runs, ignore_index=True).astype({"arm": "category", "quantity": "category"})
    summary = figure4.summarise(runs)
    steps = value(summary, "band_width", "standard") / value(summary, "band_width", "batchnorm")
    assert steps.min() > 3
    assert value(summary, "band_ratio_equal_loss", "standard") == pytest.approx([1] * 3, rel=0.1)


def test_missing_arms_leave_gaps_and_nothing_else(vgg_runs, names, draw_all):
    summary = figure4.summarise(vgg_runs({"batchnorm": arm(0.4, 4.0)}))
    assert ("band_width", "batchnorm") in names(summary)
    draw_all(figure4, summary)
    assert draw_all(figure4, figure4.summarise(vgg_runs({"l1": arm(1, 1)}))) == {}


def test_a_band_that_is_wider_counts_as_far_from_equal_as_one_that_is_narrower():
    assert figure4.from_one(pd.Series([10.0, 0.1, 1.0])).tolist() == pytest.approx([10, 10, 1])


def test_without_the_highest_bin_of_a_seed_all_its_others_count():
    by_loss = pd.DataFrame({0: [1.0, 2.0, 4.0, 100.0], 1: [3.0, 12.0, 50.0, np.nan], 2: [7.0, np.nan, np.nan, np.nan]})
    less = figure4.without_highest(by_loss)
    pd.testing.assert_series_equal(
        figure4.over_bins(less), pd.Series({0: 2.0, 1: 6.0}).rename_axis("seed"), check_names=False
    )
