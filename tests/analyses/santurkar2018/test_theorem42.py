"""Theorem 4.2 from runs that were made up."""

import numpy as np

from dropnorm.analyses.santurkar2018 import theorem42


def test_samples_facts_and_figure(made_up, value, drawn):
    summary = theorem42.summarise(made_up(("error_equality",), tuple(theorem42.PANELS), ("mean_gain",)))
    np.testing.assert_allclose(value(summary, "error_equality", "random"), [2e-14, 3e-14, 4e-14])
    for measure in theorem42.PANELS:
        np.testing.assert_allclose(value(summary, measure, "network"), 0.5)
    assert summary.facts["mean_gain_network_layer2"] == "0.3"
    assert "layer 1 25 %, layer 2 75 %" in drawn(theorem42, summary).alt


def test_cases_without_a_gradient_do_not_count(made_up, value):
    runs = made_up((), ("holds_positive",)).astype({"quantity": str})
    runs.loc[(runs.quantity == "of_holds_positive.layer1"), "value"] = 1
    runs = runs[~runs.quantity.str.endswith("layer2")]
    from dropnorm.analyses.theorems import shares

    assert (shares(runs, "network", "holds_positive")["all"] == 1).all()
