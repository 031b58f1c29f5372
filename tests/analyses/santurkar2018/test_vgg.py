"""The rules that all analyses of VGG nets share: windows, censoring, smoothing, the landscape's grid."""

import numpy as np
import pandas as pd
import pytest

from dropnorm.analyses.santurkar2018.vgg import (
    band_width,
    beta_times_rate,
    end,
    first_of_pairs,
    largest,
    mean_train_accuracy,
    smoothed,
    steps_to,
    successive_change,
    train_accuracy,
    window,
    window_median,
)
from dropnorm.analyses.santurkar2018.vgg_drawings import ends_told
from dropnorm.analyses.tidy import history


def test_a_window_is_cut_where_the_shortest_run_ends_and_counts_from_a_quarter_on(vgg_runs):
    runs = vgg_runs({"standard": {"landscape_base_loss": 1}, "l1": {"landscape_base_loss": 1}}, ends={"l1": 2000})
    table = pd.DataFrame({0: np.arange(40.0)}, index=range(0, 4000, 100))
    assert end(runs, ["standard", "l1"]) == 2000
    assert list(window(runs, table, 1000, 5000, ["standard"]).index) == list(range(1000, 4000, 100))
    assert list(window(runs, table, 1000, 5000, ["standard", "l1"]).index) == list(range(1000, 2000, 100))
    assert len(window(runs, table, 1000, 5001, ["standard", "l1"])) == 0  # just below a quarter
    assert len(window(runs, table, 10_000, 15_000, ["standard"])) == 0


def test_a_seed_that_diverges_in_a_window_does_not_count_with_its_tame_beginning(vgg_runs):
    def breaks(t, s):
        return np.nan if s == 1 and t >= 1500 else 0.5

    runs = vgg_runs({"standard": {"landscape_base_loss": breaks}})
    table = history(runs, "standard", "landscape_base_loss")
    assert list(window_median(runs, table, 1000, 5000, ["standard"]).index) == [0, 2]
    assert list(window_median(runs, table, 0, 1500, ["standard"]).index) == [0, 1, 2]


def test_windows_of_smoke_runs_shrink_with_the_schedule(vgg_runs):
    runs = vgg_runs({"standard": {"landscape_base_loss": 1}}, last=300)
    table = pd.DataFrame({0: np.arange(30.0)}, index=range(0, 300, 10))
    assert list(window(runs, table, 0, 5000, ["standard"]).index) == list(range(0, 100, 10))
    assert list(window(runs, table, 10_000, 15_000, ["standard"]).index) == list(range(200, 300, 10))


def test_smoothing_is_the_mean_of_two_hundred_steps_around(vgg_runs):
    runs = vgg_runs({"standard": {"train_accuracy": lambda t, s: t / 4000}})
    table = smoothed(runs, train_accuracy(runs, "standard"))
    assert table.loc[2000, 0] == pytest.approx(50)  # a line stays a line,
    assert table.loc[0, 0] == pytest.approx(100 * 50 / 4000)  # and at its end the mean is one-sided
    step = vgg_runs({"standard": {"train_accuracy": lambda t, s: float(t >= 2000)}})
    edge = smoothed(step, train_accuracy(step, "standard"))[0]
    assert edge[1890] == 0
    assert edge[1900] == pytest.approx(100 / 21)
    assert edge[2100] == 100


def test_steps_to_a_level_count_all_steps_of_a_run_that_never_gets_there(vgg_runs):
    def rising(slope):
        return {"train_accuracy": lambda t, s: min(1, t / slope + s / 1000)}

    runs = vgg_runs({"standard": rising(8000), "batchnorm": rising(2000)})
    assert list(steps_to(runs, "standard", 80)) == [4000] * 3
    assert list(steps_to(runs, "batchnorm", 80)) == [1600, 1600, 1600]


def test_mean_accuracy_is_over_the_steps_that_all_have(vgg_runs):
    runs = vgg_runs({"standard": {"train_accuracy": lambda t, s: float(t < 2000)}, "l1": {"train_accuracy": 0.5}},
                    ends={"l1": 2000})  # fmt: skip
    assert mean_train_accuracy(runs, "standard", ["standard", "l1"]).tolist() == pytest.approx([100] * 3)
    assert mean_train_accuracy(runs, "standard", ["standard"]).tolist() == pytest.approx([50] * 3)


def test_the_landscape_leaves_out_the_step_that_is_not_the_paper_s(vgg_runs):
    quantities = {"landscape_loss": [99, 4, 2, 3, 7], "landscape_gradient_difference": [1, 2, 4, 8, 16],
                  "landscape_gradient_norm": 4}  # fmt: skip
    runs = vgg_runs({"standard": quantities})
    assert (band_width(runs, "standard") == 5).all(axis=None)
    assert (largest(runs, "standard", "landscape_gradient_difference") == 16).all(axis=None)
    # 8 |dg| / |g| at an eighth of the rate, |dg| / |g| / 4 at four times the rate
    assert (beta_times_rate(runs, "standard", 0) == 2).all(axis=None)
    assert (beta_times_rate(runs, "standard", 4) == 1).all(axis=None)
    assert band_width(runs, "batchnorm").empty


def test_changes_are_between_steps_in_a_row_alone():
    table = pd.DataFrame({0: [1.0, 3.0, 10.0, 9.0]}, index=[0, 1, 100, 101])
    assert successive_change(table)[0].to_dict() == {0: 2, 100: 1}
    assert list(first_of_pairs(table).index) == [0, 100]


def test_a_line_that_ends_before_the_others_is_told_with_its_step():
    curves = pd.DataFrame(
        {
            "panel": "train",
            "series": ["standard", "standard", "batchnorm", "batchnorm", "l1"],
            "x": [0, 15000, 0, 2000, 15000],
            "value": [10.0, 96.0, 10.0, 75.0, 50.0],
        }
    )
    told = ends_told(curves, "train", ["standard", "batchnorm", "l1", "l2"])
    assert told == "standard 96.0; batch norm 75.0 (at step 2,000); l1 norm 50.0"
