"""The numbers of Figure 13 from runs that were made up, so that every answer is known."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from dropnorm.analyses import Context
from dropnorm.analyses.srivastava2014.figure13 import activation_bins, figures, summarise, unit_bins
from dropnorm.names import ResultName
from tests.analyses.made_up import axes_drawn, judged
from tests.analyses.srivastava2014.made_up_machines import SEEDS, SETTINGS, made_up, only

NAME = ResultName("srivastava2014", "figure13")


@pytest.fixture
def runs():
    return made_up()


def verdicts(runs):
    found = judged(NAME, summarise(runs).samples)
    return {id_: (claim["verdict"], claim["ours"]) for id_, claim in found.items()}


def test_verdicts_of_the_paper_s_own_numbers(runs):
    found = verdicts(runs)
    assert found["F13.1"] == ("replicated", pytest.approx(16, rel=0.01))
    assert found["F13.2"] == ("replicated", pytest.approx(3, rel=0.01))


@pytest.mark.parametrize(
    ("arm", "quantity", "wrong", "claim", "verdict"),
    [
        ("dropout_1024", "share_below", 0.32, "F13.1", "direction only"),
        ("dropout_1024", "share_below", 0.10, "F13.1", "not replicated"),
        ("standard_1024", "share_above", 0.30, "F13.2", "direction only"),
        ("dropout_1024", "share_above", 0.20, "F13.2", "not replicated"),
        ("dropout", "share_above", 0.20, "none", ""),  # of 256 units: shown, not judged
    ],
)
def test_another_share_changes_its_claim_and_no_other(runs, arm, quantity, wrong, claim, verdict):
    mine = runs[(runs.arm == arm) & (runs.quantity == quantity)]
    runs.loc[mine.index, "value"] = wrong * (1 + mine.seed / 1000)
    expected = {"F13.1": "replicated", "F13.2": "replicated"} | ({claim: verdict} if verdict else {})
    assert {id_: found[0] for id_, found in verdicts(runs).items()} == expected


def test_histograms_are_shares_over_equal_bins(runs):
    bins = activation_bins(runs, "standard_1024")
    assert bins.index.tolist() == pytest.approx([i / 10 for i in range(10)])
    assert bins[0].iloc[0] == pytest.approx(28) and bins[0].sum() == pytest.approx(100)
    units = unit_bins(runs, "dropout_1024")  # all at 0.3 and a little above
    assert units.loc[0.3].tolist() == [100] * SEEDS
    spread = unit_bins(runs, "standard_1024")
    assert spread.loc[0.04, 0] == pytest.approx(100 / 9) and spread[0].sum() == pytest.approx(100)


def test_facts(runs):
    facts = summarise(runs).facts
    assert facts["share_below_standard_1024"] == "28.1" and facts["share_below_batch_dropout"] == "44.1"
    assert facts["gain_below_1024"] == "+16.0" and facts["gain_above_no_l2"] == "\N{MINUS SIGN}3.0"
    assert facts["mean_dropout_sampled"] == "0.301"
    assert facts["large"] == "9"


@pytest.mark.parametrize("arms", [["enumeration"], ["dropout_1024"], ["standard"]])
def test_arms_that_were_not_run_leave_gaps_and_nothing_else(runs, arms):
    found = summarise(only(runs, *arms))
    assert set(found.samples.arm) == set(arms) - {"enumeration"}
    drawings = figures(found.curves, None, Context("paper", "MNIST", "", SETTINGS))
    assert ("figure" in drawings) == (arms == ["dropout_1024"])
    for drawing in drawings.values():
        plt.close(drawing.draw())


@pytest.mark.parametrize("scale", ["paper", "smoke"])
def test_figures_draw_and_their_words_hold_the_numbers(root, runs, scale):
    reference = pd.read_csv(root / "reference/srivastava2014/figure13.csv")
    drawings = figures(summarise(runs).curves, reference, Context(scale, "MNIST", "", SETTINGS))
    assert set(drawings) == {"figure", "course", "settings"}
    assert "28.1 % are below 0.1, 8.0 % above 0.9" in drawings["figure"].alt
    assert ("below 0.1 (%) 44 with dropout" in drawings["settings"].alt) == (scale == "paper")
    assert all(f"{SEEDS} seeds, scale {scale}" in d.caption for d in drawings.values())
    for name, drawing in drawings.items():
        assert len(axes_drawn(drawing)) == 2 * (3 if name == "settings" else 2)
