"""The numbers of the pretrained networks from runs that were made up, so that every answer is known."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from dropnorm.analyses import Context
from dropnorm.analyses.srivastava2014.pretraining import figures, summarise
from dropnorm.names import ResultName
from tests.analyses.made_up import axes_drawn, judged, table_rows

NAME = ResultName("srivastava2014", "pretraining")
SEEDS = 5
ERRORS = {  # after the last update, of the first seed
    "random": 1.7, "random_dropout": 1.5, "random_dropout_large": 1.2, "dbn": 1.18, "dbn_dropout": 0.92,
    "dbn_dropout_large": 1.25, "dbm": 0.96, "dbm_dropout": 0.79,
}  # fmt: skip
SETTINGS = {
    "optimiser": {"lr": 0.05}, "training": {"steps": 200}, "pretraining": {"updates": 100},
    "dropout": {"p_input": 0.8, "p_hidden": 0.5},
}  # fmt: skip


def rows(arm, quantity, values, step):
    return table_rows(arm, quantity, np.broadcast_to(values, (1, SEEDS)), steps=[step])


def made_up(errors=ERRORS):
    """Seeds differ by hundredths of a point, the same in all arms, and by as little again from arm to arm."""
    parts = []
    for i, (arm, error) in enumerate(errors.items()):
        noise = 0.01 * np.arange(SEEDS) + 0.005 * np.sin(i + np.arange(SEEDS))
        noise -= noise[0]
        parts += [rows(arm, "test_error", 2 * error + noise, 100), rows(arm, "test_error", error + noise, 200)]
        parts += [rows(arm, "train_error", 0.01 * error, 200), rows(arm, "diverged_at", -1, 200)]
    return pd.concat(parts, ignore_index=True).astype({"arm": "category", "quantity": "category"})


def claim(runs):
    (found,) = judged(NAME, summarise(runs).samples, "paper").values()
    return found


def test_the_paper_s_own_numbers_hold():
    found = claim(made_up())
    assert found["verdict"] == "replicated"
    assert found["ours"] == pytest.approx(0.26, abs=0.02)
    assert [part["ours"] for part in found["parts"]] == pytest.approx([0.26, 0.33, 0.63], abs=0.02)


@pytest.mark.parametrize(
    ("wrong", "excluded"),
    [
        ({"dbn": 0.8}, [True, False, False]),  # dropout does not help
        ({"dbn_dropout_large": 0.85}, [False, True, False]),  # the large rate is the better one
        ({"random_dropout": 0.80}, [False, False, True]),  # pretraining gains less at the small rate than at the large
    ],
)
def test_each_part_can_overturn_the_claim(wrong, excluded):
    found = claim(made_up(ERRORS | wrong))
    assert found["verdict"] == "not replicated"
    assert [part["excluded"] for part in found["parts"]] == excluded


def test_gains_pair_the_seeds_that_all_four_arms_have():
    runs = made_up()
    runs = runs[~((runs.arm == "random_dropout") & (runs.seed == 3))]
    samples = summarise(runs).samples
    interaction = samples[samples.measure == "interaction"]
    assert interaction.seed.tolist() == [0, 1, 2, 4]
    assert interaction.value.iloc[0] == pytest.approx((1.5 - 0.92) - (1.2 - 1.25))


def test_facts():
    facts = summarise(made_up()).facts
    expected = {"test_error_dbm_dropout": 0.81, "dropout_gain_dbm": 0.17, "dropout_gain_dbn": 0.26, "gain_small": 0.58}
    assert {name: float(facts[name]) for name in expected} == pytest.approx(expected, abs=0.02)
    assert facts["runs"] == "40" and facts["runs_diverged"] == "0"


@pytest.mark.parametrize("arms", [["dbn"], ["random_dropout", "dbm_dropout"]])
def test_arms_that_were_not_run_leave_gaps_and_nothing_else(arms):
    found = summarise(made_up({arm: ERRORS[arm] for arm in arms}))
    assert set(found.samples.arm) == set(arms)
    for drawing in figures(found.curves, None, Context("full", "MNIST", "", SETTINGS)).values():
        plt.close(drawing.draw())


@pytest.mark.parametrize("scale", ["paper", "smoke"])
def test_figures_draw_and_their_words_hold_the_numbers(root, scale):
    reference = pd.read_csv(root / "reference/srivastava2014/pretraining.csv")
    drawings = figures(summarise(made_up()).curves, reference, Context(scale, "MNIST", "", SETTINGS))
    assert set(drawings) == {"figure", "course"}
    assert ("(paper 0.79)" in drawings["figure"].alt) == (scale == "paper")
    assert "belief net 2.38 % at update 100" in drawings["course"].alt
    assert all(f"{SEEDS} seeds, scale {scale}" in d.caption for d in drawings.values())
    for name, panels in {"figure": 1, "course": 3}.items():
        assert len(axes_drawn(drawings[name])) == 2 * panels
