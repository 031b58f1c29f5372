"""Higher rates, fewer steps and sigmoid units on made-up runs: which arms are judged, and what decides each claim."""

import numpy as np
import pandas as pd
import pytest

from dropnorm.analyses.counting import of_most
from dropnorm.analyses.ioffe2015 import figure3
from tests.analyses.made_up import MadeUp, axes_drawn, rows, value

RESULT = MadeUp("ioffe2015/figure3")
STEPS = [0, 150, 300, 750, 1500]
BASELINE = {0.004: 0.50, 0.01: 0.56, 0.02: 0.53, 0.05: 0.40, 0.1: 0.10}  # L* is 0.01
BATCHNORM = {0.004: 0.60, 0.01: 0.64, 0.02: 0.65, 0.05: 0.66, 0.1: 0.665, 0.12: 0.66, 0.3: 0.68, 0.6: 0.62}
SIGMOID = {6: 0.55, 9: 0.64, 12: 0.62}  # with batch norm, at the best rate
SEEDS = 5


def arm_at(net, rate):
    """The arm of a net at a rate, as the protocol names it."""
    arms = [net, *(arm for arm in RESULT.protocol.arms if arm.startswith(f"{net}."))]
    return next(arm for arm in arms if RESULT.protocol.arms[arm].optimiser.lr == rate)


def net(arm, ends, *, slow=False, steps=STEPS, diverged_at=-1):
    """A net by where its accuracy ends: after 300 of 1,500 steps it has 0.8 of that, or half of it if it is slow."""
    at = {0: 0.1, 150: 0.3 if slow else 0.6, 300: 0.5 if slow else 0.8, 750: 0.9, 1500: 1.0}
    course = [0.1 if s == 0 else max(0.1, at[s] * ends) for s in steps]
    return [
        rows(arm, "test_accuracy", course, 0.004 * ends, steps),
        rows(arm, "validation_accuracy", course[-1:], 0.002, [1500]),
        rows(arm, "diverged_at", [diverged_at], 0, [1500]),
    ]


def parts(baseline=None, batchnorm=None, sigmoid=None, plain=0.1, slow=(0.3,)):
    """Every claim holds; changes are by rate, or by depth."""
    found = []
    for rate, ends in (BASELINE | (baseline or {})).items():
        found += net(arm_at("baseline", rate), ends)
    for rate, ends in (BATCHNORM | (batchnorm or {})).items():
        found += net(arm_at("batchnorm", rate), ends, slow=rate in slow)
    for depth, ends in (SIGMOID | (sigmoid or {})).items():
        some = STEPS if depth == 9 else [0, 1500]
        found += net(f"sigmoid-{depth}-batchnorm", ends, steps=some)
        if depth > 6:
            found += net(arm_at(f"sigmoid-{depth}-batchnorm", 0.03), ends - 0.1, steps=some)
        for rate in (0.01, 0.1, 1.0):
            found += net(arm_at(f"sigmoid-{depth}", rate), plain if rate == 0.1 else 0.1, steps=[0, 1500])
    return found


def runs_of(some):
    """Five seeds: the three of the parts, and two of them once more."""
    frame = pd.concat(some, ignore_index=True)
    more = frame[frame.seed < 2].assign(seed=lambda f: f.seed + 3)
    return RESULT.runs([frame, more])


def changed(runs, arm, quantity, seeds, to):
    """Runs with the last value of some seeds of an arm set to a number."""
    mine = (runs.arm == arm) & (runs.quantity == quantity) & runs.seed.isin(seeds) & (runs.step == 1500)
    assert mine.sum() == len(seeds)
    found = runs.assign(value=runs.value.mask(mine, to))
    found.attrs = runs.attrs
    return found


def test_rates_are_those_of_the_protocol():
    runs = runs_of(parts())
    assert {arm: figure3.rate_of(runs, arm) for arm in RESULT.protocol.arms} == {
        arm: settings.optimiser.lr for arm, settings in RESULT.protocol.arms.items()
    }


