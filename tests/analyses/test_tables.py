"""Steps that results of several chapters share, and what a caption says of the seeds."""

import numpy as np
import pandas as pd
import pytest

from dropnorm.analyses import Context
from dropnorm.analyses.tables import best_arm
from dropnorm.analyses.tidy import curve
from tests.analyses.made_up import rows


@pytest.fixture
def runs():
    """`net` is better by 0.01 in every seed; a third seed, which only the other has, is an easy one."""
    parts = [rows("net", "validation_accuracy", [0.71], 0.1), rows("net.lr-0.3", "validation_accuracy", [0.70], 0.1)]
    table = pd.concat(parts, ignore_index=True)
    table = table[(table.arm != "net") | (table.seed < 2)]
    return table.astype({"arm": "category", "quantity": "category"})


def test_rates_are_compared_over_the_seeds_that_all_have(runs):
    means = runs.groupby("arm", observed=True).value.mean()
    assert means["net.lr-0.3"] > means["net"]
    assert best_arm(runs, "net") == "net"


def test_nothing_is_chosen_without_all_arms_or_a_common_seed(runs):
    assert best_arm(runs[runs.arm == "net"], "net") is None
    apart = (runs.arm == "net") == (runs.seed == 0)
    assert best_arm(runs[apart], "net") is None
    assert best_arm(runs, "nobody") is None


def test_a_point_counts_the_seeds_that_have_a_value_there():
    table = pd.DataFrame({0: [1.0, 2.0, np.nan], 1: [3.0, np.nan, np.nan]}, index=[10, 20, 30])
    points = curve("panel", "arm", table)
    assert points.n.to_list() == [2, 1, 0]
    assert points.value.to_list()[:2] == [2.0, 2.0]


@pytest.mark.parametrize(
    ("seeds", "said"),
    [(5, "5 seeds"), (1, "1 seed"), ([3, 5, 4], "3 to 5 seeds"), ([5, 0, 5], "5 seeds"), ([], "0 seeds")],
)
def test_a_caption_counts_the_seeds_behind_its_points(seeds, said):
    """A point without a value is not drawn."""
    assert Context("full", "MNIST", "", {}).ending(seeds) == f"{said}, scale full."
