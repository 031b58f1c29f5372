"""Section 3.3, the conjecture, from runs that were made up."""

import pytest

from dropnorm.analyses.ioffe2015 import section33
from tests.analyses.made_up import MadeUp, axes_drawn, changed, rows, value

RESULT = MadeUp("ioffe2015/section33")
STEPS = [0, 1000, 10000]


def parts(spread=None):
    """Two layers; by step, the spread of a net's layers is v - 0.5 and v + 0.5."""
    spread = spread or {"baseline": [6.0, 7.0, 8.0], "batchnorm": [5.0, 4.0, 9.0]}
    found = []
    for net, values in spread.items():
        for unit, shift in enumerate((-0.5, 0.5)):
            found.append(rows(net, "spread", [v + shift for v in values], 0.1, STEPS, unit))
            found.append(rows(net, "largest", [2.0, 2.0, 2.0], 0.1, STEPS, unit))
            found.append(rows(net, "middle", [0.5, 0.6, 0.7], 0.01, STEPS, unit))
        found.append(rows(net, "whitened_error", [1e-14], 1e-15, [0]))
        found.append(rows(net, "test_accuracy", [0.9], 0.01, [10000]))
    return found


def test_samples_are_medians_of_the_layers():
    summary = section33.summarise(RESULT.runs(parts()))
    assert value(summary, "spread_after", "batchnorm") == pytest.approx(4)
    assert value(summary, "spread_first", "baseline") == pytest.approx(6)
    assert summary.facts["spread_baseline_judged"] == "7.00"
    assert summary.facts["middle_batchnorm_last"] == "0.70"
    assert summary.facts["accuracy_baseline"] == "90.0 %"


@pytest.mark.parametrize(
    ("spread", "verdict"),
    [
        (None, "replicated"),
        ({"baseline": [6.0, 7.0, 8.0], "batchnorm": [5.0, 7.5, 1.0]}, "not replicated"),
        ({"baseline": [6.0, 7.0, 8.0], "batchnorm": [6.5, 4.0, 1.0]}, "not replicated"),
    ],
)
def test_both_times_decide_and_the_end_does_not(spread, verdict):
    # Equal scatter would make a difference without one; the seeds of one net are turned round.
    turned = [p.assign(seed=2 - p.seed) if p.arm.iloc[0] == "baseline" else p for p in parts(spread)]
    assert RESULT.verdicts(RESULT.runs(turned)) == {"I2.19": verdict}


def test_an_error_of_the_whitened_map_decides_too():
    runs = RESULT.runs(changed(parts(), "batchnorm", "whitened_error", 1e-9))
    assert RESULT.verdicts(runs)["I2.19"] != "replicated"


@pytest.mark.parametrize("net", section33.NETS)
def test_one_net_alone(net):
    RESULT.survives(RESULT.runs(parts()), [net])


def test_figure():
    (drawing,) = RESULT.drawings(RESULT.runs(parts())).values()
    assert len(axes_drawn(drawing)) == 4
    assert "with BN 5.00 at first and 9.00 at the end" in drawing.alt
    assert "3 seeds" in drawing.caption
