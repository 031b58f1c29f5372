"""Figure 6 from made-up runs: drift of mean and variance, and their shape."""

import numpy as np
import pytest

from dropnorm.analyses.santurkar2018 import figure6


def arm(mean_step, log_var_step):
    """Mean and log variance move by a step each 100 training steps, to and fro; the extra step in between is wild."""

    def to_and_fro(size):
        return lambda t, s: size * ((t // 100) % 2) if t % 100 == 0 else 1000.0

    return {
        "mean_layer11": [to_and_fro(mean_step * size) for size in (0.5, 1, 3)],  # the median channel counts
        "var_layer11": [lambda t, s: float(np.exp(to_and_fro(log_var_step)(t, s))) if t % 100 == 0 else 1.0] * 3,
        "kurtosis_layer11": [0.5] * 3,
        "quantiles_layer11": [0.1 * i for i in range(101)],
    }


def test_drift_is_the_sum_of_regular_changes_up_to_where_all_nets_are(vgg_runs, value, draw_all):
    runs = vgg_runs({"standard": arm(0.1, 0), "l1": arm(0.3, 0.2)}, ends={"l1": 2000})
    summary = figure6.summarise(runs)
    # 20 measurements up to step 2,000, so 19 changes
    assert value(summary, "mean_drift", "standard") == pytest.approx([1.9] * 3)
    spread = np.sqrt((1 + np.exp(0.2)) / 2)
    assert value(summary, "mean_drift", "l1") == pytest.approx([19 * 0.3 / spread] * 3)
    assert value(summary, "variance_drift", "l1") == pytest.approx([3.8] * 3)
    assert summary.facts["kurtosis_l1"] == "0.50"
    assert summary.facts["mean_drift_ratio_l1"].startswith("2.8")
    assert set(draw_all(figure6, summary)) == {"figure", "drift"}


def test_a_channel_that_dies_stays_finite(vgg_runs):
    dead = arm(0.1, 0) | {"var_layer11": [0.0] * 3}
    table = figure6.summarise(vgg_runs({"standard": dead})).samples
    assert np.isfinite(table.value).all()
