"""Batch norm as a regulariser on made-up runs: rates by validation, nets at one fit, slopes, mini-batches that stay."""

import numpy as np
import pandas as pd
import pytest

from dropnorm.analyses.ioffe2015 import section34
from tests.analyses.made_up import MadeUp, axes_drawn, changed, rows, value

RESULT = MadeUp("ioffe2015/section34")
STEPS = [0, 100, 200, 300]
SWEEPS = {"none": ("rate", ("0.003", "0.03")), "batch": ("lr", ("0.01", "0.1"))}
FIT = {"none": (0.1, 0.6, 0.992, 0.998), "batch": (0.1, 0.99, 1.0, 1.0)}  # training accuracy
TEST = {"none": (0.1, 0.4, 0.45, 0.46), "batch": (0.1, 0.5, 0.54, 0.55)}
GHOSTS = {16: 0.57, 64: 0.56, 256: 0.55, 512: 0.545}  # test accuracy, all at the same training accuracy


def accuracy(arm, train, test, validation=0.5, spread=0.001):
    """A curve a quantity; on test the seeds lie `spread` apart."""
    fixed = {"train": (train, 0), "test": (test, spread), "validation": ([validation] * len(test), 0)}
    return [rows(arm, f"{part}_accuracy", by_step, apart, STEPS[-len(by_step) :])
            for part, (by_step, apart) in fixed.items()]  # fmt: skip


def parts(fit=FIT, test=TEST, none_dropout=0.50, batch_dropout=0.56, ghosts=GHOSTS, fixed=0.54):
    """The best rate by validation is the last one of each sweep; the others are better on test, and do not count."""
    found = []
    for norm, (sweep, (low, high)) in SWEEPS.items():
        ends = {norm: (fit[norm], test[norm], 0.001), f"{norm}-dropout": ([1], None, 0.002)}
        ends[f"{norm}-dropout"] = ([1.0], [none_dropout if norm == "none" else batch_dropout], 0.003)
        for net, (train, curve, spread) in ends.items():
            base = 0.553 if net == "batch" else 0.9
            found += accuracy(net, [1.0], [base], 0.3)
            found += accuracy(f"{net}.{sweep}-{low}", [1.0], [0.95], 0.4)
            found += accuracy(f"{net}.{sweep}-{high}", train, curve, 0.6, spread)
    for i, (m, share) in enumerate(ghosts.items(), start=1):
        found += accuracy(f"ghost-{m}", [0.99], [share], spread=i * 1e-4)
    found += accuracy("fixed", [1.0], [fixed], spread=0.002)
    return [*found, *accuracy("none-fixed", [1.0], [0.88])]


def test_the_rate_is_chosen_on_validation_pictures():
    summary = section34.summarise(RESULT.runs(parts()))
    assert value(summary, "accuracy_tuned", "batch-dropout") == pytest.approx(56)
    assert value(summary, "accuracy_in_training", "none") == pytest.approx(99.8)
    assert value(summary, "gain_of_dropout", "none") == pytest.approx(4)
    assert value(summary, "gain_of_dropout", "batch") == pytest.approx(1)
    assert (summary.facts["rate_none"], summary.facts["rate_batch_dropout"]) == ("0.03", "0.1")


def test_nets_are_compared_where_they_fit_as_well():
    summary = section34.summarise(RESULT.runs(parts()))
    assert value(summary, "accuracy_at_level", "none") == pytest.approx(45)  # after 200 steps
    assert value(summary, "accuracy_at_level", "batch") == pytest.approx(50)  # after 100
    assert value(summary, "step_of_level", "none") == 200
    assert (summary.facts["step_of_level_batch"], summary.facts["reached_batch"]) == ("100", "3 of 3")


def test_a_seed_that_never_fits_has_no_value():
    runs = RESULT.runs(parts(fit=FIT | {"none": (0.1, 0.6, 0.7, 0.98)}))
    summary = section34.summarise(runs)
    assert np.isnan(value(summary, "accuracy_at_level", "none"))
    assert summary.facts["reached_none"] == "0 of 3"
    assert RESULT.verdicts(runs)["I2.6"] == "inconclusive"


def test_slopes_are_by_doubling():
    summary = section34.summarise(RESULT.runs(parts()))
    assert value(summary, "slope_of_gap", "ghost") == pytest.approx(0.5)  # a point for four times the size
    assert value(summary, "slope_of_test", "ghost") == pytest.approx(-0.5)
    table = pd.DataFrame({0: [1.0, 2.0, 4.0], 1: [1.0, float("nan"), 2.0]}, index=[1, 2, 4])
    assert section34.slope(table)[0] == pytest.approx(1.5)
    assert np.isnan(section34.slope(table)[1])


def test_fresh_and_fixed_mini_batches_at_one_rate():
    summary = section34.summarise(RESULT.runs(parts()))
    assert value(summary, "accuracy_batch", "fresh") == pytest.approx(55.3)
    assert summary.facts["gain_of_shuffling_batch"] == "1.30"
    assert summary.facts["gain_of_shuffling_none"] == "2.00"


