"""The numbers of section 9 from runs that were made up, so that every answer is known."""

import numpy as np
import pandas as pd
import pytest

from dropnorm.analyses import Context
from dropnorm.analyses.srivastava2014.section9 import figures, least_decrease, summarise, tiny
from dropnorm.names import ResultName
from tests.analyses.made_up import axes_drawn, by_seed, table_rows, verdicts

SEEDS = 3
P = [1.0, 0.8, 0.5, 0.1]
NAME = ResultName("srivastava2014", "section9")
SETTINGS = {
    "sgd": {"p": 0.5, "average_from": 10}, "penalty": {"pixels": 64}, "geometric_mean": {"units": 12},
    "trajectories": {"hidden": [64, 64], "momentum_final": 0.95, "max_norm": 2.0},
}  # fmt: skip


def rows(arm, quantity, by_step, steps=None):
    """One value a step, the same for all seeds but for a hundredth of it a seed."""
    values = np.asarray(by_step, float)[:, None] * (1 + np.arange(SEEDS) / 100)
    return table_rows(arm, quantity, values, steps=steps)


def grid(arm, **quantities):
    """Quantities at each p; p itself as it comes back from 32 bits."""
    p = table_rows(arm, "p", np.repeat(np.float32(P)[:, None], SEEDS, axis=1))
    return [p, *(rows(arm, q, values) for q, values in quantities.items())]


def made_up():
    parts = [
        *grid("identity", identity_error=[1e-16, 4e-16, 2e-16, 1e-16], solution_error=[1e-15] * 4),
        *grid("penalty", penalty_norm=[8, 4, 3, 1], shrinkage=[1, 0.5, 0.375, 0.125], orthogonal_error=[1e-14] * 4),
        *grid("geometric_mean", one_layer_difference=[1e-15, 3e-15, 2e-15, 1e-15], two_layer_difference=[0.1] * 4),
        rows("monte_carlo", "deviation_in_se", [2.5, -1.5]),
        rows("monte_carlo", "relative_deviation", [0.002, -0.001]),
        rows("sgd", "iterate_distance", [1, 0.1, 0.05], steps=[1, 10, 100]),
        rows("sgd", "average_distance", [0.08, 0.005], steps=[11, 100]),
        rows("sgd", "average_distance_ols", [0.5, 0.5], steps=[11, 100]),
        rows("sgd", "ols_distance", [0.5], steps=[100]),
    ]
    for arm, size in (("trajectories", 1e-15), ("trajectories_unconverted", 1.0)):
        parts += [rows(arm, q, [size, 2 * size]) for q in ("difference", "largest_difference")]
        parts += [rows(arm, "answer_difference", [size]), rows(arm, "share_at_limit", [0.4])]
        parts += [rows(arm, "test_accuracy_paper", [0.9]), rows(arm, "test_accuracy_inverted", [0.8])]
    return pd.concat(parts, ignore_index=True).astype({"arm": "category", "quantity": "category"})


@pytest.fixture
def runs():
    return made_up()


def value(summary, measure, arm, seed=0):
    return by_seed(summary, measure, arm)[seed]


def test_samples_of_every_claim(runs):
    found = summarise(runs)
    assert value(found, "identity_error", "identity") == pytest.approx(4e-16)  # the worst p
    assert value(found, "deviation_in_se", "monte_carlo") == pytest.approx(1.5)  # after the last mask, its size
    assert value(found, "average_distance", "sgd") == pytest.approx(0.005)
    assert value(found, "distance_ratio", "sgd") == pytest.approx(0.01)
    assert value(found, "least_decrease", "penalty") == pytest.approx(0.25)  # from 4 to 3
    assert value(found, "half_difference", "geometric_mean") == pytest.approx(2e-15)
    assert value(found, "other_difference", "geometric_mean") == pytest.approx(3e-15)
    assert value(found, "largest_difference", "trajectories", seed=2) == pytest.approx(2.04e-15)
    assert value(found, "share_at_limit", "trajectories") == pytest.approx(0.4)


def test_verdicts_of_numbers_that_hold(runs):
    assert verdicts(NAME, summarise(runs)) == dict.fromkeys(["S9.1", "S9.2", "S9.3", "S9.4", "S9.5"], "replicated")


