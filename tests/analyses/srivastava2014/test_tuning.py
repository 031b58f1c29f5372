"""The tuning: what a trial's name says, what is chosen, and that the other protocols have what was chosen."""

import pandas as pd
import pytest

from dropnorm.analyses.srivastava2014 import tuning
from dropnorm.names import SCALES, Place, ResultName
from dropnorm.protocol import load
from tests.analyses.made_up import MadeUp, axes_drawn, rows
from tests.conftest import ROOT

PAPER = "srivastava2014"
TABLE9 = {"none": "none"} | {
    row: row for row in ("l2", "l2_l1", "l2_kl", "max_norm", "dropout_l2", "dropout_max_norm")
}  # arm -> row of the tuning
TABLE2 = {"standard": "standard_logistic", "logistic": "standard_logistic", "dropout_logistic": "dropout_logistic",
          "dropout_relu": "dropout_relu", "maxout": "dropout_maxout"}  # fmt: skip
TABLE2_C2 = [  # these have the c of appendix B.1: only their rate is chosen, among the trials with that c
    "max_norm_3x1024", "max_norm_3x2048", "max_norm_2x4096", "max_norm_2x8192", "max_norm_3x8192", "float32", "longer",
]  # fmt: skip


@pytest.fixture(scope="module")
def result():
    return MadeUp(f"{PAPER}/tuning")


def made_up(result, arms=None, **errors):
    """Every trial errs on 2 % of validation images, but for those that are named; tests say the opposite."""
    parts = []
    for arm in arms or result.protocol.arms:
        error = errors.get(arm, 2.0)
        parts.append(rows(arm, "validation_error", [error], 0.01, steps=[5000]))
        parts.append(rows(arm, "test_error", [5 - error], steps=[5000]))
        parts.append(rows(arm, "diverged_at", [-1], steps=[5000]))
    return result.runs(parts)


def setting(settings, dotted):
    for word in dotted.split("."):
        settings = getattr(settings, word)
    return settings


# --- trials ---


def test_the_name_of_every_trial_says_what_its_protocol_sets(result):
    for arm, settings in result.protocol.arms.items():
        for key, value in tuning.values_of(arm).items():
            assert setting(settings, key) == value, (arm, key)


@pytest.mark.parametrize("scale", SCALES)
def test_no_trial_is_run_twice(scale):
    settings = list(load(ROOT, ResultName(PAPER, "tuning"), scale).arms.values())
    assert all(settings.count(of_arm) == 1 for of_arm in settings)


def test_every_row_of_table_9_gets_the_same_number_of_trials_and_every_arm_a_row(result):
    names = [tuning.row_of(arm) for arm in result.protocol.arms]
    counts = {row: names.count(row) for row in tuning.ROWS}
    assert {counts[row] for row in TABLE9 if row != "none"} == {6} and counts["none"] == 8
    assert {counts[row] for row in ("dropout_relu", "dropout_maxout", "bernoulli", "gaussian")} == {4}
    assert {counts[row] for row in ("standard_logistic", "dropout_logistic")} == {6}  # two more beyond the highest rate
    assert sum(counts.values()) == len(names)


def test_the_lowest_validation_error_is_chosen_whatever_the_test_error(result):
    runs = made_up(result, **{"l2.l2-0.03-1e-05": 1.5, "none_small_init.trial-0.03": 1.9, "bernoulli": 1.0})
    found = result.module.summarise(runs)
    assert set(found.samples.measure) == {"validation_error"}
    assert found.facts["choice_l2"] == "rate 0.03, L2 1e-05" and found.facts["error_l2"] == "1.50"
    assert found.facts["next_l2"] == "2.00" and found.facts["trials_l2"] == "6"
    assert found.facts["choice_none"] == "rate 0.03, first weights 0.01"
    assert found.facts["choice_bernoulli"] == "rate 0.1"
    fixed = tuning.choice(found.samples, "max_norm", max_norm=3)
    assert fixed.values["regularisation.max_norm"] == 3
    assert tuning.choice(found.samples.iloc[:0], "l2") is None


def test_nothing_is_chosen_before_all_trials_of_a_row_were_run(result):
    arms = [arm for arm in result.protocol.arms if arm != "l2.l2-0.1-0.001"]
    facts = result.module.summarise(made_up(result, arms)).facts
    assert "choice_l2" not in facts and "choice_l2_l1" in facts


def test_no_circle_is_drawn_before_all_trials_of_a_row_were_run(result):
    arms = [arm for arm in result.protocol.arms if arm != "l2.l2-0.1-0.001"]
    drawing = result.drawings(made_up(result, arms), "full")["figure"]
    assert "L2 + L1 2.00 %" in drawing.alt and "; L2 2.00 %" not in drawing.alt
    circled = [
        ax.get_title(loc="left")
        for ax in axes_drawn(drawing)
        if any(line.get_markersize() == 11 and len(line.get_xdata()) for line in ax.lines)
    ]
    assert "L2 + L1" in circled and "L2" not in circled
    only_one = result.drawings(made_up(result, ["none"]), "full")["figure"]
    assert only_one.alt == "A panel a method; none is whole yet."


def test_a_result_without_claims_is_judged_and_drawn_all_the_same(result):
    assert result.verdicts(made_up(result)) == {}
    result.survives(made_up(result), ["none", "l2.l2-0.03-1e-05"])


@pytest.mark.parametrize("scale", ["full", "smoke"])
def test_the_figure_draws_and_its_words_hold_what_is_chosen(result, scale):
    runs = made_up(result, **{"l2.l2-0.03-1e-05": 1.5, "gaussian": 90.0})
    drawing = result.drawings(runs, scale)["figure"]
    assert "L2 1.50 % at rate 0.03, L2 1e-05" in drawing.alt and "3 seeds" in drawing.caption
    axes = axes_drawn(drawing)
    assert len(axes) == 2 * 16
    assert ("20 %" in drawing.caption) == (scale == "full")


# --- what was published ---


@pytest.fixture(scope="module")
def published():
    path = Place(ROOT / "published", "full", ResultName(PAPER, "tuning")).file("samples.csv")
    if not path.exists():
        pytest.skip("the tuning is not published yet")
    return pd.read_csv(path)


def chosen(published, row, **fixed):
    """The published choice of a row; there is none before all its trials were run."""
    if row not in tuning.whole_rows(published, load(ROOT, ResultName(PAPER, "tuning"), "full").arms):
        pytest.skip(f"not all trials of {row} are published yet")
    return tuning.choice(published, row, **fixed)


def has_what_was_chosen(arm_settings, trial):
    for key, value in trial.values.items():
        assert setting(arm_settings, key) == value, f"{key}: the tuning chose {trial.words} ({trial.error:.3f} %)"


@pytest.mark.parametrize("arm", TABLE9)
def test_table_9_has_the_settings_that_were_chosen(published, arm):
    settings = load(ROOT, ResultName(PAPER, "table9"), "paper").arms[arm]
    has_what_was_chosen(settings, chosen(published, TABLE9[arm]))


@pytest.mark.parametrize("arm", [*TABLE2, *TABLE2_C2])
def test_table_2_has_the_settings_that_were_chosen(published, arm):
    settings = load(ROOT, ResultName(PAPER, "table2"), "paper").arms[arm]
    fixed = {"max_norm": 2} if arm in TABLE2_C2 else {}
    has_what_was_chosen(settings, chosen(published, TABLE2.get(arm, "dropout_max_norm"), **fixed))