@pytest.mark.parametrize("best", [0.004, 0.01, 0.02])
def test_five_and_thirty_times_each_rate_that_may_be_the_best_was_run(best):
    runs = runs_of(parts(baseline={best: 0.58}))
    judged = figure3.judged_arms(runs)
    rates = {name: figure3.rate_of(runs, arm) for name, arm in judged.items()}
    wanted = {"baseline-x1": 1, "baseline-x5": 5, "batchnorm-x1": 1, "batchnorm-x5": 5, "batchnorm-x30": 30}
    assert rates == pytest.approx({name: m * best for name, m in wanted.items()})


@pytest.mark.parametrize(
    ("best", "place"),
    [(0.004, "the lowest"), (0.01, "neither the lowest nor the highest"), (0.1, "the highest")],
)
def test_the_page_says_where_the_best_rate_lies(best, place):
    runs = runs_of(parts(baseline={best: 0.58}))
    assert figure3.summarise(runs).facts["place"] == place


def test_the_best_rate_is_chosen_on_validation_pictures():
    runs = changed(runs_of(parts()), "baseline.lr-0.02", "test_accuracy", range(SEEDS), 0.99)
    assert figure3.judged_arms(runs)["baseline-x1"] == "baseline"
    runs = changed(runs, "baseline.lr-0.02", "validation_accuracy", range(SEEDS), 0.99)
    assert figure3.judged_arms(runs)["baseline-x1"] == "baseline.lr-0.02"


def test_samples_and_facts():
    few = RESULT.runs(parts())  # three seeds
    summary = figure3.summarise(few)
    assert value(summary, "points_lost", "baseline-x5") == pytest.approx(16)
    assert value(summary, "final_accuracy", "batchnorm-x5") == pytest.approx(66)
    assert value(summary, "early_accuracy", "batchnorm-x5") == pytest.approx(0.7 * 66)
    assert value(summary, "early_accuracy", "batchnorm-x30") == pytest.approx(0.4 * 68)
    assert value(summary, "steps_to_best", "baseline-x1") == 1500
    assert value(summary, "steps_to_best", "batchnorm-x5") == pytest.approx(300 + 450 * (56 - 52.8) / 6.6)
    assert value(summary, "highest_accuracy", "sigmoid-9") == pytest.approx(10)
    assert value(summary, "tuned_accuracy", "batchnorm") == pytest.approx(68)
    assert value(summary, "tuned_accuracy", "sigmoid-12-batchnorm") == pytest.approx(62)
    assert summary.facts["rate_x1"] == "0.01"
    assert summary.facts["rate_x30"] == "0.3"
    assert summary.facts["tuned_rate_batchnorm"] == "0.3"
    assert summary.facts["diverged_baseline_x5"] == "0 of 3"
    assert summary.facts["times_x5"] == "2.9"


def test_all_hold():
    assert RESULT.verdicts(runs_of(parts())) == {f"I2.{i}": "replicated" for i in range(1, 6)}


@pytest.mark.parametrize(
    ("change", "claim", "verdict"),
    [
        ({"baseline": {0.05: 0.52}}, "I2.1", "not replicated"),  # loses less than five points
        ({"batchnorm": {0.05: 0.62, 0.3: 0.69}}, "I2.1", "not replicated"),
        ({"batchnorm": {0.05: 0.58}}, "I2.2", "direction only"),  # faster, but not twice as fast
        ({"batchnorm": {0.05: 0.50}}, "I2.2", "inconclusive"),  # never gets there: all its steps count, as the other's
        ({"batchnorm": {0.3: 0.65}}, "I2.3", "not replicated"),  # ends lower
        ({"slow": ()}, "I2.3", "not replicated"),  # starts as fast
        ({"plain": 0.15}, "I2.4", "not replicated"),
        ({"sigmoid": {9: 0.58}}, "I2.4", "not replicated"),
        ({"sigmoid": {12: 0.58}}, "I2.4", "not replicated"),
        ({"sigmoid": {9: 0.70}}, "I2.5", "not replicated"),
    ],
)
def test_each_number_decides_its_claim(change, claim, verdict):
    assert RESULT.verdicts(runs_of(parts(**change)))[claim] == verdict


def test_a_depth_of_six_decides_nothing():
    found = RESULT.verdicts(runs_of(parts(sigmoid={6: 0.1})))
    assert set(found.values()) == {"replicated"}


