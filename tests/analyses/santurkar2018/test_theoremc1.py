"""Theorem C.1 from runs that were made up."""

import numpy as np

from dropnorm.analyses.santurkar2018 import theoremc1


def test_samples_facts_and_figure(made_up, value, drawn):
    summary = theoremc1.summarise(made_up(("error_gap",), (*theoremc1.PANELS, "holds_at_v_and_g")))
    np.testing.assert_allclose(value(summary, "error_gap", "random"), [2e-14, 3e-14, 4e-14])
    np.testing.assert_allclose(value(summary, "holds_bound", "random"), 0.5)
    assert summary.facts["holds_bound_random_convex"] == "25.0 %"
    assert "layer 1 25 %, layer 2 75 %" in drawn(theoremc1, summary).alt
