"""Lemma 4.5 from runs that were made up."""

import numpy as np

from dropnorm.analyses.santurkar2018 import lemma45
from dropnorm.theory.lemma45 import FACTORS


def test_samples_facts_and_figure(made_up, value, drawn):
    errors = ("error_identity", "error_rows", "error_scale", "error_tenth", "error_hundredth")
    runs = made_up(errors, (), ("mean_nearer_percent",), factors=("share_by_factor", len(FACTORS)))
    summary = lemma45.summarise(runs)
    for measure in ("error_identity", "error_rows", "error_scale", "deviation_tenth", "deviation_hundredth"):
        np.testing.assert_allclose(value(summary, measure, "random"), [2e-14, 3e-14, 4e-14])
    assert summary.facts["mean_nearer_percent_network_all"] == "0.2"
    assert "1 at 0.001, 0.5 at 0.01" in drawn(lemma45, summary).alt


def test_the_factors_are_those_of_the_experiment():
    assert lemma45.FACTORS == FACTORS
