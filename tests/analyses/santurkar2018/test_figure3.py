"""Figure 3's VGG half from made-up runs: shift and cosine by window."""

import pytest

from dropnorm.analyses.santurkar2018 import figure3


def arm(l2, cosine):
    quantities = {}
    for layer in (5, 10):
        quantities |= {
            f"shift_l2_layer{layer}": lambda t, s: l2 if t < 2000 else 7.0,
            f"shift_cosine_layer{layer}": lambda t, s: -1.0 if t < 2000 else cosine,
            f"shift_length_layer{layer}": 2.0,
        }
    return quantities | {"train_accuracy": 0.5}


def test_samples_of_both_claims(vgg_runs, value, draw_all):
    summary = figure3.summarise(
        vgg_runs(
            {"standard": arm(0.5, 0.4), "batchnorm": arm(1.5, 0.45), "standard.lr-0.01": arm(0.1, 0.5),
             "batchnorm.lr-0.01": arm(3, 0.5)},
            ends={"standard.lr-0.01": 1000, "batchnorm.lr-0.01": 1000},
        )
    )  # fmt: skip
    assert value(summary, "shift_early_layer5", "batchnorm") == pytest.approx([1.5] * 3)
    assert value(summary, "shift_early_layer5", "standard.lr-0.01") == pytest.approx([0.1] * 3)
    assert value(summary, "cosine_mid_layer10", "batchnorm") == pytest.approx([0.45] * 3)
    assert summary.facts["ratio_early_layer5_0_1"] == "3"
    assert summary.facts["relative_early_layer5_batchnorm"] == "0.75"
    assert "standard 0.40" in draw_all(figure3, summary)["figure"].alt


def test_mid_training_that_a_run_has_not_reached_has_no_value(vgg_runs, names):
    runs = vgg_runs({"standard": arm(0.5, 0.4), "batchnorm": arm(1.5, 0.45)}, last=2500)
    measured = names(figure3.summarise(runs))
    assert ("shift_early_layer5", "standard") in measured
    assert ("cosine_mid_layer5", "standard") not in measured


def test_a_shift_of_nothing_at_all_stays_finite(vgg_runs, draw_all):
    summary = figure3.summarise(vgg_runs({"standard": arm(0.0, 0.4), "batchnorm": arm(1.5, 0.45)}))
    draw_all(figure3, summary)
    assert summary.facts["shift_early_layer5_standard"] == "0"


def test_the_linear_network_stands_beside_it(vgg_runs, value, draw_all):
    linear = {"log10_loss": lambda t, s: 3 - t / 4000} | {
        f"{q}.layer{n}": v for n in (9, 17) for q, v in (("log10_shift", 2.0), ("log10_G", 2.5), ("cosine", 0.75))
    }
    both = {"standard": arm(0.5, 0.4), "batchnorm": arm(1.5, 0.45), "linear_none": linear, "linear_batch": linear}
    summary = figure3.summarise(vgg_runs(both))
    assert value(summary, "cosine_layer17", "linear_none") == pytest.approx([0.75] * 3)
    assert value(summary, "shift_early_layer5", "batchnorm") == pytest.approx([1.5] * 3)
    drawings = draw_all(figure3, summary)
    assert set(drawings) == {"figure", "linear"}
    assert "rate 1e-06, layer 17: standard 0.75; batch norm 0.75" in drawings["linear"].alt
    assert set(draw_all(figure3, figure3.summarise(vgg_runs({"linear_none": linear})))) == {"linear"}
