"""The numbers of the support vector machine from runs that were made up."""

import pandas as pd
import pytest

from tests.analyses.made_up import MadeUp, axes_drawn, rows, value

GRID = [(1, 0.01), (1, 0.05), (10, 0.01), (10, 0.05)]


@pytest.fixture(scope="module")
def result():
    return MadeUp("srivastava2014/svm")


@pytest.fixture
def runs(result):
    steps = range(len(GRID) + 1)
    C, gamma = zip(*GRID, (10, 0.05), strict=True)
    found = result.runs(
        [
            rows("svm", "C", C, steps=steps),
            rows("svm", "gamma", gamma, steps=steps),
            rows("svm", "validation_error", [6, 5, 4, 3.5], 0.1, steps=steps[:-1]),
            rows("svm", "test_error", [1.4], steps=steps[-1:]),
            rows("svm", "support_vectors", [12345], steps=steps[-1:]),
        ]
    )
    found["value"] = found.value.astype("float32")  # as they are stored
    return found


def test_samples_and_facts(result, runs):
    found = result.module.summarise(runs)
    assert value(found, "test_error", "svm") == pytest.approx(1.4)
    assert value(found, "lowest_validation_error", "svm") == pytest.approx(3.5)
    assert found.facts == {"test_error": "1.40", "lowest_validation_error": "3.50", "support_vectors": "12,345",
                           "C": "10", "gamma": "0.05", "fits": "4"}  # fmt: skip
    assert result.verdicts(runs) == {}


def test_the_figure_has_a_line_for_each_C(result, runs):
    drawing = result.drawings(runs)["figure"]
    assert "C = 10: 4.00 at 0.01, 3.50 at 0.05" in drawing.alt
    for ax in axes_drawn(drawing):
        assert [line.get_label() for line in ax.lines] == ["C = 1", "C = 10"]


def test_seeds_that_chose_otherwise_are_named(result, runs):
    last = (runs.quantity == "gamma") & (runs.step == len(GRID)) & (runs.seed == 2)
    runs.loc[last, "value"] = 0.01
    assert result.module.summarise(runs).facts["gamma"] == "0.01 and 0.05"


def test_no_runs_of_the_machine_leave_gaps_and_nothing_else(result, runs):
    result.survives(runs, [])
    assert isinstance(result.module.summarise(runs.iloc[:0]).curves, pd.DataFrame)
