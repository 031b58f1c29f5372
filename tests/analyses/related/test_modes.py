"""Training and inference mode on made-up runs: losses at small mini-batches, the lag, what exact statements decide."""

import pytest

from dropnorm.analyses.related import modes
from tests.analyses.made_up import MadeUp, axes_drawn, changed, rows, value

RESULT = MadeUp("related/modes")
STEPS = [0, 5000, 10000, 15000, 20000]
BY_SIZE = {2: 0.80, 4: 0.90, 16: 0.95, 64: 0.97, 256: 0.974}
EXACT = {
    "answers_to_one": 0.0, "gradient_of_one": 0.0, "gradient_above": 0.5,
    "change_by_batching": 1e-14, "change_by_batching_float32": 1e-6, "change_by_mates_training": 2.0,
    "folded_float32": 1e-6, "folded_float64": 1e-15,
}  # fmt: skip
BY_ALGORITHM_2 = [0.1, 0.90, 0.94, 0.96, 0.96]
LAG = [-0.4, -0.3, -0.2, 0.01, 0.03]  # of the fast average


def parts(lag=LAG):
    """Every claim holds; the seeds lie a little apart, in every quantity by another distance."""
    found = [rows("standard", "accuracy_population", [0.1, 0.974], 1e-4, [0, 20000])]
    for i, (m, share) in enumerate(BY_SIZE.items(), start=2):
        found.append(rows("standard", f"accuracy_of_{m}", [share], i * 1e-4, [20000]))
    for quantity, size in EXACT.items():
        found.append(rows("standard", quantity, [size], size / 10, [20000]))
    fast = [p - behind for p, behind in zip(BY_ALGORITHM_2, lag, strict=True)]
    found.append(rows("high_rate", "accuracy_population", BY_ALGORITHM_2, 0.0, STEPS))
    found.append(rows("high_rate", "accuracy_fast_average", fast, 1e-4, STEPS))
    found.append(rows("high_rate", "accuracy_slow_average", [0.5] * 5, 1e-4, STEPS))
    return found


def test_samples_and_facts():
    summary = modes.summarise(RESULT.runs(parts()))
    assert value(summary, "accuracy", "inference") == pytest.approx(97.4)
    assert value(summary, "accuracy", "batch-2") == pytest.approx(80)
    assert value(summary, "change_by_mates", "standard") == pytest.approx(2)
    assert value(summary, "lag", "high_rate") == pytest.approx(2)  # after 15,000 and 20,000 steps, not 10,000
    assert summary.facts["batch_16"] == "95.00 %"
    assert summary.facts["loss_batch_2"] == "17.40"
    assert summary.facts["answers_to_one"] == "0"
    assert summary.facts["folded_float32"] == "1.1e-06"  # the worst seed
    assert summary.facts["change_by_mates"] == "1.80"  # and here that is the smallest
    assert summary.facts["lag_slow"] == "46.000"
    assert summary.facts["early_lag_fast"] == "-25.000"  # after 5,000 and 10,000 steps, not 0


def test_all_hold():
    assert RESULT.verdicts(RESULT.runs(parts())) == {f"R5.{i}": "replicated" for i in range(1, 6)}


@pytest.mark.parametrize(
    ("claim", "quantity", "to"),
    [
        ("R5.1", "answers_to_one", 1e-9),
        ("R5.1", "gradient_of_one", 1e-9),
        ("R5.2", "change_by_batching", 1e-5),
        ("R5.2", "change_by_mates_training", 0.05),
        ("R5.3", "folded_float32", 1e-4),
        ("R5.3", "folded_float64", 1e-9),
        ("R5.4", "accuracy_of_2", 0.94),  # less than five points are lost, and 4 is worse
        ("R5.4", "accuracy_of_4", 0.79),
        ("R5.4", "accuracy_of_16", 0.89),
        ("R5.4", "accuracy_of_64", 0.94),
        ("R5.4", "accuracy_of_256", 0.969),
        ("R5.4", "accuracy_of_256", 0.980),  # better than inference mode is not what is claimed either
    ],
)
def test_each_number_decides_its_claim_alone(claim, quantity, to):
    found = RESULT.verdicts(RESULT.runs(changed(parts(), "standard", quantity, to)))
    assert found.pop(claim) == "not replicated"
    assert set(found.values()) == {"replicated"}


def test_five_points_are_asked_of_mini_batches_of_two():
    some = changed(changed(parts(), "standard", "accuracy_of_2", 0.93), "standard", "accuracy_of_4", 0.94)
    assert RESULT.verdicts(RESULT.runs(some))["R5.4"] == "not replicated"


def test_what_was_not_computed_supports_nothing():
    runs = RESULT.runs(changed(parts(), "standard", "answers_to_one", float("nan")))
    assert RESULT.verdicts(runs)["R5.1"] == "not replicated"
    RESULT.drawings(runs)


@pytest.mark.parametrize("lag", [[0.4, 0.3, 0.2, -0.01, -0.03], [0.4, 0.3, 0.2, 0.01, -0.03]])
def test_a_lag_in_the_first_half_is_none(lag):
    assert RESULT.verdicts(RESULT.runs(parts(lag)))["R5.5"] == "not replicated"


@pytest.mark.parametrize("arm", ["standard", "high_rate"])
def test_one_arm_alone(arm):
    RESULT.survives(RESULT.runs(parts()), [arm])


def test_sizes_are_those_of_the_settings():
    runs = RESULT.runs([*parts(), rows("standard", "accuracy_of_1", [0.1], 0.01, [20000])])
    runs.attrs["settings"] = RESULT.settings | {"measure": RESULT.settings["measure"] | {"test_sizes": [256, 1]}}
    summary = modes.summarise(runs)
    assert value(summary, "accuracy", "batch-1") == pytest.approx(10)
    assert "batch-2" not in set(summary.samples.arm)
    drawn = summary.curves[(summary.curves.panel == "accuracy") & (summary.curves.series == "training")]
    assert drawn.x.tolist() == [1, 256]


def test_figure():
    (drawing,) = RESULT.drawings(RESULT.runs(parts())).values()
    assert len(axes_drawn(drawing)) == 4
    assert "80.0 % at 2" in drawing.alt
    assert "in inference mode 97.4 %" in drawing.alt
    assert "fast running average is between -3.00 and 30.00 points from Algorithm 2, -3.00 in the end" in drawing.alt
    assert "3 seeds" in drawing.caption
