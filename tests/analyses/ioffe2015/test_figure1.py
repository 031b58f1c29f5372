"""The numbers of Figure 1 from runs that were made up, so that every answer is known."""

import numpy as np
import pandas as pd
import pytest

from dropnorm.analyses import Context
from dropnorm.analyses.ioffe2015.figure1 import best_rates, figures, summarise, unit_measures
from dropnorm.analyses.tidy import first_crossing
from tests.analyses.made_up import axes_drawn, table_rows, value

SEEDS, UNITS = 3, 4
STEPS = np.array([0, 250, 400, 500, 750, 1000])


def rows(arm, quantity, values, steps=STEPS):
    return table_rows(arm, quantity, values, steps=steps)


def constant(arm, quantity, by_seed):
    return rows(arm, quantity, [by_seed, by_seed], steps=[0, 1000])


def diverged(arm, by_seed):
    return rows(arm, "diverged_at", [by_seed], steps=[1000])


@pytest.fixture
def runs():
    """Baseline 0.2 below batch norm throughout, crossing 95 % at step 900 against 450; inputs as named below."""
    seed = np.arange(SEEDS) / 1000
    parts = []
    for arm, at in (("baseline", 900), ("batchnorm", 450)):
        curve = 0.95 + (STEPS[:, None] - at) / 10000 + seed * 0
        parts.append(rows(arm, "test_accuracy", curve))
        parts.append(diverged(arm, [-1] * SEEDS))
        median = {"baseline": [5, 3, 4, 4, 2, 0], "batchnorm": [0, 0.2, 0.1, 0, 0.1, 0]}[arm]
        width = {"baseline": [0.1, 0.1, 0.1, 1, 2, 4], "batchnorm": [2, 2, 2, 3, 3, 4]}[arm]
        units = [1, 1, 1, 3]  # the last one moves three times as far, and the median unit counts
        p50 = np.broadcast_to(np.array(median)[:, None, None] * np.array(units), (6, SEEDS, UNITS))
        half = np.broadcast_to(np.array(width)[:, None, None] / 2, (6, SEEDS, UNITS))
        parts += [rows(arm, f"probe_{p}", p50 + k * half) for p, k in (("p15", -1), ("p50", 0), ("p85", 1))]
    tuned = {
        "baseline": {"0.1": (0.90, 0.91), "1.0": (0.95, 0.93)},
        "batchnorm": {"0.1": (0.97, 0.96), "1.0": (0.96, 0.99)},
    }
    for net, rates in tuned.items():
        for rate, (validation, test) in rates.items():
            parts.append(constant(f"{net}.lr-{rate}", "validation_accuracy", validation + seed))
            parts.append(constant(f"{net}.lr-{rate}", "test_accuracy", test + seed))
            parts.append(diverged(f"{net}.lr-{rate}", [-1, -1, 7]))
        for std, accuracy in (("0.1", 0.97), ("1.0", 0.97 - (0.3 if net == "baseline" else 0.01))):
            parts.append(constant(f"{net}.init_std-{std}", "test_accuracy", accuracy + seed))
            parts.append(diverged(f"{net}.init_std-{std}", [-1] * SEEDS))
    return pd.concat(parts, ignore_index=True).astype({"arm": "category", "quantity": "category"})


def test_samples_of_every_claim(runs):
    summary = summarise(runs)
    difference = value(summary, "final_accuracy", "batchnorm") - value(summary, "final_accuracy", "baseline")
    assert difference == pytest.approx(4.5)
    assert value(summary, "final_accuracy", "baseline") == pytest.approx(96)  # at step 1000, not before
    assert value(summary, "steps_to_95", "baseline") == pytest.approx(900)
    assert value(summary, "steps_to_95", "batchnorm") == pytest.approx(450)
    # from step 400 the baseline's median is 4 from its end, in units of the final width 4
    assert value(summary, "median_drift", "baseline") == pytest.approx(1.0)
    # variation over 0, 250, 500, 750, 1000: 2 + 1 + 2 + 2 = 7; step 400 does not count
    assert value(summary, "median_variation", "baseline") == pytest.approx(7 / 4)
    assert value(summary, "width_factor", "baseline") == pytest.approx(40)
    assert value(summary, "width_factor", "batchnorm") == pytest.approx(2)
    assert value(summary, "accuracy_range", "baseline") == pytest.approx(30)
    assert value(summary, "accuracy_range", "batchnorm") == pytest.approx(1)