@pytest.mark.parametrize(("trained", "verdict"), [(1, "replicated"), (2, "not replicated")])
def test_one_seed_of_five_may_train_at_five_times_the_rate(trained, verdict):
    runs = changed(runs_of(parts()), "baseline.lr-0.05", "test_accuracy", range(trained), 0.58)
    assert RESULT.verdicts(runs)["I2.1"] == verdict


def test_of_fewer_than_five_seeds_all_must_lose():
    lost = pd.Series([40.0, -1.0, 45.0, 30.0, 20.0])
    assert of_most(lost[:4], spared="lowest").min() == -1
    assert of_most(lost, spared="lowest").min() == 20
    assert of_most(-lost, spared="highest").max() == -20


def test_a_diverged_net_guesses_from_then_on():
    some = [part for part in parts() if part.arm.iloc[0] != "baseline.lr-0.05"]
    runs = runs_of(some + net("baseline.lr-0.05", 0.55, diverged_at=400))
    accuracy = figure3.accuracy_of(runs, "baseline.lr-0.05")
    assert (accuracy.loc[[750, 1500]] == figure3.CHANCE).all(axis=None)
    assert (accuracy.loc[300] > 40).all()
    assert figure3.summarise(runs).facts["diverged_baseline_x5"] == "5 of 5"
    assert RESULT.verdicts(runs)["I2.1"] == "replicated"


@pytest.mark.parametrize("arm", ["baseline", "batchnorm.lr-0.05", "batchnorm.x30-0.3", "sigmoid-9-batchnorm"])
def test_what_is_no_number_supports_nothing(arm):
    runs = changed(runs_of(parts()), arm, "test_accuracy", range(SEEDS), np.nan)
    judged_by = {"baseline": "I2.1", "batchnorm.lr-0.05": "I2.1", "batchnorm.x30-0.3": "I2.3"}
    assert RESULT.verdicts(runs)[judged_by.get(arm, "I2.5")] != "replicated"
    RESULT.drawings(runs)


def test_a_best_rate_whose_multiples_were_not_run_judges_nothing():
    found = RESULT.verdicts(runs_of(parts(baseline={0.1: 0.58})))
    assert {found[f"I2.{i}"] for i in (1, 2, 3)} == {"inconclusive"}


def test_a_missing_rate_leaves_no_best_one():
    runs = runs_of(parts())
    some = runs[runs.arm != "baseline.lr-0.004"]
    some.attrs = runs.attrs
    assert figure3.judged_arms(some) == {}
    assert RESULT.verdicts(some)["I2.2"] == "inconclusive"


def test_a_seed_that_was_not_run_at_all_rates_counts_for_nothing():
    runs = runs_of(parts())
    some = runs[(runs.arm != "sigmoid-9.plain-1.0") | (runs.seed < runs.seed.max())]
    samples = figure3.summarise(some).samples
    highest = samples[(samples.measure == "highest_accuracy") & (samples.arm == "sigmoid-9")]
    assert len(highest) == runs.seed.nunique() - 1 and highest.value.notna().all()


@pytest.mark.parametrize(
    "arms",
    [
        ["baseline"], ["batchnorm"], ["sigmoid-6"], ["sigmoid-9-batchnorm"],
        ["batchnorm.x30-0.3", "sigmoid-9.plain-1.0"],
        ["baseline", *(f"baseline.lr-{rate}" for rate in (0.004, 0.02, 0.05, 0.1))],
    ],
)  # fmt: skip
def test_some_arms_alone(arms):
    RESULT.survives(runs_of(parts()), arms)


def test_figure():
    (drawing,) = RESULT.drawings(runs_of(parts())).values()
    assert len(axes_drawn(drawing)) == 6
    assert "without BN, L*: 56.0 % in the end, best of the net without BN at step 1,500" in drawing.alt
    assert "BN: 55.0 % at depth 6, 63.9 % at depth 9, 62.0 % at depth 12" in drawing.alt
    assert "5 seeds" in drawing.caption


def test_a_net_that_never_gets_there_has_no_cross():
    (drawing,) = RESULT.drawings(runs_of(parts(batchnorm={0.05: 0.50}))).values()
    assert "BN, 5 L*: 50.0 % in the end; BN, 30 L*" in drawing.alt
