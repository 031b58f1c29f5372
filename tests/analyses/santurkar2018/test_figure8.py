"""Figure 8 from made-up runs: changes from one step to the next."""

import pytest

from dropnorm.analyses.santurkar2018 import figure8


def arm(change):
    quantities = {}
    for layer in (2, 9, 13):
        channels = [lambda t, s, c=c: t / 1000 + change * (c + 1) * (t % 100 == 1) for c in (0, 1, 5)]
        quantities |= {f"mean_layer{layer}": channels, f"var_layer{layer}": [4.0] * 3}
    return quantities


def test_changes_are_medians_over_channels_of_steps_in_a_row(vgg_runs, value, draw_all):
    summary = figure8.summarise(vgg_runs({"standard": arm(0.1), "noisy_batchnorm": arm(0.4)}))
    # between steps t and t + 1: 0.001 and the change of the middle channel
    assert value(summary, "mean_change_layer9", "standard") == pytest.approx([0.201] * 3)
    assert value(summary, "mean_change_layer13", "noisy_batchnorm") == pytest.approx([0.801] * 3)
    assert summary.facts["relative_change_layer2_standard"] == "0.101"  # in units of the channel's own spread, 2
    assert summary.facts["relative_ratio_layer2"] == summary.facts["mean_ratio_layer2"] == "4"  # 0.801 / 0.201
    drawings = draw_all(figure8, summary)
    assert set(drawings) == {"figure", "drift"}
    assert "layer 2: standard 0.2; noisy batch norm 0.8" in drawings["figure"].alt
    assert "standard 3.9" in drawings["drift"].alt  # from 0 to step 3,900


def test_only_steps_that_all_nets_have_are_compared(vgg_runs, value):
    late = {f"mean_layer{layer}": [lambda t, s: (t >= 2000) * t * 1.0] * 3 for layer in (2, 9, 13)}
    longer = arm(0.1) | late | {f"var_layer{layer}": [lambda t, s: 4.0 + 96 * (t >= 2000)] * 3 for layer in (2, 9, 13)}
    summary = figure8.summarise(
        vgg_runs({"standard": longer, "noisy_batchnorm": arm(0.4)}, ends={"noisy_batchnorm": 2000})
    )
    assert value(summary, "mean_change_layer9", "standard") == pytest.approx([0] * 3)
    assert summary.facts["common_steps"] == "2,000" and summary.facts["spread_layer2_standard"] == "2"


def test_no_arm_gives_no_figure(vgg_runs):
    summary = figure8.summarise(vgg_runs({"l1": {"train_accuracy": 0.5}}))
    assert figure8.figures(summary.curves, None, None) == {}
