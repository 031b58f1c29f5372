"""Observation 4.3 from runs that were made up."""

import numpy as np

from dropnorm.analyses.santurkar2018 import observation43


def test_samples_facts_and_figure(made_up, value, drawn):
    summary = observation43.summarise(made_up(("error_same", "error_excess"), (), ("mean_removed",)))
    np.testing.assert_allclose(value(summary, "error_excess", "network"), [2e-14, 3e-14, 4e-14])
    assert summary.facts["mean_removed_network_all"] == "20.0 %"
    over_time = summary.curves[summary.curves.panel == "over_time"]
    np.testing.assert_allclose(over_time.value, 20)
    assert "convex 10 %, waves 30 %" in drawn(observation43, summary).alt
