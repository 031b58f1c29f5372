"""Theorem 4.4 from runs that were made up."""

import numpy as np

from dropnorm.analyses.santurkar2018 import theorem44
from dropnorm.theory.theorem44 import FACTORS


def test_samples_facts_and_figure(made_up, value, drawn):
    errors = ("error_identity", "error_bound", "error_maximiser")
    runs = made_up(errors, ("holds_printed", "holds_repaired"), factors=("share_by_factor", len(FACTORS)))
    summary = theorem44.summarise(runs)
    for error in errors:
        np.testing.assert_allclose(value(summary, error, "network"), [2e-14, 3e-14, 4e-14])
    np.testing.assert_allclose(value(summary, "holds_printed", "random"), 0.5)
    assert summary.facts["printed_random_thousandth"] == "100.0 %"
    assert summary.facts["printed_network_one"] == "25.0 %"
    assert "50 % at 0.01" in drawn(theorem44, summary).alt


def test_the_factors_are_those_of_the_experiment():
    assert theorem44.FACTORS == FACTORS
