"""Dropout before batch norm on made-up runs: gains of other statistics, ratios by layer, what decides each claim."""

import numpy as np
import pandas as pd
import pytest

from dropnorm.analyses.related import shift
from tests.analyses.made_up import MadeUp, axes_drawn, changed, rows, value

RESULT = MadeUp("related/shift")
QUANTITIES = ("test_accuracy", "accuracy_recomputed", "accuracy_training", "accuracy_training_with_noise")
ACCURACY = {  # stored, recomputed, own, own with dropout
    "none": (0.70, 0.70, 0.69, 0.69),
    "keep-0.9": (0.62, 0.66, 0.66, 0.64),
    "keep-0.7": (0.40, 0.50, 0.51, 0.45),
    "keep-0.5": (0.20, 0.32, 0.33, 0.30),
    "uniform": (0.70, 0.70, 0.69, 0.69),
    "classifier": (0.71, 0.71, 0.70, 0.70),
    "narrow": (0.15, 0.20, 0.20, 0.20),
    "wide": (0.30, 0.40, 0.40, 0.40),
}
RATIO = {  # by layer; the first one reads the pictures themselves
    "none": [1.01, 1.0, 1.0], "keep-0.9": [1.01, 0.8, 0.7], "keep-0.7": [1.01, 0.6, 0.5],
    "keep-0.5": [1.01, 0.4, 0.3], "uniform": [1.0, 1.0, 1.0], "classifier": [1.0, 1.0, 1.0],
    "narrow": [1.01, 0.3, 0.1], "wide": [1.01, 0.5, 0.4],
}  # fmt: skip


def parts():
    """Every claim holds; the seeds lie a little apart, in every quantity by another distance."""
    found = [rows("none", "formula_error", [0.02], 0.001, [0])]
    for a, (arm, values) in enumerate(ACCURACY.items(), start=1):
        for q, (quantity, share) in enumerate(zip(QUANTITIES, values, strict=True), start=1):
            found.append(rows(arm, quantity, [share], (10 * a + q) * 1e-5, [1500]))
        for layer, ratio in enumerate(RATIO[arm]):
            found.append(rows(arm, "variance_ratio", [ratio], a * 1e-3, [1500], unit=layer))
    return found


def with_ratio(arm, layer, to):
    """The parts with another ratio of variances in one layer."""
    some, found = parts(), []
    for part in some:
        first = part.iloc[0]
        here = (first.arm, first.quantity) == (arm, "variance_ratio") and first.unit == layer
        found.append(part.assign(value=part.value - part.value.mean() + to) if here else part)
    assert sum(f is not p for f, p in zip(found, some, strict=True)) == 1
    return found


def test_samples_and_facts():
    summary = shift.summarise(RESULT.runs(parts()))
    assert value(summary, "accuracy", "keep-0.5") == pytest.approx(20)
    assert value(summary, "gain_of_new_statistics", "keep-0.5") == pytest.approx(12)
    assert value(summary, "share_of_gap", "keep-0.5") == pytest.approx(12 / 13, rel=1e-2)
    assert value(summary, "largest_ratio", "keep-0.5") == pytest.approx(0.4)  # not the 1.01 of layer 1
    assert value(summary, "distance_of_ratio", "narrow") == pytest.approx(0.8)
    assert summary.facts["keep_5_stored"] == "20.00 %"
    assert summary.facts["keep_5_loss"] == "50.00"
    assert summary.facts["classifier_loss"] == "-1.00"
    assert summary.facts["formula_error"] == "2.1 %"  # the worst seed
    assert (summary.facts["keep_9_ratio_second"], summary.facts["keep_9_ratio_last"]) == ("0.80", "0.70")
    assert summary.facts["wide_ratio_mean"] == "0.45"


def test_all_hold():
    assert RESULT.verdicts(RESULT.runs(parts())) == {f"R3.{i}": "replicated" for i in range(1, 6)}


@pytest.mark.parametrize(
    ("claim", "arm", "quantity", "to"),
    [
        ("R3.1", "none", "formula_error", 0.06),
        ("R3.2", "keep-0.5", "test_accuracy", 0.695),  # a loss of half a point
        ("R3.3", "keep-0.5", "accuracy_recomputed", 0.199),
        ("R3.3", "keep-0.5", "accuracy_recomputed", 0.25),  # five points of a gap of thirteen
        ("R3.3", "keep-0.5", "accuracy_training", 0.50),
        ("R3.4", "classifier", "test_accuracy", 0.69),
    ],
)
def test_each_number_decides_its_claim(claim, arm, quantity, to):
    found = RESULT.verdicts(RESULT.runs(changed(parts(), arm, quantity, to)))
    assert found.pop(claim) == "not replicated"
    assert set(found.values()) - {"not replicated"} == {"replicated"}


@pytest.mark.parametrize(
    ("arm", "layer", "to", "claim"),
    [("keep-0.5", 1, 1.1, "R3.1"), ("keep-0.5", 2, 1.1, "R3.1"), ("narrow", 1, 0.9, "R3.5"), ("wide", 1, 2.5, "R3.5")],
)
def test_ratios_decide(arm, layer, to, claim):
    found = RESULT.verdicts(RESULT.runs(with_ratio(arm, layer, to)))
    assert found.pop(claim) == "not replicated"
    assert set(found.values()) == {"replicated"}


def test_layer_one_decides_nothing():
    assert RESULT.verdicts(RESULT.runs(with_ratio("keep-0.5", 0, 3.0)))["R3.1"] == "replicated"


def test_a_net_that_diverged_supports_nothing():
    some = changed(parts(), "keep-0.5", "accuracy_recomputed", np.nan)
    runs = RESULT.runs(some)
    assert RESULT.verdicts(runs)["R3.3"] != "replicated"
    RESULT.drawings(runs)


@pytest.mark.parametrize("arms", [["none"], ["keep-0.5"], ["narrow"], ["classifier", "uniform"]])
def test_some_arms_alone(arms):
    RESULT.survives(RESULT.runs(parts()), arms)


def test_figure():
    (drawing,) = RESULT.drawings(RESULT.runs(parts())).values()
    assert len(axes_drawn(drawing)) == 6
    assert "stored in training: 70.0 % at p = 1, 62.0 % at p = 0.9, 40.0 % at p = 0.7, 20.0 % at p = 0.5" in drawing.alt
    assert "Ratio of variances, narrow net: 1.01 in layer 1, 0.10 in the last." in drawing.alt
    assert "3 seeds" in drawing.caption


def test_table_has_every_reading_of_every_arm():
    table = pd.DataFrame(shift.summarise(RESULT.runs(parts())).table)
    for arm in ACCURACY:
        mine = table[table.arm == arm].quantity
        assert mine.str.startswith("accuracy, ").sum() == len(QUANTITIES)
        assert mine.str.startswith("ratio of variances").sum() == 3
