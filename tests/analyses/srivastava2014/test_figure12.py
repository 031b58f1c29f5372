"""The numbers of Figure 12 from runs that were made up, so that every answer is known."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from dropnorm.analyses import Context
from dropnorm.analyses.measures import quantiles
from dropnorm.analyses.srivastava2014.figure12 import figures, first_filters, percent_below, summarise
from dropnorm.names import ResultName
from tests.analyses.made_up import axes_drawn, verdicts
from tests.analyses.made_up import first_value as value
from tests.analyses.srivastava2014.made_up_machines import SEEDS, SETTINGS, made_up, only

NAME = ResultName("srivastava2014", "figure12")


@pytest.fixture
def runs():
    return made_up()


def test_samples_of_every_claim(runs):
    found = summarise(runs)
    assert value(found, "dead_share", "standard") == pytest.approx(100 / 9)
    assert value(found, "silent_share", "standard") == pytest.approx(200 / 9)
    assert value(found, "dead_share", "dropout") == value(found, "silent_share", "dropout") == 0
    # Of the eight units that are not dead: 0.2 three times, 0.3 twice, 0.4 three times.
    assert value(found, "frequency", "standard") == pytest.approx(0.3)
    assert value(found, "radius", "standard") == pytest.approx(5)
    assert value(found, "deviation_in_se", "enumeration") == pytest.approx(2.5)


def test_verdicts_of_numbers_that_hold(runs):
    assert verdicts(NAME, summarise(runs)) == dict.fromkeys(["F12.1", "F12.2", "F12.3"], "replicated")


@pytest.mark.parametrize(
    ("arm", "quantity", "values", "claim", "verdict"),
    [
        ("standard", "norm", [1.0] * 9, "F12.1", "inconclusive"),  # no dead unit anywhere, by length
        ("standard", "activation_sd", [0.3] * 9, "F12.1", "inconclusive"),
        ("dropout", "norm", [0.01] * 3 + [1.0] * 6, "F12.1", "not replicated"),
        ("dropout", "frequency", [0.5] * 9, "F12.2", "not replicated"),
        ("enumeration", "conditional_error", [1e-11], "F12.3", "not replicated"),
        ("enumeration", "standard_difference", [1e-16], "F12.3", "not replicated"),
        ("enumeration", "deviation_in_se", [5.5], "F12.3", "not replicated"),
    ],
)
def test_another_number_changes_its_claim_and_no_other(runs, arm, quantity, values, claim, verdict):
    mine = runs[(runs.arm == arm) & (runs.quantity == quantity)]
    by_unit = mine.unit.fillna(0).astype(int).map(dict(enumerate(values)))
    runs.loc[mine.index, "value"] = by_unit.to_numpy(float)
    expected = dict.fromkeys(["F12.1", "F12.2", "F12.3"], "replicated") | {claim: verdict}
    assert verdicts(NAME, summarise(runs)) == expected


def test_a_unit_without_a_value_makes_its_seed_s_share_unknown():
    table = pd.DataFrame({0: [0.1, 0.9], 1: [np.nan, 0.9]})
    assert percent_below(table, 0.5).tolist() == pytest.approx([50, np.nan], nan_ok=True)


def test_quantiles_over_units_leave_out_those_without_a_value():
    table = pd.DataFrame({3: [1.0, 2.0, 3.0, np.nan], 4: [5.0, 5.0, 5.0, 5.0]})
    found = quantiles(table, np.array([0.5, 1.0]))
    assert found.loc[50.0].tolist() == [2.0, 5.0] and found.loc[100.0].tolist() == [3.0, 5.0]
    assert quantiles(pd.DataFrame({3: [np.nan]}), np.array([0.5])).empty


def test_the_mosaic_holds_the_first_seed_s_filters_by_decreasing_length(runs):
    W = first_filters(runs, "standard")
    assert W.shape == (9, 9) and np.diag(W) == pytest.approx([0.05, 0.9, 0.9, 1, 1, 1, 1.1, 1.1, 2])
    picture = summarise(runs).images["standard"]
    assert picture.shape == (3 * 4 + 1, 3 * 4 + 1)
    tile = picture[1:4, 1:4]  # the longest: unit 8, whose weight is at the last pixel
    assert tile[2, 2] == 255 and (np.delete(tile.flatten(), 8) == 128).all()
    last = picture[9:12, 9:12]  # the dead one: hardly to be seen
    assert last[0, 0] < 140


def test_facts_and_table(runs):
    found = summarise(runs)
    assert found.facts["dead_share_standard"] == "11.1" and found.facts["silent_share_standard_no_l2"] == "22.2"
    assert found.facts["frequency_dropout_1024"] == "0.100"
    assert found.facts["runs"] == str(8 * SEEDS) and found.facts["runs_diverged"] == "0"
    assert set(found.table.arm) == set(runs.arm)


@pytest.mark.parametrize("arms", [["enumeration"], ["dropout"], ["standard.l2-0.0"]])
def test_arms_that_were_not_run_leave_gaps_and_nothing_else(runs, arms):
    found = summarise(only(runs, *arms))
    assert set(found.samples.arm) == set(arms)
    drawings = figures(found.curves, None, Context("paper", "MNIST", "", SETTINGS, found.images))
    assert ("figure" in drawings) == (arms == ["dropout"])
    for drawing in drawings.values():
        plt.close(drawing.draw())


def test_each_figure_counts_its_own_seeds(runs):
    """Where the machines beside the judged pair have fewer seeds, only the figure that shows them says so."""
    few = runs[~(runs.arm.isin(["standard_1024", "dropout_1024"]) & (runs.seed > 0))]
    found = summarise(few)
    drawings = figures(found.curves, None, Context("full", "MNIST", "", SETTINGS, found.images))
    assert {name: f" 1 to {SEEDS} seeds" in drawing.caption for name, drawing in drawings.items()} == {
        "figure": False,
        "units": False,
        "settings": True,
    }
    assert f" {SEEDS} seeds" in drawings["figure"].caption


def test_figures_draw_and_their_words_hold_the_numbers(runs):
    found = summarise(runs)
    drawings = figures(found.curves, None, Context("paper", "MNIST", "p09 (machine.p = 0.9)", SETTINGS, found.images))
    assert set(drawings) == {"figure", "units", "settings"}
    assert "11.1 % of the units are dead" in drawings["figure"].alt and "0.301 cycles" in drawings["figure"].alt
    assert "dead by activation (%), without dropout: the small machine 22.2, " in drawings["settings"].alt
    assert all("p09 (machine.p = 0.9)" in d.caption and f"{SEEDS} seeds" in d.caption for d in drawings.values())
    for name, drawing in drawings.items():
        assert len(axes_drawn(drawing)) == 2 * (2 if name == "figure" else 4)