@pytest.mark.parametrize(
    ("arm", "quantity", "wrong", "claim"),
    [
        ("identity", "identity_error", 1e-9, "S9.1"),
        ("monte_carlo", "deviation_in_se", -3.5, "S9.1"),
        ("sgd", "average_distance", 0.02, "S9.2"),
        ("sgd", "average_distance_ols", 0.001, "S9.2"),
        ("penalty", "penalty_norm", 3.0, "S9.3"),  # the same at two p: no decrease
        ("penalty", "orthogonal_error", 1e-9, "S9.3"),
        ("penalty", "penalty_norm", float("nan"), "S9.3"),
        ("geometric_mean", "one_layer_difference", 1e-11, "S9.4"),
        ("trajectories", "largest_difference", 1e-8, "S9.5"),
        ("trajectories", "largest_difference", float("nan"), "S9.5"),
        ("trajectories", "share_at_limit", 0.0, "S9.5"),
    ],
)
def test_one_wrong_number_of_one_seed_overturns_its_claim_and_no_other(runs, arm, quantity, wrong, claim):
    mine = runs[(runs.arm == arm) & (runs.quantity == quantity) & (runs.seed == 1)]
    runs.loc[mine.index[-1 if arm != "penalty" else 1], "value"] = wrong
    expected = dict.fromkeys(["S9.1", "S9.2", "S9.3", "S9.4", "S9.5"], "replicated") | {claim: "not replicated"}
    assert verdicts(NAME, summarise(runs)) == expected


def test_a_decrease_is_counted_downwards_in_p_whatever_the_order_of_the_rows():
    norm = pd.DataFrame({0: [1.0, 2.0, 2.5], 1: [1.0, 0.9, 3.0]}, index=[0.1, 0.5, 1.0])
    assert least_decrease(norm).tolist() == pytest.approx([0.2, 1 - 1 / 0.9])


def test_facts_and_table(runs):
    found = summarise(runs)
    assert found.facts["identity_error"] == "4.1 × 10⁻¹⁶"  # of the worst seed
    assert found.facts["shrinkage_08"] == "50 %"
    assert found.facts["ols_distance"] == "50 %"
    assert found.facts["average_distance"] == "0.51 %"
    assert found.facts["unconverted_difference"] == "2.0"
    row = found.table[(found.table.arm == "sgd") & (found.table.quantity == "average_distance")].iloc[0]
    assert row["mean"] == pytest.approx(0.00505) and row["n"] == SEEDS


def test_tiny_numbers_are_readable():
    assert [tiny(x) for x in (4.44e-16, 9.97e-16, 1e-3, 0.0)] == ["4.4 × 10⁻¹⁶", "1.0 × 10⁻¹⁵", "1.0 × 10⁻³", "0"]


@pytest.mark.parametrize("arm", ["identity", "sgd", "trajectories"])
def test_arms_that_were_not_run_leave_gaps_and_nothing_else(runs, arm):
    only = runs[runs.arm == arm].astype({"arm": str}).astype({"arm": "category"})
    found = summarise(only)
    assert set(found.samples.arm) == {arm}
    assert figures(found.curves, pd.DataFrame(), Context("paper", "MNIST", "", SETTINGS)) == {}


def test_figures_draw_and_their_words_hold_the_numbers(root, runs):
    reference = pd.read_csv(root / "reference/srivastava2014/section9.csv")
    context = Context("paper", "MNIST", "p09 (sgd.p = 0.9)", SETTINGS)
    drawings = figures(summarise(runs).curves, reference, context)
    assert set(drawings) == {"figure", "equal"}
    assert "0.25 at p = 0.8" in drawings["figure"].alt
    assert "averaged weights 0.0050" in drawings["figure"].alt
    assert all("p09 (sgd.p = 0.9)" in d.caption and f"{SEEDS} seeds" in d.caption for d in drawings.values())
    for drawing in drawings.values():
        assert len(axes_drawn(drawing)) == 2 * 2


def test_the_paper_s_numbers_are_the_penalty_factor(root):
    reference = pd.read_csv(root / "reference/srivastava2014/section9.csv")
    assert reference.penalty_ratio.to_numpy() == pytest.approx(((1 - reference.p) / reference.p).to_numpy())
