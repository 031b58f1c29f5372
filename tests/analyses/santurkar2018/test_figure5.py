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


def test_the_linear_network_stands_beside_it(vgg_runs, value, draw_all):
    linear = {f"linear_{net}": {"log10_loss": 3.0 - i} for i, net in enumerate(("none", "batch", "l1"))}
    summary = figure5.summarise(vgg_runs({"standard": {"train_accuracy": 0.5}} | linear))
    assert value(summary, "final_loss", "linear_l1") == pytest.approx([10] * 3)
    assert value(summary, "mean_train_accuracy", "standard") == pytest.approx([50] * 3)
    drawings = draw_all(figure5, summary)
    assert set(drawings) == {"figure", "linear"}
    assert "standard 1,000; batch norm 100; l1 norm 10" in drawings["linear"].alt
