"""Figures 10 and 13: the bands, effective beta and the claims on them, on made-up runs."""

import numpy as np
import pandas as pd
import pytest

from dropnorm.analyses.santurkar2018 import figure10, figure13
from dropnorm.analyses.santurkar2018.figure10_drawings import paper_ratio
from dropnorm.analyses.santurkar2018.linear_landscape import band, beta
from dropnorm.claims import judge, read_claims
from dropnorm.names import ResultName
from tests.analyses.santurkar2018.linear_runs import SEEDS, all_arms, arm, draw_all, made_up, values


@pytest.fixture(scope="module")
def summary():
    return figure10.summarise(all_arms())


def judged(root, result, summary):
    found = judge(read_claims(root, "santurkar2018"), ResultName("santurkar2018", result), summary.samples, "paper")
    return {c["id"].split(".", 1)[1]: c for c in found}


def reference(root, result):
    return pd.read_csv(root / f"reference/santurkar2018/{result}.csv")


def test_the_band_goes_from_the_smallest_to_the_largest_over_the_step_lengths():
    edges = band(all_arms(), "linear_none", "loss")
    assert edges.upper.loc[1000, 0] == 12.0
    assert edges.upper.loc[1500, 0] == 6.5
    assert edges.lower.loc[1500, 0] == 4.0
    change = band(all_arms(), "linear_batch", "difference")  # of eta = 1e-8 and 1e-5: the last but one moves most
    assert 10 ** change.lower.loc[0, 0] == pytest.approx(1e3 * 2e6 * 1e-8)
    assert 10 ** change.upper.loc[0, 0] == pytest.approx(1e3 * 2e6 * 3.2e-5 * 0.2)


def test_beta_is_the_largest_change_for_its_distance():
    assert 10 ** beta(all_arms(), "linear_batch").loc[500, 1] == pytest.approx(2e6)
    assert 10 ** beta(all_arms(), "linear_batch.lr-5e-07").loc[500, 1] == pytest.approx(1.05 * 4e6)


def test_median_and_maximum_of_a_part_of_training(summary):
    np.testing.assert_allclose(values(summary, "loss_edge_early", "linear_none"), 6.5)
    np.testing.assert_allclose(values(summary, "loss_edge_early_maximum", "linear_none"), 12)
    np.testing.assert_allclose(values(summary, "loss_edge_late_maximum", "linear_none"), 6.5)
    assert summary.facts["loss_edge_early_ratio"] == "1.50"
    assert summary.facts["loss_edge_early_maximum_ratio"] == "7.00"


def test_the_claims_see_what_they_should(root, summary):
    found = judged(root, "figure10", summary)
    assert [p["ours"] for p in found["S10.1"]["parts"]] == pytest.approx([1.5, -2.0])
    assert [p["ours"] for p in found["S10.2"]["parts"]] == pytest.approx([-1.5, 2.0])
    assert [p["ours"] for p in found["S10.3"]["parts"]] == pytest.approx([1, 1.05, 0.8], rel=1e-5)
    assert found["S10.3"]["parts"][2]["excluded"]
    assert summary.facts["seeds_at_edge_batch_2em06"] == f"0 of {SEEDS}"
    assert summary.facts["seeds_at_edge_batch_5em07"] == f"{SEEDS} of {SEEDS}"
    assert summary.facts["beta_over_edge_batch_5em07_range"] == "1.050 to 1.050"
    assert summary.facts["growth_to_rate_batch"] == "90"
    assert summary.facts["runs"] == str(10 * SEEDS)
    assert summary.facts["runs_diverged"] == "0"
    assert summary.facts["loss_edge_early_none"] == "3.2 × 10⁶"  # 10^6.5
    # of the logarithm of the loss, which falls by a third in the last third
    assert summary.facts["still_learning_none"] == f"{SEEDS} of {SEEDS}"


def test_a_loss_that_rises_or_rests_is_not_learning():
    rising, resting = arm("linear_none", loss=4.0), arm("linear_batch", loss=4.0)
    rising.loc[rising.quantity == "log10_loss", "value"] *= -1
    resting.loc[resting.quantity == "log10_loss", "value"] = 3.0
    runs = made_up(rising, resting)
    assert figure10._still_learning(runs, "linear_none") == f"0 of {SEEDS}"
    assert figure10._still_learning(runs, "linear_batch") == f"0 of {SEEDS}"


def test_every_norm_is_compared_with_none(root):
    found = judged(root, "figure13", figure13.summarise(all_arms()))
    assert [p["ours"] for p in found["S13.1"]["parts"][:3]] == pytest.approx([1.3, 1.1, 0.6])
    assert found["S13.1"]["verdict"] == "not replicated"


def test_the_paper_s_own_ratio_is_that_of_its_curves(root):
    """The numbers that the claims name as the paper's."""
    panels = {"loss": "fig10a", "difference": "fig10b"}
    mine = reference(root, "figure10")
    found = [paper_ratio(mine, panels, "batch", m) for m in ("loss_edge_early", "difference_edge_early")]
    assert found == pytest.approx([1.41, 1.79], abs=0.005)
    assert paper_ratio(mine, panels, "batch", "loss_edge_late") == pytest.approx(-0.58, abs=0.006)
    assert paper_ratio(mine, panels, "batch", "loss_edge_early_maximum") == pytest.approx(9.76, abs=0.01)


def test_figures_say_what_they_show(root, summary):
    drawings = draw_all(figure10, summary, reference(root, "figure10"))
    assert set(drawings) == {"figure", "seeds", "rates"}
    assert "3.2 × 10⁶ for the loss" in drawings["figure"].alt  # 10^6.5
    assert f"loss, first third: median: {SEEDS} of {SEEDS} above a factor of 10" in drawings["seeds"].alt
    assert "rate 2e-06: 0.800 with BN" in drawings["rates"].alt
    others = figure13.summarise(all_arms())
    drawings = draw_all(figure13, others, reference(root, "figure13"))
    assert set(drawings) == {"figure", "seeds"}
    assert f"l∞, loss, first third: median: 0 of {SEEDS} above" in drawings["seeds"].alt


@pytest.mark.parametrize("module", [figure10, figure13])
def test_a_part_of_the_arms_is_enough(module):
    for frames in ([arm("linear_batch")], [arm("linear_none")], [arm("linear_l1", lr=1e-6)]):
        part = module.summarise(made_up(*frames))
        draw_all(module, part, None, "smoke")


def test_a_run_without_the_paper_s_curves_at_smoke_scale_draws(summary):
    assert "figure" in draw_all(figure10, summary, None, "smoke")
