"""Theorem 4.1 from runs that were made up."""

import numpy as np
import pandas as pd
import pytest

from dropnorm.analyses.santurkar2018 import theorem41
from dropnorm.theory import theorem41 as theory
from tests.analyses.conftest import rows


@pytest.fixture
def runs(made_up):
    shown = [rows("random", f"shown_{f}.convex", np.full((1, 3), r)) for f, r in
             (("right", 1.0), ("printed", 0.1), ("equal_weights", -2.0))]  # fmt: skip
    holds = ("holds_printed", "holds_equal_weights")
    found = made_up(("error_equality",), holds, factors=("deviation", len(theorem41.SIGMAS)))
    return pd.concat([found.astype({"quantity": str, "arm": str}), *shown], ignore_index=True).astype(
        {"arm": "category"}
    )


def test_samples(runs, value):
    summary = theorem41.summarise(runs)
    np.testing.assert_allclose(value(summary, "error_equality", "network"), [2e-14, 3e-14, 4e-14])
    np.testing.assert_allclose(value(summary, "holds_printed", "random"), 0.5)
    assert summary.facts["cases_random"] == "48"
    assert summary.facts["holds_printed_random_convex"] == "25.0 %"
    assert summary.facts["deviation_sigma_one"] == "20 %"


def test_an_error_that_could_not_be_computed_is_no_small_error(runs, value):
    runs.loc[(runs.quantity == "error_equality.convex") & (runs.seed == 1), "value"] = np.nan
    assert np.isnan(value(theorem41.summarise(runs), "error_equality", "random")[1])


def test_histogram_holds_all_cases_and_what_is_negative_is_lowest(runs):
    curves = theorem41.summarise(runs).curves
    ratio = curves[(curves.panel == "ratio") & (curves.value > 0)].set_index("series")
    assert ratio.x["right"] == pytest.approx(0)
    assert ratio.x["printed"] == pytest.approx(-1)
    assert ratio.x["equal_weights"] == pytest.approx(-1.5)
    assert (ratio.value == 1).all()


def test_figure(runs, drawn):
    assert "as printed convex 25 %, waves 75 %" in drawn(theorem41, theorem41.summarise(runs)).alt


def test_the_sigmas_are_those_of_the_experiment():
    assert theorem41.SIGMAS == theory.SIGMAS
