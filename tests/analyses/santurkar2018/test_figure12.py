"""Figure 12 from made-up runs: bands of five nets over the steps that all have."""

import pytest

from dropnorm.analyses.santurkar2018 import figure12


def test_widths_are_compared_over_the_same_steps(vgg_runs, value, draw_all):
    def arm(width, later=None):
        top = lambda t, s: 1 + (width if t < 2000 or later is None else later)  # noqa: E731
        return {"landscape_loss": [9, 1.0, 1.0, 1.0, top], "landscape_gradient_difference": [1.0] * 5,
                "landscape_smoothness": [2.0] * 5}  # fmt: skip

    runs = vgg_runs({"standard": arm(2.0, 0.1), "batchnorm": arm(0.4, 0.1), "l1": arm(0.5)}, ends={"l1": 2000})
    summary = figure12.summarise(runs)
    assert value(summary, "band_width_mid", "standard") == pytest.approx([2.0] * 3)  # not of steps that l1 lacks
    assert value(summary, "band_width_mid", "l1") == pytest.approx([0.5] * 3)
    assert summary.facts["band_ratio_l1"] == "4"
    assert summary.facts["common_steps"] == "2,000"
    assert "l1 norm 0.5" in draw_all(figure12, summary)["figure"].alt


def test_the_middle_is_from_step_1000_to_5000(vgg_runs, value):
    by_step = {"landscape_loss": [9, 1.0, 1.0, 1.0, lambda t, s: 1.0 + t], "landscape_gradient_difference": [1.0] * 5,
               "landscape_smoothness": [2.0] * 5}  # fmt: skip
    summary = figure12.summarise(vgg_runs({"standard": by_step}, last=6000))
    assert value(summary, "band_width_mid", "standard") == pytest.approx([3000] * 3, abs=100)
