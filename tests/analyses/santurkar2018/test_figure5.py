"""Figure 5's VGG half from made-up runs."""

import pytest

from dropnorm.analyses.santurkar2018 import figure5


def test_mean_accuracy_over_the_steps_that_all_nets_have(vgg_runs, value, draw_all):
    late = {"train_accuracy": lambda t, s: 0.4 if t < 2000 else 0.9}
    arms = {"standard": late, "batchnorm": {"train_accuracy": 0.8}} | {
        p: {"train_accuracy": 0.82} for p in ("l1", "l2")
    }
    summary = figure5.summarise(vgg_runs(arms, ends={"l1": 2000, "l2": 2000}))
    assert value(summary, "mean_train_accuracy", "standard") == pytest.approx([40] * 3)
    assert value(summary, "mean_train_accuracy", "l1") == pytest.approx([82] * 3)
    assert summary.facts["common_steps"] == "2,000"
    assert "l2 norm 82.0" in draw_all(figure5, summary)["figure"].alt
