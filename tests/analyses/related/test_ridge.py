"""Dropout and ridge regression on made-up runs: slopes, and which numbers decide."""

import numpy as np
import pytest

from dropnorm.analyses.related import ridge
from dropnorm.experiments.dropout_ridge import GRID
from tests.analyses.made_up import MadeUp, axes_drawn, rows, value

RESULT = MadeUp("related/ridge")
MASKS, RATES = (RESULT.settings[k] for k in ("masks", "descent"))
RATES = RATES["rates"]


def parts(slope=-0.5, of_variance=1.0, average=0.004, unequal=0.3, standardised=1e-9):
    """Values of a seed are a little above or below those of a straight line, by the same factor."""
    found = [rows("masks", "distance", [0.3 * (m / 10) ** slope], 1e-5, [0], i) for i, m in enumerate(MASKS)]
    found += [rows("constant", "mean_square", [r**of_variance], r / 1e3, [0], i) for i, r in enumerate(RATES)]
    found += [rows("constant", "distance_of_average", [average + r], average / 10, [0], i) for i, r in enumerate(RATES)]
    found.append(rows("falling", "distance_of_average", [average], average / 10, [0], 0))
    found.append(rows("falling", "mean_square", [0.02**2], 0, [0], 0))
    for arm, at in (("unequal", unequal), ("standardised", standardised)):
        found.append(rows(arm, "distance_to_ridge", [at], at / 10, [0]))
        found += [rows(arm, "distance_by_lambda", [at + abs(x)], 0, [0], i) for i, x in enumerate(ridge.EXPONENTS)]
    return found


def test_slopes_are_those_of_straight_lines():
    summary = ridge.summarise(RESULT.runs(parts()))
    assert value(summary, "slope", "masks") == pytest.approx(-0.5, abs=1e-3)
    assert value(summary, "slope_of_variance", "constant") == pytest.approx(1, abs=1e-3)
    assert summary.facts["slope"] == "-0.500"
    assert summary.facts["least_unequal"] == "0.27"
    assert float(summary.facts["distance_average_alone"]) == pytest.approx(0.004 + max(RATES), abs=1e-3)
    assert summary.facts["distance_falling_alone"] == "0.0200"


def test_the_grid_is_that_of_the_experiment():
    assert np.allclose(GRID.numpy(), ridge.EXPONENTS)


def test_all_hold():
    assert RESULT.verdicts(RESULT.runs(parts())) == dict.fromkeys(("R2.1", "R2.2", "R2.3"), "replicated")


@pytest.mark.parametrize(
    ("change", "claim"),
    [
        ({"slope": -0.3}, "R2.1"),
        ({"slope": -0.8}, "R2.1"),
        ({"of_variance": 1.5}, "R2.2"),
        ({"of_variance": 0.5}, "R2.2"),
        ({"average": 0.05}, "R2.2"),
        ({"unequal": 0.01}, "R2.3"),
        ({"standardised": 0.01}, "R2.3"),
    ],
)
def test_each_number_decides_its_claim(change, claim):
    verdicts = RESULT.verdicts(RESULT.runs(parts(**change)))
    assert {id_ for id_, verdict in verdicts.items() if verdict != "replicated"} == {claim}
    assert verdicts[claim] == "not replicated"


@pytest.mark.parametrize("arm", ["masks", "falling", "constant", "unequal", "standardised"])
def test_an_arm_alone(arm):
    RESULT.survives(RESULT.runs(parts()), [arm])


def test_figure():
    (drawing,) = RESULT.drawings(RESULT.runs(parts())).values()
    assert len(axes_drawn(drawing)) == 6
    assert "columns standardised: mean curve nearest to ridge at lambda 1, 1e-09 away" in drawing.alt
    assert "3 seeds" in drawing.caption
