"""Figure 11's VGG half from made-up runs."""

import pytest

from dropnorm.analyses.santurkar2018 import figure11


def test_growth_and_levels(vgg_runs, value, draw_all):
    def arm(*differences):
        return {"landscape_gradient_difference": [lambda t, s, d=d: d * (1 + t / 4000) for d in differences]}

    summary = figure11.summarise(vgg_runs({"standard": arm(5, 10, 12, 20, 50), "batchnorm": arm(8, 11, 12, 13, 22)}))
    assert value(summary, "growth_of_difference", "standard") == pytest.approx([5] * 3)
    assert value(summary, "growth_of_difference", "batchnorm") == pytest.approx([2] * 3)
    middle = 1 + 1950 / 4000  # the median step
    assert value(summary, "difference_at_half", "standard") == pytest.approx([10 * middle] * 3)
    assert value(summary, "difference_at_rate", "batchnorm") == pytest.approx([12 * middle] * 3)
    drawing = draw_all(figure11, summary)["figure"]
    assert f"{10 * middle:.2f} at 0.5" in drawing.alt
    assert 0 < summary.curves.series[summary.curves.panel == "vgg_steps/standard"].nunique() <= 41


def test_the_linear_network_stands_beside_it(vgg_runs, draw_all):
    def linear(growth):
        lengths = [-8.0, -7.0, -6.0]
        return {"log10_step_length": lengths, "log10_difference_there": [growth * (n + 8) for n in lengths]}

    summary = figure11.summarise(vgg_runs({"linear_none": linear(2.0), "linear_batch": linear(1.0)}))
    drawings = draw_all(figure11, summary)
    assert set(drawings) == {"linear"}
    assert "batch norm 1 at 1e-08, 10 at 1e-07, 1e+02 at 1e-06" in drawings["linear"].alt
