"""Normalization without data on made-up runs: what each number decides."""

import numpy as np
import pytest

from dropnorm.analyses.related import weights
from tests.analyses.made_up import MadeUp, axes_drawn, changed, rows, value

RESULT = MadeUp("related/weights")
LAYERS = 6  # and the inputs


def net(arm, mean, variance):
    """One value a layer, inputs first; seeds lie a thousandth apart."""
    found = []
    for layer, (m, v) in enumerate(zip(mean, variance, strict=True)):
        found.append(rows(arm, "mean", [m], 1e-3, [0], layer))
        found.append(rows(arm, "variance", [v], v * 1e-3, [0], layer))
        found.append(rows(arm, "second_moment", [v + m * m], v * 1e-3, [0], layer))
    return found


def parts(selu_mean=0.02, selu_variance=1.05, from_half=0.95, from_two=1.1, ratio=0.5, he=5.0):
    zeros, ones = [0.0] * (LAYERS + 1), np.ones(LAYERS + 1)
    found = net("selu", [0, *[selu_mean] * LAYERS], [1, *[selu_variance] * LAYERS])
    found += net("selu_from_half", zeros, [0.5, *np.linspace(0.6, from_half, LAYERS)])
    found += net("selu_from_two", zeros, [2, *np.linspace(1.9, from_two, LAYERS)])
    found += net("relu", zeros, ratio ** np.arange(LAYERS + 1))
    found += net("selu_he", zeros, [*ones[:-1], he])
    for name, at in (("growth_error", 5e-16), ("correlation", 0.9995), ("cosine", 1e-16)):
        found.append(rows("weight_norm", name, [at], at * 1e-4, [0]))
    return found + [rows("weight_norm", "length", [1 + i / 10], 0, [0], i) for i in range(4)]


def test_samples_leave_the_inputs_out():
    summary = weights.summarise(RESULT.runs(parts()))
    assert value(summary, "largest_mean", "selu") == pytest.approx(0.02)
    assert value(summary, "smallest_variance", "selu_from_half") == pytest.approx(0.6)
    assert value(summary, "largest_variance", "selu_from_two") == pytest.approx(1.9)
    assert value(summary, "ratio_of_moments", "relu") == pytest.approx(0.5)
    assert summary.facts["growth"] == "30 %"
    assert summary.facts["ratio_relu"] == "0.500"


def test_all_hold():
    assert RESULT.verdicts(RESULT.runs(parts())) == dict.fromkeys(("R6.3", "R6.5"), "replicated")


@pytest.mark.parametrize(
    "change",
    [
        {"selu_mean": 0.2},
        {"selu_mean": -0.2},
        {"selu_variance": 0.7},
        {"selu_variance": 1.3},
        {"from_half": 0.7},
        {"from_two": 1.4},
        {"ratio": 0.6},
        {"he": 1.2},
    ],
)
def test_each_part_of_selu_decides(change):
    verdicts = RESULT.verdicts(RESULT.runs(parts(**change)))
    assert verdicts["R6.5"] in ("not replicated", "direction only")
    assert verdicts["R6.3"] == "replicated"


@pytest.mark.parametrize(("quantity", "to"), [("growth_error", 1e-9), ("correlation", 0.9)])
def test_each_part_of_weight_norm_decides(quantity, to):
    verdicts = RESULT.verdicts(RESULT.runs(changed(parts(), "weight_norm", quantity, to)))
    assert verdicts == {"R6.3": "not replicated", "R6.5": "replicated"}


def test_a_layer_that_overflowed_supports_nothing():
    runs = RESULT.runs(parts(selu_variance=float("nan")))
    assert RESULT.verdicts(runs)["R6.5"] != "replicated"


@pytest.mark.parametrize("arm", ["weight_norm", *weights.NETS])
def test_an_arm_alone(arm):
    RESULT.survives(RESULT.runs(parts()), [arm])


def test_figure():
    (drawing,) = RESULT.drawings(RESULT.runs(parts())).values()
    assert len(axes_drawn(drawing)) == 6
    assert "rises to 1.30 times its first value" in drawing.alt
    assert "ReLU: variance 0.016 and mean 0 in the last layer" in drawing.alt
    assert "3 seeds" in drawing.caption
