"""Figure 2 from made-up runs: what noise costs, with batch norm and without."""

import pytest

from dropnorm.analyses.santurkar2018 import figure2


def arm(accuracy, change=0.1):
    moments = {f"mean_layer{n}": [lambda t, s: change * (t % 2)] * 2 for n in (2, 9, 13)}
    return {"train_accuracy": lambda t, s: accuracy, "test_accuracy": 0.5} | moments


@pytest.fixture
def runs(vgg_runs):
    return vgg_runs(
        {"standard": arm(0.5), "batchnorm": arm(0.8, 0.01), "noisy_batchnorm": arm(0.74, 0.4),
         "standard_noise": arm(0.1), "standard_relative_noise": arm(0.4)},
        ends={"noisy_batchnorm": 2000, "standard_noise": 4000, "standard_relative_noise": 2000},
    )  # fmt: skip


def test_samples_of_every_claim(runs, value, draw_all):
    summary = figure2.summarise(runs)
    assert value(summary, "accuracy_deficit", "standard") == pytest.approx([30] * 3)
    assert value(summary, "accuracy_deficit", "noisy_batchnorm") == pytest.approx([6] * 3)
    assert value(summary, "mean_train_accuracy", "noisy_batchnorm") == pytest.approx([74] * 3)
    assert value(summary, "final_train_accuracy_of_most", "standard_noise") == pytest.approx([10] * 3)
    assert value(summary, "final_train_accuracy_of_most", "standard_relative_noise") == pytest.approx([40] * 3)
    assert value(summary, "mean_change", "noisy_batchnorm") == pytest.approx([0.4] * 3)
    assert summary.facts["share_of_gap"] == "20 %"
    assert summary.facts["untrained_standard_noise"] == "3 of 3"
    assert summary.facts["untrained_standard_relative_noise"] == "0 of 3"
    assert summary.facts["common_steps"] == "2,000"
    assert "noisy batch norm 74.0" in draw_all(figure2, summary)["figure"].alt


def test_missing_arms_leave_gaps_and_nothing_else(runs, names, draw_all):
    summary = figure2.summarise(runs[runs.arm == "standard"])
    assert {arm for _, arm in names(summary)} == {"standard"}
    assert set(draw_all(figure2, summary)) == {"figure"}


def test_a_short_run_does_not_show_that_a_net_never_trains(vgg_runs, names):
    for last, counts in ((3700, False), (3800, True)):
        summary = figure2.summarise(
            vgg_runs({"standard": arm(0.5), "standard_noise": arm(0.1)}, ends={"standard_noise": last})
        )
        assert (("final_train_accuracy_of_most", "standard_noise") in names(summary)) == counts
        assert summary.facts["final_train_accuracy_standard_noise"] == "10.0"  # shown in any case
