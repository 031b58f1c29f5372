"""Figure 9: standard deviations and histograms, on made-up runs."""

import numpy as np
import pytest

from dropnorm.analyses.santurkar2018 import figure9
from dropnorm.claims import judge, read_claims
from dropnorm.names import ResultName
from tests.analyses.santurkar2018.linear_runs import SEEDS, STEPS, all_arms, arm, draw_all, made_up, values


@pytest.fixture(scope="module")
def summary():
    return figure9.summarise(all_arms())


def test_the_median_leaves_the_last_layer_out(root, summary):
    np.testing.assert_allclose(values(summary, "median_sigma", "linear_none"), 0.5)
    np.testing.assert_allclose(values(summary, "share_above_one", "linear_batch"), 1.0)
    (claim,) = judge(
        read_claims(root, "santurkar2018"), ResultName("santurkar2018", "figure9"), summary.samples, "paper"
    )
    assert claim["ours"] == pytest.approx(0.5)
    assert claim["verdict"] == "not replicated"
    assert summary.facts["median_none_range"] == "0.50 to 0.50"
    assert summary.facts["share_above_one_none"] == "0 %"


def test_a_few_units_that_run_away_at_the_end_move_no_median():
    runs = made_up(arm("linear_none", sigma=0.5))
    calm = (runs.quantity == "sigma.layer2") & (runs.unit == 0)
    runs.loc[runs.quantity.isin(["sigma.layer1", "sigma.layer2"]) & (runs.step == STEPS[-1]) & ~calm, "value"] = 50.0
    found = figure9.summarise(runs)
    for measure in ("median_sigma", "median_sigma_at_first"):
        np.testing.assert_allclose(values(found, measure, "linear_none"), 0.5)


def test_histograms_are_of_the_first_seed_at_six_steps_from_first_to_last(summary):
    mine = summary.curves[summary.curves.panel == "histogram_layer2"]
    shown = [int(s) for s in dict.fromkeys(mine.series)]
    assert len(shown) == 6
    assert (shown[0], shown[-1]) == (0, STEPS[-1])
    np.testing.assert_allclose(mine[mine.series == "0"].value, [0.25, 0.5, 0.25])
    np.testing.assert_allclose(mine[mine.series == "0"].x, [-6, 0, 6])


def test_figures_say_what_they_show(summary):
    drawings = draw_all(figure9, summary, None)
    assert set(drawings) == {"figure", "normalised"}
    assert "0.50 in layer 1, 0.50 (band 0.5 to 0.5) in layer 2" in drawings["figure"].alt


def test_a_part_of_the_arms_or_a_diverged_run_is_no_crash():
    assert "figure" not in draw_all(figure9, figure9.summarise(made_up(arm("linear_batch"))), None)
    diverged = figure9.summarise(made_up(arm("linear_none", sigma=np.nan)))
    assert np.isfinite(diverged.samples.value).all()
    assert set(draw_all(figure9, diverged, None)) == {"figure"}
    assert len(diverged.samples) == 3 * SEEDS