def test_all_hold():
    assert RESULT.verdicts(RESULT.runs(parts())) == {f"I2.{i}": "replicated" for i in range(6, 10)}


FLAT = dict.fromkeys(GHOSTS, 0.55)


@pytest.mark.parametrize(
    ("change", "claim", "verdict"),
    [
        ({"test": TEST | {"batch": (0.1, 0.44, 0.54, 0.55)}}, "I2.6", "not replicated"),
        ({"fit": FIT | {"none": (0.1, 0.6, 0.7, 0.992)}, "test": TEST | {"none": (0.1, 0.4, 0.45, 0.51)}},
         "I2.6", "not replicated"),
        ({"none_dropout": 0.46}, "I2.7", "not replicated"),
        ({"batch_dropout": 0.60}, "I2.7", "not replicated"),
        ({"ghosts": dict(zip(GHOSTS, reversed(GHOSTS.values()), strict=True))}, "I2.8", "not replicated"),
        ({"ghosts": FLAT}, "I2.8", "inconclusive"),
        ({"fixed": 0.56}, "I2.9", "not replicated"),
        ({"fixed": 0.553}, "I2.9", "inconclusive"),
    ],
)  # fmt: skip
def test_verdicts(change, claim, verdict):
    assert RESULT.verdicts(RESULT.runs(parts(**change)))[claim] == verdict


@pytest.mark.parametrize(
    ("claim", "arm", "quantity", "to"),
    [
        ("I2.8", "ghost-512", "test_accuracy", 0.60),
        ("I2.8", "ghost-16", "train_accuracy", 1.04),
        ("I2.9", "fixed", "test_accuracy", 0.56),
        ("I2.9", "batch", "test_accuracy", 0.53),
    ],
)
def test_each_number_decides_its_claim_alone(claim, arm, quantity, to):
    found = RESULT.verdicts(RESULT.runs(changed(parts(), arm, quantity, to)))
    assert found.pop(claim) == "not replicated"
    assert set(found.values()) == {"replicated"}


@pytest.mark.parametrize("arm", ["none.rate-0.03", "ghost-64", "fixed"])
def test_a_net_that_diverged_supports_nothing(arm):
    runs = RESULT.runs(changed(parts(), arm, "test_accuracy", float("nan")))
    claims = {"none": ("I2.7",), "ghost": ("I2.8",), "fixed": ("I2.9",)}[arm.partition("-")[0].partition(".")[0]]
    assert all(RESULT.verdicts(runs)[claim] == "inconclusive" for claim in claims)
    RESULT.drawings(runs)


def test_a_missing_rate_leaves_no_best_one():
    runs = RESULT.runs(parts())
    some = runs[runs.arm != "none-dropout"]
    some.attrs = runs.attrs
    found = RESULT.verdicts(some)
    assert found["I2.7"] == "inconclusive"
    assert found["I2.6"] == "replicated"


def test_a_seed_that_lacks_a_size_or_a_net_counts_for_nothing():
    runs = RESULT.runs(parts())
    short = runs.arm.astype(str).str.startswith(("ghost-256", "batch-dropout"))
    some = runs[~short | (runs.seed < 2)]
    some.attrs = runs.attrs
    samples = RESULT.module.summarise(some).samples
    for measure in ("slope_of_gap", "gain_of_dropout"):
        mine = samples[(samples.measure == measure) & (samples.arm != "none")]
        assert list(mine.seed) == [0, 1] and mine.value.notna().all()


def test_a_missing_size_leaves_no_slope():
    runs = RESULT.runs(parts())
    some = runs[runs.arm != "ghost-256"]
    some.attrs = runs.attrs
    assert RESULT.verdicts(some)["I2.8"] == "inconclusive"


@pytest.mark.parametrize(
    "arms",
    [["none"], ["batch"], ["none-dropout", "none"], ["fixed"], ["none-fixed"], ["ghost-16", "ghost-64"],
     [f"ghost-{m}" for m in GHOSTS], ["none", "none.rate-0.003", "none.rate-0.03"], ["batch", "fixed"]],
)  # fmt: skip
def test_some_arms_alone(arms):
    RESULT.survives(RESULT.runs(parts()), arms)


def test_figure():
    (drawing,) = RESULT.drawings(RESULT.runs(parts())).values()
    assert len(axes_drawn(drawing)) == 6
    assert "neither: 46.0 %; dropout: 50.0 %; batch norm: 55.0 %; both: 56.0 %" in drawing.alt
    assert "gap in points by size of the statistics: 42.0 at 16, 43.0 at 64, 44.0 at 256, 44.5 at 512" in drawing.alt
    assert "gain of shuffling with batch norm: 1.30 points on average, from 1.20 to 1.40" in drawing.alt
    assert "3 seeds" in drawing.caption
