"""The two forms of dropout on made-up runs: exact statements, rates chosen on validation images, means over masks."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from dropnorm.analyses.related import inverted
from tests.analyses.made_up import MadeUp, axes_drawn, changed, rows, value

RESULT = MadeUp("related/inverted")
RATES = ("0.01", "0.03", "0.3", "1.0")
EXACT = {
    "converted.largest_difference": 1e-14, "same_rate.largest_difference": 1.5,
    "same_rate.test_accuracy_paper": 0.8, "same_rate.test_accuracy_inverted": 0.9,
    "share_within_input": 1.0, "share_within_output": 0.5, "excess_of_input": 1e-5, "excess_of_output": 0.02,
    "output_at_test": 0.4, "spread_of_input": 0.3,
}  # fmt: skip


def trained(arm, test, validation):
    return [
        rows(arm, "test_accuracy", [0.5, test], 0.0002, [250, 4000]),
        rows(arm, "validation_accuracy", [validation], 0.0002, [4000]),
    ]


def parts(paper=0.97, inverted_=0.971):
    """By validation 0.3 is best for the paper's form and 0.1 for the other; other rates are better on test images."""
    found = []
    for name in inverted.OUTPUTS:
        size = 1e-15 if name.endswith("64") else 1e-6
        found.append(rows("exact", name, [size, 2 * size, size], size / 10))
    found += [rows("exact", name, [at], at / 1000 if at != 1 else 0, [500]) for name, at in EXACT.items()]
    for bin_, centre in enumerate(inverted.CENTRES):
        for side, at in (("input", 0.0), ("output", inverted.gaussian_excess(centre))):
            found.append(rows("exact", f"excess_{side}_by_position", [at], 0.001, [10_000], bin_))
    for rate in RATES:
        best = rate == "0.3"
        found += trained(f"paper.lr-{rate}", paper if best else 0.99, 0.96 if best else 0.9)
        found += trained(f"inverted.lr-{rate}", 0.99, 0.9)
    return [*found, *trained("paper", 0.95, 0.95), *trained("inverted", inverted_, 0.96)]


def test_samples_are_the_largest_of_the_mini_batches_and_the_last_of_the_rest():
    summary = inverted.summarise(RESULT.runs(parts()))
    assert value(summary, "train_float64", "exact") == pytest.approx(2e-15)
    assert value(summary, "path_converted", "exact") == pytest.approx(1e-14)
    assert value(summary, "excess_of_output", "exact") == pytest.approx(0.02)
    assert summary.facts["train_float32"] == "2.1e-06"  # the largest seed
    assert summary.facts["path_same_rate"] == "1.50"
    assert summary.facts["excess_relative"] == "5.0 %"
    assert summary.facts["early_accuracy_inverted"] == "90.0 %"


def test_each_form_has_the_rate_that_is_best_on_validation_images():
    summary = inverted.summarise(RESULT.runs(parts()))
    assert value(summary, "accuracy_best_rates", "paper") == pytest.approx(97)
    assert value(summary, "accuracy_best_rates", "inverted") == pytest.approx(97.1)
    assert (summary.facts["best_rate_paper"], summary.facts["best_rate_inverted"]) == ("0.3", "0.1")
    assert summary.facts["difference_best"] == "-0.10"
    by_rate = "99.00 % at 0.01, 99.00 % at 0.03, 95.00 % at 0.1, 97.00 % at 0.3, 99.00 % at 1"
    assert summary.facts["by_rate_paper"] == by_rate


def test_all_hold():
    assert RESULT.verdicts(RESULT.runs(parts())) == dict.fromkeys(("R1.1", "R1.2", "R1.3"), "replicated")


@pytest.mark.parametrize(
    ("quantity", "to", "claim"),
    [
        ("train_float64", 1e-10, "R1.1"),
        ("test_float64", 1e-10, "R1.1"),
        ("train_float32", 1e-4, "R1.1"),
        ("test_float32", 1e-4, "R1.1"),
        ("converted.largest_difference", 1e-7, "R1.2"),
        ("share_within_input", 0.99, "R1.3"),
        ("share_within_output", 0.95, "R1.3"),
        ("excess_of_output", -0.02, "R1.3"),
    ],
)
def test_every_part_decides(quantity, to, claim):
    verdicts = RESULT.verdicts(RESULT.runs(changed(parts(), "exact", quantity, to)))
    failed = {id_ for id_, verdict in verdicts.items() if verdict != "replicated"}
    assert failed == {claim}
    assert verdicts[claim] == "not replicated"


@pytest.mark.parametrize("quantity", ["train_float64", "converted.largest_difference", "share_within_input"])
def test_what_could_not_be_computed_supports_nothing(quantity):
    verdicts = RESULT.verdicts(RESULT.runs(changed(parts(), "exact", quantity, np.nan)))
    assert list(verdicts.values()).count("replicated") == 2


@pytest.mark.parametrize(("paper", "inverted_"), [(0.97, 0.974), (0.974, 0.97)])
def test_tuned_forms_that_differ_are_not_equivalent(paper, inverted_):
    assert RESULT.verdicts(RESULT.runs(parts(paper, inverted_)))["R1.2"] == "not replicated"


def test_a_scatter_wider_than_the_margin_says_nothing():
    noisy = [
        part.assign(value=part.value + 0.01 * (part.seed - 1))
        if (part.arm.iloc[0], part.quantity.iloc[0]) == ("inverted", "test_accuracy") else part
        for part in parts()
    ]  # fmt: skip
    assert RESULT.verdicts(RESULT.runs(noisy))["R1.2"] == "inconclusive"


def test_a_missing_rate_leaves_no_best_one():
    runs = RESULT.runs(parts())
    some = runs[runs.arm != "paper.lr-1.0"]
    some.attrs = runs.attrs
    assert RESULT.verdicts(some)["R1.2"] == "inconclusive"
    RESULT.survives(some, set(some.arm))


def test_the_curve_is_the_mean_of_a_relu_of_a_gaussian():
    for t in (-2.0, 0.0, 0.7):
        mean, _ = quad(lambda z, t=t: max(z, 0) * norm.pdf(z - t), -12, 12, points=[0])
        assert inverted.gaussian_excess(np.array([t]))[0] == pytest.approx(mean - max(t, 0), abs=1e-8)


def test_bins_of_the_experiment_are_those_of_the_figure():
    from dropnorm.experiments.forms.mean_network import EDGES

    np.testing.assert_allclose(inverted.CENTRES, (EDGES[:-1] + EDGES[1:]).numpy() / 2)


def test_a_bin_that_no_seed_fills_is_left_out():
    empty = [p.assign(value=np.nan) if (p.unit.fillna(-1) == 0).all() else p for p in parts()]
    runs = RESULT.runs(empty)
    table = inverted.by_position(runs, "output")
    assert list(table.index) == list(inverted.CENTRES[1:])
    RESULT.survives(runs, {"exact"})


@pytest.mark.parametrize("arms", [["exact"], ["paper"], ["inverted.lr-0.01"], ["exact", "inverted"]])
def test_some_arms_alone(arms):
    RESULT.survives(RESULT.runs(parts()), arms)


def test_figure():
    (drawing,) = RESULT.drawings(RESULT.runs(parts())).values()
    assert len(axes_drawn(drawing)) == 6
    assert "2014 form: 99.0 % at rate 0.01, 99.0 % at rate 0.03, 95.0 % at rate 0.1" in drawing.alt
    assert "The mean output is above its value at test by 0.29 at most" in drawing.alt
    assert "10,000 masks" in drawing.caption and "3 seeds" in drawing.caption