def test_rates_are_chosen_on_validation_and_never_on_test(runs):
    assert best_rates(runs) == {"baseline": "1.0", "batchnorm": "0.1"}  # by test it would be 1.0 for both
    summary = summarise(runs)
    assert value(summary, "accuracy_best_rates", "batchnorm") == pytest.approx(96.1)
    assert value(summary, "accuracy_baseline_rate", "batchnorm") == pytest.approx(99.1)


def test_a_width_that_shrinks_is_a_change_too():
    steps, p = np.array([0, 400, 500]), {"p15": [[[0.0]]] * 3, "p50": [[[0.0]]] * 3, "p85": [[[4.0]], [[4.0]], [[1.0]]]}
    measures = unit_measures(steps, {k: np.array(v) for k, v in p.items()})
    assert measures["width_factor"].item() == pytest.approx(4)


def test_crossing():
    curve = pd.Series([0.1, 0.9, 1.0], index=[0, 100, 200])
    assert first_crossing(curve, 0.95) == pytest.approx(150)
    assert first_crossing(curve, 0.05) == 0
    assert first_crossing(curve, 2.0) == 200  # never: all its steps


def test_diverged_runs_are_counted(runs):
    summary = summarise(runs)
    table = summary.table.set_index(["arm", "quantity"])
    assert table.loc[("baseline.lr-0.1", "diverged"), "mean"] == pytest.approx(1 / 3)
    assert summary.facts["runs_diverged"] == "4"


def test_a_sweep_counts_only_when_it_is_whole(runs):
    """The best of half a grid is no best, and a range over half the scales no range."""
    some = runs[~runs.arm.isin(["baseline.lr-1.0", "batchnorm.init_std-1.0"])]
    summary = summarise(some)
    measured = set(zip(summary.samples.measure, summary.samples.arm, strict=True))
    assert not any(measure.startswith("accuracy_b") for measure, _ in measured)
    assert ("accuracy_range", "batchnorm") not in measured
    assert ("accuracy_range", "baseline") in measured
    assert "best_rate_baseline" not in summary.facts


def test_arms_that_were_not_run_leave_gaps_and_nothing_else(runs):
    only = runs[runs.arm.isin(["baseline"])].astype({"arm": str}).astype({"arm": "category"})
    summary = summarise(only)
    assert set(summary.samples.arm) == {"baseline"}
    assert "best_rate_baseline" not in summary.facts


def test_figures_draw_and_their_words_hold_the_numbers(root, runs):
    settings = {"network": {"hidden": [100], "init_std": 0.055}, "optimiser": {"lr": 0.1},
                "training": {"steps": 1000, "batch_size": 60}}  # fmt: skip
    reference = pd.read_csv(root / "reference/ioffe2015/figure1.csv")
    drawings = figures(
        summarise(runs).curves, reference, Context("paper", "MNIST", "lr03 (optimiser.lr = 0.3)", settings)
    )
    assert {"figure", "sweeps"} <= set(drawings)
    assert "100.50 %" in drawings["figure"].alt  # the made-up final accuracy
    assert "lr03 (optimiser.lr = 0.3)" in drawings["figure"].caption
    assert f"{SEEDS} seeds" in drawings["figure"].caption
    lines = [len(ax.get_lines()) for ax in axes_drawn(drawings["figure"])]
    assert lines == 2 * [2 * 2, 2 * 3, 2 * 3]  # ours and the paper's: two accuracies, three percentiles of two nets
