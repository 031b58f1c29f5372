"""The order of layers on made-up runs: where each network reaches 90 %, and what the exact statements decide."""

import pytest

from dropnorm.analyses.related import order
from tests.analyses.made_up import MadeUp, axes_drawn, changed, rows, value

RESULT = MadeUp("related/order")
STEPS = [0, 100, 200, 300]


def parts(before=(0.1, 0.8, 1.0, 0.97), after=(0.1, 0.5, 0.8, 1.0)):
    found = []
    for arm, accuracy in (("before", before), ("after", after)):
        found.append(rows(arm, "test_accuracy", accuracy, 0.001, STEPS))
        found.append(rows(arm, "bias_gradient", [1e-8, 2e-8], 1e-9, [0, 300]))
        for name, at in (("pool_inference", 1e-15), ("pool_training", 0.5), ("pool_negative", 2.0)):
            found.append(rows(arm, name, [at], at / 10, [0]))
        for rate in ("0.01", "1.0"):
            found.append(rows(f"{arm}.lr-{rate}", "test_accuracy", [0.1, 0.3, 0.6, 0.7], 0.001, STEPS))
    return found


def test_steps_are_where_the_curve_crosses():
    summary = order.summarise(RESULT.runs(parts()))
    assert value(summary, "steps_to_90", "before") == pytest.approx(150, abs=1)
    assert value(summary, "steps_to_90", "after") == pytest.approx(250, abs=1)
    assert summary.facts["steps_before"] == "150"
    assert summary.facts["by_rate_before"] == "300 at 0.01, 150 at 0.1, 300 at 1"  # never: the last step
    assert value(summary, "bias_gradient", "before") == pytest.approx(2e-8)


def test_all_hold():
    assert RESULT.verdicts(RESULT.runs(parts())) == dict.fromkeys(("R4.2", "R4.3", "R4.4"), "replicated")


@pytest.mark.parametrize(
    ("quantity", "to", "claim"),
    [("bias_gradient", 1e-3, "R4.3"), ("pool_inference", 1e-9, "R4.4"), ("pool_training", 1e-6, "R4.4")],
)
def test_an_exact_statement_falls_with_its_number(quantity, to, claim):
    verdicts = RESULT.verdicts(RESULT.runs(changed(parts(), "before", quantity, to)))
    assert {id_ for id_, verdict in verdicts.items() if verdict != "replicated"} == {claim}


def test_after_may_be_the_faster_one():
    runs = RESULT.runs(parts(before=(0.1, 0.5, 0.8, 1.0), after=(0.1, 0.8, 1.0, 0.97)))
    assert RESULT.verdicts(runs)["R4.2"] == "not replicated"


@pytest.mark.parametrize("arms", [["before"], ["after"], ["after.lr-0.01"], ["before", "before.lr-1.0"]])
def test_some_arms_alone(arms):
    RESULT.survives(RESULT.runs(parts()), arms)


def test_figure():
    (drawing,) = RESULT.drawings(RESULT.runs(parts())).values()
    assert len(axes_drawn(drawing)) == 4
    assert "BN before the sigmoid ends at 97.0 %" in drawing.alt
    assert "250 steps at rate 0.1" in drawing.alt
    assert "3 seeds" in drawing.caption
