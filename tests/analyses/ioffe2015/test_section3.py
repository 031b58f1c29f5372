"""Section 3 from runs that were made up."""

import numpy as np
import pandas as pd
import pytest

from dropnorm.analyses.ioffe2015 import section3
from dropnorm.names import ResultName
from dropnorm.theory.lemma45 import FACTORS
from dropnorm.theory.section3 import CHANGES
from tests.analyses.conftest import rows
from tests.analyses.made_up import verdicts

NAME = ResultName("ioffe2015", "section3")
MEANS = ("mean_change_tenth", "mean_change_hundredth", "mean_change_thousandth")


@pytest.fixture
def runs(made_up):
    """Lengths of 2 and 3 in the first layer, 1 and 1 in the second."""
    errors = (*section3.ERRORS, "error_eps_factor")
    found = made_up(errors, section3.HOLDS, MEANS, factors=("share_by_factor", len(FACTORS)))
    by_layer = {"layer1": [2, 3], "layer2": [1, 1]}
    lengths = [rows("network", f"mean_length.{layer}", np.outer(v, np.ones(3))) for layer, v in by_layer.items()]
    return pd.concat([found.astype({"quantity": str, "arm": str}), *lengths], ignore_index=True)


def test_samples_facts_and_figure(runs, value, drawn):
    summary = section3.summarise(runs)
    for measure in section3.ERRORS:
        np.testing.assert_allclose(value(summary, measure, "network"), [2e-14, 3e-14, 4e-14])
    np.testing.assert_allclose(value(summary, "change_tenth", "random"), 0.2)
    np.testing.assert_allclose(value(summary, "holds_negative", "random"), 0.5)
    assert summary.facts["growth_layer1"] == "50.0 %"
    assert summary.facts["growth_layer2"] == "0.0 %"
    assert summary.facts["change_hundredth"] == "0.2"
    alt = drawn(section3, summary).alt
    assert "1 at 0.001, 0.5 at 0.01" in alt
    assert "rise to 1.50 and 1.00 times" in alt


def as_measured(runs, change: str, to: float):
    """The runs with changes as eps makes them, every statement true, but for one value."""
    runs = runs.copy()
    of_holds = runs.quantity.str.startswith("holds")
    runs.loc[of_holds, "value"] = 4.0
    for name, v in {"tenth": 1.3e-3, "hundredth": 0.12, "thousandth": 1.8}.items():
        mine = runs.quantity.str.startswith(f"mean_change_{name}")
        runs.loc[mine, "value"] = v * (1 + 0.01 * runs.seed[mine])
    runs.loc[runs.quantity.str.startswith(change), "value"] = to
    return runs


@pytest.mark.parametrize(
    ("claim", "change", "to"),
    [
        ("I2.14", "error_scaled.layer2", 2e-12),
        ("I2.14b", "holds_negative.layer1", 3.0),
        ("I2.15", "error_inputs_gradient.waves", 2e-10),
        ("I2.15", "error_weights_gradient.layer1", 2e-10),
        ("I2.16", "error_eps_factor.convex", 2e-10),
        ("I2.16", "mean_change_thousandth", 2.5),
        ("I2.17", "error_right_angle.waves", 2e-12),
        ("I2.17", "holds_grows.layer2", 3.0),
        ("I2.20", "error_identity.convex", np.nan),
    ],
)  # fmt: skip
def test_one_case_decides(runs, claim, change, to):
    held = verdicts(NAME, section3.summarise(as_measured(runs, "nothing", 0)))
    assert set(held.values()) == {"replicated"}
    found = verdicts(NAME, section3.summarise(as_measured(runs, change, to)))
    assert found.pop(claim) != "replicated"
    assert set(found.values()) == {"replicated"}


@pytest.mark.parametrize("arm", ["random", "network"])
def test_an_arm_alone(runs, arm, drawn):
    summary = section3.summarise(runs[runs.arm == arm])
    assert set(summary.samples.arm) == {arm}
    drawn(section3, summary)


def test_names_are_those_of_the_check():
    assert section3.FACTORS == FACTORS
    assert tuple(CHANGES) == section3.CHANGES
