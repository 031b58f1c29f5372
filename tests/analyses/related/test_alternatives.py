"""Alternatives to batch normalization on made-up runs: rates chosen on validation images, means, steps."""

import pytest

from dropnorm.analyses.related import alternatives
from tests.analyses.made_up import MadeUp, axes_drawn, changed, rows, value

RESULT = MadeUp("related/alternatives")
STEPS = [0, 1000, 2000]
SWEEPS = {2: ("rate", ("0.003", "0.03")), 128: ("lr", ("0.03", "0.3"))}


def accuracy(arm, test, validation):
    return [rows(arm, f"{kind}_accuracy", [0.1, at], 0.001, [0, 2000])
            for kind, at in (("test", test), ("validation", validation))]  # fmt: skip


def parts(layer_2=0.95, batch_2=0.90, layer_128=0.98, batch_128=0.981, elu=(0.1, 0.98, 0.98), means=(0.2, 0.1)):
    """The best rate by validation is the last one of each sweep; the others are better on test, and do not count."""
    found = []
    at = {("layer", 2): layer_2, ("batch", 2): batch_2, ("layer", 128): layer_128, ("batch", 128): batch_128}
    for (norm, m), test in at.items():
        sweep, (low, high) = SWEEPS[m]
        for arm, t, v in ((f"{norm}-{m}", 0.999, 0.5), (f"{norm}-{m}.{sweep}-{low}", 0.999, 0.6),
                          (f"{norm}-{m}.{sweep}-{high}", test, 0.9)):  # fmt: skip
            found += accuracy(arm, t, v)
    for name, curve in (("relu", (0.1, 0.96, 0.98)), ("elu", elu)):
        found.append(rows(name, "test_accuracy", curve, 0.001, STEPS))
        for layer in range(8):
            mean = 0.4 if name == "relu" else means[0] + layer / 7 * (means[1] - means[0])
            found.append(rows(name, "mean_activation", [mean], 0.01, [600], layer))
    return found


def test_the_rate_is_chosen_on_validation_images():
    summary = alternatives.summarise(RESULT.runs(parts()))
    assert value(summary, "accuracy_of_2", "layer") == pytest.approx(95)
    assert value(summary, "accuracy_of_128", "batch") == pytest.approx(98.1)
    assert summary.facts["rate_batch_128"] == "0.3"
    assert summary.facts["gain_2"] == "5.00"


def test_samples_of_the_units():
    summary = alternatives.summarise(RESULT.runs(parts()))
    assert value(summary, "steps_to_97", "relu") == pytest.approx(1500, abs=1)
    assert value(summary, "steps_to_97", "elu") == pytest.approx(989, abs=1)
    assert value(summary, "excess_of_mean", "elu") == pytest.approx(-0.2)  # its worst layer is the first
    assert summary.facts["mean_elu_last"] == "0.10"


@pytest.mark.parametrize(
    ("change", "claim", "verdict"),
    [
        ({}, "R6.1", "replicated"),
        ({"layer_2": 0.901}, "R6.1", "not replicated"),
        ({"layer_128": 0.97}, "R6.1", "not replicated"),
        ({"means": (0.5, 0.1)}, "R6.4", "not replicated"),
        ({"elu": (0.1, 0.5, 0.98)}, "R6.4", "not replicated"),
    ],
)
def test_verdicts(change, claim, verdict):
    assert RESULT.verdicts(RESULT.runs(parts(**change)))[claim] == verdict


def test_ten_seeds_decide_about_steps():
    few = RESULT.runs(parts())
    many = few.loc[few.index.repeat(4)].assign(seed=lambda f: f.seed + 3 * f.groupby(level=0).cumcount())
    many = many.reset_index(drop=True)
    many.attrs = few.attrs
    assert RESULT.verdicts(many)["R6.4"] == "replicated"


def test_a_missing_rate_leaves_no_best_one():
    runs = RESULT.runs(parts())
    some = runs[runs.arm != "layer-2.rate-0.003"]
    some.attrs = runs.attrs
    assert RESULT.verdicts(some)["R6.1"] == "inconclusive"


def test_a_seed_that_diverged_supports_nothing():
    runs = RESULT.runs(changed(parts(), "batch-2.rate-0.03", "test_accuracy", float("nan")))
    assert RESULT.verdicts(runs)["R6.1"] != "replicated"


@pytest.mark.parametrize(
    "arms", [["relu"], ["elu"], ["batch-2"], ["layer-128", "layer-128.lr-0.03", "layer-128.lr-0.3"]]
)
def test_some_arms_alone(arms):
    RESULT.survives(RESULT.runs(parts()), arms)


def test_a_seed_that_one_unit_lacks_has_no_difference():
    runs = RESULT.runs(parts())
    some = runs[(runs.arm != "elu") | (runs.seed < 2)]
    some.attrs = runs.attrs
    samples = RESULT.module.summarise(some).samples
    excess = samples[samples.measure == "excess_of_mean"]
    assert list(excess.seed) == [0, 1] and excess.value.notna().all()


def test_figure():
    (drawing,) = RESULT.drawings(RESULT.runs(parts())).values()
    assert len(axes_drawn(drawing)) == 6
    assert "layer norm: 95.0 % at 2, 98.0 % at 128" in drawing.alt
    assert "0.20 in the first layer and 0.10 in the last" in drawing.alt
