"""The deep linear network's part of Figures 3, 5 and 11, on made-up runs."""

import numpy as np
import pandas as pd
import pytest

from dropnorm.analyses.santurkar2018 import linear
from dropnorm.claims import judge, read_claims
from dropnorm.names import ResultName
from tests.analyses.santurkar2018.linear_runs import SEEDS, STEPS, all_arms, arm, made_up, rows, values


def verdicts(root, result, summary):
    """By id, the findings of the claims that speak of this network."""
    found = judge(read_claims(root, "santurkar2018"), ResultName("santurkar2018", result), summary.samples, "paper")
    return {c["id"].split(".", 1)[1]: c for c in found}


def test_shift_cosine_and_loss_of_a_seed():
    summary = linear.figure3(all_arms())
    np.testing.assert_allclose(values(summary, "log10_shift_layer9", "linear_batch"), 4 + np.arange(SEEDS) / 100)
    np.testing.assert_allclose(values(summary, "log10_relative_shift_layer17", "linear_none")[0], 1 - 3)
    np.testing.assert_allclose(values(summary, "cosine_layer17", "linear_none.lr-1e-07"), 1)
    np.testing.assert_allclose(values(summary, "final_loss", "linear_batch")[:2], [1e3, 10**3.01])
    np.testing.assert_allclose(values(summary, "final_loss_over_plain", "linear_batch"), 0.1)
    np.testing.assert_allclose(values(summary, "final_loss_over_plain", "linear_batch.lr-1e-07"), 10**-0.5)
    assert summary.facts["linear_seeds_lower_default"] == f"{SEEDS} of {SEEDS}"
    assert summary.facts["linear_cosine_layer9_none_default"] == "0.995"


def test_the_claims_of_figure_3_see_what_they_should(root):
    found = verdicts(root, "figure3", linear.figure3(all_arms()))
    assert found["S3.3"]["ours"] == pytest.approx(3.0)
    assert found["S3.4"]["ours"] == pytest.approx(3.0)
    assert found["S3.3"]["parts"][2]["ours"] == pytest.approx(1.0)
    assert found["S3.5"]["ours"] == pytest.approx(10)
    assert {found[id_]["verdict"] for id_ in ("S3.3", "S3.4", "S3.5")} == {"replicated"}
    other = made_up(arm("linear_none", cosine=-0.9), arm("linear_batch", shift=2.1, loss=5.0))
    again = verdicts(root, "figure3", linear.figure3(other))
    assert again["S3.4"]["verdict"] == "not replicated"
    assert again["S3.5"]["parts"][2]["ours"] == pytest.approx(10)


def test_losses_that_differ_by_less_than_a_hundredth_are_told_as_the_same():
    nets = {"batch": [100.0] * 4, "l1": [98.0, 99.5, 100.5, 102.0]}
    found = pd.concat([
        pd.DataFrame({"measure": "final_loss", "arm": linear.arm_of(net), "seed": range(4), "value": values})
        for net, values in nets.items()
    ])  # fmt: skip
    facts = linear._loss_facts(found)
    assert (facts["linear_l1_below_batch"], facts["linear_l1_above_batch"]) == ("1 of 4", "1")


def test_final_losses_and_the_claims_of_figure_5(root):
    summary = linear.figure5(all_arms())
    found = verdicts(root, "figure5", summary)
    assert found["S5.2"]["ours"] == pytest.approx(10)
    assert [part["ours"] for part in found["S5.3"]["parts"]] == pytest.approx([10, 100, 10**0.9, 10**0.8])
    assert summary.facts["linear_l1_below_batch"] == f"{SEEDS} of {SEEDS}"
    assert summary.facts["linear_l1_above_batch"] == "0"
    assert float(summary.facts["linear_wilcoxon_p"]) == pytest.approx(2**-SEEDS, rel=0.01)
    assert summary.facts["linear_final_loss_l1"] == "104"  # median of 100 times 10^0, .01, .02, .03


def test_change_of_the_gradient_against_the_step_length():
    summary = linear.figure11(all_arms())
    mine = summary.curves[(summary.curves.panel == "linear_difference") & (summary.curves.series == "batch")]
    np.testing.assert_allclose(mine.x, [1e-8, 1e-7, 1e-6, 1e-5, 3.2e-5])
    np.testing.assert_allclose(mine.value, 1e3 * 2e6 * mine.x * [1, 1, 0.9, 0.5, 0.2])
    assert set(mine.n) == {SEEDS}
    single = summary.curves[summary.curves.panel == "linear_difference_none"]
    assert list(dict.fromkeys(single.series)) == [str(step) for step in STEPS]
    assert summary.facts["linear_difference_growth_batch"] == "640"


def test_a_diverged_run_counts_as_the_largest_loss():
    runs = made_up(arm("linear_none"), arm("linear_batch", loss=308.0, cosine=np.nan))
    summary = linear.figure3(runs)
    assert np.isfinite(values(summary, "final_loss", "linear_batch")).all()
    assert (values(summary, "final_loss_over_plain", "linear_batch") > 1e200).all()
    assert (values(summary, "cosine_layer9", "linear_batch") == 0).all()


def test_missing_arms_and_other_networks_do_no_harm():
    other = made_up(rows("batchnorm", "training_accuracy", 0.5))
    for result in (linear.figure3, linear.figure5, linear.figure11):
        assert len(result(other).samples) == 0
        assert result(other).facts == {}
    only = linear.figure5(made_up(arm("linear_l2")))
    assert set(only.samples.arm) == {"linear_l2"}


@pytest.mark.parametrize(
    ("log10", "printed"),
    [
        (2.544, "350"),
        (7.08, "1.2 × 10⁷"),
        (-1.3, "0.05"),
        (4.0, "10,000"),
        (15.08, "1.2 × 10¹⁵"),
        (-4.001, "1.0 × 10⁻⁴"),
    ],
)
def test_numbers_are_printed_to_two_digits(log10, printed):
    assert linear.power(log10) == printed
