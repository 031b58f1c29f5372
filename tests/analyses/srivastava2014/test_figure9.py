"""The numbers of Figure 9 from runs that were made up of the paper's own numbers."""

import numpy as np
import pandas as pd
import pytest

from dropnorm.analyses.srivastava2014 import figure9
from tests.analyses.made_up import MadeUp, axes_drawn, changed, rows, value

IDS = [f"F9.{i}" for i in range(1, 7)]


@pytest.fixture(scope="module")
def figure():
    return MadeUp("srivastava2014/figure9")


@pytest.fixture
def parts(figure):
    """Three seeds around the paper's numbers, 0.01 or 0.02 apart; the net without limit is 0.1 above the end of (a)."""
    found = [rows("a_no_limit", "test_error", [1.75], spread=0.01)]
    for i, r in enumerate(figure.reference.itertuples()):
        found.append(rows(figure9.ARMS[r.panel][r.p], f"{r.series}_error", [r.value], spread=0.01 * (1 + i % 2)))
    return found


def test_the_paper_s_numbers_replicate_all_claims_and_are_those_in_the_claims(figure, parts):
    runs = figure.runs(parts)
    assert figure.verdicts(runs) == dict.fromkeys(IDS, "replicated")
    measured = figure.measured(runs)
    for id_, claim in figure.claims().items():
        assert measured[id_] == pytest.approx(claim.paper, abs=0.006), id_


def test_samples_of_every_claim(figure, parts):
    found = figure.module.summarise(figure.runs(parts))
    assert value(found, "above_plateau", "a.p-0.1") == pytest.approx(3.19 - 1.09)
    assert value(found, "above_plateau", "a") == pytest.approx(1.06 - 1.09)
    assert value(found, "best_p", "b") == pytest.approx(0.596, abs=0.001)
    assert value(found, "above_best", "b-0.5") == pytest.approx(1.205 - 1.1)
    assert value(found, "train_error", "a.p-0.1") == pytest.approx(2.734)
    assert found.facts["a_test_01"] == "3.19" and found.facts["b_train_10"] == "0.009"
    assert found.facts["b_least_at"] == "0.6" and found.facts["a_flat_high"] == "1.12"


@pytest.mark.parametrize(
    ("arm", "quantity", "to", "overturned"),
    [
        ("a.p-0.4", "test_error", 1.5, {"F9.1"}),
        ("a.p-0.9", "test_error", 1.0, {"F9.2"}),
        ("a.p-0.1", "train_error", 0.9, {"F9.3", "F9.4"}),
        ("b-0.1", "train_error", 3.0, {"F9.4"}),
        ("b-0.5", "test_error", 1.5, {"F9.5"}),
        ("b-0.8", "test_error", 1.0, {"F9.5", "F9.6"}),  # then 0.5 is far from the best too
    ],
)
def test_one_wrong_number_overturns_its_claim(figure, parts, arm, quantity, to, overturned):
    verdicts = figure.verdicts(figure.runs(changed(parts, arm, quantity, to)))
    assert {id_ for id_, verdict in verdicts.items() if verdict == "not replicated"} == overturned


def test_lowest_of_a_parabola():
    p = np.array([0.3, 0.5, 0.7, 1.0])
    assert figure9.lowest_of_parabola(pd.Series(1 + (p - 0.62) ** 2, p)) == pytest.approx(0.62)
    assert figure9.lowest_of_parabola(pd.Series(1 - (p - 0.62) ** 2, p)) == 1.0  # opens downwards: the least error
    assert figure9.lowest_of_parabola(pd.Series(1 + (p - 0.1) ** 2, p)) == 0.3  # lowest where nothing was measured


def test_the_best_of_half_the_p_is_no_best(figure, parts):
    runs = figure.runs([part for part in parts if part.arm.iloc[0] not in ("b-0.6", "a.p-0.6")])
    measures = set(figure.module.summarise(runs).samples.measure)
    assert measures == {"test_error", "train_error"}


@pytest.mark.parametrize("arms", [["a"], ["b-0.1", "b-0.6"], ["a_no_limit"], ["a.p-0.1", "b-0.1"]])
def test_arms_that_were_not_run_leave_gaps_and_nothing_else(figure, parts, arms):
    figure.survives(figure.runs(parts), arms)


def test_a_missing_p_breaks_the_line_and_leaves_the_plateau_to_be_told(figure, parts):
    runs = figure.runs([part for part in parts if part.arm.iloc[0] not in ("a.p-0.2", "a.p-0.3")])
    facts = figure.module.summarise(runs).facts
    assert facts["a_flat_high"] == "1.12" and "a_least_at" not in facts and "b_least_at" in facts
    axes = axes_drawn(figure.drawings(runs, "full")["figure"])[0]
    line = axes.get_lines()[0]
    assert np.isnan(line.get_ydata()).sum() == 2 and len(line.get_ydata()) == len(figure9.P)
    bars = [segment for lines in axes.collections if hasattr(lines, "get_segments") for segment in lines.get_segments()]
    at_a_tenth = [segment[:, 1] for segment in bars if (segment[:, 0] == 0.1).all()]  # it has no neighbour for a band
    assert any(np.allclose(span, (3.18, 3.20)) for span in at_a_tenth)


@pytest.mark.parametrize("scale", ["full", "smoke"])
def test_the_figure_draws_and_its_words_hold_the_numbers(figure, parts, scale):
    drawing = figure.drawings(figure.runs(parts), scale)["figure"]
    assert "1.21 at 0.3" in drawing.alt and "3.19 at 0.1" in drawing.alt
    assert "3 seeds" in drawing.caption and "Diamond" in drawing.caption
    axes = axes_drawn(drawing)
    assert len(axes) == 2 * 4
    low, high = axes[2].get_ylim()  # below: the low end, all seeds of the middle within it
    assert low < 1.05 and 1.27 < high < 1.5
