"""Section 3.1 from runs that were made up."""

import pytest

from dropnorm.analyses.ioffe2015 import section31
from tests.analyses.made_up import MadeUp, axes_drawn, changed, rows, value

RESULT = MadeUp("ioffe2015/section31")
STEPS = [0, 5000, 10000, 15000, 20000]
SHARES = {"population": 0.97, "biased": 0.97, "slow_average": 0.97, "fast_average": 0.97, "batch": 0.97}
SMALL = SHARES | {"biased": 0.96, "batch": 0.90}  # what mini-batches of 2 and 4 make of it


def parts():
    """Every claim holds; seeds 0.01 points apart."""
    found = []
    for arm in ("batch-2", "batch-4", "batch-60", "batch-128"):
        for name, share in (SMALL if arm in ("batch-2", "batch-4") else SHARES).items():
            found.append(rows(arm, f"accuracy_{name}", [share], 1e-4 if name == "population" else 1.1e-4, [20000]))
        found.append(rows(arm, "change_by_mates_inference", [0.0], 0.0, [20000]))
        found.append(rows(arm, "change_by_mates_training", [2.0], 0.1, [20000]))
    found.append(rows("decayed", "accuracy_population", [0.1, 0.9, 0.9, 0.9, 0.97], 0.0, STEPS))
    for name, gap in (("slow_average", 0.03), ("fast_average", 0.01)):
        found.append(rows("decayed", f"accuracy_{name}", [0.1, 0.9 - gap, 0.9 - gap, 0.9 - gap, 0.9695], 1e-4, STEPS))
    for name in ("biased", "batch"):
        found.append(rows("decayed", f"accuracy_{name}", [0.97], 0.0, [20000]))
    return found


def test_samples():
    summary = section31.summarise(RESULT.runs(parts()))
    assert value(summary, "gain_of_population", "batch-4") == pytest.approx(7)
    assert value(summary, "gain_of_population", "batch-60") == pytest.approx(0)
    assert value(summary, "change_by_correction", "batch-2") == pytest.approx(1)
    assert value(summary, "gap_slow", "middle") == pytest.approx(3)
    assert value(summary, "gap_fast", "middle") == pytest.approx(1)
    assert value(summary, "gap_slow", "end") == pytest.approx(0.05)
    assert summary.facts["population_batch_60"] == "97.00 %"
    assert summary.facts["gap_fast_middle"] == "1.00"
    assert summary.facts["gain_batch_4"] == "7.00"
    assert summary.facts["mates_batch_2"] == "2.00"


@pytest.mark.parametrize(
    ("claim", "arm", "quantity", "to"),
    [
        ("I2.10", "batch-4", "change_by_mates_inference", 1e-9),
        ("I2.11", "batch-4", "accuracy_batch", 0.95),
        ("I2.11", "batch-128", "accuracy_batch", 0.96),
        ("I2.12", "batch-60", "accuracy_biased", 0.96),
        ("I2.12", "batch-2", "accuracy_biased", 0.97),
    ],
)
def test_verdicts_follow_the_numbers(claim, arm, quantity, to):
    assert set(RESULT.verdicts(RESULT.runs(parts())).values()) == {"replicated"}
    found = RESULT.verdicts(RESULT.runs(changed(parts(), arm, quantity, to)))
    assert found.pop(claim) != "replicated"
    assert set(found.values()) == {"replicated"}


def test_an_average_that_is_as_near_in_the_middle_or_far_in_the_end_is_not_what_is_claimed():
    for values in ([0.1, 0.9, 0.9, 0.9, 0.9695], [0.1, 0.87, 0.87, 0.87, 0.96]):
        some = [p for p in parts() if (p.arm.iloc[0], p.quantity.iloc[0]) != ("decayed", "accuracy_slow_average")]
        some.append(rows("decayed", "accuracy_slow_average", values, 1e-4, STEPS))
        assert RESULT.verdicts(RESULT.runs(some))["I2.13"] != "replicated"


@pytest.mark.parametrize("arms", [["batch-60"], ["batch-2", "batch-4"], ["decayed"]])
def test_some_arms_alone(arms):
    RESULT.survives(RESULT.runs(parts()), arms)


def test_figure():
    (drawing,) = RESULT.drawings(RESULT.runs(parts())).values()
    assert len(axes_drawn(drawing)) == 4
    assert "97.0 % at 2" in drawing.alt
    assert "slow 3.00 at most after the first step and 0.05 at the end" in drawing.alt
    assert "3 seeds" in drawing.caption
