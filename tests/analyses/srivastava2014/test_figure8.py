"""The numbers of Figure 8 from runs that were made up, so that every answer is known."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from dropnorm.analyses import Context
from dropnorm.analyses.srivastava2014.figure8 import figures, summarise
from dropnorm.analyses.tidy import select
from dropnorm.names import ResultName
from tests.analyses.made_up import axes_drawn, verdicts
from tests.analyses.made_up import first_value as value

NAME = ResultName("srivastava2014", "figure8")
CLAIMS = ["F8.1", "F8.2", "F8.3", "F8.4"]


@pytest.fixture
def reference(root):
    return pd.read_csv(root / "reference/srivastava2014/figure8.csv")


def test_samples_of_every_claim(autoencoder_runs):
    summary = summarise(autoencoder_runs)
    assert value(summary, "mean_activation", "none") == pytest.approx(2.0)
    assert value(summary, "near_zero", "dropout") == pytest.approx(40)
    assert value(summary, "above_1", "none") == pytest.approx(60)
    assert value(summary, "hoyer", "dropout") == pytest.approx(0.6)
    assert value(summary, "treves_rolls", "none") == pytest.approx(0.4)
    assert value(summary, "mean_scaled", "dropout") == pytest.approx(0.5)
    assert value(summary, "unit_mean_median", "none") == pytest.approx(2.0)
    assert value(summary, "mean_activation_batch", "dropout.l2-0.0") == pytest.approx(1.0)
    assert summary.facts["mean_activation_ratio"] == "2.00"
    assert summary.facts["mean_scaled_ratio"] == "4.00"


def test_verdicts_of_numbers_that_hold(autoencoder_runs):
    assert verdicts(NAME, summarise(autoencoder_runs)) == dict.fromkeys(CLAIMS, "replicated")


@pytest.mark.parametrize(
    ("quantity", "arm", "factor", "claim"),
    [
        ("test_mean", "dropout", 1.3, "F8.1"),  # 2 to 1.3 is less than the factor asked for
        ("test_share_near_zero", "dropout", 0.6, "F8.2"),  # 14 points
        ("test_share_above_1", "dropout", 2.2, "F8.3"),
        ("test_hoyer_images", "dropout", 0.4, "F8.4"),
        ("test_treves_rolls_images", "none", 2, "F8.4"),
    ],
)
def test_one_wrong_number_overturns_its_claim_and_no_other(autoencoder_runs, quantity, arm, factor, claim):
    runs = autoencoder_runs
    runs.loc[(runs.arm == arm) & (runs.quantity == quantity), "value"] *= factor
    assert verdicts(NAME, summarise(runs)) == dict.fromkeys(CLAIMS, "replicated") | {claim: "not replicated"}


def test_images_shown_and_factor_p_decide_nothing(autoencoder_runs):
    runs = autoencoder_runs
    beside = runs.quantity.astype(str).str.contains("batch_|_scaled|_units|_live")
    runs.loc[beside, "value"] = 1.0
    assert verdicts(NAME, summarise(runs)) == dict.fromkeys(CLAIMS, "replicated")


def test_histograms_are_shares_of_all_activations_and_of_units(autoencoder_runs):
    curves = summarise(autoencoder_runs).curves
    single = select(curves, "activations_batch", "none")
    assert single.value.tolist() == pytest.approx([50, 100 / 3, 50 / 3])  # bins beyond the largest are left out
    units = select(curves, "units_batch", "dropout").set_index("x").value
    assert units.sum() == pytest.approx(100)
    assert units[1.0] == pytest.approx(100 / 3) and units[1.9] == 0 and units[2.0] == pytest.approx(100 / 6)


def test_the_paper_s_own_numbers_fit_each_other(reference):
    """Of each net: a smaller share above 2 than above 1, and a mean between the mode and the largest."""
    for net in ("none", "dropout"):
        own = reference[reference.arm == net].set_index("quantity").value
        assert own.above_2 < own.above_1 and own.unit_mean_mode < own.mean_activation < own.largest


def test_figures_draw_and_their_words_hold_the_numbers(autoencoder_runs, autoencoder_settings, reference):
    drawings = figures(
        summarise(autoencoder_runs).curves,
        reference,
        Context("full", "MNIST", "lr1 (optimiser.lr = 1)", autoencoder_settings),
    )
    assert list(drawings) == ["figure", "settings"]
    assert "without dropout the mean activation is 2.00" in drawings["figure"].alt
    assert "(paper 39)" in drawings["settings"].alt
    assert all("lr1 (optimiser.lr = 1)" in d.caption and "5 seeds" in d.caption for d in drawings.values())
    for drawing in drawings.values():
        axes_drawn(drawing)


def test_the_paper_s_numbers_stand_beside_no_other_data(autoencoder_runs, autoencoder_settings, reference):
    drawings = figures(
        summarise(autoencoder_runs).curves, reference, Context("smoke", "digits", "", autoencoder_settings)
    )
    assert all("paper" not in d.alt and "paper's own" not in d.caption for d in drawings.values())


@pytest.mark.parametrize("arm", ["none", "dropout", "dropout.loss-cross_entropy"])
def test_arms_that_were_not_run_leave_gaps_and_nothing_else(autoencoder_runs, autoencoder_settings, reference, arm):
    only = autoencoder_runs[autoencoder_runs.arm == arm].astype({"arm": str}).astype({"arm": "category"})
    summary = summarise(only)
    assert set(summary.samples.arm) == {arm}
    for drawing in figures(summary.curves, reference, Context("full", "MNIST", "", autoencoder_settings)).values():
        plt.close(drawing.draw())


def test_a_diverged_network_crashes_nothing(autoencoder_runs, autoencoder_settings, reference):
    runs = autoencoder_runs
    broken = (runs.arm == "none") & (runs.seed == 1) & ~runs.quantity.astype(str).str.contains("histogram")
    runs.loc[broken, "value"] = np.nan
    summary = summarise(runs)
    for drawing in figures(summary.curves, reference, Context("full", "MNIST", "", autoencoder_settings)).values():
        plt.close(drawing.draw())
