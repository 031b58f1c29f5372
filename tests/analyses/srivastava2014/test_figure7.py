"""The numbers of Figure 7 from runs that were made up, so that every answer is known."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from dropnorm.analyses import Context
from dropnorm.analyses.mosaics import mosaic
from dropnorm.analyses.srivastava2014.figure7 import figures, summarise
from dropnorm.names import ResultName
from tests.analyses.made_up import axes_drawn, verdicts
from tests.analyses.made_up import first_value as value

NAME = ResultName("srivastava2014", "figure7")
CLAIMS = ["F7.1", "F7.2", "F7.3", "F7.4"]


def test_samples_of_every_claim(autoencoder_runs):
    summary = summarise(autoencoder_runs)
    assert value(summary, "window_energy", "none") == pytest.approx(
        30
    )  # the median of the five units that are not dead
    assert value(summary, "window_energy", "dropout") == pytest.approx(80)
    assert value(summary, "participation", "none") == pytest.approx(8)
    assert value(summary, "moran", "dropout") == pytest.approx(0.6)
    assert value(summary, "window_energy_gain", "dropout") == pytest.approx(50)
    assert value(summary, "participation_drop", "dropout") == pytest.approx(6)
    assert value(summary, "low_frequency_gain", "dropout") == pytest.approx(30)
    assert value(summary, "moran_gain", "dropout") == pytest.approx(0.5)
    assert value(summary, "rise_1_unit", "none") == pytest.approx(
        5
    )  # from 2.0 to a mean of 2.1, the dead unit's included
    assert value(summary, "rise_50_percent", "none") == pytest.approx(1000)
    assert value(summary, "rise_50_percent", "dropout") == pytest.approx(50)
    assert value(summary, "rescaled_rise_10_percent", "none") == pytest.approx(150)
    assert value(summary, "added_50_percent", "none") == pytest.approx(20)
    assert value(summary, "test_error", "dropout.l2-0.0") == pytest.approx(2.2)
    assert summary.facts["error_ratio"] == "1.1"
    assert summary.facts["window_energy_none_cross_entropy"] == "30.0"
    assert summary.facts["pixel_error_none"] == "0.354"  # the root of 2.004 over 16 pixels
    assert summary.facts["runs"] == "30" and summary.facts["runs_diverged"] == "0"


def test_verdicts_of_numbers_that_hold(autoencoder_runs):
    assert verdicts(NAME, summarise(autoencoder_runs)) == dict.fromkeys(CLAIMS, "replicated")


@pytest.mark.parametrize(
    ("quantity", "arm", "seeds", "factor", "claim"),
    [
        ("filter_window_energy", "dropout", [0, 1, 2, 3, 4], 0.3, "F7.1"),
        ("filter_participation", "dropout", [2], 5, "F7.1"),  # one seed the other way is enough
        ("filter_moran", "dropout", [0, 1, 2, 3, 4], 0, "F7.2"),
        ("filter_low_frequency", "dropout", [4], 0.2, "F7.2"),
        ("knockout_50", "none", [0, 1, 2, 3, 4], 0.1, "F7.3"),
        ("knockout_unit", "none", [0, 1, 2, 3, 4], 0.9, "F7.3"),
        ("test_error", "dropout", [0, 1, 2, 3, 4], 2, "F7.4"),
    ],
)
def test_one_wrong_number_overturns_its_claim_and_no_other(autoencoder_runs, quantity, arm, seeds, factor, claim):
    runs = autoencoder_runs
    mine = (runs.arm == arm) & (runs.quantity == quantity) & runs.seed.isin(seeds)
    runs.loc[mine, "value"] *= factor
    assert verdicts(NAME, summarise(runs)) == dict.fromkeys(CLAIMS, "replicated") | {claim: "not replicated"}


def test_other_settings_decide_nothing(autoencoder_runs):
    runs = autoencoder_runs
    runs.loc[runs.arm.isin(["dropout.l2-0.0", "dropout.loss-cross_entropy"]), "value"] *= 0.1
    assert verdicts(NAME, summarise(runs)) == dict.fromkeys(CLAIMS, "replicated")


def test_a_mosaic_has_its_tiles_in_order_on_one_scale_of_grey():
    filters = np.zeros((5, 2, 2))
    filters[0, 0, 0], filters[1, 0, 1], filters[4] = 1, -1, 0.5
    picture = mosaic(np.concatenate([filters, np.full((1, 2, 2), np.nan)]), 3)
    assert picture.shape == (7, 10) and picture.dtype == np.uint8
    assert picture[1, 1] == 255 and picture[1, 5] == 0  # first tile, its first pixel; second tile, its second
    assert set(picture[1:3, 7:9].ravel()) == {128}  # third: zero
    assert set(picture[4:6, 4:6].ravel()) == {191}  # fifth: half of the largest
    assert set(picture[4:6, 7:9].ravel()) == {128}  # not a number
    assert set(picture[0]) == {70}


def test_images_are_mosaics_of_all_filters_of_the_pair_and_of_the_others(autoencoder_runs):
    images = summarise(autoencoder_runs).images
    assert set(images) == {n + s for n in ("none", "dropout") for s in ("", "_no_l2", "_cross_entropy")}
    assert images["none"].shape == (2 * 5 + 1, 3 * 5 + 1)  # six filters in three columns
    assert images["none"][1, 1] == 255


@pytest.mark.parametrize("arm", ["none", "dropout", "none.l2-0.0"])
def test_arms_that_were_not_run_leave_gaps_and_nothing_else(autoencoder_runs, autoencoder_settings, arm):
    only = autoencoder_runs[autoencoder_runs.arm == arm].astype({"arm": str}).astype({"arm": "category"})
    summary = summarise(only)
    assert set(summary.samples.arm) == {arm}
    assert "error_ratio" not in summary.facts
    for drawing in figures(summary.curves, None, context(autoencoder_settings, summary)).values():
        plt.close(drawing.draw())


def context(settings, summary):
    return Context("full", "MNIST", "lr1 (optimiser.lr = 1)", settings, summary.images)


def test_figures_draw_and_their_words_hold_the_numbers(autoencoder_runs, autoencoder_settings):
    summary = summarise(autoencoder_runs)
    drawings = figures(summary.curves, None, context(autoencoder_settings, summary))
    assert list(drawings) == ["figure", "features", "knockout", "settings", "other_filters"]
    assert "80.0 % of its energy" in drawings["figure"].alt and "Moran's I 0.60" in drawings["figure"].alt
    assert "1,000 % at 50 % of the units" in drawings["knockout"].alt
    assert "2, 2, 2" in drawings["settings"].alt
    assert all("lr1 (optimiser.lr = 1)" in d.caption and "5 seeds" in d.caption for d in drawings.values())
    for drawing in drawings.values():
        axes_drawn(drawing)


def test_a_diverged_network_is_counted_and_crashes_nothing(autoencoder_runs, autoencoder_settings):
    runs = autoencoder_runs
    broken = (runs.arm == "none") & (runs.seed == 1)
    runs.loc[broken, "value"] = np.nan
    runs.loc[broken & (runs.quantity == "diverged_at"), "value"] = 7
    summary = summarise(runs)
    assert summary.facts["runs_diverged"] == "1"
    drawings = figures(summary.curves, None, context(autoencoder_settings, summary))
    for drawing in drawings.values():
        plt.close(drawing.draw())
    assert isinstance(summary.table, pd.DataFrame)
